#include "import/import_expression.h"

#include <string.h>

static struct import_expression *make(struct arena *arena, enum import_expression_type type)
{
    struct import_expression *expression = arena_array(arena, 1, sizeof *expression);
    if (expression) {
        expression->type = type;
    }
    return expression;
}

const struct import_expression *import_expression_name(struct arena *arena, const char *name)
{
    struct import_expression *expression = make(arena, IMPORT_NAME);
    if (expression) {
        expression->name = name;
    }
    return expression;
}

const struct import_expression *import_expression_constant(struct arena *arena, bool value)
{
    return make(arena, value ? IMPORT_TRUE : IMPORT_FALSE);
}

const struct import_expression *import_expression_not(struct arena *arena, const struct import_expression *item)
{
    if (!item) {
        return NULL;
    }
    switch (item->type) {
    case IMPORT_NOT:
        return item->items[0];
    case IMPORT_TOO_LARGE:
        return item;
    case IMPORT_TRUE:
    case IMPORT_FALSE:
        return import_expression_constant(arena, item->type == IMPORT_FALSE);
    default:
        break;
    }
    struct import_expression *inverse = make(arena, IMPORT_NOT);
    if (inverse) {
        const struct import_expression **list = arena_array(arena, 1, sizeof(struct import_expression *));
        if (!list) {
            return NULL;
        }
        list[0] = item;
        inverse->items = list;
        inverse->count = 1;
    }
    return inverse;
}

static bool is_constant(const struct import_expression *expression, bool value)
{
    return expression->type == (value ? IMPORT_TRUE : IMPORT_FALSE);
}

static bool is_same(const struct import_expression *a, const struct import_expression *b)
{
    return a == b || (a->type == IMPORT_NAME && b->type == IMPORT_NAME && strcmp(a->name, b->name) == 0);
}

/* Adds the item unless it is there already. */
static void add_item(const struct import_expression **list, uint32_t *count, const struct import_expression *item)
{
    for (uint32_t i = 0; i < *count; i++) {
        if (is_same(list[i], item)) {
            return;
        }
    }
    list[(*count)++] = item;
}

/* The items of `and` or `or` as one list; an item that decides alone is returned instead. */
static const struct import_expression *add_items(enum import_expression_type type,
                                                 const struct import_expression *const *items, uint32_t count,
                                                 const struct import_expression **list, uint32_t *used)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct import_expression *item = items[i];
        if (is_constant(item, type == IMPORT_OR) || item->type == IMPORT_TOO_LARGE) {
            return item;
        }
        if (is_constant(item, type == IMPORT_AND)) {
            continue; /* it decides nothing */
        }
        if (item->type != type) {
            add_item(list, used, item);
        }
        for (uint32_t k = 0; item->type == type && k < item->count; k++) {
            add_item(list, used, item->items[k]);
        }
    }
    return NULL;
}

const struct import_expression *import_expression_join(struct arena *arena, enum import_expression_type type,
                                                       const struct import_expression *const *items, uint32_t count)
{
    uint64_t total = 0;
    uint32_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!items[i]) {
            return NULL;
        }
        total += items[i]->type == type ? items[i]->count : 1;
    }
    if (total > IMPORT_ITEMS_MAX) {
        return make(arena, IMPORT_TOO_LARGE);
    }
    struct import_expression *joined = make(arena, type);
    const struct import_expression **list = arena_array(arena, (size_t)total + 1, sizeof(struct import_expression *));
    if (!joined || !list) {
        return NULL;
    }
    const struct import_expression *alone = add_items(type, items, count, list, &used);
    if (alone) {
        return alone;
    }
    joined->items = list;
    joined->count = used;
    if (used > 1) {
        return joined;
    }
    return used == 1 ? list[0] : import_expression_constant(arena, type == IMPORT_AND);
}

static bool all_names(const struct import_expression *const *items, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (items[i]->type != IMPORT_NAME) {
            return false;
        }
    }
    return true;
}

static bool names_twice(const struct import_expression *const *items, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (items[i]->type == IMPORT_NAME && items[k]->type == IMPORT_NAME &&
                strcmp(items[i]->name, items[k]->name) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* How many ways there are to choose so many; IMPORT_COMBINATIONS_MAX + 1 stands for more. */
static uint32_t combinations(uint32_t count, uint32_t chosen)
{
    uint64_t ways = 1;
    for (uint32_t i = 1; i <= chosen; i++) {
        ways = ways * (count - chosen + i) / i;
        if (ways > IMPORT_COMBINATIONS_MAX) {
            return IMPORT_COMBINATIONS_MAX + 1;
        }
    }
    return (uint32_t)ways;
}

/* Each choice of items joined by `and`, all of them by `or`. */
static const struct import_expression *write_out(struct arena *arena, uint32_t chosen,
                                                 const struct import_expression *const *items, uint32_t count,
                                                 uint32_t ways)
{
    const struct import_expression **choices = arena_array(arena, ways, sizeof(struct import_expression *));
    const struct import_expression **choice = arena_array(arena, chosen, sizeof(struct import_expression *));
    uint32_t *at = arena_array(arena, chosen, sizeof *at);
    if (!choices || !choice || !at) {
        return NULL;
    }
    for (uint32_t i = 0; i < chosen; i++) {
        at[i] = i;
    }
    for (uint32_t way = 0; way < ways; way++) {
        for (uint32_t i = 0; i < chosen; i++) {
            choice[i] = items[at[i]];
        }
        choices[way] = import_expression_join(arena, IMPORT_AND, choice, chosen);
        uint32_t last = chosen;
        while (last > 0 && at[last - 1] == count - chosen + last - 1) {
            last--;
        }
        for (uint32_t i = last; last > 0 && i <= chosen; i++) {
            at[i - 1] = i == last ? at[i - 1] + 1 : at[i - 2] + 1;
        }
    }
    return import_expression_join(arena, IMPORT_OR, choices, ways);
}

const struct import_expression *import_expression_count(struct arena *arena, uint32_t at_least,
                                                        const struct import_expression *const *items, uint32_t count,
                                                        bool *ret_too_many)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!items[i]) {
            return NULL;
        }
    }
    if (at_least == 0 || at_least > count) {
        return import_expression_constant(arena, at_least == 0);
    }
    if (names_twice(items, count)) {
        *ret_too_many = true;
        return NULL;
    }
    if (at_least == 1 || at_least == count) {
        return import_expression_join(arena, at_least == 1 ? IMPORT_OR : IMPORT_AND, items, count);
    }
    if (all_names(items, count)) {
        struct import_expression *expression = make(arena, IMPORT_COUNT);
        if (expression) {
            expression->at_least = at_least;
            expression->items = items;
            expression->count = count;
        }
        return expression;
    }
    uint32_t ways = combinations(count, at_least);
    if (ways > IMPORT_COMBINATIONS_MAX) {
        *ret_too_many = true;
        return NULL;
    }
    return write_out(arena, at_least, items, count, ways);
}

static enum status print_part(const struct import_expression *part, enum import_expression_type around,
                              struct buffer *out)
{
    bool bracket = (around == IMPORT_NOT && (part->type == IMPORT_AND || part->type == IMPORT_OR)) ||
                   (around == IMPORT_AND && part->type == IMPORT_OR);
    enum status status = bracket ? buffer_append_byte(out, '(') : STATUS_OK;
    if (status == STATUS_OK) {
        status = import_expression_print(part, out);
    }
    return status == STATUS_OK && bracket ? buffer_append_byte(out, ')') : status;
}

enum status import_expression_print(const struct import_expression *expression, struct buffer *out)
{
    static const char *const between[] = {
        [IMPORT_AND] = " and ", [IMPORT_OR] = " or ", [IMPORT_COUNT] = ", ", [IMPORT_NOT] = ""};
    enum status status = STATUS_OK;
    if (expression->type == IMPORT_NAME) {
        return buffer_append_text(out, expression->name);
    }
    if (expression->type == IMPORT_TOO_LARGE) {
        return STATUS_LIMIT;
    }
    if (expression->type == IMPORT_TRUE || expression->type == IMPORT_FALSE) {
        return STATUS_INVALID;
    }
    if (expression->type == IMPORT_NOT) {
        status = buffer_append_text(out, "not ");
    } else if (expression->type == IMPORT_COUNT) {
        status = buffer_print(out, "%u of (", expression->at_least);
    }
    for (uint32_t i = 0; i < expression->count && status == STATUS_OK; i++) {
        status = i ? buffer_append_text(out, between[expression->type]) : STATUS_OK;
        if (status == STATUS_OK) {
            status = print_part(expression->items[i], expression->type, out);
        }
    }
    return status == STATUS_OK && expression->type == IMPORT_COUNT ? buffer_append_byte(out, ')') : status;
}
