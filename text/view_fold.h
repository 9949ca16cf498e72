/* The folded view. Inside text/ only. */
#ifndef TEXT_VIEW_FOLD_H
#define TEXT_VIEW_FOLD_H

#include "base/buffer.h"
#include "base/span.h"
#include "base/status.h"
#include "text/view.h"

/*
 * Appends the folded view of `message` to `out`, and fills `map` unless it is NULL. After a failure what was appended is
 * of no use, and STATUS_LIMIT may only mean that the way there needs more room than the view.
 */
enum status view_fold(struct span message, struct buffer *out, struct view_map *map) MUST_USE;

#endif
