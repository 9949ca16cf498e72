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
 * Decodes the code point at the start of `text` (size > 0) and returns how many bytes it takes. An invalid sequence gives
 * U+FFFD and the length of its maximal subpart, so that each ill-formed piece becomes one U+FFFD
 * (Unicode Standard, chapter 3, "U+FFFD Substitution of Maximal Subparts").
 */
uint32_t utf8_decode(struct span text, uint32_t *ret_code_point);

/* Writes 1 to 4 bytes and returns how many. */
uint32_t utf8_encode(uint32_t code_point, uint8_t bytes[4]);

/* The valid code point that ends just before `offset` (> 0) in valid text; returns its length. */
uint32_t utf8_decode_before(struct span text, size_t offset, uint32_t *ret_code_point);

#endif
