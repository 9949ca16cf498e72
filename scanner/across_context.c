#include "scanner/across_context.h"

#include <string.h>

static bool is_among(const struct verdict_context *context, uint32_t count, struct span message_id)
{
    for (uint32_t i = 0; i < count; i++) {
        if (span_equal(context[i].message_id, message_id)) {
            return true;
        }
    }
    return false;
}

enum status across_context_add(const struct scan_hit *const *hits, uint32_t hit_count, struct arena *arena,
                               struct verdict *verdict)
{
    uint32_t part_count = 0, parts_max = 0, count = 0;
    for (uint32_t i = 0; i < hit_count; i++) {
        parts_max += hits[i]->part_count;
    }
    if (parts_max == 0) {
        return STATUS_OK;
    }
    struct verdict_context *parts = arena_array(arena, parts_max, sizeof *parts);
    struct verdict_context *context =
        parts ? arena_array(arena, (size_t)verdict->context_count + parts_max, sizeof *context) : NULL;
    if (!context) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < hit_count; i++) {
        for (uint32_t p = 0; p < hits[i]->part_count; p++) {
            if (!is_among(parts, part_count, hits[i]->parts[p].message_id)) {
                parts[part_count++] = hits[i]->parts[p];
            }
        }
    }
    for (uint32_t i = 0; i < verdict->context_count; i++) {
        if (!is_among(parts, part_count, verdict->context[i].message_id)) {
            context[count++] = verdict->context[i];
        }
    }
    memcpy(context + count, parts, part_count * sizeof *parts);
    verdict->context = context;
    verdict->context_count = count + part_count;
    verdict->part_count = part_count;
    return STATUS_OK;
}
