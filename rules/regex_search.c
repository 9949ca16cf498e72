#include "rules/regex_search.h"

#include <string.h>

#define SPLIT_DEPTH_MAX 8 /* choices within choices that are looked into */

struct splitter {
    struct arena *arena;
    enum view view;
    const struct traffic_profile *traffic;
    struct regex_literal literals[REGEX_SEARCH_LITERALS_MAX];
    uint32_t count;
    double rate, cost;
    enum status status;
};

static uint32_t add(uint32_t a, uint32_t b)
{
    return a > UINT32_MAX - b ? REGEX_EXTENT_ANY : a + b;
}

static struct regex_extent extent_add(struct regex_extent a, struct regex_extent b)
{
    return (struct regex_extent){add(a.min, b.min), add(a.max, b.max)};
}

/* Can this node, `before` after the start of the match, be found by literals alone? Then they are taken. */
static bool take_literals(struct splitter *splitter, const struct regex_node *node, struct regex_extent before)
{
    struct regex_literals found;
    enum status status = regex_literals_find(node, splitter->view, splitter->traffic,
                                             REGEX_SEARCH_COST_MAX - splitter->cost, splitter->arena, &found);
    if (status != STATUS_OK) {
        splitter->status = status == STATUS_NO_MEMORY ? status : splitter->status;
        return false;
    }
    if (splitter->count + found.count > REGEX_SEARCH_LITERALS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < found.count; i++) {
        struct regex_literal *literal = &splitter->literals[splitter->count++];
        *literal = found.items[i];
        literal->before = extent_add(literal->before, before);
    }
    splitter->rate += found.rate;
    splitter->cost += found.cost;
    return true;
}

/* A copy of `node` that is not linked to its siblings. */
static struct regex_node *copy_node(struct splitter *splitter, const struct regex_node *node)
{
    struct regex_node *copy = arena_allocate(splitter->arena, sizeof *copy);
    if (!copy) {
        splitter->status = STATUS_NO_MEMORY;
        return NULL;
    }
    *copy = *node;
    copy->next = NULL;
    copy->learned = NULL; /* it may get other children */
    return copy;
}

static const struct regex_node *split(struct splitter *splitter, const struct regex_node *node,
                                      struct regex_extent before, int depth);

/* The choice without the branches that have literals; NULL if none is left. */
static const struct regex_node *split_choice(struct splitter *splitter, const struct regex_node *node,
                                             struct regex_extent before, int depth)
{
    struct regex_node *rest = copy_node(splitter, node);
    if (!rest) {
        return node;
    }
    struct regex_node **last = &rest->first;
    bool changed = false;
    *last = NULL;
    rest->empty = rest->empty_freely = false;
    for (const struct regex_node *child = node->first; child; child = child->next) {
        const struct regex_node *left = split(splitter, child, before, depth + 1);
        changed |= left != child;
        if (!left) {
            continue;
        }
        struct regex_node *kept = copy_node(splitter, left);
        if (!kept) {
            return node;
        }
        rest->empty |= kept->empty;
        rest->empty_freely |= kept->empty_freely;
        *last = kept;
        last = &kept->next;
    }
    return !changed ? node : rest->first ? rest : NULL;
}

/* The sequence with one of its parts split; the first that can be. */
static const struct regex_node *split_sequence(struct splitter *splitter, const struct regex_node *node,
                                               struct regex_extent before, int depth)
{
    const struct regex_node *part = NULL, *left = NULL;
    for (part = node->first; part; part = part->next) {
        left = split(splitter, part, before, depth + 1);
        if (left != part) {
            break;
        }
        before = extent_add(before, regex_literals_extent(part));
    }
    if (!part || !left) {
        return part ? NULL : node;
    }
    struct regex_node *rest = copy_node(splitter, node);
    if (!rest) {
        return node;
    }
    struct regex_node **last = &rest->first;
    *last = NULL;
    rest->empty = rest->empty_freely = true;
    for (const struct regex_node *child = node->first; child; child = child->next) {
        struct regex_node *kept = copy_node(splitter, child == part ? left : child);
        if (!kept) {
            return node;
        }
        rest->empty &= kept->empty;
        rest->empty_freely &= kept->empty_freely;
        *last = kept;
        last = &kept->next;
    }
    return rest;
}

static const struct regex_node *split_repeat(struct splitter *splitter, const struct regex_node *node,
                                             struct regex_extent before, int depth)
{
    if (node->max > 1) {
        before.max = REGEX_EXTENT_ANY; /* a literal may be that of any round */
    }
    const struct regex_node *left = node->min > 0 ? split(splitter, node->first, before, depth + 1) : node->first;
    if (!left || left == node->first) {
        return left ? node : NULL;
    }
    struct regex_node *rest = copy_node(splitter, node);
    struct regex_node *child = rest ? copy_node(splitter, left) : NULL;
    if (!child) {
        return node;
    }
    rest->first = child;
    rest->empty = child->empty;
    rest->empty_freely = child->empty_freely;
    return rest;
}

/* What is left to search of a node once the literals that could be taken are: all of it, a part, or nothing (NULL). */
static const struct regex_node *split(struct splitter *splitter, const struct regex_node *node,
                                      struct regex_extent before, int depth)
{
    bool inner = node->type == NODE_CHOICE || node->type == NODE_SEQUENCE || node->type == NODE_REPEAT;
    if (!inner || depth > SPLIT_DEPTH_MAX || splitter->status != STATUS_OK) {
        return node;
    }
    if (take_literals(splitter, node, before)) {
        return NULL;
    }
    switch (node->type) {
    case NODE_CHOICE:
        return split_choice(splitter, node, before, depth);
    case NODE_SEQUENCE:
        return split_sequence(splitter, node, before, depth);
    default:
        return split_repeat(splitter, node, before, depth);
    }
}

enum status regex_search_plan(const struct regex_node *root, struct arena *arena, enum view view,
                              const struct traffic_profile *traffic, struct regex_search *ret_search)
{
    struct splitter *splitter = arena_allocate(arena, sizeof *splitter);
    if (!splitter) {
        return STATUS_NO_MEMORY;
    }
    splitter->arena = arena;
    splitter->view = view;
    splitter->traffic = traffic;
    splitter->count = 0;
    splitter->rate = splitter->cost = 0;
    splitter->status = STATUS_OK;
    const struct regex_node *rest = split(splitter, root, (struct regex_extent){0, 0}, 0);
    if (splitter->status != STATUS_OK) {
        return splitter->status;
    }
    *ret_search = (struct regex_search){.literals = splitter->literals,
                                        .literal_count = splitter->count,
                                        .rate = splitter->rate,
                                        .cost = splitter->cost,
                                        .rest = rest};
    return STATUS_OK;
}
