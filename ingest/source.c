#include "ingest/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Frames of one peer that wait in the library: bounds memory at this many frames a peer. The thread reads all the time
 * (what it cannot take it answers RETRY_LATER), so a short queue costs nothing; beyond it TCP holds the producer back.
 */
#define SOURCE_RECEIVE_QUEUE 16
/*
 * Receipts that wait for a peer which does not read. Most are small, but one that names 4,096 rejected messages has 100
 * KiB, and a hostile peer can ask for nothing else. What finds no room waits in the outbox if it matters.
 */
#define SOURCE_SEND_QUEUE 128

/*
 * libzmq drops the connection of a peer that sends more than ZMQ_MAXMSGSIZE, without a word. So that a producer which
 * gets its limits wrong hears `frame_too_large` instead, frames are let in up to four times the limit, and at least
 * 4 MiB, but not more than 16 MiB beyond it.
 */
#define SOURCE_FRAME_SIZE_FLOOR (4 << 20)
#define SOURCE_FRAME_SIZE_SLACK (16 << 20)

/* A peer that vanished without closing is noticed after so long, and its queues are freed. */
#define SOURCE_HEARTBEAT_MS 15000
#define SOURCE_HEARTBEAT_TIMEOUT_MS 45000

static int64_t source_message_size_max(uint32_t frame_bytes_max)
{
    int64_t limit = frame_bytes_max;
    int64_t size = limit * 4 < limit + SOURCE_FRAME_SIZE_SLACK ? limit * 4 : limit + SOURCE_FRAME_SIZE_SLACK;
    return size > SOURCE_FRAME_SIZE_FLOOR ? size : SOURCE_FRAME_SIZE_FLOOR;
}

static bool source_set_number(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool source_set_options(void *socket, const struct ingest_source *setting, uint32_t frame_bytes_max)
{
    int64_t message_size_max = source_message_size_max(frame_bytes_max);
    bool ok = zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &message_size_max, sizeof message_size_max) == 0 &&
              source_set_number(socket, ZMQ_RCVHWM, SOURCE_RECEIVE_QUEUE) &&
              source_set_number(socket, ZMQ_SNDHWM, SOURCE_SEND_QUEUE) && source_set_number(socket, ZMQ_LINGER, 0) &&
              source_set_number(socket, ZMQ_HEARTBEAT_IVL, SOURCE_HEARTBEAT_MS) &&
              source_set_number(socket, ZMQ_HEARTBEAT_TIMEOUT, SOURCE_HEARTBEAT_TIMEOUT_MS);
    if (ok && strchr(setting->endpoint, '[') != NULL) { /* tcp://[::1]:5750 */
        ok = source_set_number(socket, ZMQ_IPV6, 1);
    }
    return ok;
}

enum status source_open_socket(struct source *source, void *zmq_context, int type, const struct ingest_source *setting,
                               uint32_t frame_bytes_max, struct error *error)
{
    source->socket = zmq_socket(zmq_context, type);
    if (source->socket == NULL || !source_set_options(source->socket, setting, frame_bytes_max)) {
        error_set(error, "cannot make a socket for %s: %s", setting->endpoint, zmq_strerror(zmq_errno()));
        goto failed;
    }
    if (type == ZMQ_ROUTER && (!source_set_number(source->socket, ZMQ_ROUTER_MANDATORY, 1) ||
                               !source_set_number(source->socket, ZMQ_ROUTER_HANDOVER, 0))) {
        error_set(error, "cannot set up a socket for %s: %s", setting->endpoint, zmq_strerror(zmq_errno()));
        goto failed;
    }
    int result =
        setting->connect ? zmq_connect(source->socket, setting->endpoint) : zmq_bind(source->socket, setting->endpoint);
    if (result != 0) {
        error_set(error, "cannot %s %s: %s", setting->connect ? "connect to" : "listen on", setting->endpoint,
                  zmq_strerror(zmq_errno()));
        goto failed;
    }
    size_t size = sizeof source->endpoint;
    if (setting->connect || zmq_getsockopt(source->socket, ZMQ_LAST_ENDPOINT, source->endpoint, &size) != 0) {
        snprintf(source->endpoint, sizeof source->endpoint, "%s", setting->endpoint);
    }
    return STATUS_OK;
failed:
    source_close_socket(source, 0);
    return STATUS_SYSTEM;
}

void source_close_socket(struct source *source, int linger_ms)
{
    if (source->socket == NULL) {
        return;
    }
    (void)source_set_number(source->socket, ZMQ_LINGER, linger_ms);
    zmq_close(source->socket);
    source->socket = NULL;
}

void source_frame_release(struct source_frame *frame)
{
    /* Neither can fail on a message that was initialised. */
    if (zmq_msg_close(&frame->body) != 0 || zmq_msg_init(&frame->body) != 0) {
        abort();
    }
    frame->peer.size = 0;
}
