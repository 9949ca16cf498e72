/* How view_append builds offset maps. Inside text/ only. */
#ifndef TEXT_VIEW_MAP_H
#define TEXT_VIEW_MAP_H

#include "base/buffer.h"
#include "text/view.h"

/* Bytes [start, end) of the view as it was were replaced by `size` bytes. */
struct view_edit {
    uint32_t start, end, size;
};

/* [raw_start, raw_end) gave the bytes of the view from view_start on. Joins a linear run to the one before it. */
enum status view_map_add(struct view_map *map, uint32_t view_start, uint32_t raw_start, uint32_t raw_end,
                         bool linear) MUST_USE;

/* The last byte of the view, at view_size - 1, also stands for what follows it up to raw_end. */
enum status view_map_extend(struct view_map *map, uint32_t view_size, uint32_t raw_end) MUST_USE;

/* Applies edits, in ascending order and apart from each other. */
enum status view_map_edit(struct view_map *map, const struct view_edit *edits, uint32_t count) MUST_USE;

#endif
