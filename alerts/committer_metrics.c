#include "alerts/committer_metrics.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Without memory an item is left out of its table, which its hh.tbl then shows. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define COMMITTER_COUNTERS_MAX METRICS_MAX /* more rules than that have no counter of their own */

struct committer_counter {
    UT_hash_handle hh;
    struct metric *metric;
    char name[]; /* of the rule or queue */
};

void committer_metrics_init(struct committer_metrics *metrics, struct metrics *registry)
{
    const struct {
        struct metric **metric;
        const char *name, *help, *label, *value;
    } counters[] = {
        {&metrics->commits, "weir_alerts_commits_total", "Transactions that stored alerts.", NULL, NULL},
        {&metrics->failures, "weir_alerts_commit_failures_total", "Transactions that failed.", NULL, NULL},
        {&metrics->hits_new, "weir_alerts_hits_total", "Hits that were stored (new) or stored before (known).", "state",
         "new"},
        {&metrics->hits_known, "weir_alerts_hits_total", "Hits that were stored (new) or stored before (known).",
         "state", "known"},
        {&metrics->cases_opened, "weir_alerts_cases_total", "Messages that opened a case or joined an open one.",
         "state", "opened"},
        {&metrics->cases_joined, "weir_alerts_cases_total", "Messages that opened a case or joined an open one.",
         "state", "joined"},
        {&metrics->set_aside, "weir_alerts_set_aside_total",
         "Messages that could not be stored as they are, kept without their text in the queue for what was not "
         "scanned.",
         NULL, NULL},
        {&metrics->refused, "weir_alerts_refused_total",
         "Messages of which nothing could be stored: their batches were not acknowledged.", NULL, NULL},
    };
    metrics->registry = registry;
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++)
        *counters[i].metric =
            metrics_counter(registry, counters[i].name, counters[i].help, counters[i].label, counters[i].value);
    metrics->depth = metrics_gauge(registry, "weir_alerts_queue_depth", "Verdicts that wait to be stored.", NULL, NULL);
    metrics->waiting_bytes = metrics_gauge(registry, "weir_alerts_waiting_bytes",
                                           "Memory held by verdicts that wait to be stored.", NULL, NULL);
    metrics->healthy =
        metrics_gauge(registry, "weir_alerts_store_healthy", "1 while the last commit succeeded.", NULL, NULL);
    /* about 65 microseconds to 34 seconds */
    metrics->commit_seconds =
        metrics_histogram(registry, "weir_alerts_commit_seconds",
                          "How long a transaction took until it was on stable storage.", 1e-9, 16, 35);
}

static void committer_counters_free(struct committer_counter **counters)
{
    struct committer_counter *counter, *next;
    HASH_ITER (hh, *counters, counter, next) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): HASH_ITER reads the next one before this one is freed. */
        HASH_DEL(*counters, counter);
        free(counter);
    }
}

void committer_metrics_free(struct committer_metrics *metrics)
{
    committer_counters_free(&metrics->rules);
    committer_counters_free(&metrics->queues);
    metrics->last_queue = NULL;
}

/* The kept counter of that name; NULL: none is kept. */
static struct committer_counter *committer_counter_keep(struct committer_counter **counters, const char *name,
                                                        struct metric *metric)
{
    size_t size = strlen(name);
    struct committer_counter *counter =
        HASH_COUNT(*counters) < COMMITTER_COUNTERS_MAX ? calloc(1, sizeof *counter + size + 1) : NULL;
    if (!counter)
        return NULL;
    counter->metric = metric;
    memcpy(counter->name, name, size + 1);
    HASH_ADD_KEYPTR(hh, *counters, counter->name, size, counter);
    if (!counter->hh.tbl) {
        free(counter);
        return NULL;
    }
    return counter;
}

static void committer_metrics_hit(struct committer_metrics *metrics, const struct store_hit *hit)
{
    struct committer_counter *rule = NULL, *queue = NULL;
    HASH_FIND_STR(metrics->rules, hit->hit->rule, rule);
    struct metric *metric = rule ? rule->metric : NULL;
    if (!rule) {
        metric =
            metrics_counter(metrics->registry, "weir_rule_hits_total", "New hits by rule.", "rule", hit->hit->rule);
        (void)committer_counter_keep(&metrics->rules, hit->hit->rule, metric);
    }
    metric_add(metric, 1);

    if (metrics->last_queue && strcmp(metrics->last_queue->name, hit->queue) == 0) {
        metric_add(metrics->last_queue->metric, 1);
        return;
    }
    HASH_FIND_STR(metrics->queues, hit->queue, queue);
    metric = queue ? queue->metric : NULL;
    if (!queue) {
        metric = metrics_counter(metrics->registry, "weir_queue_hits_total", "New hits by queue.", "queue", hit->queue);
        queue = committer_counter_keep(&metrics->queues, hit->queue, metric);
    }
    metric_add(metric, 1);
    metrics->last_queue = queue;
}

void committer_metrics_committed(struct committer_metrics *metrics, const struct store_verdict *verdicts,
                                 uint32_t count, const struct store_commit_result *result, int64_t took_ns)
{
    metric_add(metrics->commits, 1);
    metric_observe(metrics->commit_seconds, took_ns > 0 ? (uint64_t)took_ns : 0);
    metric_add(metrics->hits_new, result->hits_new);
    metric_add(metrics->hits_known, result->hits_known);
    metric_add(metrics->cases_opened, result->cases_opened);
    metric_add(metrics->cases_joined, result->cases_joined);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < verdicts[i].hit_count; k++) {
            const struct store_hit *hit = &verdicts[i].hits[k];
            if (hit->ret_new && *hit->ret_new)
                committer_metrics_hit(metrics, hit);
        }
    }
}
