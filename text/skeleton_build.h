/* Parts of the making of skeletons, for the batch (skeleton_batch.c). Inside text/ only. */
#ifndef TEXT_SKELETON_BUILD_H
#define TEXT_SKELETON_BUILD_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/span.h"
#include "text/skeleton.h"
#include "text/skeleton_signs.h"

/* Room for the units of a message, used again and again: at first the caller's, or none. Free `grown`. */
struct skeleton_room {
    struct unit *units;
    size_t capacity;
    struct unit *grown; /* if more was needed */
};

/* Of the tokens, those that are so short and have but one letter (or none) may be letters of a word that stand apart. */
#define SKELETON_APART_TOKEN_MAX 4 /* characters, but for marks */
#define SKELETON_APART_DISTANCE_MAX                                                                                    \
    4 /* from such a letter to the next, in characters: skeleton_signs.c sees no further */

/* How a word begins that is written anew, letter by letter as it is searched; zero-initialise. */
struct skeleton_beginning {
    uint32_t count, number;
};

/* One more letter. Returns the bit that stands for such a beginning. */
static inline uint32_t skeleton_beginning_add(struct skeleton_beginning *beginning, uint8_t letter)
{
    beginning->count++;
    beginning->number = beginning->number * 32 + (letter & 31);
    return beginning->number * UINT32_C(0x9E3779B1) >> (32 - SKELETON_WANTED_BITS);
}

/*
 * One more letter. True: words that begin so are wanted. That is known with the last letter of what is looked for, and
 * with the fifth if it has more.
 */
static inline bool skeleton_begins(struct skeleton_beginning *beginning, uint8_t letter,
                                   const struct skeleton_wanted *wanted)
{
    if (beginning->count >= SKELETON_WANTED_LETTERS)
        return false;
    uint32_t bit = skeleton_beginning_add(beginning, letter);
    return beginning->count >= 3 && (wanted->beginnings[bit / 64] >> bit % 64 & 1);
}

/* Is what stands between two spaces a link, in which nothing is written anew? */
bool skeleton_is_link(struct span token);

/* A message that is looked at before its skeleton is built. */
struct skeleton_look {
    struct span message, folded;
    const struct skeleton_wanted *wanted;
    struct skeleton_room *room;
    bool ascii;   /* all of the message is */
    bool aligned; /* byte i of the folded view is byte i of the message; counts only in ASCII */
    bool bare;    /* not ASCII, but no character as sent is other than the folded view shows it */
};

/*
 * May a word that is wanted be written anew of a token, which is ASCII? Goes only by how words would begin: the whole
 * token, and what stands between its punctuation. `message`: of the token, as sent; NULL if that is not known.
 */
bool skeleton_may_begin(const struct skeleton_wanted *wanted, const uint8_t *token, const uint8_t *message,
                        size_t size);

/* The token that `at` is in. */
static inline size_t skeleton_token_start(struct span text, size_t at)
{
    while (at > 0 && text.data[at - 1] != ' ')
        at--;
    return at;
}

static inline size_t skeleton_token_end(struct span text, size_t at)
{
    while (at < text.size && text.data[at] != ' ')
        at++;
    return at;
}

/*
 * May a word that is wanted be written anew of whole tokens of a folded view, which are one space apart and no links that
 * were defanged? Never false where it is. `message` as skeleton_units_ascii takes it; `apart`: letters may stand apart in
 * them.
 */
bool skeleton_is_wanted(struct span message, struct span folded, bool apart, const struct skeleton_wanted *wanted,
                        struct skeleton_room *room);

/* The same of one token with characters beyond ASCII. `latin`: the text has words in Latin letters. */
bool skeleton_is_wanted_beyond(struct span token, bool latin, const struct skeleton_wanted *wanted,
                               struct skeleton_room *room);

/*
 * May the skeleton of a message that is not all ASCII have something to search? The folded view begins at `base` of the
 * text that `signs` go over; *sign: the first one in it; gives the next. Fills look->bare.
 */
bool skeleton_beyond_ascii(struct skeleton_look *look, size_t base, struct skeleton_signs *signs, size_t *sign);

/* Appends what is searched of the skeleton of such tokens; `apart` as above. */
enum status skeleton_append_region(struct span message, struct span folded, bool apart, struct skeleton_room *room,
                                   struct buffer *out) MUST_USE;

/*
 * Appends what is searched of the skeleton of a message if it holds a word that is wanted, or a link that was put
 * together.
 */
enum status skeleton_append_wanted(const struct skeleton_look *look, struct buffer *out) MUST_USE;

#endif
