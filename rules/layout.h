/*
 * How the items of a rule set were grouped into partitions last time, kept in the cache, so that an edit leaves the groups
 * alone that it does not touch: what is new goes into a small group of its own, and what is gone stays in its group and
 * is ignored when it is found. (Large groups search fastest, and take too long to compile for one edit.)
 *
 * A layout is found again by any of the few items of it whose ids are smallest: a set that differs a little has most of
 * them too.
 */
#ifndef RULES_LAYOUT_H
#define RULES_LAYOUT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"
#include "base/status.h"
#include "rules/cache.h"

/* A hash of an item and of its family: what kind it is and which view it is searched in. */
struct layout_id {
    uint64_t words[2];
};

struct layout_group {
    uint32_t family;
    uint32_t count;
    struct cache_key key; /* of its partitions */
    const struct layout_id *ids;
};

struct layout {
    const struct layout_group *groups;
    uint32_t group_count;
};

struct layout_id layout_id_of(uint32_t family, struct span text);

/* Finds items by id. `ids` must outlive it. */
struct layout_table;
#define LAYOUT_NONE UINT32_MAX
enum status layout_table_new(const struct layout_id *ids, uint32_t count, struct layout_table **ret_table) MUST_USE;
void layout_table_free(struct layout_table **table);
uint32_t layout_table_find(const struct layout_table *table, struct layout_id id); /* the first of that id, or NONE */

/*
 * Of the layouts that share a smallest item with `ids`, the one that has most of them. STATUS_NOT_FOUND: none.
 * Everything is in the arena.
 */
enum status layout_find(struct cache *cache, const struct layout_id *ids, uint32_t count,
                        const struct layout_table *table, struct arena *arena, struct layout *ret_layout) MUST_USE;

/* Keeps it for sets like `ids`. A failure costs time only. */
void layout_keep(struct cache *cache, const struct layout_id *ids, uint32_t count, const struct layout *layout);

#endif
