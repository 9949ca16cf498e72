/* The alert stage: nothing is settled as safe before it is stored, and nothing blocks everything for ever. */
#include <pthread.h>
#include <stdatomic.h>

#include "alerts/committer.h"
#include "tests/unit/alerts/fixture.h"

/* A store that does what the test says. `struct store` is this file's own. */
struct store {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool gate_closed;        /* commit waits */
    uint32_t waiting;        /* commits at the gate */
    uint32_t fail_times;     /* the next so many commits fail */
    enum status fail_status; /* with this */
    uint32_t calls, committed, hits, set_aside;
    uint32_t largest; /* verdicts of one commit */
    bool closed;
    char last_queue[32];
};

static struct store fake;

/* Messages whose id begins with "bad" can be stored only without text, those with "worse" not at all. */
static bool fake_refuses(const struct store_verdict *item)
{
    const struct verdict *verdict = item->verdict;
    if (verdict->message_id.size >= 5 && memcmp(verdict->message_id.data, "worse", 5) == 0)
        return true;
    return verdict->message_id.size >= 3 && memcmp(verdict->message_id.data, "bad", 3) == 0 && verdict->text.size > 0;
}

static enum status fake_commit(struct store *store, const struct store_verdict *verdicts, uint32_t count,
                               int64_t now_ms, struct error *error, struct store_commit_result *ret_result)
{
    assert_true(now_ms > 0);
    enum status status = STATUS_OK;
    pthread_mutex_lock(&store->lock);
    store->calls++;
    store->waiting++;
    pthread_cond_broadcast(&store->changed);
    while (store->gate_closed)
        pthread_cond_wait(&store->changed, &store->lock);
    store->waiting--;
    if (store->fail_times > 0) {
        store->fail_times--;
        status = store->fail_status;
        error_set(error, "the disk is full");
    }
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        if (fake_refuses(&verdicts[i]))
            status = STATUS_INVALID;
    }
    if (status == STATUS_OK) {
        *ret_result = (struct store_commit_result){0};
        store->committed += count;
        if (count > store->largest)
            store->largest = count;
        for (uint32_t i = 0; i < count; i++) {
            for (uint32_t k = 0; k < verdicts[i].hit_count; k++) {
                const struct store_hit *hit = &verdicts[i].hits[k];
                bool is_bare = hit->hit->reason && strcmp(hit->hit->reason, "not_storable") == 0;
                store->set_aside += is_bare && hit->hit->outcome == OUTCOME_UNSCANNED &&
                                    verdicts[i].verdict->text.size == 0 && hit->hit->span_count == 0;
                snprintf(store->last_queue, sizeof store->last_queue, "%s", hit->queue);
                store->hits++;
                ret_result->hits_new++;
                if (hit->ret_new)
                    *hit->ret_new = true;
            }
        }
    }
    pthread_cond_broadcast(&store->changed);
    pthread_mutex_unlock(&store->lock);
    return status;
}

static void fake_close(struct store **store)
{
    (*store)->closed = true;
    *store = NULL;
}

static const struct store_ops fake_ops = {.name = "fake", .commit = fake_commit, .close = fake_close};

/* What on_state said. */
static atomic_int state_bad, state_good;
static char state_reason[512];

static void on_state(void *context, bool healthy, const char *reason)
{
    assert_ptr_equal(context, &fake);
    if (!healthy)
        snprintf(state_reason, sizeof state_reason, "%s", reason);
    atomic_fetch_add(healthy ? &state_good : &state_bad, 1);
}

static const struct committer_settings settings = {
    .routes = {NULL, 0, "review", "unscanned", 60},
    .queue_max = 64,
    .group_max = 8,
    .group_wait_ms = 5,
    .retry_max_ms = 2,
};

/* Batches count how they were settled. */
static atomic_int settled_safe, settled_unsafe;

static void on_settled(struct batch *batch, void *context)
{
    (void)context;
    atomic_fetch_add(atomic_load(&batch->failed) ? &settled_unsafe : &settled_safe, 1);
    free(batch);
}

static struct committer *committer;
static struct metrics *metrics;

static int setup(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof fake);
    pthread_mutex_init(&fake.lock, NULL);
    pthread_cond_init(&fake.changed, NULL);
    atomic_store(&state_bad, 0);
    atomic_store(&state_good, 0);
    atomic_store(&settled_safe, 0);
    atomic_store(&settled_unsafe, 0);
    assert_int_equal(metrics_new(&metrics), STATUS_OK);
    struct store *store = &fake;
    assert_int_equal(committer_start(&settings, &fake_ops, &store, metrics, on_state, &fake, &committer), STATUS_OK);
    assert_null(store);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    committer_free(&committer);
    assert_null(committer);
    committer_free(&committer);
    metrics_free(&metrics);
    pthread_cond_destroy(&fake.changed);
    pthread_mutex_destroy(&fake.lock);
    return 0;
}

/* Sends one message of its own batch with `hits` hits. */
static enum status send_message(const char *id, uint32_t hits)
{
    struct batch *batch = calloc(1, sizeof *batch);
    assert_non_null(batch);
    batch_open(batch, on_settled, NULL);
    struct verdict_hit items[4];
    for (uint32_t i = 0; i < hits; i++)
        items[i] = (struct verdict_hit){.rule = i == 0   ? "a.one"
                                                : i == 1 ? "a.two"
                                                         : "a.more",
                                        .title = "T",
                                        .queue = "own"};
    struct verdict verdict = {
        .batch = batch,
        .message_id = span_text(id),
        .conversation_id = span_text("c"),
        .text = span_text("buy two gift cards"),
        .received_at_ms = NOW,
        .generation = "g",
        .hits = items,
        .hit_count = hits,
    };
    struct verdict *copy = NULL;
    assert_int_equal(verdict_copy(&verdict, &copy), STATUS_OK);
    batch_let_go(batch, true);
    struct verdict_sink sink = committer_sink(committer);
    enum status status = sink.push(sink.context, copy);
    if (status != STATUS_OK)
        verdict_settle(&copy, false);
    return status;
}

static int64_t counted(const char *name, const char *label, const char *value)
{
    return metric_value(metrics_counter(metrics, name, "x", label, value));
}

static void fake_set_gate(bool closed)
{
    pthread_mutex_lock(&fake.lock);
    fake.gate_closed = closed;
    pthread_cond_broadcast(&fake.changed);
    pthread_mutex_unlock(&fake.lock);
}

static void fake_await_waiting(void)
{
    pthread_mutex_lock(&fake.lock);
    while (fake.waiting == 0)
        pthread_cond_wait(&fake.changed, &fake.lock);
    pthread_mutex_unlock(&fake.lock);
}

static void fake_fail(uint32_t times, enum status status)
{
    pthread_mutex_lock(&fake.lock);
    fake.fail_times = times;
    fake.fail_status = status;
    pthread_mutex_unlock(&fake.lock);
}

static void test_settles_after_commit(void **state)
{
    (void)state;
    fake_set_gate(true);
    assert_int_equal(send_message("m0", 1), STATUS_OK);
    fake_await_waiting();
    for (int i = 0; i < 20; i++) /* these make the next groups */
        assert_int_equal(send_message("m", 2), STATUS_OK);
    assert_int_equal(atomic_load(&settled_safe), 0);
    fake_set_gate(false);
    assert_int_equal(committer_stop(committer, 60000), 0);
    assert_int_equal(atomic_load(&settled_safe), 21);
    assert_int_equal(atomic_load(&settled_unsafe), 0);
    assert_int_equal(fake.committed, 21);
    assert_int_equal(fake.largest, settings.group_max);
    assert_int_equal(fake.calls, 1 + 3); /* 8 + 8 + 4 */
    assert_true(fake.closed);
    assert_string_equal(fake.last_queue, "own");
    assert_int_equal(atomic_load(&state_bad), 0);
    assert_int_equal(counted("weir_alerts_commits_total", NULL, NULL), 4);
    assert_int_equal(counted("weir_alerts_hits_total", "state", "new"), 41);
    assert_int_equal(counted("weir_rule_hits_total", "rule", "a.one"), 21);
    assert_int_equal(counted("weir_rule_hits_total", "rule", "a.two"), 20);
    assert_int_equal(counted("weir_queue_hits_total", "queue", "own"), 41);
}

static void test_tries_again(void **state)
{
    (void)state;
    fake_set_gate(true);
    fake_fail(5, STATUS_FULL);
    assert_int_equal(send_message("m", 1), STATUS_OK);
    fake_await_waiting();
    fake_set_gate(false);
    assert_int_equal(committer_stop(committer, 60000), 0);
    assert_int_equal(fake.calls, 6);
    assert_int_equal(atomic_load(&settled_safe), 1);
    assert_int_equal(atomic_load(&state_bad), 1); /* said once */
    assert_int_equal(atomic_load(&state_good), 1);
    assert_string_equal(state_reason, "the disk is full");
    assert_int_equal(counted("weir_alerts_commit_failures_total", NULL, NULL), 5);
    assert_int_equal(counted("weir_alerts_commits_total", NULL, NULL), 1);
}

static void test_not_storable(void **state)
{
    (void)state;
    fake_set_gate(true);
    assert_int_equal(send_message("first", 1), STATUS_OK);
    fake_await_waiting();
    static const char *const ids[] = {"m1", "m2", "bad1", "m3", "worse", "m4", "bad2"};
    for (int i = 0; i < 7; i++)
        assert_int_equal(send_message(ids[i], 2), STATUS_OK);
    fake_set_gate(false);
    assert_int_equal(committer_stop(committer, 60000), 1);
    assert_int_equal(atomic_load(&settled_safe), 7);
    assert_int_equal(atomic_load(&settled_unsafe), 1); /* worse: its producer keeps it */
    assert_int_equal(fake.set_aside, 4);               /* two hits of each bad one */
    assert_int_equal(fake.hits, 1 + 4 * 2 + 4);
    assert_int_equal(counted("weir_alerts_set_aside_total", NULL, NULL), 2);
    assert_int_equal(counted("weir_alerts_refused_total", NULL, NULL), 1);
    assert_int_equal(counted("weir_queue_hits_total", "queue", "unscanned"), 4);
    assert_int_equal(atomic_load(&state_bad), 0); /* the store works */
}

static void test_gives_up_at_the_end(void **state)
{
    (void)state;
    fake_set_gate(true);
    fake_fail(UINT32_MAX, STATUS_TIMEOUT);
    for (int i = 0; i < 20; i++)
        assert_int_equal(send_message("m", 1), STATUS_OK);
    fake_await_waiting();
    fake_set_gate(false);
    assert_int_equal(committer_stop(committer, 0), 20);
    assert_int_equal(atomic_load(&settled_safe), 0);
    assert_int_equal(atomic_load(&settled_unsafe), 20);
    assert_int_equal(fake.committed, 0);
    assert_true(fake.closed);
    /* Who comes too late is told so, and keeps the verdict. */
    assert_int_equal(send_message("late", 1), STATUS_CLOSED);
    assert_int_equal(atomic_load(&settled_unsafe), 21);
    assert_int_equal(committer_stop(committer, 0), 0);
}

static void test_settings(void **state)
{
    (void)state;
    const struct committer_settings bad[] = {
        {.queue_max = 0, .group_max = 1, .retry_max_ms = 1},
        {.queue_max = 1, .group_max = 0, .retry_max_ms = 1},
        {.queue_max = 1, .group_max = 1u << 30, .retry_max_ms = 1},
        {.queue_max = 1, .group_max = 1, .retry_max_ms = 0},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct store *store = &fake;
        struct committer *other = NULL;
        assert_int_equal(committer_start(&bad[i], &fake_ops, &store, metrics, NULL, NULL, &other), STATUS_INVALID);
        assert_ptr_equal(store, &fake); /* still the caller's */
        assert_null(other);
    }
}

/* Several threads send to a real store; each message twice. */
#define SENDERS 4
#define SENT 60
static void *sender(void *argument)
{
    int number = *(int *)argument;
    for (int i = 0; i < SENT * 2; i++) {
        char id[32];
        snprintf(id, sizeof id, "m%d-%d", number, i % SENT);
        if (send_message(id, 3) != STATUS_OK)
            return argument;
    }
    return NULL;
}

static void test_real_store(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_folder(&fixture);
    fixture_open(&fixture);
    committer_free(&committer);
    assert_int_equal(committer_start(&settings, &store_sqlite, &fixture.store, metrics, on_state, &fake, &committer),
                     STATUS_OK);
    pthread_t threads[SENDERS];
    int numbers[SENDERS];
    for (int i = 0; i < SENDERS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, sender, &numbers[i]), 0);
    }
    for (int i = 0; i < SENDERS; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(committer_stop(committer, 60000), 0);
    assert_int_equal(atomic_load(&settled_safe), SENDERS * SENT * 2);
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM hits"), SENDERS * SENT * 3);
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM cases"), 1);
    assert_int_equal(counted("weir_alerts_hits_total", "state", "new"), SENDERS * SENT * 3);
    assert_int_equal(counted("weir_alerts_hits_total", "state", "known"), SENDERS * SENT * 3);
    assert_int_equal(counted("weir_alerts_cases_total", "state", "opened"), 1);
    assert_int_equal(counted("weir_alerts_cases_total", "state", "joined"), SENDERS * SENT - 1);
    assert_int_equal(counted("weir_rule_hits_total", "rule", "a.two"), SENDERS * SENT);
    assert_int_equal(metric_value(metrics_gauge(metrics, "weir_alerts_queue_depth", "x", NULL, NULL)), 0);
    assert_true(fixture_intact(&fixture));
    arena_free(&fixture.arena);
    nftw(fixture.folder, fixture_remove, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_settles_after_commit), TEST(test_tries_again), TEST(test_not_storable),
        TEST(test_gives_up_at_the_end),  TEST(test_settings),    TEST(test_real_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
