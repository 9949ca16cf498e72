/* UTF-8 as Unicode defines it (no surrogates, no overlong forms, at most U+10FFFF). Pure functions. */
#ifndef TEXT_UTF8_H
#define TEXT_UTF8_H

#include <stdbool.h>
#include <stdint.h>

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

/* The same, quick for what is well-formed and has at most three bytes. */
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
    return utf8_decode(text, ret_code_point);
}

/* Writes 1 to 4 bytes and returns how many. */
uint32_t utf8_encode(uint32_t code_point, uint8_t bytes[4]);

/* The valid code point that ends just before `offset` (> 0) in valid text; returns its length. */
uint32_t utf8_decode_before(struct span text, size_t offset, uint32_t *ret_code_point);

#endif
