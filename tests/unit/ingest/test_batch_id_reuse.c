/*
 * A batch id that comes again while the first batch of that name is in flight. The same bytes are the same batch: one
 * receipt answers both. Other bytes are another batch, which nobody scans: no receipt may say that it is safe.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zmq.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "ingest/ingest.h"
#include "proto/encode.h"
#include "proto/weir.pb-c.h"

#define PATIENCE_MS 20000 /* far more than anything takes */
#define ENDPOINT "inproc://batch-id-reuse"

struct fixture {
    void *context;
    struct metrics *metrics;
    struct ingest *ingest;
    void *client;
    pthread_mutex_t lock; /* guards held */
    pthread_cond_t changed;
    struct batch *held;
};

static enum status hold_push(void *context, struct batch *batch)
{
    struct fixture *fixture = context;
    pthread_mutex_lock(&fixture->lock);
    assert_null(fixture->held);
    fixture->held = batch;
    pthread_cond_broadcast(&fixture->changed);
    pthread_mutex_unlock(&fixture->lock);
    return STATUS_OK;
}

static struct batch *take_held(struct fixture *fixture)
{
    pthread_mutex_lock(&fixture->lock);
    while (fixture->held == NULL) {
        pthread_cond_wait(&fixture->changed, &fixture->lock);
    }
    struct batch *batch = fixture->held;
    fixture->held = NULL;
    pthread_mutex_unlock(&fixture->lock);
    return batch;
}

static void open_fixture(struct fixture *fixture)
{
    static const struct ingest_source source = {.kind = INGEST_ACKED, .endpoint = ENDPOINT};
    static const struct ingest_settings settings = {.sources = &source,
                                                    .source_count = 1,
                                                    .frame_bytes_max = 4096,
                                                    .batch_messages_max = 16,
                                                    .text_bytes_max = 64,
                                                    .batches_in_flight_max = 8,
                                                    .bytes_in_flight_max = 1 << 20,
                                                    .retry_after_ms = 7,
                                                    .drain_ms = PATIENCE_MS};
    struct error error = {0};
    int patience_ms = PATIENCE_MS;
    int linger_ms = 0;
    memset(fixture, 0, sizeof *fixture);
    pthread_mutex_init(&fixture->lock, NULL);
    pthread_cond_init(&fixture->changed, NULL);
    fixture->context = zmq_ctx_new();
    assert_non_null(fixture->context);
    assert_int_equal(metrics_new(&fixture->metrics), STATUS_OK);
    struct batch_sink sink = {.push = hold_push, .context = fixture};
    assert_int_equal(ingest_start(&settings, fixture->context, fixture->metrics, sink, &error, &fixture->ingest),
                     STATUS_OK);
    ingest_set_accepting(fixture->ingest, true);
    fixture->client = zmq_socket(fixture->context, ZMQ_DEALER);
    zmq_setsockopt(fixture->client, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    zmq_setsockopt(fixture->client, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    assert_int_equal(zmq_connect(fixture->client, ENDPOINT), 0);
}

static void close_fixture(struct fixture *fixture)
{
    uint32_t unsettled = 99;
    zmq_close(fixture->client);
    ingest_stop(fixture->ingest, &unsettled);
    assert_int_equal(unsettled, 0);
    ingest_free(&fixture->ingest);
    zmq_ctx_term(fixture->context);
    metrics_free(&fixture->metrics);
    pthread_cond_destroy(&fixture->changed);
    pthread_mutex_destroy(&fixture->lock);
}

/* A batch of the id "1" with one message. */
static void send_one(struct fixture *fixture, const char *message_id, const char *text)
{
    struct buffer message = BUFFER_INIT(4096);
    struct buffer batch = BUFFER_INIT(4096);
    assert_int_equal(encode_bytes(&message, 1, span_text(message_id)), STATUS_OK);
    assert_int_equal(encode_bytes(&message, 2, span_text("c")), STATUS_OK);
    assert_int_equal(encode_bytes(&message, 6, span_text(text)), STATUS_OK);
    assert_int_equal(encode_bytes(&batch, 1, span_text("1")), STATUS_OK);
    assert_int_equal(encode_bytes(&batch, 2, buffer_span(&message)), STATUS_OK);
    assert_int_equal(zmq_send(fixture->client, batch.data, batch.size, 0), (int)batch.size);
    buffer_free(&message);
    buffer_free(&batch);
}

static void wait_counted(struct fixture *fixture, const char *status, int64_t count)
{
    struct metric *metric = metrics_counter(fixture->metrics, "weir_ingest_batches_total", "", "status", status);
    int64_t deadline_ms = clock_ticks_ms() + PATIENCE_MS;
    while (metric_value(metric) < count) {
        assert_true(clock_ticks_ms() < deadline_ms);
        sched_yield();
    }
}

static void expect(struct fixture *fixture, int status)
{
    uint8_t frame[1024];
    int size = zmq_recv(fixture->client, frame, sizeof frame, 0);
    assert_in_range(size, 1, sizeof frame);
    Weir__V1__Receipt *receipt = weir__v1__receipt__unpack(NULL, (size_t)size, frame);
    assert_non_null(receipt);
    assert_string_equal(receipt->batch_id, "1");
    assert_int_equal(receipt->status, status);
    weir__v1__receipt__free_unpacked(receipt, NULL);
}

static void test_other_batch(void **state)
{
    static const struct {
        const char *message_id, *text;
        bool accepting;
    } others[] = {{"new-1", "hello", true},
                  {"old-1", "hellx", true},
                  {"old-1", "hello, and more", true},
                  {"new-1", "hello", false}};
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct fixture fixture;
        open_fixture(&fixture);
        send_one(&fixture, "old-1", "hello");
        struct batch *batch = take_held(&fixture);
        ingest_set_accepting(fixture.ingest, others[i].accepting);
        send_one(&fixture, others[i].message_id, others[i].text);
        wait_counted(&fixture, "duplicate", 1);
        batch_let_go(batch, true);
        expect(&fixture, WEIR__V1__RECEIPT__STATUS__RETRY_LATER); /* whoever sent "1": send it again */
        ingest_set_accepting(fixture.ingest, true);
        send_one(&fixture, others[i].message_id, others[i].text);
        batch_let_go(take_held(&fixture), true);
        expect(&fixture, WEIR__V1__RECEIPT__STATUS__OK);
        close_fixture(&fixture);
    }
}

static void test_same_batch(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture);
    send_one(&fixture, "old-1", "hello");
    struct batch *batch = take_held(&fixture);
    send_one(&fixture, "old-1", "hello");
    wait_counted(&fixture, "duplicate", 1);
    batch_let_go(batch, true);
    expect(&fixture, WEIR__V1__RECEIPT__STATUS__OK);
    close_fixture(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_other_batch), cmocka_unit_test(test_same_batch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
