/*
 * Regex trees as the instructions of a nondeterministic automaton over bytes, after K. Thompson, "Regular expression search
 * algorithm" (CACM 1968). Private to rules/automaton.c, which runs it.
 *
 * In texts of ASCII the instructions are as exact as the tree, unless a repeat became looser. Beyond ASCII they allow at
 * least what the tree allows: a set of any characters is any bytes beyond ASCII, and next to such a byte \b and \B both hold.
 */
#ifndef RULES_AUTOMATON_CODE_H
#define RULES_AUTOMATON_CODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "rules/automaton.h"
#include "rules/regex_tree.h"

enum instruction_type {
    INSTRUCTION_BYTE,   /* takes one byte out of a set, goes on at `next` */
    INSTRUCTION_FORK,   /* goes on at `next` and at `other` */
    INSTRUCTION_DEMAND, /* goes on at `next` where the place has `place` */
    INSTRUCTION_MATCH,  /* the end of a match of member `next` */
};

/* What a place between two bytes has. The ends of a text are those of a line, and no word characters. */
enum {
    PLACE_LINE_START = 1,
    PLACE_LINE_END = 2,
    PLACE_EDGE = 4,
    PLACE_NOT_EDGE = 8,
};

struct instruction {
    uint8_t type;  /* INSTRUCTION_* */
    uint8_t place; /* INSTRUCTION_DEMAND: one of PLACE_* */
    uint16_t next, other;
    uint16_t set; /* INSTRUCTION_BYTE: index in `sets` */
};

#define AUTOMATON_INSTRUCTIONS_MAX 32000u
#define AUTOMATON_SETS_MAX 1024u
#define AUTOMATON_CLASSES_MAX 255u /* and one for the end of the text */

/* Bytes that no set tells apart are one class, numbered from 0; class `classes` is the end of the text. */
struct automaton_code {
    struct instruction *instructions;
    uint32_t count;
    uint32_t member_count;
    struct automaton_member {
        uint32_t start;      /* where its matches begin */
        uint32_t first, end; /* its instructions: no word of 64 has those of two members */
        bool exact;          /* no repeat became looser, and the tree is exact itself */
    } members[AUTOMATON_MEMBERS_MAX];
    uint64_t (*sets)[4]; /* bit b of a set says that byte b is in it */
    uint32_t set_count;
    uint8_t class_of[256];
    uint8_t byte_of[256]; /* some byte of each class */
    uint32_t classes;
    uint32_t counting; /* instructions of the largest repeat that is counted */
};

/*
 * Of trees that are fitted to what is searched (rules/regex_fit.h); all of the code lies in the arena. A repeat that takes
 * more than `repeat_max` instructions has its bounds made looser. STATUS_LIMIT: too large; STATUS_NO_MEMORY.
 */
enum status automaton_code_make(const struct regex_node *const *roots, uint32_t count, uint32_t repeat_max,
                                struct arena *arena, struct automaton_code *ret_code) MUST_USE;

#endif
