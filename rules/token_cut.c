#include "rules/token_cut.h"

#include <string.h>

#include "text/word.h"

#ifdef __SSE2__
#include <immintrin.h>
#endif

/* Bit i for byte i of a block. */
struct bits {
    uint64_t tokens, dots, beyond;
};

/* Notes where bits are set, counted from `at`; what is written too much is written over. */
static inline __attribute__((always_inline)) void add_borders(struct token_cuts *cuts, size_t at, uint64_t bits)
{
    size_t *to = cuts->borders + cuts->count;
    int left = __builtin_popcountll(bits);
    cuts->count += (uint32_t)left;
    for (; left > 0; left -= 8) {
        for (unsigned i = 0; i < 8; i++) {
            size_t place = at + (uint64_t)__builtin_ctzll(bits | UINT64_C(1) << 63);
            __asm__("" : "+r"(place)); /* or the compiler gathers them in vectors first, which takes twice as long */
            to[i] = place;
            bits &= bits - 1;
        }
        to += 8;
    }
}

/* `place`: of the block in the text. */
static inline __attribute__((always_inline)) void note(struct token_cuts *cuts, struct bits bits, size_t place)
{
    uint64_t before = bits.tokens << 1 | cuts->inside;
    /* What stands behind the last byte of the block is not known. */
    cuts->dots[cuts->blocks] = bits.dots & before & (bits.tokens >> 1 | UINT64_C(1) << 63);
    cuts->beyond[cuts->blocks] = bits.beyond;
    cuts->blocks++;
    cuts->inside = bits.tokens >> 63;
    if (cuts->wanted) {
        add_borders(cuts, place, bits.tokens ^ before);
    }
}

static void cut_portable(struct token_cuts *cuts, const uint8_t *at, size_t place, unsigned blocks)
{
    for (; blocks > 0; blocks--, place += TOKEN_CUT_BLOCK, at += TOKEN_CUT_BLOCK) {
        struct bits bits = {0};
        for (size_t i = 0; i < TOKEN_CUT_BLOCK; i++) {
            bits.tokens |= (uint64_t)word_is_letter_or_digit(at[i]) << i;
            bits.dots |= (uint64_t)(at[i] == '.') << i;
            bits.beyond |= (uint64_t)(at[i] >= 0xC0) << i;
        }
        note(cuts, bits, place);
    }
}

#ifdef __SSE2__
/* Ranges are moved to the lower end of what is signed. What begins a character is greater than 0xBF, and negative. */
static void cut_sse2(struct token_cuts *cuts, const uint8_t *at, size_t place, unsigned blocks)
{
    for (; blocks > 0; blocks--, place += TOKEN_CUT_BLOCK) {
        struct bits bits = {0};
        for (unsigned i = 0; i < TOKEN_CUT_BLOCK; i += 16, at += 16) {
            __m128i block = _mm_loadu_si128((const __m128i *)(const void *)at);
            __m128i small = _mm_or_si128(block, _mm_set1_epi8(0x20));
            __m128i letters = _mm_cmplt_epi8(_mm_add_epi8(small, _mm_set1_epi8((char)(0x80 - 'a'))),
                                             _mm_set1_epi8((char)(0x80 + 26)));
            __m128i digits = _mm_cmplt_epi8(_mm_add_epi8(block, _mm_set1_epi8((char)(0x80 - '0'))),
                                            _mm_set1_epi8((char)(0x80 + 10)));
            __m128i dots = _mm_cmpeq_epi8(block, _mm_set1_epi8('.'));
            __m128i beyond = _mm_and_si128(block, _mm_cmpgt_epi8(block, _mm_set1_epi8((char)0xBF)));
            bits.tokens |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_or_si128(letters, digits)) << i;
            bits.dots |= (uint64_t)(uint32_t)_mm_movemask_epi8(dots) << i;
            bits.beyond |= (uint64_t)(uint32_t)_mm_movemask_epi8(beyond) << i;
        }
        note(cuts, bits, place);
    }
}

__attribute__((target("avx2,bmi,popcnt"))) static void cut_avx2(struct token_cuts *cuts, const uint8_t *at,
                                                                size_t place, unsigned blocks)
{
    for (; blocks > 0; blocks--, place += TOKEN_CUT_BLOCK) {
        struct bits bits = {0};
        for (unsigned i = 0; i < TOKEN_CUT_BLOCK; i += 32, at += 32) {
            __m256i block = _mm256_loadu_si256((const __m256i *)(const void *)at);
            __m256i small = _mm256_or_si256(block, _mm256_set1_epi8(0x20));
            __m256i letters = _mm256_cmpgt_epi8(_mm256_set1_epi8((char)(0x80 + 26)),
                                                _mm256_add_epi8(small, _mm256_set1_epi8((char)(0x80 - 'a'))));
            __m256i digits = _mm256_cmpgt_epi8(_mm256_set1_epi8((char)(0x80 + 10)),
                                               _mm256_add_epi8(block, _mm256_set1_epi8((char)(0x80 - '0'))));
            __m256i dots = _mm256_cmpeq_epi8(block, _mm256_set1_epi8('.'));
            __m256i beyond = _mm256_and_si256(block, _mm256_cmpgt_epi8(block, _mm256_set1_epi8((char)0xBF)));
            bits.tokens |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_or_si256(letters, digits)) << i;
            bits.dots |= (uint64_t)(uint32_t)_mm256_movemask_epi8(dots) << i;
            bits.beyond |= (uint64_t)(uint32_t)_mm256_movemask_epi8(beyond) << i;
        }
        note(cuts, bits, place);
    }
}
#endif

void token_cut_start(struct token_cuts *cuts, enum token_way way, struct span text, bool wanted)
{
    cuts->text = text;
    cuts->at = 0;
    cuts->next = 0;
    cuts->blocks = 0;
    cuts->wanted = wanted;
    cuts->inside = 0;
    cuts->count = 0;
    cuts->cut = cut_portable;
#ifdef __SSE2__
    if (way != TOKEN_PORTABLE) {
        bool quick = way == TOKEN_QUICKEST && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                     __builtin_cpu_supports("popcnt");
        cuts->cut = quick ? cut_avx2 : cut_sse2;
    }
#else
    (void)way;
#endif
}

/* The last bytes of the text, fewer than a block. */
static void cut_rest(struct token_cuts *cuts, size_t place)
{
    uint8_t room[TOKEN_CUT_BLOCK] = {0};
    memcpy(room, cuts->text.data + place, cuts->text.size - place);
    cuts->cut(cuts, room, place, 1);
}

bool token_cut_next(struct token_cuts *cuts)
{
    size_t place = cuts->next, size = cuts->text.size, blocks = (size - place) / TOKEN_CUT_BLOCK;
    cuts->at = place;
    cuts->blocks = 0;
    if (place >= size) {
        return false;
    }
    blocks = blocks < TOKEN_CUT_BLOCKS ? blocks : TOKEN_CUT_BLOCKS;
    cuts->cut(cuts, cuts->text.data + place, place, (unsigned)blocks);
    place += blocks * TOKEN_CUT_BLOCK;
    if (blocks < TOKEN_CUT_BLOCKS && place < size) {
        cut_rest(cuts, place);
        place = size;
    }
    cuts->next = place;
    if (place == size && cuts->count % 2 == 1) { /* the last token ends with the text, which ends with a block */
        cuts->borders[cuts->count++] = size;
    }
    return true;
}
