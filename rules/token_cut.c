#include "rules/token_cut.h"

#include <stdbool.h>
#include <string.h>

#include "text/word.h"

#ifdef __SSE2__
#include <immintrin.h>
#endif

static void cut_portable(const uint8_t *at, unsigned blocks, struct token_cut *ret_cuts)
{
    for (unsigned block = 0; block < blocks; block++, at += TOKEN_CUT_BLOCK) {
        struct token_cut cut = {0};
        for (size_t i = 0; i < TOKEN_CUT_BLOCK; i++) {
            cut.tokens |= (uint64_t)word_is_letter_or_digit(at[i]) << i;
            cut.dots |= (uint64_t)(at[i] == '.') << i;
            cut.beyond |= (uint64_t)(at[i] >= 0xC0) << i;
        }
        ret_cuts[block] = cut;
    }
}

#ifdef __SSE2__
/* Ranges are moved to the lower end of what is signed. What begins a character is greater than 0xBF, and negative. */
static void cut_sse2(const uint8_t *at, unsigned blocks, struct token_cut *ret_cuts)
{
    for (unsigned block = 0; block < blocks; block++) {
        struct token_cut cut = {0};
        for (unsigned i = 0; i < TOKEN_CUT_BLOCK; i += 16, at += 16) {
            __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
            __m128i small = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
            __m128i letters = _mm_cmplt_epi8(_mm_add_epi8(small, _mm_set1_epi8((char)(0x80 - 'a'))),
                                             _mm_set1_epi8((char)(0x80 + 26)));
            __m128i digits = _mm_cmplt_epi8(_mm_add_epi8(bytes, _mm_set1_epi8((char)(0x80 - '0'))),
                                            _mm_set1_epi8((char)(0x80 + 10)));
            __m128i dots = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('.'));
            __m128i beyond = _mm_and_si128(bytes, _mm_cmpgt_epi8(bytes, _mm_set1_epi8((char)0xBF)));
            cut.tokens |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_or_si128(letters, digits)) << i;
            cut.dots |= (uint64_t)(uint32_t)_mm_movemask_epi8(dots) << i;
            cut.beyond |= (uint64_t)(uint32_t)_mm_movemask_epi8(beyond) << i;
        }
        ret_cuts[block] = cut;
    }
}

__attribute__((target("avx2"))) static void cut_avx2(const uint8_t *at, unsigned blocks, struct token_cut *ret_cuts)
{
    for (unsigned block = 0; block < blocks; block++) {
        struct token_cut cut = {0};
        for (unsigned i = 0; i < TOKEN_CUT_BLOCK; i += 32, at += 32) {
            __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)at);
            __m256i small = _mm256_or_si256(bytes, _mm256_set1_epi8(0x20));
            __m256i letters = _mm256_cmpgt_epi8(_mm256_set1_epi8((char)(0x80 + 26)),
                                                _mm256_add_epi8(small, _mm256_set1_epi8((char)(0x80 - 'a'))));
            __m256i digits = _mm256_cmpgt_epi8(_mm256_set1_epi8((char)(0x80 + 10)),
                                               _mm256_add_epi8(bytes, _mm256_set1_epi8((char)(0x80 - '0'))));
            __m256i dots = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('.'));
            __m256i beyond = _mm256_and_si256(bytes, _mm256_cmpgt_epi8(bytes, _mm256_set1_epi8((char)0xBF)));
            cut.tokens |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_or_si256(letters, digits)) << i;
            cut.dots |= (uint64_t)(uint32_t)_mm256_movemask_epi8(dots) << i;
            cut.beyond |= (uint64_t)(uint32_t)_mm256_movemask_epi8(beyond) << i;
        }
        ret_cuts[block] = cut;
    }
}
#endif

token_cutter *token_cut_choose(enum token_way way)
{
#ifdef __SSE2__
    if (way != TOKEN_PORTABLE) {
        return way == TOKEN_QUICKEST && __builtin_cpu_supports("avx2") ? cut_avx2 : cut_sse2;
    }
#endif
    (void)way;
    return cut_portable;
}

unsigned token_cut(token_cutter *cutter, struct span text, size_t at, unsigned blocks, struct token_cut *ret_cuts)
{
    size_t left = text.size - at, whole = left / TOKEN_CUT_BLOCK;
    if (whole >= blocks) {
        cutter(text.data + at, blocks, ret_cuts);
        return blocks;
    }
    cutter(text.data + at, (unsigned)whole, ret_cuts);
    left %= TOKEN_CUT_BLOCK;
    struct token_cut *last = &ret_cuts[whole];
    if (left == 0) {
        return (unsigned)whole;
    }
    if (text.size >= TOKEN_CUT_BLOCK) { /* the last bytes of the text, moved to where the block begins */
        unsigned moved = TOKEN_CUT_BLOCK - (unsigned)left;
        cutter(text.data + text.size - TOKEN_CUT_BLOCK, 1, last);
        *last = (struct token_cut){
            .tokens = last->tokens >> moved, .dots = last->dots >> moved, .beyond = last->beyond >> moved};
    } else {
        uint8_t room[TOKEN_CUT_BLOCK] = {0};
        memcpy(room, text.data, left);
        cutter(room, 1, last);
    }
    return (unsigned)whole + 1;
}
