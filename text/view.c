#include "text/view.h"

#include "text/ascii.h"
#include "text/caseless.h"
#include "text/fold.h"
#include "text/skeleton.h"
#include "text/skeleton_units.h"
#include "text/utf8.h"
#include "text/view_fold.h"
#include "text/view_map.h"

#define MESSAGE_SIZE_MAX ((size_t)1 << 31)

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

const char *const view_names[VIEW_COUNT + 1] = {"raw", "folded", "skeleton", NULL};

enum status view_start(void)
{
    static bool started;
    enum status status = caseless_start();
    if (status == STATUS_OK)
        status = fold_start();
    if (status == STATUS_OK && !started)
        skeleton_start();
    started |= status == STATUS_OK;
    return status;
}

/* Enters in the map that bytes [raw_start, raw_end) of the message gave what is appended. */
static enum status append_part(struct buffer *out, size_t base, struct view_map *map, const void *data, size_t size,
                               size_t raw_start, size_t raw_end)
{
    uint32_t start = (uint32_t)(out->size - base);
    enum status status = buffer_append(out, data, size);
    if (status == STATUS_OK && map && size > 0)
        status = view_map_add(map, start, (uint32_t)raw_start, (uint32_t)raw_end, data != replacement);
    return status;
}

static enum status append_raw(struct span message, struct buffer *out, struct view_map *map)
{
    size_t base = out->size;
    for (size_t at = 0; at < message.size;) {
        size_t start = at;
        uint32_t c, size = 0;
        while (at < message.size) {
            at += utf8_ascii_prefix(span_of(message.data + at, message.size - at));
            if (at >= message.size)
                break;
            size = utf8_next(span_of(message.data + at, message.size - at), &c);
            if (c == UTF8_REPLACEMENT)
                break;
            at += size;
        }
        enum status status = append_part(out, base, map, message.data + start, at - start, start, at);
        if (status == STATUS_OK && at < message.size) { /* ill-formed, or U+FFFD itself: the same bytes */
            status = append_part(out, base, map, replacement, sizeof replacement - 1, at, at + size);
            at += size;
        }
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status append(enum view view, struct span message, struct buffer *out, struct view_map *map)
{
    size_t base = out->size;
    if (map) {
        map->count = 0;
        map->repeats = false;
        map->view_size = 0;
        map->raw_size = (uint32_t)message.size;
    }
    enum status status = view == VIEW_RAW      ? append_raw(message, out, map)
                         : view == VIEW_FOLDED ? view_fold(message, out, map)
                                               : skeleton_append(SKELETON_VIEW, message, out, map);
    if (status == STATUS_OK && out->size - base > UINT32_MAX)
        status = STATUS_LIMIT;
    if (status != STATUS_OK)
        out->size = base;
    else if (map)
        map->view_size = (uint32_t)(out->size - base);
    return status;
}

enum status view_append(enum view view, struct span message, struct buffer *out, struct view_map *map)
{
    if (message.size > MESSAGE_SIZE_MAX)
        return STATUS_LIMIT;
    enum status status = append(view, message, out, map);
    if (status != STATUS_LIMIT || view == VIEW_RAW)
        return status;
    /* On the way there a view may need more room than in the end: only its final size counts. */
    struct buffer aside = BUFFER_INIT(UINT32_MAX);
    status = append(view, message, &aside, map);
    if (status == STATUS_OK)
        status = buffer_append(out, aside.data, aside.size);
    buffer_free(&aside);
    return status;
}

enum status view_append_searched(struct span message, struct buffer *folded, struct buffer *raw, bool *ret_same)
{
    if (message.size > MESSAGE_SIZE_MAX)
        return STATUS_LIMIT;
    size_t size = folded->size;
    enum status status = buffer_reserve(folded, message.size);
    if (status == STATUS_OK &&
        (message.size == 0 || ascii_fold(message.data, message.size, folded->data + folded->size) == message.size)) {
        folded->size += message.size;
        *ret_same = true;
        return STATUS_OK;
    }
    status = view_append(VIEW_FOLDED, message, folded, NULL);
    if (status == STATUS_OK)
        status = caseless_append(message, raw);
    if (status == STATUS_OK)
        *ret_same = false;
    else
        folded->size = size;
    return status;
}
