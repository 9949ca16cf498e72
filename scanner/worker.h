/*
 * The scanner stage: N worker threads. Each batch is handed to every worker that owns one of its conversations; a
 * conversation always has the same worker, so its messages are scanned in order and its window needs no lock.
 *
 * A worker scans its share with the rule set of the moment, hands the verdicts on, and lets the batch go. A verdict
 * that cannot be handed on marks the batch as failed: it is not acknowledged and will be sent again.
 */
#ifndef SCANNER_WORKER_H
#define SCANNER_WORKER_H

#include <stdint.h>

#include "base/metrics.h"
#include "base/status.h"
#include "proto/batch.h"
#include "proto/verdict.h"
#include "scanner/slot.h"
#include "scanner/window.h"

struct worker_pool;

#define WORKER_COUNT_MAX 256

struct worker_settings {
    uint32_t workers;              /* at least 1 */
    uint32_t batches_max;          /* waiting at each worker; being full is STATUS_FULL to ingest */
    struct window_settings window; /* of all workers together; messages 0: no window is kept */
};

/* `slot`, `metrics` and `sink` must outlive the pool. */
enum status worker_pool_start(const struct worker_settings *settings, struct slot *slot, struct metrics *metrics,
                              struct verdict_sink sink, struct worker_pool **ret_pool) MUST_USE;

/* For ingest. Any thread. */
struct batch_sink worker_pool_sink(struct worker_pool *pool);

/* Scans what is queued and ends the threads. No batch may be pushed any more. */
void worker_pool_stop(struct worker_pool **pool);

#endif
