/*
 * The scanner stage: N worker threads. Each batch is handed to every worker that owns one of its conversations; a
 * conversation always has the same worker, so its messages are scanned in order and its window needs no lock.
 *
 * The rule set is chosen once for a batch, when it is handed to the workers. A worker scans its share with it, hands
 * the verdicts on, and lets the batch go. A verdict that cannot be handed on marks the batch as failed: it is not
 * acknowledged and will be sent again. Hits of shadow rules, and of rules that were demoted, only go to `shadow`.
 * What a worker scans is noted, so that the next run knows what this one died of (scanner/suspects.h).
 * Shares of batches that wait for a worker are scanned with one search, and then let go one by one.
 */
#ifndef SCANNER_WORKER_H
#define SCANNER_WORKER_H

#include <stdint.h>

#include "base/metrics.h"
#include "base/status.h"
#include "proto/batch.h"
#include "proto/shadow.h"
#include "proto/verdict.h"
#include "scanner/flood.h"
#include "scanner/slot.h"
#include "scanner/suspects.h"
#include "scanner/window.h"

struct worker_pool;

#define WORKER_COUNT_MAX 256

struct worker_settings {
    uint32_t workers;              /* at least 1 */
    uint32_t batches_max;          /* waiting at each worker; being full is STATUS_FULL to ingest */
    struct window_settings window; /* of all workers together; messages 0: no window is kept */
    size_t across_bytes;           /* for rules with across, of all workers together; 0: ACROSS_BYTES_DEFAULT */
    struct flood *flood;           /* NULL: no rule is ever demoted */
    struct shadow_sink shadow;     /* may be empty */
    struct suspects *suspects;     /* made for so many workers; NULL: a message that kills is not looked for */
};

/* `slot`, `metrics`, `sink` and what the settings point to must outlive the pool. */
enum status worker_pool_start(const struct worker_settings *settings, struct slot *slot, struct metrics *metrics,
                              struct verdict_sink sink, struct worker_pool **ret_pool) MUST_USE;

/* For ingest. Any thread. */
struct batch_sink worker_pool_sink(struct worker_pool *pool);

/* Scans what is queued and ends the threads. No batch may be pushed any more. */
void worker_pool_stop(struct worker_pool **pool);

#endif
