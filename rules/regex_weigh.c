#include "rules/regex_weigh.h"

#include <math.h>

#include "rules/regex_fit.h"
#include "rules/regex_loosen.h"

#define EXPRESSION_RATE 2e-3 /* what an expression counts for: it costs even where it finds nothing */

/*
 * What the ways cost in ns a message of ordinary chat, roughly, as measured with JIT and Hyperscan; what literals cost is
 * in rules/regex_literals.c.
 */
#define MESSAGE_BYTES 80.0
#define LOOK_NS 4.0        /* whether a message has what is demanded */
#define AUTOMATON_NS 100.0 /* a message that goes through an automaton, */
#define CONFIRM_NS 100.0   /* PCRE2 on a message, */
#define TRY_NS 15.0        /* at each place where a match may begin, and there for each node of its tree: */
#define TRY_NODE_NS 0.06
#define TRY_NODES_MAX 1500u
#define EXPRESSION_NS 15.0   /* one expression more in a database */
#define REPORT_NS 12.0       /* each match that it reports, */
#define CANDIDATE_SHARE 0.5  /* which is confirmed: most lie in the same few messages */
#define UNTRIGGERED_NS 100.0 /* an expression without a string of this length runs at every byte, */
#define TRIGGER_SIZE_MIN 3u
#define STARTS_MANY 0.05  /* unless a match may begin at few places only: this share of them is as bad as all; */
#define WEIGHT_LARGE 128u /* and one that is longer than this has many states at once */
#define WEIGHT_LARGE_NS 8.0
#define LARGE_NS_MAX 2000.0
#define EXPRESSION_BYTES_MAX 4000u /* a longer one takes seconds to compile, or is refused */

struct weighing {
    struct arena *scratch;
    const struct traffic_profile *traffic;
};

static uint32_t count_nodes(const struct regex_node *node)
{
    uint32_t count = 1;
    for (const struct regex_node *child = node->first; child && count < TRY_NODES_MAX; child = child->next) {
        count += count_nodes(child);
    }
    return count;
}

/* Is a string of some length required, which triggers the search for the expression that is its tree? */
static bool has_trigger(const struct weighing *by, const struct regex_node *tree, enum view view)
{
    struct regex_literals found;
    if (regex_literals_find(tree, view, by->traffic, REGEX_LITERALS_ANY_COST, by->scratch, &found) != STATUS_OK) {
        return false;
    }
    for (uint32_t i = 0; i < found.count; i++) {
        if (found.items[i].text.size < TRIGGER_SIZE_MIN) {
            return false;
        }
    }
    return true;
}

/* Plans the search for a fitted tree, and adds up what it costs if a confirmation costs `confirm_ns`. */
static enum status weigh_search(const struct weighing *by, const struct regex_node *tree, enum view view,
                                double confirm_ns, struct regex_choice *choice)
{
    struct regex_loosened facts = {0};
    enum status status = regex_search_plan(tree, by->scratch, view, by->traffic, &choice->search);
    if (status != STATUS_OK) {
        return status;
    }
    choice->rate = choice->search.rate;
    choice->search_ns = choice->search.cost * MESSAGE_BYTES;
    choice->searchable = !choice->search.rest;
    if (choice->searchable) {
        return STATUS_OK;
    }
    status = regex_loosen(choice->search.rest, &choice->expression, &facts);
    choice->searchable = status == STATUS_OK && choice->expression.size <= EXPRESSION_BYTES_MAX;
    choice->rate += EXPRESSION_RATE;
    double reports = facts.likelihood * MESSAGE_BYTES;
    choice->search_ns += EXPRESSION_NS + reports * REPORT_NS + fmin(reports, 1) * CANDIDATE_SHARE * confirm_ns;
    if (choice->searchable && !has_trigger(by, choice->search.rest, view)) {
        double starts = regex_demand_starts(tree, by->traffic);
        uint32_t large = facts.weight > WEIGHT_LARGE ? facts.weight - WEIGHT_LARGE : 0;
        choice->search_ns +=
            fmin(starts / STARTS_MANY, 1) * (UNTRIGGERED_NS + fmin(large * WEIGHT_LARGE_NS, LARGE_NS_MAX));
    }
    return status == STATUS_NO_MEMORY ? status : STATUS_OK;
}

enum status regex_weigh(struct span pattern, enum view view, struct arena *scratch,
                        const struct traffic_profile *traffic, struct regex_choice *choice)
{
    const struct weighing weighing = {.scratch = scratch, .traffic = traffic}, *by = &weighing;
    struct regex_node *tree = NULL;
    double confirm_ns = CONFIRM_NS;
    arena_reset(by->scratch);
    choice->rate = 1;
    enum status status = regex_tree_parse(pattern, by->scratch, &tree);
    if (status == STATUS_OK) {
        status = regex_fit(tree, view, by->scratch);
        choice->never = status == STATUS_NOT_FOUND;
    }
    if (status == STATUS_OK) {
        choice->demand = regex_demand_find(tree, by->traffic);
        double starts = regex_demand_starts(tree, by->traffic);
        confirm_ns = CONFIRM_NS + MESSAGE_BYTES * starts * (TRY_NS + TRY_NODE_NS * count_nodes(tree));
        choice->always_ns = LOOK_NS + regex_demand_share(&choice->demand, by->traffic) * fmin(confirm_ns, AUTOMATON_NS);
        status = weigh_search(by, tree, view, confirm_ns, choice);
    }
    choice->rate = choice->searchable || choice->never ? choice->rate : 1;
    return status == STATUS_NO_MEMORY ? status : STATUS_OK;
}