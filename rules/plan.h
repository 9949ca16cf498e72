/*
 * What the planner (rules/program.c) and the makers of its searches (rules/plan_tokens.c, rules/plan_compile.c) share while
 * a program is being made. Private to these; used by one thread.
 */
#ifndef RULES_PLAN_H
#define RULES_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/span.h"
#include "base/status.h"
#include "rules/program.h"
#include "rules/traffic_profile.h"

/* One (literal, target) pair while the plan is being made. */
struct plan_literal {
    struct span literal;
    struct program_target target;
};

struct plan_expression {
    const char *text;
    uint32_t probe;
};

/* A growing array; its owner frees the items. */
struct plan_list {
    void *items;
    uint32_t count, capacity;
};

#define PLAN_SCRATCH_MAX ((size_t)256 << 20)

struct weighed; /* rules/weighed.h */

struct plan {
    struct program *program;
    struct arena *scratch;
    struct error *error;
    struct plan_list probes, rules, phrases, entries;
    struct plan_list literals[VIEW_COUNT];
    struct plan_list expressions[VIEW_COUNT];
    struct plan_list always[VIEW_COUNT];
    struct plan_list literal_parts, expression_parts, heavy;
    struct weighed *weighed;
    struct partition_options compiling;
    const struct traffic_profile *traffic; /* what is rare; NULL: the built-in profile */
};

/* The new last item, zeroed; NULL without memory. It moves when the list grows. */
void *plan_list_add(struct plan_list *list, size_t size) MUST_USE;

/* A copy of the items in the arena; an empty list gives a pointer that is never followed. NULL without memory. */
const void *plan_list_keep(const struct plan_list *list, size_t size, struct arena *arena) MUST_USE;

/*
 * Takes domains, and long lists of words, out of plan->literals, and makes indexes of tokens of them in plan->literal_parts
 * (rules/token_index.h). Few words are left to Hyperscan: measured on chat, both cost the same with some 1,200.
 */
#define PLAN_WORDS_MIN 1200u
enum status plan_tokens(struct plan *plan) MUST_USE;

/*
 * Compiles plan->literals into plan->literal_parts, and plan->expressions into plan->expression_parts. Probes whose
 * expression could not be compiled become SEARCH_ALWAYS; those for which that took too much are in plan->heavy too.
 */
enum status plan_compile(struct plan *plan) MUST_USE;

#endif
