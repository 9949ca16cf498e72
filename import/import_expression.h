/* Conditions of others as trees, and as Weir writes them. Only for rules/import*.c. Everything lives in one arena. */
#ifndef IMPORT_IMPORT_EXPRESSION_H
#define IMPORT_IMPORT_EXPRESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/status.h"

enum import_expression_type {
    IMPORT_NAME,  /* a pattern of the rule */
    IMPORT_NOT,   /* items[0] */
    IMPORT_AND,   /* all items */
    IMPORT_OR,    /* one of them */
    IMPORT_COUNT, /* at least `at_least` of the items, which are different names */
    IMPORT_TRUE,
    IMPORT_FALSE,
    IMPORT_TOO_LARGE, /* of more than IMPORT_ITEMS_MAX items; so is whatever it is a part of */
};

#define IMPORT_ITEMS_MAX 2048u

struct import_expression {
    enum import_expression_type type;
    const char *name;
    uint32_t at_least;
    const struct import_expression *const *items;
    uint32_t count;
};

/*
 * They simplify what constants decide, put what is of one type into one list, and leave out what is in it already. NULL without memory, also where a part
 * is NULL.
 */
const struct import_expression *import_expression_name(struct arena *arena, const char *name);
const struct import_expression *import_expression_constant(struct arena *arena, bool value);
const struct import_expression *import_expression_not(struct arena *arena, const struct import_expression *item);
const struct import_expression *import_expression_join(struct arena *arena, enum import_expression_type type,
                                                       const struct import_expression *const *items, uint32_t count);

/*
 * At least so many of the items. What Weir's conditions have no words for (items that are no names) is written out as
 * combinations. *ret_too_many: there would be more than IMPORT_COMBINATIONS_MAX of them, or a name comes twice; the result
 * is then NULL.
 */
#define IMPORT_COMBINATIONS_MAX 64u
const struct import_expression *import_expression_count(struct arena *arena, uint32_t at_least,
                                                        const struct import_expression *const *items, uint32_t count,
                                                        bool *ret_too_many);

/* Appends it as a condition of Weir. There must be no constants in it. STATUS_LIMIT: it is too large. */
enum status import_expression_print(const struct import_expression *expression, struct buffer *out) MUST_USE;

#endif
