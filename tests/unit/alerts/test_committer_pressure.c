/*
 * A store that cannot write while scanners push: they wait for room, by number and by bytes, and nobody waits for ever
 * once the end is near.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "alerts/committer.h"
#include "base/clock.h"
#include "tests/unit/alerts/fixture.h"

/* `struct store` is this file's own. */
struct store {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool fails;
    bool gate_closed; /* commit waits */
    uint32_t calls;
};

static struct store fake;

static enum status fake_commit(struct store *store, const struct store_verdict *verdicts, uint32_t count,
                               int64_t now_ms, struct error *error, struct store_commit_result *ret_result)
{
    (void)verdicts;
    (void)count;
    (void)now_ms;
    pthread_mutex_lock(&store->lock);
    store->calls++;
    pthread_cond_broadcast(&store->changed);
    while (store->gate_closed)
        pthread_cond_wait(&store->changed, &store->lock);
    enum status status = store->fails ? STATUS_TIMEOUT : STATUS_OK;
    pthread_mutex_unlock(&store->lock);
    if (status == STATUS_OK)
        *ret_result = (struct store_commit_result){0};
    else
        error_set(error, "locked");
    return status;
}

static void fake_close(struct store **store)
{
    *store = NULL;
}

static const struct store_ops fake_ops = {.name = "fake", .commit = fake_commit, .close = fake_close};

static atomic_int settled_safe, settled_unsafe;

static void on_settled(struct batch *batch, void *context)
{
    (void)context;
    atomic_fetch_add(atomic_load(&batch->failed) ? &settled_unsafe : &settled_safe, 1);
    free(batch);
}

static struct committer *committer;
static struct metrics *metrics;

static void start(bool fails, bool gate_closed, const struct committer_settings *settings)
{
    memset(&fake, 0, sizeof fake);
    pthread_mutex_init(&fake.lock, NULL);
    pthread_cond_init(&fake.changed, NULL);
    fake.fails = fails;
    fake.gate_closed = gate_closed;
    atomic_store(&settled_safe, 0);
    atomic_store(&settled_unsafe, 0);
    assert_int_equal(metrics_new(&metrics), STATUS_OK);
    struct store *store = &fake;
    assert_int_equal(committer_start(settings, &fake_ops, &store, metrics, NULL, NULL, &committer), STATUS_OK);
}

static void end(void)
{
    committer_free(&committer);
    metrics_free(&metrics);
    pthread_cond_destroy(&fake.changed);
    pthread_mutex_destroy(&fake.lock);
}

static enum status send_message(struct span text)
{
    struct batch *batch = calloc(1, sizeof *batch);
    assert_non_null(batch);
    batch_open(batch, on_settled, NULL);
    struct verdict_hit hit = {.rule = "a.one", .title = "T"};
    struct verdict verdict = {.batch = batch,
                              .message_id = span_text("m"),
                              .conversation_id = span_text("c"),
                              .text = text,
                              .hits = &hit,
                              .hit_count = 1};
    struct verdict *copy = NULL;
    assert_int_equal(verdict_copy(&verdict, &copy), STATUS_OK);
    batch_let_go(batch, true);
    struct verdict_sink sink = committer_sink(committer);
    enum status status = sink.push(sink.context, copy);
    if (status != STATUS_OK)
        verdict_settle(&copy, false);
    return status;
}

#define MESSAGES 20
static atomic_uint sent;

static void *send_many(void *argument)
{
    const struct span *text = argument;
    for (int i = 0; i < MESSAGES; i++) {
        (void)send_message(*text);
        atomic_fetch_add(&sent, 1);
    }
    return NULL;
}

static void await_calls(uint32_t calls)
{
    pthread_mutex_lock(&fake.lock);
    while (fake.calls < calls)
        pthread_cond_wait(&fake.changed, &fake.lock);
    pthread_mutex_unlock(&fake.lock);
}

/* The end of the program: scanners are waited for before the committer is, and they wait for room in its queue. */
static void test_hurry_frees_who_waits(void **state)
{
    (void)state;
    static const struct committer_settings settings = {
        .routes = {NULL, 0, "review", "unscanned", 60}, .queue_max = 1, .group_max = 1, .retry_max_ms = 2};
    start(true, false, &settings);
    struct span text = span_text("buy");
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, send_many, &text), 0);
    await_calls(3); /* it fails and fails */
    committer_hurry(committer, 10);
    pthread_join(thread, NULL);
    assert_int_equal(committer_stop(committer, 60000), MESSAGES);
    assert_int_equal(atomic_load(&settled_unsafe), MESSAGES);
    assert_int_equal(atomic_load(&settled_safe), 0);
    end();
}

/* Large verdicts are bounded by their bytes, not only by their number. */
static void test_bytes_bound(void **state)
{
    (void)state;
    static const struct committer_settings settings = {
        .routes = {NULL, 0, "review", "unscanned", 60}, .queue_max = 1000, .group_max = 1, .retry_max_ms = 2};
    size_t size = COMMITTER_WAITING_BYTES_MAX / 4;
    uint8_t *large = calloc(1, size);
    assert_non_null(large);
    struct span text = span_of(large, size);
    start(false, true, &settings);
    atomic_store(&sent, 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, send_many, &text), 0);
    await_calls(1);
    struct metric *bytes = metrics_gauge(metrics, "weir_alerts_waiting_bytes", "x", NULL, NULL);
    int64_t until_ms = clock_ticks_ms() + 20000;
    while (atomic_load(&sent) < 3 && clock_ticks_ms() < until_ms)
        sched_yield();
    /* Three fit with what they carry beside their text, and the gate is closed: nobody gets further. */
    for (int i = 0; i < 1000; i++) {
        sched_yield();
        assert_in_range(metric_value(bytes), 1, COMMITTER_WAITING_BYTES_MAX);
        assert_int_equal(atomic_load(&sent), 3);
    }
    pthread_mutex_lock(&fake.lock);
    fake.gate_closed = false;
    pthread_cond_broadcast(&fake.changed);
    pthread_mutex_unlock(&fake.lock);
    pthread_join(thread, NULL);
    assert_int_equal(committer_stop(committer, 60000), 0);
    assert_int_equal(atomic_load(&settled_safe), MESSAGES);
    assert_int_equal(metric_value(bytes), 0);
    free(large);
    end();
}

/* One that is larger than the bound goes through alone. */
static void test_larger_than_the_bound(void **state)
{
    (void)state;
    static const struct committer_settings settings = {
        .routes = {NULL, 0, "review", "unscanned", 60}, .queue_max = 4, .group_max = 4, .retry_max_ms = 2};
    uint8_t *large = calloc(1, COMMITTER_WAITING_BYTES_MAX + 1);
    assert_non_null(large);
    start(false, false, &settings);
    for (int i = 0; i < 3; i++)
        assert_int_equal(send_message(span_of(large, COMMITTER_WAITING_BYTES_MAX + 1)), STATUS_OK);
    assert_int_equal(committer_stop(committer, 60000), 0);
    assert_int_equal(atomic_load(&settled_safe), 3);
    assert_int_equal(send_message(span_text("late")), STATUS_CLOSED);
    free(large);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hurry_frees_who_waits),
        cmocka_unit_test(test_bytes_bound),
        cmocka_unit_test(test_larger_than_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
