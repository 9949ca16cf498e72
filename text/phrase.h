/*
 * What an entry of a `words` pattern means.
 *
 * An entry is folded (text/view.h), white space at its ends is dropped, and it is cut into pieces at its gaps. A gap of
 * the entry that holds white space matches 1 to PHRASE_GAP_MAX gap characters; a gap that is only separators between
 * two word characters matches 0 to PHRASE_GAP_MAX of them. A gap character is anything but a letter, a mark or a
 * number, so an underscore is one; separators are - ' ` . , _ / : ; and the dashes, single quotes, dots, commas and
 * slashes like them. So "gift card" finds "gift-card" and "gift,  card"; "e-mail" finds "email" and "e mail". Every
 * other character is part of a piece and must occur as it is: "a$$", "c++", "d*ck" inside. Punctuation at the start or
 * end of an entry is part of its piece.
 *
 * The entry must begin and end at a word edge (text/word.h) if it begins or ends with a word character. A trailing `*`
 * lifts the edge at the end: "kill*" finds "killing".
 *
 * Exactly the same is written by phrase_regex as a PCRE2 expression over the view; tests compare the two.
 */
#ifndef TEXT_PHRASE_H
#define TEXT_PHRASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/span.h"
#include "base/status.h"

#define PHRASE_GAP_MAX 8     /* characters */
#define PHRASE_PIECES_MAX 32 /* of one entry */

struct phrase_piece {
    struct span text; /* folded, NUL-terminated in the arena */
    uint8_t gap_min;  /* of the gap before it: 0 or 1; not used by the first piece */
    struct span
        disguised; /* how the skeleton shows it where it was in disguise (text/skeleton.h); size 0: not at all */
};

struct phrase {
    const struct phrase_piece *pieces;
    uint32_t count;
    bool edge_before; /* must begin at a word edge */
    bool edge_after;
    bool in_disguise; /* for the skeleton: pieces may stand as they are or disguised, and one of them is disguised */
};

/*
 * STATUS_INVALID: nothing left after folding, or a `*` alone. STATUS_LIMIT: over PHRASE_PIECES_MAX pieces or 1,024
 * bytes.
 */
enum status phrase_parse(struct span entry, struct arena *arena, struct phrase *ret_phrase) MUST_USE;

/*
 * The same for what is searched of the skeleton view. STATUS_NOT_FOUND: the entry cannot be told from other words there.
 */
enum status phrase_parse_disguised(struct span entry, struct arena *arena, struct phrase *ret_phrase) MUST_USE;

/*
 * Does the phrase occur in `text` (a folded view, or what is searched of a skeleton) with its piece `anchor` at exactly [anchor_start, anchor_start +
 * piece size)? Gives the whole range. Of several ways to fill the gaps the shortest is taken.
 */
bool phrase_match_at(const struct phrase *phrase, struct span text, uint32_t anchor, uint32_t anchor_start,
                     uint32_t *ret_start, uint32_t *ret_end);

/* The piece that is rarest, as far as can be told without traffic: the longest. What a search should look for. */
uint32_t phrase_anchor(const struct phrase *phrase);

/* Appends the phrase as a PCRE2 expression (UTF, UCP) that matches exactly the same texts. */
enum status phrase_regex(const struct phrase *phrase, struct buffer *out) MUST_USE;

#endif
