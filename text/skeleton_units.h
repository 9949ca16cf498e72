/* The characters of a folded text as the skeleton sees them. Inside text/ only. */
#ifndef TEXT_SKELETON_UNITS_H
#define TEXT_SKELETON_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "base/status.h"
#include "text/view.h"

#define SKELETON_EITHER '1' /* stands for i or l */

/* Sets of letters: bit 0 for a. */
#define SKELETON_NEVER_DOUBLE 0x1f10781u /* a i u h j k q v w x y */
#define SKELETON_DOUBLE_FIRST 0x4811u    /* a e o l: as in "eel" */
#define SKELETON_NOT_LAST 0x2b006u       /* b c m n p r: hardly doubled at the end of a word */

static inline bool skeleton_is_in(uint32_t letters, uint8_t letter)
{
    return letter >= 'a' && letter <= 'z' && (letters >> (letter - 'a') & 1);
}

/* Is a letter that stands twice in a word doubled as in no plain word? `first`, `last`: at that end of the word. */
static inline bool skeleton_is_odd_double(uint8_t letter, bool first, bool last)
{
    return skeleton_is_in(SKELETON_NEVER_DOUBLE, letter) || (first && !skeleton_is_in(SKELETON_DOUBLE_FIRST, letter)) ||
           (last && skeleton_is_in(SKELETON_NOT_LAST, letter));
}

enum unit_kind {
    UNIT_SPACE,
    UNIT_LETTER,   /* a-z */
    UNIT_LEET,     /* a digit or symbol that may stand for a letter */
    UNIT_DISGUISE, /* looks like a letter, and folding did not see it */
    UNIT_ALIKE,    /* a letter of another script that looks Latin */
    UNIT_ACCENT,   /* a letter with accents */
    UNIT_REGIONAL, /* a regional indicator */
    UNIT_MARK,     /* a mark on the letter before it */
    UNIT_FOREIGN,  /* any other part of words */
    UNIT_OTHER,    /* what stands between words */
};

struct unit {
    uint32_t start, end; /* bytes of the folded view */
    uint32_t raw_start, raw_end;
    enum unit_kind kind;
    char letter;   /* that it stands for; 0: none */
    uint8_t ascii; /* the character itself if it is ASCII */
    char put;      /* written instead of its bytes, of a link that was put together; 0: nothing */
};

/* One unit a character; freed by the caller. `map` is NULL if the message is ASCII. */
enum status skeleton_units(struct span message, struct span folded, const struct view_map *map, struct unit **ret_units,
                           size_t *ret_count) MUST_USE;

/* What kind of unit the character is, as far as it alone tells. */
enum unit_kind skeleton_kind(uint32_t code_point, char *ret_letter);

/* In ASCII: the end of what the byte at `start` and its view share: a byte, or a run of white space. */
uint32_t skeleton_ascii_end(struct span message, uint32_t start);

/*
 * Of an ASCII message and its folded view: where in the view at or after `from` the first sign of disguise stands, or
 * SIZE_MAX. What it is a sign of may begin earlier. Capitals inside words count only where both are of one length.
 */
size_t skeleton_sign(struct span message, struct span folded, size_t from);

bool skeleton_has_inner_capital(struct span message);

/* Puts links together that were defanged: hxxp, [.], (dot), " dot ". Returns how many units are left. */
size_t skeleton_refang(struct unit *units, size_t count, bool *ret_changed);

#endif
