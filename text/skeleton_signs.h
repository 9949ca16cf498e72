/*
 * Where folded ASCII may hold words in disguise. Inside text/ only (and for its tests).
 *
 * Goes over the folded views of many messages as they lie one after the other, each with a newline behind it: windows
 * of 64 bytes, one bit a byte, whatever the messages' borders are. Characters beyond ASCII count as punctuation.
 */
#ifndef TEXT_SKELETON_SIGNS_H
#define TEXT_SKELETON_SIGNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

enum skeleton_way { SKELETON_QUICKEST, SKELETON_SSE2, SKELETON_PORTABLE };

struct skeleton_found {
    uint64_t signs, links; /* of links that were defanged: among the signs too */
};

struct skeleton_signs {
    struct span text;
    size_t at;                                          /* what lies before it has been looked at */
    size_t passed;                                      /* no signs before it are given but those of links */
    ptrdiff_t base;                                     /* the byte that bit 0 of `left` stands for */
    struct skeleton_found left;                         /* what was found and not yet given */
    struct skeleton_found (*find)(const uint8_t *text); /* in a window, which has a byte before it */
    bool link;                                          /* the sign that was given last is one of a link */
};

/* All ways give the same. The quickest is AVX2 where the machine has it. */
void skeleton_signs_start(struct skeleton_signs *signs, struct span text, enum skeleton_way way);

/* The next sign, in ascending order; SIZE_MAX: no more. It is part of what it is a sign of. */
size_t skeleton_signs_next(struct skeleton_signs *signs);

/* Gives no sign before `to` any more but those of links. */
void skeleton_signs_pass(struct skeleton_signs *signs, size_t to);

/* Gives no sign before `to` any more. */
void skeleton_signs_skip(struct skeleton_signs *signs, size_t to);

#endif
