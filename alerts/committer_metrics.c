#include "alerts/committer_metrics.h"

#include <stddef.h>

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
            if (!hit->ret_new || !*hit->ret_new)
                continue;
            metric_add(
                metrics_counter(metrics->registry, "weir_queue_hits_total", "New hits by queue.", "queue", hit->queue),
                1);
            metric_add(
                metrics_counter(metrics->registry, "weir_rule_hits_total", "New hits by rule.", "rule", hit->hit->rule),
                1);
        }
    }
}
