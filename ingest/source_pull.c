/* The source for producers that only PUSH: nothing is answered, so a frame is scanned at most once. */
#include <errno.h>

#include "ingest/source.h"

static enum status pull_open(struct source *source, void *zmq_context, const struct ingest_source *setting,
                             uint32_t frame_bytes_max, struct error *error)
{
    return source_open_socket(source, zmq_context, ZMQ_PULL, setting, frame_bytes_max, error);
}

static enum status pull_receive(struct source *source, struct source_frame *frame)
{
    bool single = true;
    frame->peer.size = 0;
    for (bool first = true;; first = false) {
        int got;
        do {
            got = zmq_msg_recv(&frame->body, source->socket, ZMQ_DONTWAIT);
        } while (got < 0 && zmq_errno() == EINTR);
        if (got < 0) {
            return zmq_errno() == EAGAIN && first ? STATUS_TIMEOUT : STATUS_SYSTEM;
        }
        if (!zmq_msg_more(&frame->body)) {
            break;
        }
        single = false;
    }
    if (!single) {
        source_frame_release(frame);
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

static enum status pull_reply(struct source *source, const struct source_peer *peer, struct span receipt)
{
    (void)source;
    (void)peer;
    (void)receipt;
    return STATUS_UNSUPPORTED;
}

const struct source_ops source_pull_ops = {
    .answers = false,
    .open = pull_open,
    .receive = pull_receive,
    .reply = pull_reply,
    .close = source_close_socket,
};
