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

/* A word of so many letters, two of them the same side by side, keeps both. */
#define SKELETON_SHORT_LETTERS 3u

/* Words of more letters are hardly divided to hide them, and many are hyphenated. */
#define SKELETON_DIVIDED_LETTERS_MAX 8u

/* What a word may be divided with that is no separator of words: `fu-ck`. */
static inline bool skeleton_is_divider(uint8_t byte)
{
    return byte == '-' || byte == '_' || byte == '*' || byte == '~';
}

/* How a letter of a word in disguise is searched. */
static inline uint8_t skeleton_searched(char letter)
{
    return (uint8_t)(letter == 'l' || letter == SKELETON_EITHER ? 'I' : letter - 'a' + 'A');
}

enum unit_kind {
    UNIT_OTHER, /* what stands between words */
    UNIT_SPACE,
    UNIT_LETTER,   /* a-z */
    UNIT_LEET,     /* a digit or symbol that may stand for a letter */
    UNIT_DISGUISE, /* looks like a letter, and folding did not see it */
    UNIT_ALIKE,    /* a letter of another script that looks Latin */
    UNIT_ACCENT,   /* a letter with accents */
    UNIT_REGIONAL, /* a regional indicator */
    UNIT_MARK,     /* a mark on the letter before it */
    UNIT_FOREIGN,  /* any other part of words */
    UNIT_KINDS
};

struct unit {
    uint32_t start, end; /* bytes of the folded view */
    uint32_t raw_start, raw_end;
    uint8_t kind;  /* enum unit_kind */
    char letter;   /* that it stands for; 0: none */
    uint8_t ascii; /* the character itself if it is ASCII */
    char put;      /* written instead of its bytes, of a link that was put together; 0: nothing */
};

/* What a character is, as far as it alone tells. */
struct skeleton_about {
    uint8_t kind;
    char letter;
    char disguise; /* the letter that it imitates as sent, where folding shows something else; 0: none */
};

/* Of ASCII. */
extern const struct skeleton_about skeleton_ascii[128];

#define SKELETON_TABLE_SIZE 0x20000u
extern struct skeleton_about skeleton_table[SKELETON_TABLE_SIZE];

/* Fills the table, after fold_start. */
void skeleton_start(void);

/* Beyond the table. */
struct skeleton_about skeleton_about_rare(uint32_t code_point);

static inline struct skeleton_about skeleton_about(uint32_t code_point)
{
    return code_point < SKELETON_TABLE_SIZE ? skeleton_table[code_point] : skeleton_about_rare(code_point);
}

/*
 * One unit a character, in `units`, which has room for folded.size of them. `map`: from the folded view to the message;
 * NULL if the message is ASCII. Returns how many there are.
 */
size_t skeleton_units(struct span message, struct span folded, const struct view_map *map, struct unit *units);

/*
 * The same of a part of the folded view that is ASCII. `message` is what it was folded from, byte by byte, with the byte
 * before it; without data if that is not known.
 */
void skeleton_units_ascii(struct span message, struct span folded, struct unit *units);

/*
 * The same of a part of any folded view, in which inner capitals and what characters were as sent do not matter, nor where
 * they stand in the message.
 */
size_t skeleton_units_bare(struct span folded, struct unit *units);

/* Puts links together that were defanged: hxxp, [.], (dot), " dot ". Returns how many units are left. */
size_t skeleton_refang(struct unit *units, size_t count, bool *ret_changed);

#endif
