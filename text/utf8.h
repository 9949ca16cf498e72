/* UTF-8 as Unicode defines it (no surrogates, no overlong forms, at most U+10FFFF). Pure functions. */
#ifndef TEXT_UTF8_H
#define TEXT_UTF8_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/span.h"

#define UTF8_REPLACEMENT 0xFFFDu

/* How many bytes from the start are plain ASCII (below 0x80). Vectorised. */
size_t utf8_ascii_prefix(struct span text);

bool utf8_valid(struct span text);

/*
 * Decodes the code point at the start of `text` (size > 0) and returns how many bytes it takes. An invalid sequence
 * gives U+FFFD and the length of its maximal subpart, so that each ill-formed piece becomes one U+FFFD (Unicode
 * Standard, chapter 3, "U+FFFD Substitution of Maximal Subparts").
 */
uint32_t utf8_decode(struct span text, uint32_t *ret_code_point);

/* The same, quick for what is well-formed. */
static inline uint32_t utf8_next(struct span text, uint32_t *ret_code_point)
{
    const uint8_t *at = text.data;
    if (at[0] < 0x80) {
        *ret_code_point = at[0];
        return 1;
    }
    if (at[0] >= 0xC2 && at[0] < 0xE0 && text.size >= 2 && (at[1] & 0xC0) == 0x80) {
        *ret_code_point = (at[0] & 0x1Fu) << 6 | (at[1] & 0x3Fu);
        return 2;
    }
    if ((at[0] & 0xF0) == 0xE0 && text.size >= 3 && (at[1] & 0xC0) == 0x80 && (at[2] & 0xC0) == 0x80) {
        uint32_t value = (at[0] & 0x0Fu) << 12 | (at[1] & 0x3Fu) << 6 | (at[2] & 0x3Fu);
        if (value >= 0x800 && (value < 0xD800 || value > 0xDFFF)) {
            *ret_code_point = value;
            return 3;
        }
    }
    if ((at[0] & 0xF8) == 0xF0 && text.size >= 4 && (at[1] & 0xC0) == 0x80 && (at[2] & 0xC0) == 0x80 &&
        (at[3] & 0xC0) == 0x80) {
        uint32_t value = (at[0] & 0x07u) << 18 | (at[1] & 0x3Fu) << 12 | (at[2] & 0x3Fu) << 6 | (at[3] & 0x3Fu);
        if (value >= 0x10000 && value <= 0x10FFFF) {
            *ret_code_point = value;
            return 4;
        }
    }
    uint32_t code_point; /* so that the caller's may stay in a register */
    uint32_t size = utf8_decode(text, &code_point);
    *ret_code_point = code_point;
    return size;
}

/*
 * For loops over text of one script: the character of two (three) bytes whose bytes come first in `four`, as they lie in
 * memory, the first one lowest; 0 if there is none. One of three may be a surrogate, which is ill-formed.
 */
static inline uint32_t utf8_two(uint32_t four)
{
    uint32_t code_point = (four & 0x1F) << 6 | (four >> 8 & 0x3F);
    return (four & 0xC0E0) == 0x80C0 && code_point >= 0x80 ? code_point : 0;
}

static inline uint32_t utf8_three(uint32_t four)
{
    uint32_t code_point = (four & 0x0F) << 12 | (four >> 2 & 0xFC0) | (four >> 16 & 0x3F);
    return (four & 0xC0C0F0) == 0x8080E0 && code_point >= 0x800 ? code_point : 0;
}

static inline uint32_t utf8_load_four(const uint8_t *from)
{
    uint32_t four;
    memcpy(&four, from, 4);
    return le32toh(four);
}

/* Writes 1 to 4 bytes and returns how many. */
uint32_t utf8_encode(uint32_t code_point, uint8_t bytes[4]);

/* The same, quick for what is most frequent. */
static inline uint32_t utf8_encode_next(uint32_t code_point, uint8_t *to)
{
    if (code_point < 0x80) {
        to[0] = (uint8_t)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        to[0] = (uint8_t)(0xC0 | code_point >> 6);
        to[1] = (uint8_t)(0x80 | (code_point & 0x3F));
        return 2;
    }
    if (code_point < 0x10000) {
        to[0] = (uint8_t)(0xE0 | code_point >> 12);
        to[1] = (uint8_t)(0x80 | (code_point >> 6 & 0x3F));
        to[2] = (uint8_t)(0x80 | (code_point & 0x3F));
        return 3;
    }
    return utf8_encode(code_point, to);
}

/* The valid code point that ends just before `offset` (> 0) in valid text; returns its length. */
uint32_t utf8_decode_before(struct span text, size_t offset, uint32_t *ret_code_point);

#endif
