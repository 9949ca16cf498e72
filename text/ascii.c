#include "text/ascii.h"

#ifdef __SSE2__
#include <immintrin.h>
#endif

static inline size_t write_bytes(const uint8_t *from, size_t at, size_t size, uint8_t *to, bool plain)
{
    for (; at < size; at++) {
        uint8_t byte = from[at];
        bool doubled = byte == ' ' && at > 0 && from[at - 1] == ' ';
        if (byte >= 0x80 || (plain && (byte < ' ' || doubled)))
            break;
        to[at] = byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
    }
    return at;
}

/* Writes eight bytes, the last ones once more if there are fewer left. */
static inline size_t write_portable(const uint8_t *from, size_t size, uint8_t *to, bool plain)
{
    if (size < 8)
        return write_bytes(from, 0, size, to, plain);
    for (size_t at = 0;; at = size - at < 16 ? size - 8 : at + 8) {
        uint64_t block = ascii_load(from + at);
        unsigned count = plain ? ascii_plain(block, at > 0 && from[at - 1] == ' ') : ascii_count(block);
        ascii_store_lower(block, to + at);
        if (count < 8)
            return at + count;
        if (at == size - 8)
            return size;
    }
}

size_t ascii_fold_portable(const uint8_t *from, size_t size, uint8_t *to)
{
    return write_portable(from, size, to, true);
}

size_t ascii_fold_noting_portable(const uint8_t *from, size_t size, uint8_t *to, bool *ret_inner_capital)
{
    size_t plain = ascii_fold_portable(from, size, to);
    bool found = false;
    for (size_t at = 1; at < plain; at++)
        found |= from[at] == 'I' && from[at - 1] >= 'a' && from[at - 1] <= 'z';
    *ret_inner_capital = found;
    return plain;
}

size_t ascii_lower_portable(const uint8_t *from, size_t size, uint8_t *to)
{
    return write_portable(from, size, to, false);
}

#ifdef __SSE2__
typedef __m128i block16;

enum folding { LOWER, PLAIN, PLAIN_NOTING };

static inline block16 load(const uint8_t *from)
{
    return _mm_loadu_si128((const block16 *)(const void *)from);
}

/* The 16 bytes that stand one before those at `at`; before the first one a zero. */
static inline block16 load_before(const uint8_t *from, size_t at, block16 block)
{
    return at > 0 ? load(from + at - 1) : _mm_slli_si128(block, 1);
}

/* Writes 16 bytes with small letters, whatever they are; tells in the sign bits which must not be there. */
static inline block16 write_vector(const uint8_t *from, size_t at, uint8_t *to, enum folding folding)
{
    block16 block = load(from + at);
    block16 letters = _mm_add_epi8(block, _mm_set1_epi8((char)(0x7F - 'Z'))); /* capitals are the greatest, signed */
    block16 upper = _mm_cmpgt_epi8(letters, _mm_set1_epi8(0x7F - 26));
    _mm_storeu_si128((block16 *)(void *)(to + at), _mm_or_si128(block, _mm_and_si128(upper, _mm_set1_epi8(0x20))));
    if (folding == LOWER)
        return block;
    block16 before = load_before(from, at, block), space = _mm_set1_epi8(' ');
    /* Less than a space, signed: a control character, or no ASCII. */
    return _mm_or_si128(_mm_cmplt_epi8(block, space),
                        _mm_and_si128(_mm_cmpeq_epi8(block, space), _mm_cmpeq_epi8(before, space)));
}

/* Tells in bits which of 16 bytes are a capital I after a small letter. */
static inline unsigned inner_capitals(const uint8_t *from, size_t at)
{
    block16 block = load(from + at), before = load_before(from, at, block);
    block16 moved = _mm_add_epi8(before, _mm_set1_epi8((char)(0x7F - 'z')));
    block16 small = _mm_cmpgt_epi8(moved, _mm_set1_epi8(0x7F - 26));
    return (unsigned)_mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('I')), small));
}

static inline size_t write_vectors(const uint8_t *from, size_t size, uint8_t *to, enum folding folding, bool *ret_noted)
{
    if (size < 16)
        return folding == PLAIN_NOTING ? ascii_fold_noting_portable(from, size, to, ret_noted)
                                       : write_portable(from, size, to, folding == PLAIN);
    unsigned noted = 0;
    for (size_t at = 0;; at = size - at < 32 ? size - 16 : at + 16) { /* the last one may overlap the one before */
        unsigned refused = (unsigned)_mm_movemask_epi8(write_vector(from, at, to, folding));
        unsigned capitals = folding == PLAIN_NOTING ? inner_capitals(from, at) : 0;
        if (refused || at == size - 16) {
            noted |= refused ? capitals & ((refused & -refused) - 1) : capitals;
            if (folding == PLAIN_NOTING)
                *ret_noted = noted != 0;
            return refused ? at + (unsigned)__builtin_ctz(refused) : size;
        }
        noted |= capitals;
    }
}

#define AVX2 __attribute__((target("avx2,bmi")))

/* Of 32 bytes in turn, in bits. */
struct seen {
    uint32_t refused, capitals;
    uint32_t spaces, small; /* what the next 32 have to know */
};

/* Writes 32 bytes with small letters. `last`: what was seen of the 32 before; all 0 where these are no matter. */
AVX2 static inline struct seen fold_block(const uint8_t *from, uint8_t *to, struct seen last)
{
    __m256i block = _mm256_loadu_si256((const __m256i *)(const void *)from), space = _mm256_set1_epi8(' ');
    __m256i letters = _mm256_add_epi8(block, _mm256_set1_epi8((char)(0x7F - 'Z')));
    __m256i upper = _mm256_and_si256(_mm256_cmpgt_epi8(letters, _mm256_set1_epi8(0x7F - 26)), space);
    _mm256_storeu_si256((__m256i *)(void *)to, _mm256_or_si256(block, upper));
    letters = _mm256_add_epi8(block, _mm256_set1_epi8((char)(0x7F - 'z')));
    struct seen seen;
    seen.small = (uint32_t)_mm256_movemask_epi8(_mm256_cmpgt_epi8(letters, _mm256_set1_epi8(0x7F - 26)));
    seen.spaces = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(block, space));
    uint32_t strange = (uint32_t)_mm256_movemask_epi8(_mm256_cmpgt_epi8(space, block));
    uint32_t capitals = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(block, _mm256_set1_epi8('I')));
    seen.refused = strange | (seen.spaces & (seen.spaces << 1 | last.spaces >> 31));
    seen.capitals = capitals & (seen.small << 1 | last.small >> 31);
    return seen;
}

/* At least 32 bytes. */
AVX2 static size_t fold_noting_avx2(const uint8_t *from, size_t size, uint8_t *to, bool *ret_inner_capital)
{
    struct seen seen = {0};
    uint32_t noted = 0;
    size_t at = 0;
    for (; size - at >= 32; at += 32) {
        seen = fold_block(from + at, to + at, seen);
        if (__builtin_expect(seen.refused != 0, 0))
            goto refused;
        noted |= seen.capitals;
    }
    if (at < size) { /* the last 32 once more, but for what lies behind: their first byte was looked at */
        at = size - 32;
        seen = fold_block(from + at, to + at, (struct seen){0});
        if (__builtin_expect(seen.refused != 0, 0))
            goto refused;
        noted |= seen.capitals;
    }
    *ret_inner_capital = noted != 0;
    return size;
refused:
    *ret_inner_capital = (noted | (seen.capitals & ((seen.refused & -seen.refused) - 1))) != 0;
    return at + (unsigned)__builtin_ctz(seen.refused);
}
#endif

size_t ascii_fold(const uint8_t *from, size_t size, uint8_t *to)
{
#ifdef __SSE2__
    return write_vectors(from, size, to, PLAIN, NULL);
#else
    return ascii_fold_portable(from, size, to);
#endif
}

size_t ascii_fold_noting(const uint8_t *from, size_t size, uint8_t *to, bool *ret_inner_capital)
{
#ifdef __SSE2__
    if (size >= 32 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi"))
        return fold_noting_avx2(from, size, to, ret_inner_capital);
    return write_vectors(from, size, to, PLAIN_NOTING, ret_inner_capital);
#else
    return ascii_fold_noting_portable(from, size, to, ret_inner_capital);
#endif
}

size_t ascii_fold_noting_sse2(const uint8_t *from, size_t size, uint8_t *to, bool *ret_inner_capital)
{
#ifdef __SSE2__
    return write_vectors(from, size, to, PLAIN_NOTING, ret_inner_capital);
#else
    return ascii_fold_noting_portable(from, size, to, ret_inner_capital);
#endif
}

size_t ascii_lower(const uint8_t *from, size_t size, uint8_t *to)
{
#ifdef __SSE2__
    return write_vectors(from, size, to, LOWER, NULL);
#else
    return ascii_lower_portable(from, size, to);
#endif
}
