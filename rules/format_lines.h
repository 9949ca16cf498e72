/* A file as lines, for the formatter. Only for rules/format*.c. */
#ifndef RULES_FORMAT_LINES_H
#define RULES_FORMAT_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/span.h"
#include "base/status.h"
#include "base/yaml.h"

struct format_line {
    struct span text; /* without the line break */
    bool inside;      /* goes on with something that began on an earlier line: [...], {...}, quotes, a text block */
    bool verbatim;    /* its white space at the end may count */
};

struct format_lines {
    struct format_line *items;
    uint32_t count;
};

/* Cuts the text at line breaks and marks what goes on over several lines. `root` is the tree of the text. */
enum status format_lines_cut(struct span text, const struct yaml *root, struct arena *arena,
                             struct format_lines *ret_lines) MUST_USE;

uint32_t format_line_indent(const struct format_line *line); /* spaces */
bool format_line_is_blank(const struct format_line *line);
bool format_line_is_comment(const struct format_line *line); /* and nothing else */

/* The byte at which the node begins, in its line; the size of the line if there is no such place. */
uint32_t format_node_offset(const struct format_lines *lines, const struct yaml *node);
/* The first byte of the node as written: '{' and '[' begin what stands in brackets. 0 at the end of a line. */
char format_node_sign(const struct format_lines *lines, const struct yaml *node);

#endif
