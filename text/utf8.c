#include "text/utf8.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

size_t utf8_ascii_prefix(struct span text)
{
    size_t at = 0;
#ifdef __SSE2__
    while (text.size - at >= 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)(text.data + at));
        unsigned high = (unsigned)_mm_movemask_epi8(block);
        if (high)
            return at + (unsigned)__builtin_ctz(high);
        at += 16;
    }
#else
    while (text.size - at >= 8) {
        uint64_t block;
        memcpy(&block, text.data + at, 8);
        if (block & UINT64_C(0x8080808080808080))
            break;
        at += 8;
    }
#endif
    while (at < text.size && text.data[at] < 0x80)
        at++;
    return at;
}

/* What the second byte must be after each lead byte, from table 3-7 of the Unicode Standard. */
static void second_range(uint8_t lead, uint8_t *low, uint8_t *high)
{
    *low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    *high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
}

/* Decodes as utf8_decode does, and tells whether it was well-formed. */
static bool decode(struct span text, uint32_t *ret_size, uint32_t *ret_code_point)
{
    const uint8_t *at = text.data;
    uint8_t lead = at[0];
    *ret_size = 1;
    *ret_code_point = lead;
    if (lead < 0x80)
        return true;
    uint32_t size = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    uint32_t value = lead & (0xFFu >> (size + 1));
    uint8_t low, high;
    second_range(lead, &low, &high);
    for (uint32_t i = 1; i < size; i++) {
        if (i >= text.size || at[i] < low || at[i] > high)
            size = 0;
        else {
            value = value << 6 | (at[i] & 0x3Fu);
            *ret_size = i + 1;
        }
        low = 0x80;
        high = 0xBF;
    }
    *ret_code_point = size ? value : UTF8_REPLACEMENT;
    return size != 0;
}

bool utf8_valid(struct span text)
{
    size_t at = 0;
    while (at < text.size) {
        if (text.data[at] < 0x80) {
            at += utf8_ascii_prefix(span_of(text.data + at, text.size - at));
            continue;
        }
        uint32_t size, code_point;
        if (!decode(span_of(text.data + at, text.size - at), &size, &code_point))
            return false;
        at += size;
    }
    return true;
}

uint32_t utf8_decode(struct span text, uint32_t *ret_code_point)
{
    uint32_t size;
    decode(text, &size, ret_code_point);
    return size;
}

uint32_t utf8_encode(uint32_t code_point, uint8_t bytes[4])
{
    if (code_point < 0x80) {
        bytes[0] = (uint8_t)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        bytes[0] = (uint8_t)(0xC0 | code_point >> 6);
        bytes[1] = (uint8_t)(0x80 | (code_point & 0x3F));
        return 2;
    }
    if (code_point < 0x10000) {
        bytes[0] = (uint8_t)(0xE0 | code_point >> 12);
        bytes[1] = (uint8_t)(0x80 | (code_point >> 6 & 0x3F));
        bytes[2] = (uint8_t)(0x80 | (code_point & 0x3F));
        return 3;
    }
    bytes[0] = (uint8_t)(0xF0 | code_point >> 18);
    bytes[1] = (uint8_t)(0x80 | (code_point >> 12 & 0x3F));
    bytes[2] = (uint8_t)(0x80 | (code_point >> 6 & 0x3F));
    bytes[3] = (uint8_t)(0x80 | (code_point & 0x3F));
    return 4;
}

uint32_t utf8_decode_before(struct span text, size_t offset, uint32_t *ret_code_point)
{
    size_t start = offset - 1;
    while (start > 0 && offset - start < 4 && (text.data[start] & 0xC0) == 0x80)
        start--;
    return utf8_decode(span_of(text.data + start, offset - start), ret_code_point);
}
