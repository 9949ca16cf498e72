/* The whole stage over real sockets, with a sink that does what the test says. No test sleeps: each waits for an event.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zmq.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/queue.h"
#include "ingest/ingest.h"
#include "proto/encode.h"
#include "proto/weir.pb-c.h"

#define PATIENCE_MS 20000 /* far more than anything takes: a test that waits so long has failed */
#define HELD_MAX 64

enum sink_mode { SINK_SETTLES, SINK_FAILS, SINK_HOLDS, SINK_FULL, SINK_QUEUES };

struct fixture {
    struct ingest_settings settings;
    struct ingest_source sources[2];
    struct metrics *metrics;
    void *context; /* the client's; shared with ingest for inproc */
    struct ingest *ingest;
    struct queue *queue; /* SINK_QUEUES */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    enum sink_mode mode;
    struct batch *held[HELD_MAX];
    uint32_t held_count;
    uint32_t pushed;
};

static enum status fixture_push(void *context, struct batch *batch)
{
    struct fixture *fixture = context;
    enum status status = STATUS_OK;
    pthread_mutex_lock(&fixture->lock);
    enum sink_mode mode = fixture->mode;
    if (mode == SINK_HOLDS) {
        assert_true(fixture->held_count < HELD_MAX);
        fixture->held[fixture->held_count++] = batch;
    } else if (mode == SINK_FULL) {
        status = STATUS_FULL;
    }
    fixture->pushed += status == STATUS_OK;
    pthread_cond_broadcast(&fixture->changed);
    pthread_mutex_unlock(&fixture->lock);
    if (mode == SINK_SETTLES || mode == SINK_FAILS) {
        batch_let_go(batch, mode == SINK_SETTLES);
    } else if (mode == SINK_QUEUES) {
        status = queue_try_push(fixture->queue, batch);
    }
    return status;
}

static void fixture_open(struct fixture *fixture, const char *endpoint)
{
    memset(fixture, 0, sizeof *fixture);
    pthread_mutex_init(&fixture->lock, NULL);
    pthread_cond_init(&fixture->changed, NULL);
    fixture->sources[0] = (struct ingest_source){.kind = INGEST_ACKED, .endpoint = endpoint};
    fixture->settings = (struct ingest_settings){.sources = fixture->sources,
                                                 .source_count = 1,
                                                 .frame_bytes_max = 4096,
                                                 .batch_messages_max = 16,
                                                 .text_bytes_max = 64,
                                                 .batches_in_flight_max = 8,
                                                 .bytes_in_flight_max = 1 << 20,
                                                 .retry_after_ms = 7,
                                                 .drain_ms = PATIENCE_MS};
    fixture->context = zmq_ctx_new();
    assert_non_null(fixture->context);
    assert_int_equal(metrics_new(&fixture->metrics), STATUS_OK);
}

static void fixture_start(struct fixture *fixture)
{
    struct error error = {0};
    struct batch_sink sink = {.push = fixture_push, .context = fixture};
    if (ingest_start(&fixture->settings, fixture->context, fixture->metrics, sink, &error, &fixture->ingest) !=
        STATUS_OK) {
        fail_msg("%s", error.text);
    }
    ingest_set_accepting(fixture->ingest, true);
}

static void fixture_close(struct fixture *fixture, uint32_t unsettled_expected)
{
    uint32_t unsettled = 99;
    if (fixture->ingest != NULL) {
        ingest_stop(fixture->ingest, &unsettled);
        assert_int_equal(unsettled, unsettled_expected);
        for (uint32_t i = 0; i < fixture->held_count; i++) { /* a stage may let go after ingest has stopped */
            batch_let_go(fixture->held[i], true);
        }
        ingest_free(&fixture->ingest);
    }
    zmq_ctx_term(fixture->context);
    metrics_free(&fixture->metrics);
    pthread_mutex_destroy(&fixture->lock);
    pthread_cond_destroy(&fixture->changed);
}

static void fixture_set_mode(struct fixture *fixture, enum sink_mode mode)
{
    pthread_mutex_lock(&fixture->lock);
    fixture->mode = mode;
    pthread_mutex_unlock(&fixture->lock);
}

static void fixture_wait_held(struct fixture *fixture, uint32_t count)
{
    pthread_mutex_lock(&fixture->lock);
    while (fixture->held_count < count) {
        pthread_cond_wait(&fixture->changed, &fixture->lock);
    }
    pthread_mutex_unlock(&fixture->lock);
}

static void fixture_let_go(struct fixture *fixture, bool safe)
{
    pthread_mutex_lock(&fixture->lock);
    struct batch *batch = fixture->held[--fixture->held_count];
    pthread_mutex_unlock(&fixture->lock);
    batch_let_go(batch, safe);
}

static uint32_t fixture_pushed(struct fixture *fixture)
{
    pthread_mutex_lock(&fixture->lock);
    uint32_t pushed = fixture->pushed;
    pthread_mutex_unlock(&fixture->lock);
    return pushed;
}

static int64_t counted(struct fixture *fixture, const char *name, const char *label, const char *value)
{
    return metric_value(metrics_counter(fixture->metrics, name, "", label, value));
}

/* Waits until another thread has counted so far. */
static void wait_counted(struct fixture *fixture, const char *name, const char *label, const char *value, int64_t count)
{
    int64_t deadline_ms = clock_ticks_ms() + PATIENCE_MS;
    while (counted(fixture, name, label, value) < count) {
        assert_true(clock_ticks_ms() < deadline_ms);
        sched_yield();
    }
}

static void *connect_client(struct fixture *fixture, int type)
{
    int patience_ms = PATIENCE_MS;
    int linger_ms = 0;
    void *socket = zmq_socket(fixture->context, type);
    assert_non_null(socket);
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    zmq_setsockopt(socket, ZMQ_SNDTIMEO, &patience_ms, sizeof patience_ms);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    assert_int_equal(zmq_connect(socket, ingest_endpoint(fixture->ingest, 0)), 0);
    return socket;
}

static void add_message(struct buffer *batch, const char *id, const char *conversation, struct span text)
{
    struct buffer message = BUFFER_INIT(1 << 20);
    assert_int_equal(encode_bytes(&message, 1, span_text(id)), STATUS_OK);
    assert_int_equal(encode_bytes(&message, 2, span_text(conversation)), STATUS_OK);
    assert_int_equal(encode_bytes(&message, 6, text), STATUS_OK);
    assert_int_equal(encode_bytes(batch, 2, buffer_span(&message)), STATUS_OK);
    buffer_free(&message);
}

static void send_bytes(void *socket, struct span bytes, bool more)
{
    assert_int_equal(zmq_send(socket, bytes.data, bytes.size, more ? ZMQ_SNDMORE : 0), (int)bytes.size);
}

/* A batch of `count` sound messages. */
static void send_batch(void *socket, const char *batch_id, uint32_t count)
{
    struct buffer batch = BUFFER_INIT(1 << 20);
    assert_int_equal(encode_bytes(&batch, 1, span_text(batch_id)), STATUS_OK);
    for (uint32_t i = 0; i < count; i++) {
        char id[64];
        (void)snprintf(id, sizeof id, "%s-%u", batch_id, i);
        add_message(&batch, id, "c", span_text("hello"));
    }
    send_bytes(socket, buffer_span(&batch), false);
    buffer_free(&batch);
}

static Weir__V1__Receipt *receive(void *socket)
{
    static uint8_t frame[1 << 16];
    int size = zmq_recv(socket, frame, sizeof frame, 0);
    assert_in_range(size, 1, sizeof frame);
    int more = 0;
    size_t more_size = sizeof more;
    zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &more_size);
    assert_int_equal(more, 0);
    Weir__V1__Receipt *receipt = weir__v1__receipt__unpack(NULL, (size_t)size, frame);
    assert_non_null(receipt);
    return receipt;
}

static void expect(void *socket, const char *batch_id, int status, uint32_t accepted, const char *reason)
{
    Weir__V1__Receipt *receipt = receive(socket);
    assert_string_equal(receipt->batch_id, batch_id);
    assert_string_equal(receipt->reason, reason);
    assert_int_equal(receipt->status, status);
    assert_int_equal(receipt->accepted, accepted);
    assert_int_equal(receipt->retry_after_ms, status == WEIR__V1__RECEIPT__STATUS__RETRY_LATER ? 7 : 0);
    weir__v1__receipt__free_unpacked(receipt, NULL);
}

#define OK WEIR__V1__RECEIPT__STATUS__OK
#define LATER WEIR__V1__RECEIPT__STATUS__RETRY_LATER
#define MALFORMED WEIR__V1__RECEIPT__STATUS__MALFORMED

static void test_every_transport(void **state)
{
    (void)state;
    char folder[] = "/tmp/weir-ingest-XXXXXX";
    char ipc[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(ipc, sizeof ipc, "ipc://%s/socket", folder);
    const char *const endpoints[] = {"tcp://127.0.0.1:*", ipc, "inproc://ingest"};
    for (size_t i = 0; i < 3; i++) {
        struct fixture fixture;
        fixture_open(&fixture, endpoints[i]);
        fixture_start(&fixture);
        void *socket = connect_client(&fixture, ZMQ_DEALER);
        send_batch(socket, "b1", 3);
        expect(socket, "b1", OK, 3, "");
        send_batch(socket, "b2", 0);
        expect(socket, "b2", OK, 0, "");
        assert_int_equal(fixture_pushed(&fixture), 1); /* an empty batch needs nobody */
        assert_int_equal(counted(&fixture, "weir_ingest_messages_total", NULL, NULL), 3);
        zmq_close(socket);
        fixture_close(&fixture, 0);
    }
    (void)unlink(ipc + strlen("ipc://"));
    assert_int_equal(rmdir(folder), 0);
}

static void test_malformed_frames(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, "tcp://127.0.0.1:*");
    fixture_start(&fixture);
    void *socket = connect_client(&fixture, ZMQ_DEALER);
    static const struct {
        const char *bytes;
        size_t size;
        const char *batch_id, *reason;
    } frames[] = {
        {"\xff\xff\xff", 3, "", "not_a_batch"},
        {"", 0, "", "missing_batch_id"},
        {"\x12\x00", 2, "", "missing_batch_id"},
        {"\x0a\x02\x62\x00", 4, "", "invalid_batch_id"},
        {"\x0a\x01\x62\x12\x03\x0a\x01\xff", 8, "b", "not_a_batch"}, /* sound outside, not inside */
        {"\x0a\x01\x62\x12\x7f", 5, "", "not_a_batch"},
    };
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        send_bytes(socket, span_of(frames[i].bytes, frames[i].size), false);
        expect(socket, frames[i].batch_id, MALFORMED, 0, frames[i].reason);
    }
    send_batch(socket, "many", 17);
    expect(socket, "many", MALFORMED, 0, "too_many_messages");

    struct buffer batch = BUFFER_INIT(1 << 20);
    static const uint8_t text[5000] = {0};
    assert_int_equal(encode_bytes(&batch, 1, span_text("large")), STATUS_OK);
    add_message(&batch, "m", "c", span_of(text, sizeof text));
    send_bytes(socket, buffer_span(&batch), false);
    expect(socket, "large", MALFORMED, 0, "frame_too_large");

    char long_id[300];
    memset(long_id, 'x', sizeof long_id);
    buffer_clear(&batch);
    assert_int_equal(encode_bytes(&batch, 1, span_of(long_id, sizeof long_id)), STATUS_OK);
    send_bytes(socket, buffer_span(&batch), false);
    expect(socket, "", MALFORMED, 0, "batch_id_too_long");
    buffer_free(&batch);

    send_bytes(socket, span_text("two"), true);
    send_bytes(socket, span_text("frames"), false);
    expect(socket, "", MALFORMED, 0, "unexpected_frames");

    send_batch(socket, "b", 16); /* and it goes on */
    expect(socket, "b", OK, 16, "");
    assert_int_equal(counted(&fixture, "weir_ingest_batches_total", "status", "malformed"), 10);
    assert_int_equal(counted(&fixture, "weir_ingest_malformed_total", "reason", "not_a_batch"), 3);
    assert_int_equal(fixture_pushed(&fixture), 1);
    zmq_close(socket);
    fixture_close(&fixture, 0);
}

static void test_rejected_messages(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, "inproc://ingest");
    fixture_start(&fixture);
    void *socket = connect_client(&fixture, ZMQ_DEALER);
    struct buffer batch = BUFFER_INIT(1 << 20);
    static const uint8_t text[65] = {0};
    for (int round = 0; round < 2; round++) { /* the second time with one sound message */
        static const char *const reasons[] = {"missing_message_id", "missing_conversation_id", "duplicate_message_id",
                                              "text_too_long"};
        buffer_clear(&batch);
        assert_int_equal(encode_bytes(&batch, 1, span_text("b")), STATUS_OK);
        add_message(&batch, "", "c", span_text("x"));
        add_message(&batch, "m", "", span_text("x"));
        add_message(&batch, "m", "c", span_text("x"));
        add_message(&batch, "n", "c", span_of(text, 65));
        if (round == 1) {
            add_message(&batch, "o", "c", span_of(text, 64));
        }
        send_bytes(socket, buffer_span(&batch), false);
        Weir__V1__Receipt *receipt = receive(socket);
        assert_int_equal(receipt->status, OK);
        assert_int_equal(receipt->accepted, round);
        assert_int_equal(receipt->n_rejected, 4);
        for (uint32_t i = 0; i < 4; i++) {
            assert_int_equal(receipt->rejected[i]->index, i);
            assert_string_equal(receipt->rejected[i]->reason, reasons[i]);
        }
        weir__v1__receipt__free_unpacked(receipt, NULL);
        assert_int_equal(fixture_pushed(&fixture), (uint32_t)round);
    }
    assert_int_equal(counted(&fixture, "weir_ingest_rejected_total", "reason", "text_too_long"), 2);
    buffer_free(&batch);
    zmq_close(socket);
    fixture_close(&fixture, 0);
}

static void test_retry_later(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, "tcp://127.0.0.1:*");
    fixture_start(&fixture);
    void *socket = connect_client(&fixture, ZMQ_DEALER);
    ingest_set_accepting(fixture.ingest, false);
    send_batch(socket, "b", 1);
    expect(socket, "b", LATER, 0, "not_accepting");
    ingest_set_accepting(fixture.ingest, true);
    fixture_set_mode(&fixture, SINK_FULL);
    send_batch(socket, "b", 1);
    expect(socket, "b", LATER, 0, "overloaded");
    fixture_set_mode(&fixture, SINK_FAILS);
    send_batch(socket, "b", 1);
    expect(socket, "b", LATER, 0, "not_stored");
    fixture_set_mode(&fixture, SINK_SETTLES);
    send_batch(socket, "b", 1);
    expect(socket, "b", OK, 1, "");
    assert_int_equal(counted(&fixture, "weir_ingest_batches_total", "status", "retry_later"), 3);
    zmq_close(socket);
    fixture_close(&fixture, 0);
}

static void test_limits_in_flight(void **state)
{
    (void)state;
    for (int by_bytes = 0; by_bytes < 2; by_bytes++) {
        struct fixture fixture;
        fixture_open(&fixture, "tcp://127.0.0.1:*");
        fixture.settings.batches_in_flight_max = by_bytes ? 100 : 2;
        fixture.settings.bytes_in_flight_max = by_bytes ? 3000 : 1 << 20; /* each takes about 2,000 */
        fixture.mode = SINK_HOLDS;
        fixture_start(&fixture);
        void *socket = connect_client(&fixture, ZMQ_DEALER);
        send_batch(socket, "b1", 1);
        send_batch(socket, "b2", 1);
        fixture_wait_held(&fixture, 2);
        send_batch(socket, "b3", 1);
        expect(socket, "b3", LATER, 0, "overloaded");
        fixture_let_go(&fixture, true);
        expect(socket, "b2", OK, 1, "");
        send_batch(socket, "b3", 1);
        fixture_wait_held(&fixture, 2);
        fixture_let_go(&fixture, true);
        fixture_let_go(&fixture, true);
        expect(socket, "b3", OK, 1, "");
        expect(socket, "b1", OK, 1, "");
        zmq_close(socket);
        fixture_close(&fixture, 0);
    }
}

static void test_shapes_of_clients(void **state)
{
    (void)state;
    struct fixture fixture;
    char bytes[8];
    fixture_open(&fixture, "tcp://127.0.0.1:*");
    fixture_start(&fixture);
    void *req = connect_client(&fixture, ZMQ_REQ);
    for (int i = 0; i < 3; i++) {
        send_batch(req, "r", 2);
        expect(req, "r", OK, 2, "");
    }
    send_bytes(req, span_text("\xff"), false); /* malformed, and still in REQ's shape */
    expect(req, "", MALFORMED, 0, "not_a_batch");
    void *dealer = connect_client(&fixture, ZMQ_DEALER);
    send_bytes(dealer, span_of("", 0), true);
    send_batch(dealer, "d", 1);
    assert_int_equal(zmq_recv(dealer, bytes, sizeof bytes, 0), 0);
    expect(dealer, "d", OK, 1, "");
    send_bytes(dealer, span_text("client"), true); /* a proxy between the client and here */
    send_bytes(dealer, span_of("", 0), true);
    send_batch(dealer, "p", 1);
    assert_int_equal(zmq_recv(dealer, bytes, sizeof bytes, 0), 6);
    assert_int_equal(zmq_recv(dealer, bytes, sizeof bytes, 0), 0);
    expect(dealer, "p", OK, 1, "");
    send_bytes(dealer, span_of("", 0), true); /* one delimiter too many */
    send_bytes(dealer, span_of("", 0), true);
    send_batch(dealer, "q", 1);
    assert_int_equal(zmq_recv(dealer, bytes, sizeof bytes, 0), 0);
    expect(dealer, "", MALFORMED, 0, "unexpected_frames");
    zmq_close(req);
    zmq_close(dealer);
    fixture_close(&fixture, 0);
}

static void test_same_batch_while_in_flight(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, "tcp://127.0.0.1:*");
    fixture.mode = SINK_HOLDS;
    fixture_start(&fixture);
    void *one = connect_client(&fixture, ZMQ_DEALER);
    void *two = connect_client(&fixture, ZMQ_DEALER);
    send_batch(one, "b", 1);
    fixture_wait_held(&fixture, 1);
    send_batch(one, "b", 1);
    wait_counted(&fixture, "weir_ingest_batches_total", "status", "duplicate", 1);
    ingest_set_accepting(fixture.ingest, false);
    send_batch(one, "b", 1); /* also when nothing new is taken */
    wait_counted(&fixture, "weir_ingest_batches_total", "status", "duplicate", 2);
    ingest_set_accepting(fixture.ingest, true);
    send_batch(two, "b", 1); /* another producer's batch of the same name is another batch */
    fixture_wait_held(&fixture, 2);
    assert_int_equal(fixture_pushed(&fixture), 2);
    fixture_let_go(&fixture, true);
    fixture_let_go(&fixture, true);
    expect(one, "b", OK, 1, "");
    expect(two, "b", OK, 1, "");
    fixture_set_mode(&fixture, SINK_SETTLES);
    send_batch(one, "b", 1); /* once settled it is scanned again */
    expect(one, "b", OK, 1, "");
    send_batch(one, "c", 1); /* nothing but one receipt each had been sent */
    expect(one, "c", OK, 1, "");
    zmq_close(one);
    zmq_close(two);
    fixture_close(&fixture, 0);
}

static void *stop_ingest(void *argument)
{
    struct fixture *fixture = argument;
    uint32_t *unsettled = malloc(sizeof *unsettled);
    ingest_stop(fixture->ingest, unsettled);
    return unsettled;
}

static void test_drain(void **state)
{
    (void)state;
    struct fixture fixture;
    pthread_t stopper;
    void *unsettled;
    fixture_open(&fixture, "tcp://127.0.0.1:*");
    fixture.mode = SINK_HOLDS;
    fixture_start(&fixture);
    void *socket = connect_client(&fixture, ZMQ_DEALER);
    send_batch(socket, "held", 2);
    fixture_wait_held(&fixture, 1);
    fixture_set_mode(&fixture, SINK_FULL);
    assert_int_equal(pthread_create(&stopper, NULL, stop_ingest, &fixture), 0);
    for (bool draining = false; !draining;) { /* "overloaded" until the stop has begun */
        send_batch(socket, "late", 1);
        Weir__V1__Receipt *receipt = receive(socket);
        assert_int_equal(receipt->status, LATER);
        draining = strcmp(receipt->reason, "draining") == 0;
        weir__v1__receipt__free_unpacked(receipt, NULL);
    }
    fixture_let_go(&fixture, true);
    expect(socket, "held", OK, 2, "");
    pthread_join(stopper, &unsettled);
    assert_int_equal(*(uint32_t *)unsettled, 0);
    free(unsettled);
    zmq_close(socket);
    fixture_close(&fixture, 0);
}

static void test_drain_gives_up(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, "inproc://ingest");
    fixture.settings.drain_ms = 20;
    fixture.mode = SINK_HOLDS;
    fixture_start(&fixture);
    void *socket = connect_client(&fixture, ZMQ_DEALER);
    send_batch(socket, "b1", 1);
    send_batch(socket, "b2", 1);
    fixture_wait_held(&fixture, 2);
    zmq_close(socket);
    fixture_close(&fixture, 2); /* which lets go after the stop */
}

static void test_vanished_peer(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, "tcp://127.0.0.1:*");
    fixture.mode = SINK_HOLDS;
    fixture_start(&fixture);
    static const char *const undeliverable = "weir_ingest_receipts_undeliverable_total";
    int64_t deadline_ms = clock_ticks_ms() + PATIENCE_MS;
    while (counted(&fixture, undeliverable, NULL, NULL) == 0) { /* a receipt may leave before the close is seen */
        assert_true(clock_ticks_ms() < deadline_ms);
        void *socket = connect_client(&fixture, ZMQ_DEALER);
        send_batch(socket, "b", 1);
        fixture_wait_held(&fixture, 1);
        zmq_close(socket);
        sched_yield();
        fixture_let_go(&fixture, true);
    }
    fixture_set_mode(&fixture, SINK_SETTLES);
    void *socket = connect_client(&fixture, ZMQ_DEALER);
    send_batch(socket, "b", 1);
    expect(socket, "b", OK, 1, "");
    zmq_close(socket);
    fixture_close(&fixture, 0);
}

static void test_far_too_large_a_frame(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, "tcp://127.0.0.1:*");
    fixture_start(&fixture);
    uint8_t *bytes = calloc(1, 20u << 20);
    void *flooder = connect_client(&fixture, ZMQ_DEALER);
    void *socket = connect_client(&fixture, ZMQ_DEALER);
    assert_non_null(bytes);
    send_bytes(flooder, span_of(bytes, 20u << 20), false);
    send_batch(socket, "b", 1); /* the flooder is cut off, nobody else notices */
    expect(socket, "b", OK, 1, "");
    free(bytes);
    zmq_close(flooder);
    zmq_close(socket);
    fixture_close(&fixture, 0);
}

static void test_pull_source(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, "tcp://127.0.0.1:*");
    fixture.sources[0].kind = INGEST_PULL;
    fixture.settings.batches_in_flight_max = 4;
    fixture.mode = SINK_FULL;
    fixture_start(&fixture);
    ingest_set_accepting(fixture.ingest, false);
    void *socket = connect_client(&fixture, ZMQ_PUSH);
    send_bytes(socket, span_text("\xff"), false);
    send_bytes(socket, span_text("two"), true);
    send_bytes(socket, span_text("frames"), false);
    for (int i = 0; i < 12; i++) { /* more than may be in flight, and the sink is full */
        send_batch(socket, i % 2 == 0 ? "b" : "", 2);
    }
    ingest_set_accepting(fixture.ingest, true);
    wait_counted(&fixture, "weir_ingest_batches_total", "status", "malformed", 2);
    fixture_set_mode(&fixture, SINK_HOLDS);
    fixture_wait_held(&fixture, 4);
    assert_int_equal(fixture_pushed(&fixture), 4); /* held back, not dropped */
    fixture_set_mode(&fixture, SINK_SETTLES);
    for (int i = 0; i < 4; i++) {
        fixture_let_go(&fixture, i != 0);
    }
    wait_counted(&fixture, "weir_ingest_batches_total", "status", "ok", 11);
    assert_int_equal(fixture_pushed(&fixture), 12);
    assert_int_equal(counted(&fixture, "weir_ingest_batches_total", "status", "lost"), 1);
    assert_int_equal(counted(&fixture, "weir_ingest_messages_total", NULL, NULL), 24);
    zmq_close(socket);
    fixture_close(&fixture, 0);
}

static void test_connects_and_two_sources(void **state)
{
    (void)state;
    struct fixture fixture;
    char endpoint[256];
    size_t size = sizeof endpoint;
    fixture_open(&fixture, "tcp://127.0.0.1:*");
    void *push = zmq_socket(fixture.context, ZMQ_PUSH);
    assert_int_equal(zmq_bind(push, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(push, ZMQ_LAST_ENDPOINT, endpoint, &size), 0);
    fixture.sources[1] = (struct ingest_source){.kind = INGEST_PULL, .endpoint = endpoint, .connect = true};
    fixture.settings.source_count = 2;
    fixture_start(&fixture);
    assert_string_equal(ingest_endpoint(fixture.ingest, 1), endpoint);
    assert_null(ingest_endpoint(fixture.ingest, 2));
    void *dealer = connect_client(&fixture, ZMQ_DEALER);
    send_batch(push, "b", 1);
    send_batch(dealer, "b", 1);
    expect(dealer, "b", OK, 1, "");
    wait_counted(&fixture, "weir_ingest_batches_total", "status", "ok", 2);
    zmq_close(push);
    zmq_close(dealer);
    fixture_close(&fixture, 0);
}

static void test_endpoints_that_fail(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, "tcp://127.0.0.1:*");
    fixture_start(&fixture);
    const char *const endpoints[] = {"nonsense", "tcp://127.0.0.1:port", "bad://x", ingest_endpoint(fixture.ingest, 0)};
    for (size_t i = 0; i < 4; i++) {
        struct error error = {0};
        struct ingest *ingest = NULL;
        struct ingest_source source = {.endpoint = endpoints[i]};
        struct ingest_settings settings = fixture.settings;
        struct batch_sink sink = {.push = fixture_push, .context = &fixture};
        settings.sources = &source;
        assert_int_equal(ingest_start(&settings, NULL, fixture.metrics, sink, &error, &ingest), STATUS_SYSTEM);
        assert_null(ingest);
        assert_non_null(strstr(error.text, endpoints[i]));
    }
    fixture_close(&fixture, 0);
}

/* Stands for the later stages: settles what comes, in a thread of its own. */
static void *settle_all(void *argument)
{
    void *batch;
    while (queue_pop(argument, -1, &batch) == STATUS_OK) {
        batch_let_go(batch, true);
    }
    return NULL;
}

static void test_ten_thousand_batches(void **state)
{
    (void)state;
    struct fixture fixture;
    pthread_t settlers[2];
    fixture_open(&fixture, "tcp://127.0.0.1:*");
    fixture.mode = SINK_QUEUES;
    assert_int_equal(queue_new(4, &fixture.queue), STATUS_OK); /* often full: RETRY_LATER is part of this */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&settlers[i], NULL, settle_all, fixture.queue), 0);
    }
    fixture_start(&fixture);
    void *socket = connect_client(&fixture, ZMQ_DEALER);
    static bool settled[10000];
    uint32_t sent = 0;
    uint32_t done = 0;
    while (done < 10000) {
        char id[16];
        while (sent < 10000 && sent < done + 16) {
            (void)snprintf(id, sizeof id, "%u", sent++);
            send_batch(socket, id, 1 + sent % 5);
        }
        Weir__V1__Receipt *receipt = receive(socket);
        unsigned long number = strtoul(receipt->batch_id, NULL, 10);
        assert_true(number < sent);
        if (receipt->status == LATER) {
            send_batch(socket, receipt->batch_id, 1 + (uint32_t)(number + 1) % 5);
        } else {
            assert_int_equal(receipt->status, OK);
            assert_int_equal(receipt->accepted, 1 + (number + 1) % 5);
            assert_false(settled[number]);
            settled[number] = true;
            done++;
        }
        weir__v1__receipt__free_unpacked(receipt, NULL);
    }
    assert_int_equal(counted(&fixture, "weir_ingest_batches_total", "status", "ok"), 10000);
    zmq_close(socket);
    queue_close(fixture.queue);
    for (int i = 0; i < 2; i++) {
        pthread_join(settlers[i], NULL);
    }
    struct queue *queue = fixture.queue;
    fixture_close(&fixture, 0);
    queue_free(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_transport),
        cmocka_unit_test(test_malformed_frames),
        cmocka_unit_test(test_rejected_messages),
        cmocka_unit_test(test_retry_later),
        cmocka_unit_test(test_limits_in_flight),
        cmocka_unit_test(test_shapes_of_clients),
        cmocka_unit_test(test_same_batch_while_in_flight),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_drain_gives_up),
        cmocka_unit_test(test_vanished_peer),
        cmocka_unit_test(test_far_too_large_a_frame),
        cmocka_unit_test(test_pull_source),
        cmocka_unit_test(test_connects_and_two_sources),
        cmocka_unit_test(test_endpoints_that_fail),
        cmocka_unit_test(test_ten_thousand_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
