/*
 * A peer that never reads its receipts, and asks for the largest there are: batches of messages that are all rejected.
 * What waits for it is bounded, and what does not fit is given up and counted, for its batches can be sent again.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <zmq.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "ingest/ingest.h"
#include "ingest/outbox.h"
#include "proto/encode.h"

#define PATIENCE_MS 60000 /* far more than anything takes */
#define ENDPOINT "inproc://receipts-unread"
#define MESSAGES 4096u
#define BATCHES 400u
#define RECEIPT_SIZE_MIN ((size_t)64 << 10)  /* of one that names so many rejections */
#define WAITING_BYTES_MAX ((size_t)16 << 20) /* of one peer's receipts, the outbox included */

static enum status push_nothing(void *context, struct batch *batch)
{
    (void)context;
    (void)batch;
    fail_msg("%s", "nothing in these batches can be accepted");
    return STATUS_FULL;
}

static void send_rejected(void *client, uint32_t number)
{
    char id[16];
    struct buffer batch = BUFFER_INIT(1 << 16);
    (void)snprintf(id, sizeof id, "b%u", number);
    assert_int_equal(encode_bytes(&batch, 1, span_text(id)), STATUS_OK);
    for (uint32_t i = 0; i < MESSAGES; i++) {
        assert_int_equal(encode_bytes(&batch, 2, span_of(NULL, 0)), STATUS_OK);
    }
    assert_int_equal(zmq_send(client, batch.data, batch.size, 0), (int)batch.size);
    buffer_free(&batch);
}

static void test_unread_receipts_are_bounded(void **state)
{
    static const struct ingest_source source = {.kind = INGEST_ACKED, .endpoint = ENDPOINT};
    static const struct ingest_settings settings = {.sources = &source,
                                                    .source_count = 1,
                                                    .frame_bytes_max = 1 << 16,
                                                    .batch_messages_max = MESSAGES,
                                                    .text_bytes_max = 64,
                                                    .batches_in_flight_max = 8,
                                                    .bytes_in_flight_max = 1 << 20,
                                                    .retry_after_ms = 7,
                                                    .drain_ms = PATIENCE_MS};
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* about memory, not about threads; the sanitizer makes each try to send a hundred times as dear */
#endif
    struct error error = {0};
    struct metrics *metrics;
    struct ingest *ingest;
    int few = 1;
    int none = 0;
    int patience_ms = PATIENCE_MS;
    void *context = zmq_ctx_new();
    assert_non_null(context);
    assert_int_equal(metrics_new(&metrics), STATUS_OK);
    struct batch_sink sink = {.push = push_nothing};
    assert_int_equal(ingest_start(&settings, context, metrics, sink, &error, &ingest), STATUS_OK);
    ingest_set_accepting(ingest, true);
    void *client = zmq_socket(context, ZMQ_DEALER);
    zmq_setsockopt(client, ZMQ_RCVHWM, &few, sizeof few);
    zmq_setsockopt(client, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(client, ZMQ_SNDTIMEO, &patience_ms, sizeof patience_ms);
    assert_int_equal(zmq_connect(client, ENDPOINT), 0);

    struct metric *answered = metrics_counter(metrics, "weir_ingest_batches_total", "", "status", "ok");
    struct metric *given_up = metrics_counter(metrics, "weir_ingest_receipts_undeliverable_total", "", NULL, NULL);
    for (uint32_t i = 0; i < BATCHES; i++) {
        send_rejected(client, i);
    }
    int64_t deadline_ms = clock_ticks_ms() + PATIENCE_MS;
    while (metric_value(answered) < (int64_t)BATCHES) {
        assert_true(clock_ticks_ms() < deadline_ms);
        sched_yield();
    }
    int64_t waiting = (int64_t)BATCHES - metric_value(given_up);
    assert_true(waiting * (int64_t)RECEIPT_SIZE_MIN <= (int64_t)WAITING_BYTES_MAX);

    zmq_close(client);
    ingest_stop(ingest, NULL);
    ingest_free(&ingest);
    zmq_ctx_term(context);
    metrics_free(&metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_unread_receipts_are_bounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
