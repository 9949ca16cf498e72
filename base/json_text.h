/*
 * Text as the inside of a JSON string, one character a call, for writers that cannot allocate.
 *
 * The result is always valid JSON in ASCII or UTF-8: control characters are escaped, and bytes that are not UTF-8 come
 * out as the text \xNN, so that nothing is lost and nothing is taken for something else.
 */
#ifndef BASE_JSON_TEXT_H
#define BASE_JSON_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define JSON_TEXT_UNIT_MAX 8

/*
 * The length of the well-formed UTF-8 character at the beginning of `data`, and its code point; 0 if there is none.
 * `size` is at least 1.
 */
size_t json_text_character(const uint8_t *data, size_t size, uint32_t *ret_code_point);

/*
 * Writes the character at `*position` (below `size`) of `text`, escaped, to `unit`; moves `*position` behind it.
 * Returns the number of bytes written.
 */
size_t json_text_escape(const char *text, size_t size, size_t *position, char unit[JSON_TEXT_UNIT_MAX]);

#endif
