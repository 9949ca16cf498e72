/*
 * What each pattern of a rule set costs on a sample: measured from outside, with the same searcher, regexes and views that a
 * scan uses, so that a scan itself pays nothing for being measurable.
 *
 * The whole scan is timed, and so are its parts: making views, searching, and the rest, which is confirming and deciding.
 * A search looks for all patterns at once; its time is shared among them in proportion to what each costs when it is
 * searched for alone. The time of confirming is shared in proportion to what confirming each pattern's candidates takes.
 * So the shares add up to the whole, and each is an estimate.
 */
#ifndef SCANNER_PROFILE_H
#define SCANNER_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "base/status.h"
#include "rules/program.h"
#include "scanner/ruleset.h"

#define PROFILE_ALONE_PATTERNS_MAX 3000u /* beyond this many searched patterns none is searched alone: equal shares */
#define PROFILE_ALONE_BYTES (256u << 10) /* of the sample, for searching one pattern alone */

struct profile_pattern {
    const struct rule *rule;
    uint32_t pattern; /* index in the rule */
    enum search_kind search;
    uint64_t candidates;          /* messages (in one view) in which the search pointed at it */
    uint64_t confirmations;       /* of them, those that were left for PCRE2 or a list to decide */
    uint64_t matches;             /* messages and views in which it was found */
    double search_ns, confirm_ns; /* of the whole sample */
    double compile_ms;            /* planning and compiling it alone; below 0: not measured */
    size_t bytes;                 /* of what was compiled for it; 0: not measured */
};

struct profile_rule {
    const struct rule *rule;
    uint32_t first_pattern; /* in profile->patterns; as many as the rule has */
    uint64_t hits;
};

struct profile {
    uint64_t messages, bytes, flagged;
    double total_ns, views_ns, search_ns; /* of one pass over the sample; the rest is confirming and deciding */
    uint64_t candidates, confirmations;   /* as the scan itself counts them */
    bool alone;                           /* patterns were searched alone */
    struct profile_rule *rules;
    uint32_t rule_count;
    struct profile_pattern *patterns;
    uint32_t pattern_count;
};

/* Called from time to time with how much is done, of `total`. */
typedef void (*profile_progress)(void *context, uint64_t done, uint64_t total);

/* Needs view_start. At least one message. STATUS_NO_MEMORY, STATUS_SYSTEM, STATUS_LIMIT. `progress` may be NULL. */
enum status profile_run(struct ruleset *ruleset, const struct span *texts, uint32_t count, profile_progress progress,
                        void *context, struct profile **ret_profile) MUST_USE;
void profile_free(struct profile **profile);

#endif
