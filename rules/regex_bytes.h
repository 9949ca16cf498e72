/*
 * Byte-wise expressions: what regex_loosen.c makes of a regex tree, and how they are written for Hyperscan.
 *
 * Every constructor may return NULL for want of memory or room, and takes NULL for a child and then returns NULL too.
 */
#ifndef RULES_REGEX_BYTES_H
#define RULES_REGEX_BYTES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "rules/regex_tree.h"

enum piece_type {
    PIECE_EMPTY,
    PIECE_BYTES, /* one byte out of a set */
    PIECE_SEQUENCE,
    PIECE_CHOICE,
    PIECE_REPEAT,
    PIECE_LINE_START, /* ^ */
    PIECE_LINE_END,   /* $ */
    PIECE_EDGE,       /* \b of ASCII word characters */
};

struct piece {
    enum piece_type type;
    uint64_t bytes[4];
    uint32_t min, max; /* max may be REGEX_REPEAT_FOREVER */
    struct piece *first, *next;
    uint32_t weight; /* bytes of the expression with its repeats spelled out, about */
};

struct piece_maker {
    struct arena *arena;
    uint32_t repeat_max; /* weight that one repeat may have before its bounds become looser */
};

struct piece *regex_bytes_new(struct piece_maker *maker, enum piece_type type);
struct piece *regex_bytes_set(struct piece_maker *maker, const uint64_t bytes[4]);
/* The characters as UTF-8: exact for a few, looser for many. */
struct piece *regex_bytes_characters(struct piece_maker *maker, const struct regex_set *set);
/* All bytes that occur in the UTF-8 of the set, and how long its characters are. */
void regex_bytes_of_set(const struct regex_set *set, uint64_t ret_bytes[4], uint32_t *ret_size_min,
                        uint32_t *ret_size_max);
/* Both take a list linked by `next`, and simplify. */
struct piece *regex_bytes_sequence(struct piece_maker *maker, struct piece *list);
struct piece *regex_bytes_choice(struct piece_maker *maker, struct piece *list);
/* Bounds that would cost too much become looser. */
struct piece *regex_bytes_repeat(struct piece_maker *maker, struct piece *child, uint32_t min, uint32_t max);

/* Takes away ^ that is not at the start and $ that is not at the end, where Hyperscan does not know them. */
void regex_bytes_drop_inner_anchors(struct piece *root);

struct regex_bytes_measure {
    uint32_t length_min;
    double likelihood; /* that a match begins at some place of ordinary text, roughly */
};
struct regex_bytes_measure regex_bytes_measure(const struct piece *root);

enum status regex_bytes_print(const struct piece *root, struct buffer *out) MUST_USE;

#endif
