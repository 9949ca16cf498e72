/*
 * Stored text made fit for a person's terminal: nothing that was sent can move the cursor, change colours, hide itself
 * or turn the direction of what follows. Control characters, direction marks, invisible characters and bytes that are
 * not UTF-8 come out as <U+202E> or <FF>. Pure functions.
 */
#ifndef ALERTS_PRESENT_H
#define ALERTS_PRESENT_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"
#include "base/status.h"

enum present_style {
    PRESENT_QUOTES,  /* marked parts between « and » */
    PRESENT_REVERSE, /* marked parts in the terminal's reverse video */
};

/* Bytes [start, end) of the text. */
struct present_mark {
    uint32_t start, end;
};

/*
 * Appends `text` with its marks, which may be in any order, overlap and reach beyond the text; empty ones are not
 * shown. A line break is shown as such, and each new line begins with `indent` spaces; with PRESENT_ONE_LINE it is
 * shown as <U+000A>. `marks` is sorted and joined in place.
 */
#define PRESENT_ONE_LINE UINT32_MAX
enum status present_text(struct span text, struct present_mark *marks, uint32_t mark_count, enum present_style style,
                         uint32_t indent, struct buffer *out) MUST_USE;

/* Appends at most `width` characters of one line, the last of them … if something was left out. For tables. */
enum status present_cell(struct span text, uint32_t width, struct buffer *out) MUST_USE;

#endif
