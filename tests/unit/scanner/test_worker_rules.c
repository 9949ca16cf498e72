/* Which rules a worker scans with, and which hits may alert: one set a batch, shadow, floods. */
#include "tests/support/cmocka_all.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/queue.h"
#include "scanner/worker.h"

#define LANES 64
#define BATCHES 200

/* What came out. */
struct taken {
    pthread_mutex_t lock;
    struct batch *batches[BATCHES];
    char generations[BATCHES][17]; /* of the batch of the same place */
    uint32_t batch_count, verdicts, hits, shadow, demoted, mixed;
    char shadow_id[32];
};

static enum status take(void *context, struct verdict *verdict)
{
    struct taken *taken = context;
    (void)pthread_mutex_lock(&taken->lock);
    uint32_t i = 0;
    while (i < taken->batch_count && taken->batches[i] != verdict->batch) {
        i++;
    }
    if (i == taken->batch_count && i < BATCHES) {
        taken->batches[taken->batch_count++] = verdict->batch;
        (void)snprintf(taken->generations[i], sizeof *taken->generations, "%s", verdict->generation);
    }
    taken->mixed += strcmp(taken->generations[i], verdict->generation) != 0;
    taken->verdicts++;
    taken->hits += verdict->hit_count;
    (void)pthread_mutex_unlock(&taken->lock);
    verdict_settle(&verdict, true);
    return STATUS_OK;
}

static void take_shadow(void *context, const struct shadow_hit *hit)
{
    struct taken *taken = context;
    (void)pthread_mutex_lock(&taken->lock);
    taken->shadow++;
    taken->demoted += hit->demoted;
    (void)snprintf(taken->shadow_id, sizeof taken->shadow_id, "%s %.*s", hit->rule, (int)hit->message_id.size,
                   (const char *)hit->message_id.data);
    (void)pthread_mutex_unlock(&taken->lock);
}

static void on_settled(struct batch *batch, void *context)
{
    assert_int_equal(queue_push(context, batch), STATUS_OK);
}

static struct ruleset *load(const char *yaml)
{
    struct findings findings = {0};
    struct ruleset *ruleset = NULL;
    assert_int_equal(ruleset_parse(span_text(yaml), "test.yaml", &findings, &ruleset), STATUS_OK);
    findings_clear(&findings);
    return ruleset;
}

struct stage {
    struct slot *slot;
    struct metrics *metrics;
    struct worker_pool *pool;
    struct queue *settled;
    struct flood *flood;
    struct taken taken;
};

static void start(struct stage *stage, uint32_t workers, const char *yaml, uint32_t max_per_minute)
{
    *stage = (struct stage){.taken = {.lock = PTHREAD_MUTEX_INITIALIZER}};
    struct flood_settings flood = {.max_per_minute = max_per_minute};
    assert_int_equal(flood_new(&flood, &stage->flood), STATUS_OK);
    struct worker_settings settings = {.workers = workers,
                                       .batches_max = BATCHES * 2,
                                       .flood = stage->flood,
                                       .shadow = {.take = take_shadow, .context = &stage->taken}};
    assert_int_equal(slot_new(load(yaml), &stage->slot), STATUS_OK);
    assert_int_equal(metrics_new(&stage->metrics), STATUS_OK);
    assert_int_equal(queue_new(100000, &stage->settled), STATUS_OK);
    struct verdict_sink sink = {.push = take, .context = &stage->taken};
    assert_int_equal(worker_pool_start(&settings, stage->slot, stage->metrics, sink, &stage->pool), STATUS_OK);
}

static void end(struct stage *stage)
{
    worker_pool_stop(&stage->pool);
    slot_free(&stage->slot);
    flood_free(&stage->flood);
    metrics_free(&stage->metrics);
    queue_free(&stage->settled);
}

static void push(struct stage *stage, struct batch *batch, const struct message *messages, uint32_t count)
{
    struct batch_sink sink = worker_pool_sink(stage->pool);
    *batch = (struct batch){.messages = messages, .message_count = count, .received_at_ms = 1000};
    batch_open(batch, on_settled, stage->settled);
    assert_int_equal(sink.push(sink.context, batch), STATUS_OK);
}

static void wait_settled(struct stage *stage, uint32_t count)
{
    void *batch;
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(queue_pop(stage->settled, -1, &batch), STATUS_OK);
        assert_false(atomic_load(&((struct batch *)batch)->failed));
    }
}

static void fill(struct message *messages, char (*ids)[16], uint32_t count, const char *text)
{
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(ids[i], sizeof *ids, "%u", i);
        messages[i] = (struct message){.message_id = span_text(ids[i]),
                                       .conversation_id = span_text(ids[i]),
                                       .text = span_text(text),
                                       .conversation_hash = (i + 1) * 0x9e3779b97f4a7c15u};
    }
}

/* The rules change between and while batches are scanned: each batch has one set, however many workers share it. */
static void test_one_set_a_batch(void **state)
{
    (void)state;
    static struct stage stage;
    static struct batch batches[BATCHES];
    static struct message messages[LANES];
    static char ids[LANES][16];
    start(&stage, 4, "pack: p\nrules:\n  - {id: p.r, patterns: {w: {words: [word]}}}\n", 0);
    fill(messages, ids, LANES, "a word");
    for (uint32_t i = 0; i < BATCHES; i++) {
        char yaml[128];
        (void)snprintf(yaml, sizeof yaml,
                       "pack: p\nrules:\n  - {id: p.r, title: t%u, patterns: {w: {words: [word]}}}\n", i);
        struct ruleset *next = load(yaml);
        push(&stage, &batches[i], messages, LANES);
        slot_swap(stage.slot, next);
        (void)slot_reap(stage.slot);
    }
    wait_settled(&stage, BATCHES);
    assert_int_equal(stage.taken.verdicts, BATCHES * LANES);
    assert_int_equal(stage.taken.mixed, 0);
    assert_int_equal(stage.taken.batch_count, BATCHES);
    end(&stage);
}

static void test_shadow_never_alerts(void **state)
{
    (void)state;
    static struct stage stage;
    struct message messages[3];
    char ids[3][16];
    struct batch batch;
    start(&stage, 1,
          "pack: p\nrules:\n  - {id: p.live, patterns: {w: {words: [word]}}}\n"
          "  - {id: p.shadow, status: shadow, patterns: {w: {words: [word, other]}}}\n",
          0);
    fill(messages, ids, 3, "a word");
    messages[1].text = span_text("other");
    messages[2].text = span_text("nothing");
    push(&stage, &batch, messages, 3);
    wait_settled(&stage, 1);
    assert_int_equal(stage.taken.verdicts, 1);
    assert_int_equal(stage.taken.hits, 1);
    assert_int_equal(stage.taken.shadow, 2);
    assert_int_equal(stage.taken.demoted, 0);
    assert_string_equal(stage.taken.shadow_id, "p.shadow 1");
    end(&stage);
}

static void test_flood_is_demoted(void **state)
{
    (void)state;
    static struct stage stage;
    static struct message messages[LANES];
    static char ids[LANES][16];
    struct batch batches[3];
    start(&stage, 4,
          "pack: p\nrules:\n  - {id: p.flood, max_per_minute: 70, patterns: {w: {words: [word]}}}\n"
          "  - {id: p.calm, patterns: {w: {words: [word]}}}\n",
          0);
    fill(messages, ids, LANES, "a word");
    for (int i = 0; i < 3; i++) {
        push(&stage, &batches[i], messages, LANES);
    }
    wait_settled(&stage, 3);
    assert_int_equal(stage.taken.hits, 3 * LANES + 70);
    assert_int_equal(stage.taken.verdicts, 3 * LANES); /* the other rule is untouched */
    assert_int_equal(stage.taken.shadow, 3 * LANES - 70);
    assert_int_equal(stage.taken.demoted, 3 * LANES - 70);
    assert_true(flood_restore(stage.flood, "p.flood"));
    push(&stage, &batches[0], messages, LANES);
    wait_settled(&stage, 1);
    assert_int_equal(stage.taken.hits, 5 * LANES + 70);
    end(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_set_a_batch),
        cmocka_unit_test(test_shadow_never_alerts),
        cmocka_unit_test(test_flood_is_demoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
