/*
 * The skeleton view: words in disguise, made plain. For text/, rules, the scanner, benchmarks and tests.
 *
 * It is the folded view with those words written anew that show a sign of disguise: digits and symbols among letters
 * (`k1ll`), letters apart (`s c a m`, `s.c.a.m`), stretched letters (`kiiiill`), letters of other scripts or symbols that
 * look Latin, marks on letters, regional indicators; and links that were defanged. All else stays as it is, so a text
 * without such signs has nothing to look at that the folded view has not. docs/views.md has the rules.
 *
 * A word written anew loses its repeated letters, but for words of three letters such as "ass". What is searched of it is in ASCII capitals, which the folded view
 * never has, with L written as I (a 1 may be either), byte for byte as long as the view: so that "as" never passes for a
 * squeezed "ass", and a list entry meets only words that were in disguise.
 */
#ifndef TEXT_SKELETON_H
#define TEXT_SKELETON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"
#include "base/status.h"
#include "text/view.h"

/* What is written: the view, or what is searched of it, or the latter only if it differs from the folded view. */
enum skeleton_form { SKELETON_VIEW, SKELETON_SEARCHED, SKELETON_SEARCHED_IF_DIFFERENT };

/* As view_append: the skeleton of the message. */
enum status skeleton_append(enum skeleton_form form, struct span message, struct buffer *out,
                            struct view_map *map) MUST_USE;

/*
 * How a folded word of a rule is written where it was in disguise, for SKELETON_SEARCHED: `to` has room for word.size
 * bytes. 0 if it cannot be told from other words then: less than three letters are left, or characters besides a-z.
 */
size_t skeleton_word(struct span word, uint8_t *to);

/*
 * Which disguised words are looked for, by their first letters: a message whose disguised words all begin otherwise need
 * not be searched. A set of hashes: it may want too many, never too few. Zero-initialised it wants none.
 */
#define SKELETON_WANTED_LETTERS 5u
#define SKELETON_WANTED_BITS 17
struct skeleton_wanted {
    uint64_t beginnings[(1u << SKELETON_WANTED_BITS) / 64];
};

/* Wants words that begin with what skeleton_word wrote. */
void skeleton_want(struct skeleton_wanted *wanted, struct span word);

/* Many messages as they are searched together. */
struct skeleton_batch {
    const struct span *messages;
    uint32_t count;
    struct span folded;                   /* their folded views one after the other, each with a newline behind it */
    const uint32_t *starts;               /* count + 1 places in `folded` */
    const uint8_t *facts;                 /* VIEW_FACT_* of each; NULL: nothing is known */
    const struct skeleton_wanted *wanted; /* NULL: every word */
};

/*
 * Appends what is searched of the skeleton of each message, and a newline behind it: nothing of a message that shows no
 * word in disguise that is wanted, and no link that was put together; else all of it, as SKELETON_SEARCHED. ret_starts
 * has room for count + 1 places in `out`. STATUS_LIMIT if `out` would grow over its size_max, STATUS_NO_MEMORY; what was
 * appended is then of no use.
 */
enum status skeleton_append_batch(const struct skeleton_batch *batch, struct buffer *out,
                                  uint32_t *ret_starts) MUST_USE;

#endif
