/* Cells of tables on a terminal: text of unknown origin, made safe to show, cut or filled to a width in columns. */
#ifndef CLI_COLUMNS_H
#define CLI_COLUMNS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/status.h"

/* The columns that the text takes on a terminal: wide characters, as of Chinese or emoji, take two. */
uint32_t columns_of(const char *text);

/*
 * Appends the text as at most `width` columns of one line, the last of them … if something was left out. `fill`: with
 * spaces up to `width`.
 */
enum status columns_append(const char *text, uint32_t width, bool fill, struct buffer *out) MUST_USE;

#endif
