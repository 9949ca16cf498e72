/*
 * Texts that a regex may well match, made by walking over its syntax. Sloppy: a text that does not match is a near miss.
 */
#ifndef TESTS_FUZZ_SCAN_SAMPLE_H
#define TESTS_FUZZ_SCAN_SAMPLE_H

#include "base/buffer.h"
#include "base/span.h"
#include "tests/fuzz/regex_random.h"

/* Appends one text. */
void sample_regex(struct random_state *state, struct span regex, struct buffer *out);

/* Appends a character as UTF-8. */
void sample_character(uint32_t c, struct buffer *out);

#endif
