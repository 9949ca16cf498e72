/*
 * Plain texts as regexes. Only for rules/import*.c.
 *
 * A text is folded (text/view.h) before it is written as a regex over the folded view, so that the two meet; over the raw
 * view it stands as it is.
 */
#ifndef IMPORT_IMPORT_LITERAL_H
#define IMPORT_IMPORT_LITERAL_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/span.h"
#include "base/status.h"
#include "text/view.h"

/* Appends the text with what is special in regexes escaped; white space stands for white space. */
enum status import_literal_append(struct buffer *regex, struct span text, enum view view) MUST_USE;

/* The same, but `*` is any text and `?` any character, unless a backslash stands before them. */
enum status import_literal_append_wild(struct buffer *regex, struct span text, enum view view) MUST_USE;

/* Is anything left of the text once it is folded? */
bool import_literal_is_empty(struct span text, enum view view);

#endif
