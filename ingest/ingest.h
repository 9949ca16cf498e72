/*
 * The ingest stage: one thread that owns the sockets, reads frames, admits batches, hands them on and sends receipts.
 *
 * Life of a batch: a frame arrives -> decoded in place -> judged (admission) -> entered in the ledger -> handed to the
 * sink -> settled by whoever let go of it last -> receipt -> frame freed. Memory is bounded by batches_in_flight_max
 * and bytes_in_flight_max: over either, the batch's id is read and RETRY_LATER is answered.
 */
#ifndef INGEST_INGEST_H
#define INGEST_INGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/metrics.h"
#include "base/status.h"
#include "proto/batch.h"

enum ingest_source_kind {
    INGEST_ACKED, /* ROUTER: a receipt for each batch */
    INGEST_PULL,  /* PULL: at most once, for producers that only PUSH */
};

struct ingest_source {
    enum ingest_source_kind kind;
    const char *endpoint; /* tcp://, ipc:// or inproc:// */
    bool connect;         /* connect instead of bind */
};

struct ingest_settings {
    const struct ingest_source *sources;
    uint32_t source_count;
    uint32_t frame_bytes_max;
    uint32_t batch_messages_max;
    uint32_t text_bytes_max;
    uint32_t batches_in_flight_max;
    uint64_t bytes_in_flight_max;
    uint32_t retry_after_ms;
    uint32_t drain_ms; /* how long ingest_stop waits for what is in flight */
};

struct ingest;

/*
 * Opens the sockets and starts the thread. `settings` is copied. `zmq_context` (a void * of libzmq) may be NULL: then
 * ingest makes its own; give one to share inproc endpoints. STATUS_SYSTEM with words if an endpoint cannot be opened.
 */
enum status ingest_start(const struct ingest_settings *settings, void *zmq_context, struct metrics *metrics,
                         struct batch_sink sink, struct error *error, struct ingest **ret_ingest) MUST_USE;

/* The address really bound for source i ("tcp://127.0.0.1:41234" for port *). Valid until ingest_free. */
const char *ingest_endpoint(const struct ingest *ingest, uint32_t source);

/*
 * Whether the thread works. It ends by itself only if libzmq fails it (no memory, the context is gone); then nothing is
 * taken and nothing is answered any more. Any thread.
 */
bool ingest_is_running(const struct ingest *ingest);

/*
 * Drains: takes no new batch (what arrives is answered RETRY_LATER), waits up to drain_ms for the batches in flight,
 * sends their receipts and gives the sockets time to deliver them. Returns when the thread has ended; `ret_unsettled`
 * is how many batches were still in flight. Any thread, once.
 */
void ingest_stop(struct ingest *ingest, uint32_t *ret_unsettled);

/* After ingest_stop, and after every stage that may still hold a batch has ended. */
void ingest_free(struct ingest **ingest);

/* Until it is set, batches are answered RETRY_LATER; for start-up and for a store that cannot write. Any thread. */
void ingest_set_accepting(struct ingest *ingest, bool accepting);

#endif
