#include "rules/layout.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

#define SMALLEST 4u /* ids by which a layout is found */
#define GROUPS_MAX 100000u
#define FORMAT "weir layout 1"

struct layout_table {
    const struct layout_id *ids;
    uint32_t *slots; /* index + 1; 0: empty */
    uint32_t mask;
};

struct layout_id layout_id_of(uint32_t family, struct span text)
{
    struct cache_hash hash;
    struct cache_key key;
    struct layout_id id;
    cache_hash_begin(&hash, "weir item 1");
    cache_hash_bytes(&hash, span_of(&family, sizeof family));
    cache_hash_bytes(&hash, text);
    cache_hash_end(&hash, &key);
    memcpy(&id, key.bytes, sizeof id);
    return id;
}

static bool same(struct layout_id a, struct layout_id b)
{
    return a.words[0] == b.words[0] && a.words[1] == b.words[1];
}

enum status layout_table_new(const struct layout_id *ids, uint32_t count, struct layout_table **ret_table)
{
    uint32_t size = 16;
    while (size < UINT32_C(1) << 31 && size / 2 < count) {
        size *= 2;
    }
    struct layout_table *table = calloc(1, sizeof *table);
    uint32_t *slots = calloc(size, sizeof *slots);
    if (!table || !slots || size <= count) {
        free(table);
        free(slots);
        return STATUS_NO_MEMORY;
    }
    *table = (struct layout_table){.ids = ids, .slots = slots, .mask = size - 1};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = (uint32_t)ids[i].words[0] & table->mask;
        while (slots[at] && !same(ids[slots[at] - 1], ids[i])) {
            at = (at + 1) & table->mask;
        }
        slots[at] = slots[at] ? slots[at] : i + 1;
    }
    *ret_table = table;
    return STATUS_OK;
}

void layout_table_free(struct layout_table **table)
{
    if (*table) {
        free((*table)->slots);
        free(*table);
        *table = NULL;
    }
}

uint32_t layout_table_find(const struct layout_table *table, struct layout_id id)
{
    uint32_t at = (uint32_t)id.words[0] & table->mask;
    while (table->slots[at] && !same(table->ids[table->slots[at] - 1], id)) {
        at = (at + 1) & table->mask;
    }
    return table->slots[at] ? table->slots[at] - 1 : LAYOUT_NONE;
}

static bool less(struct layout_id a, struct layout_id b)
{
    return a.words[0] != b.words[0] ? a.words[0] < b.words[0] : a.words[1] < b.words[1];
}

/* The smallest distinct ids, ascending. */
static uint32_t smallest(const struct layout_id *ids, uint32_t count, struct layout_id ret[SMALLEST])
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = found;
        while (at > 0 && less(ids[i], ret[at - 1])) {
            at--;
        }
        if (at == SMALLEST || (at > 0 && same(ret[at - 1], ids[i]))) {
            continue;
        }
        uint32_t last = found < SMALLEST ? found++ : SMALLEST - 1;
        memmove(&ret[at + 1], &ret[at], (last - at) * sizeof *ret);
        ret[at] = ids[i];
    }
    return found;
}

static struct cache_key pointer_key(struct layout_id id)
{
    struct cache_hash hash;
    struct cache_key key;
    cache_hash_begin(&hash, FORMAT " near");
    cache_hash_bytes(&hash, span_of(&id, sizeof id));
    cache_hash_end(&hash, &key);
    return key;
}

static bool take(struct span *rest, void *ret, size_t size)
{
    if (rest->size < size) {
        return false;
    }
    memcpy(ret, rest->data, size);
    *rest = span_of(rest->data + size, rest->size - size);
    return true;
}

/* STATUS_NOT_FOUND: no good. */
static enum status parse(struct span bytes, struct arena *arena, struct layout *ret_layout)
{
    uint32_t count;
    if (!take(&bytes, &count, sizeof count) || count > GROUPS_MAX) {
        return STATUS_NOT_FOUND;
    }
    struct layout_group *groups = arena_array(arena, (size_t)count + 1, sizeof *groups);
    if (!groups) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct layout_group *group = &groups[i];
        if (!take(&bytes, &group->family, sizeof group->family) || !take(&bytes, &group->count, sizeof group->count) ||
            !take(&bytes, &group->key, sizeof group->key) || bytes.size / sizeof *group->ids < group->count) {
            return STATUS_NOT_FOUND;
        }
        struct layout_id *ids = arena_array(arena, (size_t)group->count + 1, sizeof *ids);
        if (!ids) {
            return STATUS_NO_MEMORY;
        }
        (void)take(&bytes, ids, group->count * sizeof *ids);
        group->ids = ids;
    }
    *ret_layout = (struct layout){.groups = groups, .group_count = count};
    return STATUS_OK;
}

static uint32_t shared_items(const struct layout *layout, const struct layout_table *table)
{
    uint32_t shared = 0;
    for (uint32_t i = 0; i < layout->group_count; i++) {
        for (uint32_t k = 0; k < layout->groups[i].count; k++) {
            shared += layout_table_find(table, layout->groups[i].ids[k]) != LAYOUT_NONE;
        }
    }
    return shared;
}

enum status layout_find(struct cache *cache, const struct layout_id *ids, uint32_t count,
                        const struct layout_table *table, struct arena *arena, struct layout *ret_layout)
{
    struct layout_id least[SMALLEST];
    struct cache_key seen[SMALLEST];
    struct layout best = {0};
    struct buffer bytes = BUFFER_INIT(CACHE_ENTRY_MAX);
    uint32_t found = smallest(ids, count, least), distinct = 0, best_shared = 0;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; (status == STATUS_OK || status == STATUS_NOT_FOUND) && i < found; i++) {
        struct cache_key pointer = pointer_key(least[i]), key;
        struct layout layout;
        buffer_clear(&bytes);
        status = cache_get(cache, &pointer, &bytes);
        if (status != STATUS_OK || bytes.size != sizeof key) {
            continue;
        }
        memcpy(&key, bytes.data, sizeof key);
        bool known = false;
        for (uint32_t k = 0; k < distinct; k++) {
            known = known || memcmp(&seen[k], &key, sizeof key) == 0;
        }
        if (known) {
            continue;
        }
        seen[distinct++] = key;
        buffer_clear(&bytes);
        status = cache_get(cache, &key, &bytes);
        if (status == STATUS_OK) {
            status = parse(buffer_span(&bytes), arena, &layout);
        }
        uint32_t shared = status == STATUS_OK ? shared_items(&layout, table) : 0;
        if (shared > best_shared) {
            best_shared = shared;
            best = layout;
        }
    }
    buffer_free(&bytes);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    if (best_shared == 0) {
        return STATUS_NOT_FOUND;
    }
    *ret_layout = best;
    return STATUS_OK;
}

static enum status print(const struct layout *layout, struct buffer *out)
{
    enum status status = buffer_append(out, &layout->group_count, sizeof layout->group_count);
    for (uint32_t i = 0; status == STATUS_OK && i < layout->group_count; i++) {
        const struct layout_group *group = &layout->groups[i];
        status = buffer_append(out, &group->family, sizeof group->family);
        if (status == STATUS_OK) {
            status = buffer_append(out, &group->count, sizeof group->count);
        }
        if (status == STATUS_OK) {
            status = buffer_append(out, &group->key, sizeof group->key);
        }
        if (status == STATUS_OK) {
            status = buffer_append(out, group->ids, group->count * sizeof *group->ids);
        }
    }
    return status;
}

void layout_keep(struct cache *cache, const struct layout_id *ids, uint32_t count, const struct layout *layout)
{
    struct buffer bytes = BUFFER_INIT(CACHE_ENTRY_MAX);
    if (print(layout, &bytes) == STATUS_OK) {
        struct layout_id least[SMALLEST];
        struct cache_hash hash;
        struct cache_key key;
        uint32_t found = smallest(ids, count, least);
        cache_hash_begin(&hash, FORMAT);
        cache_hash_bytes(&hash, buffer_span(&bytes));
        cache_hash_end(&hash, &key);
        cache_put(cache, &key, buffer_span(&bytes));
        for (uint32_t i = 0; i < found; i++) {
            struct cache_key pointer = pointer_key(least[i]);
            cache_put(cache, &pointer, span_of(&key, sizeof key));
        }
    }
    buffer_free(&bytes);
}
