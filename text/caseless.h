/*
 * Text without case, for searching: characters that PCRE2 takes for the same under CASELESS become one.
 *
 * A search that must not miss what a caseless regex matches would have to look for every spelling of every letter: also
 * for the Kelvin sign where a k may stand. It is far cheaper to write the text with one character for each set of
 * equals and to look for that. Only the search sees this form; patterns are confirmed on the view itself.
 */
#ifndef TEXT_CASELESS_H
#define TEXT_CASELESS_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"
#include "base/status.h"

/* Builds the table; called by view_start. */
enum status caseless_start(void) MUST_USE;

/*
 * The one that stands for all characters that are equal to `code_point` but for case: the small letter if one of them
 * is ASCII. Sets of equals are those of Unicode's full case folding, which are at least as large as PCRE2's.
 */
uint32_t caseless_character(uint32_t code_point);

/*
 * Appends the raw view of `message` without case: each ill-formed piece of UTF-8 becomes U+FFFD, each character the one
 * that stands for it. STATUS_LIMIT, STATUS_NO_MEMORY leave `out` as it was.
 */
enum status caseless_append(struct span message, struct buffer *out) MUST_USE;

#endif
