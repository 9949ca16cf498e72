/*
 * Formats a pack without changing what it means and without losing a comment.
 *
 * The file is changed line by line, never written anew from its tree, since YAML's readers drop comments. Each step
 * (white space, indentation, blank lines, order of keys, quotes) is proved by reading the file again: the tree must be the
 * same, but for the order of the keys of a map, and every comment must still be there. A step that fails that is left
 * out.
 *
 *  - No byte-order mark, no carriage returns, no white space at line ends, no blank lines in a row, a newline at the end.
 *  - Each level of blocks is indented by two; items of lists by two below their key; one space after a dash.
 *  - One blank line before each rule but the first.
 *  - The keys of a rule stand in the order: id, title, status, severity, queue, max_per_minute, across, patterns,
 *    condition, tests, allow; the comments above a key move with it.
 *  - Text in double quotes that needs none of their escapes stands in single quotes.
 *
 * What stands inside [...] and {...} and inside text over several lines keeps its lines and its alignment.
 */
#ifndef RULES_FORMAT_H
#define RULES_FORMAT_H

#include "base/arena.h"
#include "base/findings.h"
#include "base/span.h"
#include "base/status.h"

/*
 * The formatted text, in the arena; the same bytes where there is nothing to do. STATUS_INVALID with findings where the
 * file is no YAML that Weir reads; `name` is for them. STATUS_NO_MEMORY.
 */
enum status format_pack(struct span text, const char *name, struct arena *arena, struct findings *findings,
                        struct span *ret_text) MUST_USE;

#endif
