#include "text/ascii.h"

#ifdef __SSE2__
#include <emmintrin.h>
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

size_t ascii_lower_portable(const uint8_t *from, size_t size, uint8_t *to)
{
    return write_portable(from, size, to, false);
}

#ifdef __SSE2__
/* Writes 16 bytes with small letters, whatever they are; tells in the sign bits which must not be there. */
static inline __m128i write_vector(const uint8_t *from, size_t at, uint8_t *to, bool plain)
{
    __m128i block = _mm_loadu_si128((const __m128i *)(const void *)(from + at));
    __m128i letters = _mm_add_epi8(block, _mm_set1_epi8((char)(0x7F - 'Z'))); /* capitals are the greatest, signed */
    __m128i upper = _mm_cmpgt_epi8(letters, _mm_set1_epi8(0x7F - 26));
    _mm_storeu_si128((__m128i *)(void *)(to + at), _mm_or_si128(block, _mm_and_si128(upper, _mm_set1_epi8(0x20))));
    if (!plain)
        return block;
    __m128i before =
        at > 0 ? _mm_loadu_si128((const __m128i *)(const void *)(from + at - 1)) : _mm_slli_si128(block, 1);
    __m128i space = _mm_set1_epi8(' ');
    /* Less than a space, signed: a control character, or no ASCII. */
    return _mm_or_si128(_mm_cmplt_epi8(block, space),
                        _mm_and_si128(_mm_cmpeq_epi8(block, space), _mm_cmpeq_epi8(before, space)));
}

static inline size_t write_vectors(const uint8_t *from, size_t size, uint8_t *to, bool plain)
{
    if (size < 16)
        return write_portable(from, size, to, plain);
    for (size_t at = 0;; at = size - at < 32 ? size - 16 : at + 16) { /* the last one may overlap the one before */
        unsigned refused = (unsigned)_mm_movemask_epi8(write_vector(from, at, to, plain));
        if (refused)
            return at + (unsigned)__builtin_ctz(refused);
        if (at == size - 16)
            return size;
    }
}
#endif

size_t ascii_fold(const uint8_t *from, size_t size, uint8_t *to)
{
#ifdef __SSE2__
    return write_vectors(from, size, to, true);
#else
    return ascii_fold_portable(from, size, to);
#endif
}

size_t ascii_lower(const uint8_t *from, size_t size, uint8_t *to)
{
#ifdef __SSE2__
    return write_vectors(from, size, to, false);
#else
    return ascii_lower_portable(from, size, to);
#endif
}
