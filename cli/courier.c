#include "cli/courier.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>
#include <zmq.h>

#include "proto/decode.h"
#include "proto/weir.pb-c.h"

#define COURIER_RETRY_MS_MIN 1
#define COURIER_RETRY_MS_MAX 60000
#define COURIER_BLOCKED_MS 5 /* the connection takes no more: try again */
#define COURIER_RECONNECT_MS 100
#define COURIER_RECONNECT_MS_MAX 1000
#define COURIER_TABLE_SIZE 4096

struct courier {
    struct courier_options options;
    struct feeder *feeder;
    void *context, *socket, *monitor;
    unsigned monitor_number; /* each socket has a monitor endpoint of its own */
    bool connected;

    struct parcel *sent;    /* by the time they were sent */
    struct parcel *waiting; /* to be sent, some only later */
    uint32_t count;
    struct parcel *table[COURIER_TABLE_SIZE]; /* by number; numbers follow each other, so chains stay short */
    int64_t settled_ms;
    struct courier_counts counts;
};

static void courier_disconnect(struct courier *courier)
{
    if (courier->socket != NULL) {
        zmq_socket_monitor(courier->socket, NULL, 0);
        zmq_close(courier->socket);
        courier->socket = NULL;
    }
    if (courier->monitor != NULL) {
        zmq_close(courier->monitor);
        courier->monitor = NULL;
    }
    courier->connected = false;
}

static bool courier_set(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

/* A new socket for each connection: what an old one still held would otherwise go out beside what is sent again. */
static enum status courier_connect(struct courier *courier, struct error *error)
{
    char monitor[64];
    int events = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED;
    int queue = courier->options.window < 500000 ? (int)courier->options.window * 2 : 1000000;
    (void)snprintf(monitor, sizeof monitor, "inproc://monitor-%u", courier->monitor_number++);
    courier_disconnect(courier);
    courier->socket = zmq_socket(courier->context, ZMQ_DEALER);
    courier->monitor = zmq_socket(courier->context, ZMQ_PAIR);
    if (courier->socket == NULL || courier->monitor == NULL || !courier_set(courier->socket, ZMQ_LINGER, 0) ||
        !courier_set(courier->monitor, ZMQ_LINGER, 0) || !courier_set(courier->socket, ZMQ_SNDHWM, queue) ||
        !courier_set(courier->socket, ZMQ_RCVHWM, queue) ||
        !courier_set(courier->socket, ZMQ_RECONNECT_IVL, COURIER_RECONNECT_MS) ||
        !courier_set(courier->socket, ZMQ_RECONNECT_IVL_MAX, COURIER_RECONNECT_MS_MAX) ||
        zmq_socket_monitor(courier->socket, monitor, events) != 0 || zmq_connect(courier->monitor, monitor) != 0) {
        error_set(error, "cannot make a socket: %s", zmq_strerror(zmq_errno()));
        return STATUS_SYSTEM;
    }
    if (strchr(courier->options.endpoint, '[') != NULL) {
        (void)courier_set(courier->socket, ZMQ_IPV6, 1);
    }
    if (zmq_connect(courier->socket, courier->options.endpoint) != 0) {
        error_set(error, "cannot connect to %s: %s", courier->options.endpoint, zmq_strerror(zmq_errno()));
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

enum status courier_new(const struct courier_options *options, struct feeder *feeder, int64_t now_ms,
                        struct error *error, struct courier **ret_courier)
{
    struct courier *courier = calloc(1, sizeof *courier);
    if (courier == NULL) {
        return STATUS_NO_MEMORY;
    }
    courier->options = *options;
    courier->feeder = feeder;
    courier->settled_ms = now_ms;
    courier->context = zmq_ctx_new();
    enum status status = courier->context != NULL ? courier_connect(courier, error) : STATUS_NO_MEMORY;
    if (status != STATUS_OK) {
        courier_free(&courier);
        return status;
    }
    *ret_courier = courier;
    return STATUS_OK;
}

void courier_free(struct courier **courier)
{
    if (courier == NULL || *courier == NULL) {
        return;
    }
    struct courier *old = *courier;
    *courier = NULL;
    struct parcel *parcel = NULL;
    struct parcel *following = NULL;
    DL_CONCAT(old->waiting, old->sent);
    DL_FOREACH_SAFE(old->waiting, parcel, following)
    {
        feeder_free_parcel(old->feeder, parcel);
    }
    courier_disconnect(old);
    if (old->context != NULL) {
        while (zmq_ctx_term(old->context) != 0 && zmq_errno() == EINTR) {
        }
    }
    free(old);
}

bool courier_has_room(const struct courier *courier)
{
    return courier->count < courier->options.window;
}

bool courier_idle(const struct courier *courier)
{
    return courier->count == 0;
}

bool courier_connected(const struct courier *courier)
{
    return courier->connected;
}

int64_t courier_settled_ms(const struct courier *courier)
{
    return courier->settled_ms;
}

const struct courier_counts *courier_counts(const struct courier *courier)
{
    return &courier->counts;
}

void courier_take(struct courier *courier, struct parcel *parcel, int64_t now_ms)
{
    struct parcel **slot = &courier->table[parcel->number % COURIER_TABLE_SIZE];
    if (courier->count == 0) {
        courier->settled_ms = now_ms;
    }
    parcel->by_number = *slot;
    *slot = parcel;
    parcel->due_ms = now_ms;
    parcel->sent = false;
    DL_APPEND(courier->waiting, parcel);
    courier->count++;
}

/* Moves a parcel among those to be sent from `due_ms` on. */
static void courier_postpone(struct courier *courier, struct parcel *parcel, int64_t due_ms, bool resend)
{
    if (parcel->sent) {
        DL_DELETE(courier->sent, parcel);
        DL_APPEND(courier->waiting, parcel);
    }
    parcel->sent = false;
    parcel->due_ms = due_ms;
    parcel->resend = resend;
}

static void courier_settle(struct courier *courier, struct parcel *parcel, int64_t now_ms)
{
    struct parcel **link = &courier->table[parcel->number % COURIER_TABLE_SIZE];
    while (*link != parcel) {
        link = &(*link)->by_number;
    }
    *link = parcel->by_number;
    if (parcel->sent) {
        DL_DELETE(courier->sent, parcel);
    } else {
        DL_DELETE(courier->waiting, parcel);
    }
    courier->count--;
    courier->counts.batches++;
    courier->settled_ms = now_ms;
    feeder_free_parcel(courier->feeder, parcel);
}

static struct parcel *courier_find(const struct courier *courier, const char *batch_id)
{
    size_t run = strlen(courier->feeder->run);
    if (strncmp(batch_id, courier->feeder->run, run) != 0 || batch_id[run] != '-') {
        return NULL;
    }
    uint64_t number = strtoull(batch_id + run + 1, NULL, 10);
    struct parcel *parcel = courier->table[number % COURIER_TABLE_SIZE];
    while (parcel != NULL && parcel->number != number) {
        parcel = parcel->by_number;
    }
    return parcel;
}

/* What a parcel holds, decoded; NULL without memory. */
static struct message *courier_open(const struct parcel *parcel)
{
    struct decode_header header;
    struct message *messages = calloc(parcel->count, sizeof *messages);
    if (messages != NULL && decode_batch(buffer_span(&parcel->frame), messages, parcel->count, &header) != STATUS_OK) {
        free(messages); /* not even our own decoder takes it: an id is not UTF-8 */
        messages = NULL;
    }
    return messages;
}

static void courier_say_rejected(const struct parcel *parcel, const Weir__V1__Receipt *receipt)
{
    struct message *messages = courier_open(parcel);
    for (size_t i = 0; i < receipt->n_rejected; i++) {
        uint32_t index = receipt->rejected[i]->index;
        const char *reason = receipt->rejected[i]->reason;
        if (index >= parcel->count) {
            continue;
        }
        struct span id = messages != NULL ? messages[index].message_id : span_text("?");
        feeder_say("line %" PRIu64 ", message %.*s: rejected: %.64s", parcel->lines[index],
                   (int)(id.size < 256 ? id.size : 256), id.size > 0 ? (const char *)id.data : "", reason);
    }
    free(messages);
}

/* A batch that breaks the server's limits as a whole goes again in two halves. False: it could not be split. */
static bool courier_split(struct courier *courier, struct parcel *parcel, int64_t now_ms)
{
    struct parcel *halves[2] = {NULL, NULL};
    struct message *messages = parcel->count > 1 ? courier_open(parcel) : NULL;
    bool split = messages != NULL;
    for (int half = 0; split && half < 2; half++) {
        uint32_t from = half == 0 ? 0 : parcel->count / 2;
        uint32_t to = half == 0 ? parcel->count / 2 : parcel->count;
        halves[half] = feeder_new_parcel(courier->feeder);
        split = halves[half] != NULL;
        for (uint32_t i = from; split && i < to; i++) {
            split = parcel_add(halves[half], messages[i].record, parcel->lines[i]) == STATUS_OK;
        }
    }
    free(messages);
    for (int half = 0; half < 2; half++) {
        if (split) {
            courier_take(courier, halves[half], now_ms);
        } else {
            feeder_free_parcel(courier->feeder, halves[half]);
        }
    }
    return split;
}

static void courier_malformed(struct courier *courier, struct parcel *parcel, const char *reason, int64_t now_ms)
{
    bool too_much = strcmp(reason, "frame_too_large") == 0 || strcmp(reason, "too_many_messages") == 0;
    if (!too_much || !courier_split(courier, parcel, now_ms)) {
        courier->counts.rejected += parcel->count;
        feeder_say("lines %" PRIu64 " to %" PRIu64 ": the batch was refused: %.64s", parcel->lines[0],
                   parcel->lines[parcel->count - 1], reason);
    }
    courier_settle(courier, parcel, now_ms);
}

static void courier_receipt(struct courier *courier, const Weir__V1__Receipt *receipt, int64_t now_ms)
{
    struct parcel *parcel = courier_find(courier, receipt->batch_id);
    courier->counts.retry_later += receipt->status == WEIR__V1__RECEIPT__STATUS__RETRY_LATER;
    courier->counts.malformed += receipt->status == WEIR__V1__RECEIPT__STATUS__MALFORMED;
    if (parcel == NULL) { /* settled before: a second receipt for a batch that was sent twice */
        return;
    }
    if (receipt->status == WEIR__V1__RECEIPT__STATUS__OK) {
        courier->counts.acked += receipt->accepted;
        courier->counts.rejected += receipt->n_rejected;
        if (receipt->n_rejected > 0) {
            courier_say_rejected(parcel, receipt);
        }
        courier_settle(courier, parcel, now_ms);
    } else if (receipt->status == WEIR__V1__RECEIPT__STATUS__RETRY_LATER) {
        int64_t delay_ms = receipt->retry_after_ms < COURIER_RETRY_MS_MIN   ? COURIER_RETRY_MS_MIN
                           : receipt->retry_after_ms > COURIER_RETRY_MS_MAX ? COURIER_RETRY_MS_MAX
                                                                            : receipt->retry_after_ms;
        courier_postpone(courier, parcel, now_ms + delay_ms, false);
    } else if (receipt->status == WEIR__V1__RECEIPT__STATUS__MALFORMED) {
        courier_malformed(courier, parcel, receipt->reason, now_ms);
    }
}

static void courier_receive(struct courier *courier, int64_t now_ms)
{
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    while (zmq_msg_recv(&frame, courier->socket, ZMQ_DONTWAIT) >= 0) {
        Weir__V1__Receipt *receipt = weir__v1__receipt__unpack(NULL, zmq_msg_size(&frame), zmq_msg_data(&frame));
        if (receipt != NULL) { /* else it is no answer of Weir's, and the batch will be sent again */
            courier_receipt(courier, receipt, now_ms);
            weir__v1__receipt__free_unpacked(receipt, NULL);
        }
    }
    zmq_msg_close(&frame);
}

/* Reads the monitor's events; returns whether the connection was lost. */
static bool courier_watch(struct courier *courier)
{
    bool lost = false;
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    while (zmq_msg_recv(&frame, courier->monitor, ZMQ_DONTWAIT) >= 0) {
        uint16_t event = 0;
        if (zmq_msg_size(&frame) >= sizeof event) {
            memcpy(&event, zmq_msg_data(&frame), sizeof event);
        }
        while (zmq_msg_more(&frame) && zmq_msg_recv(&frame, courier->monitor, 0) >= 0) {
        }
        courier->connected = courier->connected || event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
        lost = lost || (event == ZMQ_EVENT_DISCONNECTED && courier->connected);
    }
    zmq_msg_close(&frame);
    return lost;
}

/* What was sent over a connection that is gone goes again over the next one, in order. */
static void courier_return_all(struct courier *courier, int64_t now_ms)
{
    struct parcel *parcel = NULL;
    DL_FOREACH (courier->sent, parcel) {
        parcel->sent = false;
        parcel->resend = true;
        parcel->due_ms = now_ms;
    }
    DL_CONCAT(courier->sent, courier->waiting);
    courier->waiting = courier->sent;
    courier->sent = NULL;
}

/* False: the connection takes no more just now. */
static bool courier_send(struct courier *courier, struct parcel *parcel, int64_t now_ms)
{
    if (zmq_send(courier->socket, parcel->frame.data, parcel->frame.size, ZMQ_DONTWAIT) < 0) {
        return false;
    }
    if (parcel->resend) {
        courier->counts.resent += parcel->count;
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): the parcel is in the list, so the list is not empty. */
    DL_DELETE(courier->waiting, parcel);
    DL_APPEND(courier->sent, parcel);
    parcel->sent = true;
    parcel->resend = false;
    parcel->due_ms = now_ms + courier->options.timeout_ms;
    return true;
}

enum status courier_work(struct courier *courier, int64_t now_ms, struct error *error)
{
    bool lost = courier_watch(courier);
    courier_receive(courier, now_ms); /* also what came before the connection was lost */
    if (lost) {
        courier_return_all(courier, now_ms);
        enum status status = courier_connect(courier, error);
        if (status != STATUS_OK) {
            return STATUS_SYSTEM;
        }
    }
    while (courier->sent != NULL && courier->sent->due_ms <= now_ms) {
        courier_postpone(courier, courier->sent, now_ms, true);
    }
    struct parcel *parcel = NULL;
    struct parcel *following = NULL;
    DL_FOREACH_SAFE(courier->waiting, parcel, following)
    {
        if (!courier->connected) {
            break;
        }
        if (parcel->due_ms <= now_ms && !courier_send(courier, parcel, now_ms)) {
            parcel->due_ms = now_ms + COURIER_BLOCKED_MS;
            break;
        }
    }
    return STATUS_OK;
}

void courier_wait(struct courier *courier, int fd, int64_t now_ms, int64_t timeout_ms)
{
    const struct parcel *parcel = NULL;
    if (courier->sent != NULL && courier->sent->due_ms - now_ms < timeout_ms) {
        timeout_ms = courier->sent->due_ms - now_ms;
    }
    DL_FOREACH (courier->waiting, parcel) {
        if (courier->connected && parcel->due_ms - now_ms < timeout_ms) {
            timeout_ms = parcel->due_ms - now_ms;
        }
    }
    zmq_pollitem_t items[3] = {{.socket = courier->socket, .events = ZMQ_POLLIN},
                               {.socket = courier->monitor, .events = ZMQ_POLLIN},
                               {.fd = fd, .events = ZMQ_POLLIN}};
    (void)zmq_poll(items, fd >= 0 ? 3 : 2, timeout_ms > 0 ? timeout_ms : 0); /* interrupted is as good as woken */
}
