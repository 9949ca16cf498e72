/*
 * Which queue a hit goes to.
 *
 * In order: the first queue of the settings that names severities or rule prefixes and whose every named criterion fits
 * the hit; else the queue that the rule names; else the default queue. Unscanned hits go to the unscanned queue. A rule
 * may name a queue that the settings do not list: it exists with the default service level and no context.
 *
 * Pure: the table is built once and only read.
 */
#ifndef ALERTS_ROUTE_H
#define ALERTS_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/verdict.h"

struct route_queue {
    const char *name;
    unsigned severities;              /* bit (1 << severity); 0: not named */
    const char *const *rule_prefixes; /* NULL-ended; NULL: not named. "scams." or a whole id */
    uint32_t service_level_minutes;
    uint32_t context_messages; /* earlier messages of the conversation that may be stored with a case; at most 10 */
    bool shadow_text;          /* texts that a shadow rule hit may be kept as samples */
};

struct route_table {
    const struct route_queue *queues;
    uint32_t queue_count;
    const char *default_queue;
    const char *unscanned_queue;
    uint32_t default_service_level_minutes;
};

struct route {
    const char *queue; /* lives as long as the table and the hit */
    int64_t service_level_ms;
    uint32_t context_max;
    bool shadow_text;
};

void route_hit(const struct route_table *table, const struct verdict_hit *hit, struct route *ret_route);

#endif
