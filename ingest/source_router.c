/* The acked source: producers use DEALER or REQ, and each frame gets a receipt that goes back the way it came. */
#include <errno.h>
#include <string.h>

#include "ingest/source.h"

#define ROUTER_ID_SIZE_MAX 255 /* ZMTP's own limit; it also makes a size fit in one byte */

static enum status router_open(struct source *source, void *zmq_context, const struct ingest_source *setting,
                               uint32_t frame_bytes_max, struct error *error)
{
    return source_open_socket(source, zmq_context, ZMQ_ROUTER, setting, frame_bytes_max, error);
}

static bool router_peer_append(struct source_peer *peer, struct span frame)
{
    if (frame.size > ROUTER_ID_SIZE_MAX || SOURCE_PEER_SIZE_MAX - peer->size < (int)frame.size + 1) {
        return false;
    }
    peer->frames[peer->size++] = (uint8_t)frame.size;
    if (frame.size > 0) {
        memcpy(peer->frames + peer->size, frame.data, frame.size);
        peer->size = (uint16_t)(peer->size + frame.size);
    }
    return true;
}

/* Cuts a way back that makes no sense down to the peer itself, and its delimiter if it sent one. */
static void router_peer_cut(struct source_peer *peer)
{
    unsigned first = peer->size > 0 ? peer->frames[0] + 1u : 0;
    bool delimited = peer->size > first && peer->frames[first] == 0;
    peer->size = (uint16_t)(first + (delimited ? 1 : 0));
}

static enum status router_receive(struct source *source, struct source_frame *frame)
{
    bool sound = true;
    bool delimited = false;
    unsigned count = 0; /* frames before the body */
    frame->peer.size = 0;
    for (;;) {
        if (zmq_msg_recv(&frame->body, source->socket, ZMQ_DONTWAIT) < 0) {
            if (zmq_errno() == EINTR) {
                continue;
            }
            return zmq_errno() == EAGAIN && count == 0 ? STATUS_TIMEOUT : STATUS_SYSTEM;
        }
        if (!zmq_msg_more(&frame->body)) {
            break;
        }
        sound = sound && !delimited; /* the delimiter is the last frame before the body */
        delimited = zmq_msg_size(&frame->body) == 0;
        sound = sound && router_peer_append(&frame->peer, source_frame_body(frame));
        count += count < 3;
    }
    if (sound && count > 0 && (count == 1 || delimited)) {
        return STATUS_OK;
    }
    router_peer_cut(&frame->peer);
    struct source_peer peer = frame->peer;
    source_frame_release(frame);
    frame->peer = peer;
    return STATUS_INVALID;
}

static enum status router_reply(struct source *source, const struct source_peer *peer, struct span receipt)
{
    for (unsigned at = 0; at < peer->size; at += peer->frames[at] + 1u) {
        int sent;
        do {
            sent = zmq_send(source->socket, peer->frames + at + 1, peer->frames[at], ZMQ_DONTWAIT | ZMQ_SNDMORE);
        } while (sent < 0 && zmq_errno() == EINTR);
        if (sent < 0) { /* only the first can fail: once the router has taken that, it takes or drops the rest */
            return zmq_errno() == EAGAIN ? STATUS_FULL : zmq_errno() == EHOSTUNREACH ? STATUS_CLOSED : STATUS_SYSTEM;
        }
    }
    int sent;
    do {
        sent = zmq_send(source->socket, receipt.data, receipt.size, ZMQ_DONTWAIT);
    } while (sent < 0 && zmq_errno() == EINTR);
    return sent < 0 ? STATUS_SYSTEM : STATUS_OK;
}

const struct source_ops source_router_ops = {
    .answers = true,
    .open = router_open,
    .receive = router_receive,
    .reply = router_reply,
    .close = source_close_socket,
};
