/* Files as lines. Only for rules/import*.c. */
#ifndef IMPORT_IMPORT_LINES_H
#define IMPORT_IMPORT_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

struct import;

struct import_lines {
    struct span rest;
    uint32_t number; /* of the line that was given last, from 1 */
};

/* Steps over a byte-order mark. */
struct import_lines import_lines_of(struct span text);

/*
 * The next line, without its line break (LF or CR LF). Lines that are too long or not UTF-8 are noted and stepped over, but
 * for comments, which begin with `#`. False: there is none.
 */
bool import_lines_next(struct import *import, struct import_lines *lines, struct span *ret_line);

/* Without white space at its ends. */
struct span import_trim(struct span text);

/* Cuts off the first word, which ends at white space, and the white space behind it. */
struct span import_word(struct span *text);

bool import_span_is(struct span text, const char *word);

bool import_span_begins(struct span text, const char *start);

/* `pattern` with `*` for any text and `?` for any byte. */
bool import_span_fits(struct span text, struct span pattern);

#endif
