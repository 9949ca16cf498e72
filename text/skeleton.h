/*
 * The skeleton view: words in disguise, made plain. Inside text/ (view.c), the scanner and tests.
 *
 * It is the folded view with those words written anew that show a sign of disguise: digits and symbols among letters
 * (`k1ll`), letters apart (`s c a m`, `s.c.a.m`), stretched letters (`kiiiill`), letters of other scripts or symbols that
 * look Latin, marks on letters, regional indicators; and links that were defanged. All else stays as it is, so a text
 * without such signs has nothing to look at that the folded view has not. docs/views.md has the rules.
 *
 * A word written anew loses its repeated letters. What is searched of it is in ASCII capitals, which the folded view
 * never has, with L written as I (a 1 may be either), byte for byte as long as the view: so that "as" never passes for a
 * squeezed "ass", and a list entry meets only words that were in disguise.
 */
#ifndef TEXT_SKELETON_H
#define TEXT_SKELETON_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/span.h"
#include "base/status.h"
#include "text/view.h"

/*
 * May the skeleton of the message, whose folded view is given, differ from it? Cheap; never false where it does.
 */
bool skeleton_differs(struct span message, struct span folded);

/* The same for ASCII without vector instructions: for tests. */
bool skeleton_differs_portable(struct span message, struct span folded);

/* What is written: the view, or what is searched of it, or the latter only if it differs from the folded view. */
enum skeleton_form { SKELETON_VIEW, SKELETON_SEARCHED, SKELETON_SEARCHED_IF_DIFFERENT };

/* As view_append: the skeleton of the message. */
enum status skeleton_append(enum skeleton_form form, struct span message, struct buffer *out,
                            struct view_map *map) MUST_USE;

/*
 * The same as SKELETON_SEARCHED_IF_DIFFERENT of a message whose folded view is at hand, and quicker: `out` must not be
 * where that lies.
 */
enum status skeleton_append_searched(struct span message, struct span folded, struct buffer *out) MUST_USE;

/*
 * How a folded word of a rule is written where it was in disguise, for SKELETON_SEARCHED: `to` has room for word.size
 * bytes. 0 if it cannot be told from other words then: less than three letters, or characters besides a-z.
 */
size_t skeleton_word(struct span word, uint8_t *to);

#endif
