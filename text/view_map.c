#include "text/view_map.h"

#include <stdlib.h>
#include <string.h>

#define SEGMENTS_MIN 16

void view_map_free(struct view_map *map)
{
    if (!map)
        return;
    free(map->segments);
    *map = (struct view_map){0};
}

static enum status reserve(struct view_map *map, uint32_t extra)
{
    if (map->segments && extra <= map->capacity - map->count)
        return STATUS_OK;
    if (map->count > UINT32_MAX / 2 - extra)
        return STATUS_LIMIT;
    uint32_t capacity = map->capacity < SEGMENTS_MIN ? SEGMENTS_MIN : map->capacity;
    while (capacity < map->count + extra)
        capacity *= 2;
    struct view_segment *segments = realloc(map->segments, (size_t)capacity * sizeof(*segments));
    if (!segments)
        return STATUS_NO_MEMORY;
    map->segments = segments;
    map->capacity = capacity;
    return STATUS_OK;
}

enum status view_map_add(struct view_map *map, uint32_t view_start, uint32_t raw_start, uint32_t raw_end, bool linear)
{
    struct view_segment *last = map->count ? &map->segments[map->count - 1] : NULL;
    if (last && last->linear && linear && last->raw_end == raw_start) {
        last->raw_end = raw_end;
        return STATUS_OK;
    }
    enum status status = reserve(map, 1);
    if (status != STATUS_OK)
        return status;
    map->segments[map->count++] =
        (struct view_segment){.view_start = view_start, .raw_start = raw_start, .raw_end = raw_end, .linear = linear};
    return STATUS_OK;
}

enum status view_map_extend(struct view_map *map, uint32_t view_size, uint32_t raw_end)
{
    if (map->count == 0)
        return STATUS_OK; /* it vanished at the very start */
    struct view_segment *last = &map->segments[map->count - 1];
    if (!last->linear || view_size - last->view_start == 1) {
        last->linear = false;
        last->raw_end = raw_end;
        return STATUS_OK;
    }
    enum status status = reserve(map, 1);
    if (status != STATUS_OK)
        return status;
    last = &map->segments[map->count - 1];
    uint32_t raw_start = --last->raw_end;
    map->segments[map->count++] =
        (struct view_segment){.view_start = view_size - 1, .raw_start = raw_start, .raw_end = raw_end, .linear = false};
    return STATUS_OK;
}

static uint32_t view_end(const struct view_map *map, uint32_t index)
{
    return index + 1 < map->count ? map->segments[index + 1].view_start : map->view_size;
}

/* Appends to `to` what is left of [start, end) of one segment; `size` bytes of view. */
static void copy_part(struct view_map *to, const struct view_segment *segment, uint32_t start, uint32_t end,
                      uint32_t size, bool edited)
{
    uint32_t raw_start = segment->linear ? segment->raw_start + (start - segment->view_start) : segment->raw_start;
    uint32_t raw_end = segment->linear ? raw_start + (end - start) : segment->raw_end;
    struct view_segment *last = to->count ? &to->segments[to->count - 1] : NULL;
    if (last && !last->linear && last->raw_start == raw_start && last->raw_end == raw_end) {
        /* one more part of a run that stays one whole */
    } else if (size == 0 && last) {
        last->raw_end = raw_end;
        last->linear = false;
    } else {
        to->segments[to->count++] = (struct view_segment){.view_start = to->view_size,
                                                          .raw_start = raw_start,
                                                          .raw_end = raw_end,
                                                          .linear = segment->linear && !edited};
    }
    to->view_size += size;
}

enum status view_map_edit(struct view_map *map, const struct view_edit *edits, uint32_t count)
{
    struct view_map edited = {.raw_size = map->raw_size};
    if (count > UINT32_MAX / 8 || map->count > UINT32_MAX / 8)
        return STATUS_LIMIT;
    enum status status = reserve(&edited, map->count + 3 * count + 1);
    if (status != STATUS_OK)
        return status;
    uint32_t next = 0;
    uint32_t size_left = count ? edits[0].size : 0;
    for (uint32_t i = 0; i < map->count; i++) {
        const struct view_segment *segment = &map->segments[i];
        uint32_t end = view_end(map, i);
        for (uint32_t at = segment->view_start; at < end;) {
            if (next == count || edits[next].start >= end) {
                copy_part(&edited, segment, at, end, end - at, false);
                break;
            }
            const struct view_edit *edit = &edits[next];
            if (at < edit->start) {
                copy_part(&edited, segment, at, edit->start, edit->start - at, false);
                at = edit->start;
            }
            uint32_t part_end = edit->end < end ? edit->end : end;
            copy_part(&edited, segment, at, part_end, size_left, true);
            size_left = 0; /* an edit over several segments: the first one takes its bytes */
            at = part_end;
            if (at == edit->end && ++next < count)
                size_left = edits[next].size;
        }
    }
    free(map->segments);
    *map = edited;
    return STATUS_OK;
}

/* The segment that holds the byte at `offset` of the view. */
static const struct view_segment *segment_at(const struct view_map *map, uint32_t offset)
{
    uint32_t low = 0, high = map->count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (map->segments[middle].view_start <= offset)
            low = middle;
        else
            high = middle;
    }
    return &map->segments[low];
}

/* The same where runs of the message may be shown twice: all that the bytes came from, whatever their order. */
static void span_of_repeats(const struct view_map *map, uint32_t start, uint32_t end, uint32_t *ret_start,
                            uint32_t *ret_end)
{
    uint32_t raw_start = UINT32_MAX, raw_end = 0;
    for (uint32_t i = (uint32_t)(segment_at(map, start) - map->segments); i < map->count; i++) {
        const struct view_segment *segment = &map->segments[i];
        if (segment->view_start >= end)
            break;
        uint32_t first = segment->raw_start, last = segment->raw_end;
        if (segment->linear && start > segment->view_start)
            first += start - segment->view_start;
        if (segment->linear && end < view_end(map, i))
            last = segment->raw_start + (end - segment->view_start);
        raw_start = first < raw_start ? first : raw_start;
        raw_end = last > raw_end ? last : raw_end;
    }
    *ret_start = start == 0 ? 0 : raw_start;
    *ret_end = raw_end;
}

void view_map_span(const struct view_map *map, uint32_t start, uint32_t end, uint32_t *ret_start, uint32_t *ret_end)
{
    uint32_t raw_start = map->raw_size, raw_end = map->raw_size;
    if (map->repeats && start < end) {
        span_of_repeats(map, start, end, ret_start, ret_end);
        return;
    }
    if (start < map->view_size) {
        const struct view_segment *segment = segment_at(map, start);
        raw_start = segment->raw_start + (segment->linear ? start - segment->view_start : 0);
        raw_end = raw_start;
    }
    if (end > start && map->count > 0) {
        const struct view_segment *segment = segment_at(map, end - 1);
        raw_end = segment->linear ? segment->raw_start + (end - segment->view_start) : segment->raw_end;
        /* What vanished at the very start belongs to the first character. */
        if (start == 0)
            raw_start = 0;
    }
    *ret_start = raw_start;
    *ret_end = raw_end;
}
