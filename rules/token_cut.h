/*
 * What the bytes of a text are to its tokens, runs of letters and digits of ASCII, 64 bytes at a time. Part of
 * rules/token_index.c. Pure functions.
 */
#ifndef RULES_TOKEN_CUT_H
#define RULES_TOKEN_CUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

#define TOKEN_CUT_BLOCK 64u

enum token_way { TOKEN_QUICKEST, TOKEN_SSE2, TOKEN_PORTABLE };

/* Bit i for byte i of a block: letters and digits of ASCII, dots, what begins a character beyond ASCII. */
struct token_cut {
    uint64_t tokens, dots, beyond;
};

/* What cuts whole blocks. All ways do the same; the quickest is AVX2 where the machine has it. */
typedef void token_cutter(const uint8_t *at, unsigned blocks, struct token_cut *ret_cuts);
token_cutter *token_cut_choose(enum token_way way);

/*
 * At most `blocks` blocks of the text from `at`, which lies in it, on; what would lie behind it is 0, and not read. Returns how many
 * there are.
 */
unsigned token_cut(token_cutter *cutter, struct span text, size_t at, unsigned blocks, struct token_cut *ret_cuts);

#endif
