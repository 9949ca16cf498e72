/*
 * What the store knows of rules: how often shadow rules hit, a few of the messages that they hit, and what people
 * decided about the cases of each rule. Records of the operations in alerts/store.h.
 */
#ifndef ALERTS_STORE_RULES_H
#define ALERTS_STORE_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

#define STORE_RULE_GENERATIONS_MAX 50 /* that shadow hits of one rule are told apart by; older ones are added up */

/* A message that a shadow rule hit. */
struct store_sample {
    const char *generation;
    struct span message_id, conversation_id;
    struct span text; /* only with has_text */
    bool has_text;
    int64_t at_ms;
};

/* More shadow hits of one rule in one generation. */
struct store_tally {
    const char *rule, *generation;
    uint64_t shadow_hits;  /* of all */
    uint64_t demoted_hits; /* of these, while it was demoted */
    int64_t last_at_ms;
    const struct store_sample *samples;
    uint32_t sample_count;
};

/* One rule, or one rule in one generation. Strings live in the arena given. */
struct store_rule_stats {
    const char *rule;
    const char *generation; /* NULL: all; "": several old ones */
    uint64_t hits;          /* messages that it flagged and that were stored */
    uint64_t unscanned;     /* messages that it could not decide; they count nowhere else */
    uint64_t cases;         /* that it has hits in; = open + violation + no_violation + unsure */
    uint64_t open, violation, no_violation, unsure;
    uint64_t shadow_hits, demoted_hits;
    /* Sampled shadow hits on messages that other rules flagged, and what was decided about their cases. */
    uint64_t shadow_violation, shadow_no_violation;
    int64_t last_at_ms;
};

#endif
