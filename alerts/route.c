#include "alerts/route.h"

#include <stdbool.h>
#include <string.h>

static bool route_prefix_fits(const char *const *prefixes, const char *rule)
{
    for (; *prefixes; prefixes++) {
        size_t size = strlen(*prefixes);
        if (size == 0 || strncmp(rule, *prefixes, size) != 0)
            continue;
        /* "scams" is the rule scams, or all of scams.*; never scamster.x */
        if (rule[size] == '\0' || rule[size] == '.' || (*prefixes)[size - 1] == '.')
            return true;
    }
    return false;
}

static bool route_queue_fits(const struct route_queue *queue, const struct verdict_hit *hit)
{
    if (!queue->severities && !queue->rule_prefixes)
        return false;
    if (queue->severities && !(queue->severities & (1u << hit->severity)))
        return false;
    return !queue->rule_prefixes || route_prefix_fits(queue->rule_prefixes, hit->rule);
}

static struct route route_to(const struct route_table *table, const char *name)
{
    for (uint32_t i = 0; i < table->queue_count; i++) {
        const struct route_queue *queue = &table->queues[i];
        if (strcmp(queue->name, name) == 0)
            return (struct route){queue->name, (int64_t)queue->service_level_minutes * 60000, queue->context_messages,
                                  queue->shadow_text};
    }
    return (struct route){name, (int64_t)table->default_service_level_minutes * 60000, 0, false};
}

void route_hit(const struct route_table *table, const struct verdict_hit *hit, struct route *ret_route)
{
    if (hit->outcome == OUTCOME_UNSCANNED) {
        *ret_route = route_to(table, table->unscanned_queue);
        return;
    }
    for (uint32_t i = 0; i < table->queue_count; i++) {
        if (route_queue_fits(&table->queues[i], hit)) {
            *ret_route = route_to(table, table->queues[i].name);
            return;
        }
    }
    *ret_route = route_to(table, hit->queue ? hit->queue : table->default_queue);
}
