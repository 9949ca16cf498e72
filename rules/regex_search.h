/*
 * What to search for so that no match of a regex is missed: literals, an expression, or both.
 *
 * Each branch of a choice that has a rare required literal is found by that; only what is left of the regex without
 * those branches has to be searched as an expression. A match either goes through a branch with a literal, and then the
 * literal stands in the text, or it does not, and then it is a match of what is left.
 */
#ifndef RULES_REGEX_SEARCH_H
#define RULES_REGEX_SEARCH_H

#include "base/arena.h"
#include "base/status.h"
#include "rules/regex_literals.h"
#include "rules/regex_tree.h"
#include "text/view.h"

#define REGEX_SEARCH_LITERALS_MAX 4096 /* of one regex, all branches together */

/* What confirming at all literals of a regex may cost, in ns a byte of ordinary chat: about what an expression costs. */
#define REGEX_SEARCH_COST_MAX 0.9

struct regex_search {
    const struct regex_literal *literals; /* in the arena */
    uint32_t literal_count;
    double rate;                   /* how often one of them is expected, per byte */
    double cost;                   /* of confirming there, in ns a byte */
    const struct regex_node *rest; /* to be loosened and searched as well; NULL: the literals are enough */
};

/* Of a tree that is fitted to the view (rules/regex_fit.h). STATUS_NO_MEMORY. */
enum status regex_search_plan(const struct regex_node *root, struct arena *arena, enum view view,
                              const struct traffic_profile *traffic, struct regex_search *ret_search) MUST_USE;

#endif
