/* The thread cannot go on when libzmq fails it; whoever watches the program must be able to see that. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <zmq.h>

#include "base/clock.h"
#include "ingest/ingest.h"

#define PATIENCE_MS 20000 /* far more than anything takes */

static enum status push_nothing(void *context, struct batch *batch)
{
    (void)context;
    (void)batch;
    return STATUS_FULL;
}

static void run(bool lose_context)
{
    static const struct ingest_source source = {.kind = INGEST_ACKED, .endpoint = "inproc://transport-lost"};
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
    struct metrics *metrics;
    struct ingest *ingest;
    uint32_t unsettled = 99;
    void *context = zmq_ctx_new();
    assert_non_null(context);
    assert_int_equal(metrics_new(&metrics), STATUS_OK);
    struct batch_sink sink = {.push = push_nothing};
    assert_int_equal(ingest_start(&settings, context, metrics, sink, &error, &ingest), STATUS_OK);
    assert_true(ingest_is_running(ingest));
    if (lose_context) {
        int64_t deadline_ms = clock_ticks_ms() + PATIENCE_MS;
        zmq_ctx_shutdown(context);
        while (ingest_is_running(ingest)) {
            assert_true(clock_ticks_ms() < deadline_ms);
            sched_yield();
        }
    }
    ingest_stop(ingest, &unsettled);
    assert_false(ingest_is_running(ingest));
    assert_int_equal(unsettled, 0);
    ingest_free(&ingest);
    zmq_ctx_term(context);
    metrics_free(&metrics);
}

static void test_stopped(void **state)
{
    (void)state;
    run(false);
}

static void test_context_lost(void **state)
{
    (void)state;
    run(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_stopped), cmocka_unit_test(test_context_lost)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
