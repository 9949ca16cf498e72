/* The second step of folding: look-alike letters in words that mix scripts. Inside text/ only. */
#ifndef TEXT_VIEW_WORDS_H
#define TEXT_VIEW_WORDS_H

#include "base/buffer.h"
#include "text/fold.h"
#include "text/view_map.h"

struct view_edits {
    struct view_edit *items;
    uint32_t count, capacity;
};

/*
 * Rewrites out->data[base..] in place, which only ever makes it shorter. Records what it did in `edits` (offsets
 * relative to base, of the text as it was) unless that is NULL. On failure what stands after `base` is of no use.
 */
enum status view_words_map(struct buffer *out, size_t base, struct fold_scratch *scratch,
                           struct view_edits *edits) MUST_USE;

#endif
