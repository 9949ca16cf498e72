/*
 * What each way to find the matches of a regex costs, and so which one the plan takes: literals, an expression, both, or to
 * look for it in every message that could match at all (scanner/sweep.h). Costs are nanoseconds a message of ordinary chat, measured on chat with
 * JIT and Hyperscan, and rough: they only have to put the ways in the right order.
 */
#ifndef RULES_REGEX_WEIGH_H
#define RULES_REGEX_WEIGH_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/status.h"
#include "rules/regex_demand.h"
#include "rules/regex_search.h"
#include "rules/traffic_profile.h"
#include "text/view.h"

#define REGEX_EXPRESSION_SIZE_MAX 65536u /* bytes */

/* What may be done to find the matches of a regex. */
struct regex_choice {
    struct regex_search search;
    struct buffer expression; /* what search.rest is as an expression; of the caller */
    bool searchable;          /* there is an expression, or none is needed */
    bool never;               /* nothing of this view can match */
    struct regex_demand demand;
    double search_ns, always_ns; /* what each way costs a message, roughly */
    double rate;                 /* how often the search reports something, per byte */
};

/*
 * Fills `choice`, whose expression the caller has initialised and frees. What it points to lies in `scratch`, which is reset
 * first. `traffic` says what is rare; NULL: the profile in use. STATUS_NO_MEMORY.
 */
enum status regex_weigh(struct span pattern, enum view view, struct arena *scratch,
                        const struct traffic_profile *traffic, struct regex_choice *choice) MUST_USE;

#endif
