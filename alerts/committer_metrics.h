/* What the committer counts. Private to alerts/. */
#ifndef ALERTS_COMMITTER_METRICS_H
#define ALERTS_COMMITTER_METRICS_H

#include <stdint.h>

#include "alerts/store.h"
#include "base/metrics.h"

struct committer_counter;

struct committer_metrics {
    struct metrics *registry;
    struct metric *commits, *commit_seconds, *failures, *hits_new, *hits_known, *cases_opened, *cases_joined;
    struct metric *set_aside, *refused, *depth, *waiting_bytes, *healthy;

    /* of the committer's thread: the counters of rules and queues, kept because asking for one is dear for each hit */
    struct committer_counter *rules, *queues;
    const struct committer_counter *last_queue;
};

/* Frees what is kept, not the metrics. */
void committer_metrics_free(struct committer_metrics *metrics);

void committer_metrics_init(struct committer_metrics *metrics, struct metrics *registry);

/* In the committer's thread, after a commit: `verdicts` as they were committed, with ret_new of each hit. */
void committer_metrics_committed(struct committer_metrics *metrics, const struct store_verdict *verdicts,
                                 uint32_t count, const struct store_commit_result *result, int64_t took_ns);

#endif
