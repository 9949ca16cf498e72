/*
 * Cuts a text into its tokens, runs of letters and digits of ASCII, some hundred bytes at a time. Part of
 * rules/token_index.c. Nothing behind the text is read.
 */
#ifndef RULES_TOKEN_CUT_H
#define RULES_TOKEN_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

#define TOKEN_CUT_BLOCK 64u
#define TOKEN_CUT_BLOCKS 8u /* at most, at a time */
#define TOKEN_CUT_BORDERS_MAX (TOKEN_CUT_BLOCKS * TOKEN_CUT_BLOCK + 2)

enum token_way { TOKEN_QUICKEST, TOKEN_SSE2, TOKEN_PORTABLE };

struct token_cuts {
    struct span text;
    size_t at;       /* of the first block */
    size_t next;     /* what lies before it has been cut */
    unsigned blocks; /* how many were cut */
    bool wanted;     /* borders are */
    uint64_t inside; /* 1: a letter or digit is the last of what has been cut */
    /* Of each block, bit i for byte i: dots between letters or digits (the last of a block: perhaps); what begins a character
       beyond ASCII. */
    uint64_t dots[TOKEN_CUT_BLOCKS], beyond[TOKEN_CUT_BLOCKS];
    uint32_t count; /* of borders */
    size_t
        borders[TOKEN_CUT_BORDERS_MAX + 8]; /* where tokens begin and, one byte behind, end: by turns; and some room */
    void (*cut)(struct token_cuts *cuts, const uint8_t *at, size_t place, unsigned blocks);
};

/* All ways cut the same. The quickest is AVX2 where the machine has it. `wanted`: borders are. */
void token_cut_start(struct token_cuts *cuts, enum token_way way, struct span text, bool wanted);

/*
 * Cuts the next blocks, of borders there is one left from before, if that is the begin of a token, or none. At the end of
 * the text every token has an end. False: nothing is left.
 */
bool token_cut_next(struct token_cuts *cuts);

#endif
