/*
 * What folding knows about each character. Inside text/ only (and for its tests).
 *
 * The first two planes, where nearly all text lives, have a table of one word a code point, so that ICU is called only
 * for characters that decompose, compose or are rare. fold_start fills it before threads start; afterwards it is only
 * read.
 */
#ifndef TEXT_FOLD_H
#define TEXT_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#include <unicode/utypes.h>

#include "base/span.h"
#include "base/status.h"

#define FOLD_TABLE_SIZE 0x20000u
#define FOLD_TARGET 0x1FFFFu     /* with FOLD_SIMPLE: what the character folds to, by itself */
#define FOLD_SIMPLE (1u << 17)   /* folds to one character of the first two planes */
#define FOLD_BOUNDARY (1u << 18) /* never interacts with what stands before it */
#define FOLD_TAIL (1u << 19)  /* no boundary, but it stays as it is after any character of no higher combining class */
#define FOLD_EMPTY (1u << 20) /* folds to nothing (default-ignorable) */
#define FOLD_WORD (1u << 21)  /* of the character itself: a letter, mark, number or underscore */
#define FOLD_LETTER (1u << 22)
#define FOLD_NUMBER (1u << 23)
#define FOLD_SPACELESS (1u << 24)  /* of a script written without spaces */
#define FOLD_LOOK_ALIKE (1u << 25) /* imitates Latin letters */
#define FOLD_WEAK (1u << 26)       /* a look-alike only between letters: digits, letters of spaceless scripts */
#define FOLD_SPACE (1u << 27)      /* White_Space */
#define FOLD_MANY (1u << 29)  /* folds, by itself, to several characters: FOLD_TARGET is their place, see fold_many */
#define FOLD_JOINS (1u << 28) /* carries FOLD_WORD and neither FOLD_SPACELESS nor is it an underscore */

/*
 * A run of characters without a boundary between them is normalised as a whole; longer runs are cut here, since putting
 * marks in order takes quadratic time. Real text has no more than about thirty.
 */
#define FOLD_SEGMENT_MAX 1024

#define FOLD_MANY_MAX 18u        /* characters that one character folds to, at most */
#define FOLD_MANY_TOTAL 0x10000u /* of them all, with a count before each; Unicode 15 takes a third */

/*
 * The same once more, for text that can be folded without looking back: what to write, and what the words are made of. A
 * word has to be looked at for look-alikes if it holds one (FOLD_QUICK_LOOK_ALIKE) and two bits of FOLD_QUICK_SCRIPTS. A
 * script has one bit; Latin letters have two, and so have those of scripts that share a bit: better too often.
 */
struct fold_quick {
    uint32_t bytes; /* the UTF-8 that it folds to, as it lies in memory */
    uint32_t facts;
};
#define FOLD_QUICK_SIZE 7u         /* how many bytes */
#define FOLD_QUICK_SPACE (1u << 3) /* not written after another space */
#define FOLD_QUICK_HARD (1u << 4)  /* no quick way: nothing else is set */
#define FOLD_QUICK_WORD (1u << 5)
#define FOLD_QUICK_LOOK_ALIKE (1u << 6)
#define FOLD_QUICK_SCRIPTS 0xFFFFFF00u

struct fold_tables {
    uint32_t characters[FOLD_TABLE_SIZE];
    uint8_t scripts[FOLD_TABLE_SIZE]; /* of letters; 0: of no particular script */
    uint32_t many[FOLD_MANY_TOTAL];
    struct fold_quick quick[FOLD_TABLE_SIZE];
};
extern struct fold_tables fold_tables;

enum status fold_start(void) MUST_USE;

/* Beyond the table. */
uint32_t fold_character_rare(uint32_t code_point);
uint8_t fold_script_rare(uint32_t code_point);

static inline uint32_t fold_character(uint32_t code_point)
{
    return code_point < FOLD_TABLE_SIZE ? fold_tables.characters[code_point] : fold_character_rare(code_point);
}

/* Of a character with FOLD_MANY: how many characters it folds to, and then these. */
static inline const uint32_t *fold_many(uint32_t flags)
{
    return fold_tables.many + (flags & FOLD_TARGET);
}

/* The script of a letter, one of ICU's codes; 0 for anything else and for what all scripts share. */
static inline uint8_t fold_script(uint32_t code_point)
{
    return code_point < FOLD_TABLE_SIZE ? fold_tables.scripts[code_point] : fold_script_rare(code_point);
}

/* Canonical_Combining_Class: the order in which marks stand. */
uint8_t fold_combining_class(uint32_t code_point);

/* The letters that a character with FOLD_LOOK_ALIKE imitates. */
const char *fold_look_alike(uint32_t code_point);

/* The letter that a character as sent imitates where folding shows something else; 0 for nearly all characters. */
char fold_disguise(uint32_t code_point);

/* The ASCII letter that a letter with accents has at its base; 0: none. */
char fold_base_letter(uint32_t code_point);

/* The scripts that count in deciding whether a word mixes scripts. */
extern uint8_t fold_script_latin;

/* Room for normalising; zero-initialise the pointers with FOLD_SCRATCH_INIT. */
struct fold_scratch {
    UChar *in, *out;
    int32_t in_capacity, out_capacity; /* of heap memory; 0: the fixed arrays */
    UChar in_fixed[64], out_fixed[192];
};

void fold_scratch_start(struct fold_scratch *scratch);
void fold_scratch_end(struct fold_scratch *scratch);

/*
 * NFKC_Casefold of one segment of UTF-8 (ill-formed pieces count as U+FFFD) as a whole, in scratch->out; with `styled`
 * also styled Latin letters to plain ones.
 */
enum status fold_segment(struct fold_scratch *scratch, struct span segment, bool styled, int32_t *ret_size) MUST_USE;

#endif
