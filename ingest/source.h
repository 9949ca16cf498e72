/*
 * Where frames come from: a small table of operations, one implementation a file (source_router.c, source_pull.c).
 *
 * A source belongs to ingest's thread once it is open. Frames are taken by reference: the bytes stay in the message
 * that the transport received until it is released.
 */
#ifndef INGEST_SOURCE_H
#define INGEST_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

#include "base/error.h"
#include "base/span.h"
#include "base/status.h"
#include "ingest/ingest.h"

/*
 * The way back to a producer: the frames before the body, each as one byte of size and its bytes. The first is the
 * routing id. An empty last one is the delimiter of REQ (and of DEALER that speaks like it); between the two stand the
 * routing ids of proxies, if there are any.
 */
#define SOURCE_PEER_SIZE_MAX 512
struct source_peer {
    uint16_t size;
    uint8_t frames[SOURCE_PEER_SIZE_MAX];
};

struct source_frame {
    zmq_msg_t body; /* always initialised; small bodies lie inside it, so it must not be moved once decoded */
    struct source_peer peer;
};

struct source;

struct source_ops {
    bool answers; /* whether producers get receipts */

    /* STATUS_SYSTEM with words. `setting` is valid until close. */
    enum status (*open)(struct source *source, void *zmq_context, const struct ingest_source *setting,
                        uint32_t frame_bytes_max, struct error *error);

    /*
     * The next frame, never waiting. STATUS_TIMEOUT: none there; STATUS_INVALID: something that has not the shape of a
     * frame, with the peer filled in and an empty body; STATUS_SYSTEM: the transport failed.
     */
    enum status (*receive)(struct source *source, struct source_frame *frame);

    /* Sends a receipt, never waiting. STATUS_FULL: the peer does not read; STATUS_CLOSED: it is gone; STATUS_SYSTEM. */
    enum status (*reply)(struct source *source, const struct source_peer *peer, struct span receipt);

    /* Gives what was sent up to `linger_ms` to leave (in the background). Accepts a source that was never opened. */
    void (*close)(struct source *source, int linger_ms);
};

struct source {
    const struct source_ops *ops;
    void *socket;
    char endpoint[256]; /* the address really bound */
};

extern const struct source_ops source_router_ops;
extern const struct source_ops source_pull_ops;

/* Shared by both: a socket of `type`, with the limits set, bound or connected. */
enum status source_open_socket(struct source *source, void *zmq_context, int type, const struct ingest_source *setting,
                               uint32_t frame_bytes_max, struct error *error) MUST_USE;
void source_close_socket(struct source *source, int linger_ms);

static inline struct span source_frame_body(struct source_frame *frame)
{
    return span_of(zmq_msg_data(&frame->body), zmq_msg_size(&frame->body));
}

/* Lets go of the bytes; the frame can be received into again. */
void source_frame_release(struct source_frame *frame);

#endif
