/*
 * ingest -> scanner: a batch that was admitted and must be settled.
 *
 * The frame stays where it arrived; workers share it by reference. A batch is held by everyone who still owes it
 * something (a worker its share, an alert its commit). When the last hold is let go the batch is settled: `on_settled`
 * runs once, in the thread that let go, and from then on nobody but its owner (ingest) may touch it. Settled and not
 * failed means: every message was scanned and every hit is on stable storage. That is the only path to a receipt with
 * status OK.
 */
#ifndef PROTO_BATCH_H
#define PROTO_BATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "proto/decode.h"

struct batch {
    struct span batch_id;
    const struct message *messages; /* only the accepted ones */
    uint32_t message_count;
    int64_t received_at_ms; /* Unix */

    /* guarded by being atomic */
    atomic_uint holds;
    atomic_bool failed;
    void (*on_settled)(struct batch *batch, void *context);
    void *context;
};

/* Sets holds to 1 (the caller's) and failed to false. The other fields are the caller's to fill. */
void batch_open(struct batch *batch, void (*on_settled)(struct batch *batch, void *context), void *context);

/* One more hold. The caller must have one. */
void batch_hold(struct batch *batch);

/* Lets one hold go; `safe` false marks the batch as failed: its receipt will be RETRY_LATER. */
void batch_let_go(struct batch *batch, bool safe);

/* Where ingest hands batches to. If it returns STATUS_OK it has taken over the caller's hold; otherwise the caller
 * keeps it. */
struct batch_sink {
    /* STATUS_FULL: overloaded, answer RETRY_LATER. Called from ingest's thread; must not wait. */
    enum status (*push)(void *context, struct batch *batch);
    void *context;
};

#endif
