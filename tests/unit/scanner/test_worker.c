#include "tests/support/cmocka_all.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/queue.h"
#include "scanner/worker.h"

#define PACK(word)                                                                                                     \
    "pack: p\nrules:\n  - {id: p.r, title: t, severity: high, queue: q, patterns: {w: {words: [" word "]}}}\n"

/* Verdicts as the alert stage would take them. */
struct taken {
    pthread_mutex_t lock;
    struct verdict *verdicts[4096];
    uint32_t count;
    bool refuse;
};

static enum status take(void *context, struct verdict *verdict)
{
    struct taken *taken = context;
    (void)pthread_mutex_lock(&taken->lock);
    bool refused = taken->refuse || taken->count == 4096;
    if (!refused) {
        taken->verdicts[taken->count++] = verdict;
    }
    (void)pthread_mutex_unlock(&taken->lock);
    return refused ? STATUS_CLOSED : STATUS_OK;
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
    struct taken taken;
};

static void start(struct stage *stage, uint32_t workers, uint32_t batches_max, uint32_t context)
{
    *stage = (struct stage){.taken = {.lock = PTHREAD_MUTEX_INITIALIZER}};
    struct worker_settings settings = {.workers = workers,
                                       .batches_max = batches_max,
                                       .window = {.bytes = 1 << 20, .age_ms = 60000, .messages = context}};
    assert_int_equal(slot_new(load(PACK("word")), &stage->slot), STATUS_OK);
    assert_int_equal(metrics_new(&stage->metrics), STATUS_OK);
    assert_int_equal(queue_new(100000, &stage->settled), STATUS_OK);
    struct verdict_sink sink = {.push = take, .context = &stage->taken};
    assert_int_equal(worker_pool_start(&settings, stage->slot, stage->metrics, sink, &stage->pool), STATUS_OK);
}

static void end(struct stage *stage)
{
    worker_pool_stop(&stage->pool);
    slot_free(&stage->slot);
    metrics_free(&stage->metrics);
    queue_free(&stage->settled);
}

static void fill(struct message *message, const char *conversation, const char *id, const char *text)
{
    *message = (struct message){.message_id = span_text(id),
                                .conversation_id = span_text(conversation),
                                .text = span_text(text),
                                .conversation_hash = (uint64_t)(uint8_t)conversation[0] * 0x9e3779b97f4a7c15u};
}

static void push(struct stage *stage, struct batch *batch, const struct message *messages, uint32_t count)
{
    struct batch_sink sink = worker_pool_sink(stage->pool);
    *batch = (struct batch){.messages = messages, .message_count = count, .received_at_ms = 1000};
    batch_open(batch, on_settled, stage->settled);
    assert_int_equal(sink.push(sink.context, batch), STATUS_OK);
}

static struct batch *wait_settled(struct stage *stage)
{
    void *batch;
    assert_int_equal(queue_pop(stage->settled, -1, &batch), STATUS_OK);
    return batch;
}

static void test_clean_batch_is_settled_at_once(void **state)
{
    (void)state;
    struct stage stage;
    struct message messages[3];
    struct batch batch;
    start(&stage, 2, 16, 0);
    fill(&messages[0], "a", "1", "hello");
    fill(&messages[1], "b", "2", "");
    fill(&messages[2], "c", "3", "bye");
    push(&stage, &batch, messages, 3);
    assert_ptr_equal(wait_settled(&stage), &batch);
    assert_false(atomic_load(&batch.failed));
    assert_int_equal(stage.taken.count, 0);
    end(&stage);
}

static void test_flagged_batch_waits_for_its_verdicts(void **state)
{
    (void)state;
    struct stage stage;
    struct message messages[4];
    struct batch batch;
    start(&stage, 1, 16, 2);
    fill(&messages[0], "a", "1", "first");
    fill(&messages[1], "a", "2", "second");
    fill(&messages[2], "a", "3", "third");
    fill(&messages[3], "a", "4", "the word");
    push(&stage, &batch, messages, 4);
    worker_pool_stop(&stage.pool); /* scans what is queued */
    assert_int_equal(queue_size(stage.settled), 0);
    assert_int_equal(stage.taken.count, 1);
    struct verdict *verdict = stage.taken.verdicts[0];
    assert_int_equal(verdict->hit_count, 1);
    assert_string_equal(verdict->hits[0].rule, "p.r");
    assert_string_equal(verdict->hits[0].queue, "q");
    assert_int_equal(verdict->hits[0].span_count, 1);
    assert_int_equal(verdict->hits[0].spans[0].start, 4);
    assert_int_equal(verdict->hits[0].spans[0].end, 8);
    assert_int_equal(verdict->received_at_ms, 1000);
    assert_int_equal(verdict->context_count, 2);
    assert_true(span_equal(verdict->context[0].text, span_text("second")));
    assert_true(span_equal(verdict->context[1].text, span_text("third")));
    verdict_settle(&stage.taken.verdicts[0], true);
    assert_ptr_equal(wait_settled(&stage), &batch);
    assert_false(atomic_load(&batch.failed));
    end(&stage);
}

static void test_refused_verdict_fails_the_batch(void **state)
{
    (void)state;
    struct stage stage;
    struct message message;
    struct batch batch;
    start(&stage, 1, 16, 0);
    stage.taken.refuse = true;
    fill(&message, "a", "1", "word");
    push(&stage, &batch, &message, 1);
    assert_ptr_equal(wait_settled(&stage), &batch);
    assert_true(atomic_load(&batch.failed));
    end(&stage);
}

/* Messages of one conversation are scanned in order by one worker, whatever the number of workers. */
static void test_order_within_a_conversation(void **state)
{
    (void)state;
    enum { BATCHES = 200, CONVERSATIONS = 7 };
    static struct batch batches[BATCHES];
    static struct message messages[BATCHES][CONVERSATIONS];
    static char ids[BATCHES][CONVERSATIONS][16];
    static const char *const conversations[] = {"a", "b", "c", "d", "e", "f", "g"};
    struct stage stage;
    start(&stage, 4, BATCHES, 0);
    for (uint32_t b = 0; b < BATCHES; b++) {
        for (uint32_t c = 0; c < CONVERSATIONS; c++) {
            (void)snprintf(ids[b][c], sizeof ids[b][c], "%u", b);
            fill(&messages[b][c], conversations[c], ids[b][c], "a word");
        }
        push(&stage, &batches[b], messages[b], CONVERSATIONS);
    }
    worker_pool_stop(&stage.pool);
    assert_int_equal(stage.taken.count, BATCHES * CONVERSATIONS);
    uint32_t next[CONVERSATIONS] = {0};
    for (uint32_t i = 0; i < stage.taken.count; i++) {
        struct verdict *verdict = stage.taken.verdicts[i];
        char id[16] = "";
        memcpy(id, verdict->message_id.data, verdict->message_id.size);
        assert_int_equal(strtoul(id, NULL, 10), next[verdict->conversation_id.data[0] - 'a']++);
        verdict_settle(&stage.taken.verdicts[i], true);
    }
    assert_int_equal(queue_size(stage.settled), BATCHES);
    end(&stage);
}

/* Under constant swapping every message is decided by one whole set: the generation says which word was looked for. */
static void test_swap_under_load(void **state)
{
    (void)state;
    enum { BATCHES = 300, MESSAGES = 10 };
    static struct batch batches[BATCHES];
    static struct message messages[MESSAGES];
    static const char *const conversations[] = {"a", "b", "c", "d", "e"};
    struct stage stage;
    struct ruleset *one = load(PACK("one")), *two = load(PACK("two"));
    char generations[2][17];
    (void)snprintf(generations[0], sizeof generations[0], "%s", ruleset_generation(one));
    (void)snprintf(generations[1], sizeof generations[1], "%s", ruleset_generation(two));
    start(&stage, 3, BATCHES, 0);
    slot_swap(stage.slot, ruleset_hold(one));
    for (uint32_t i = 0; i < MESSAGES; i++) {
        fill(&messages[i], conversations[i % 5], "m", i % 2 ? "one" : "two");
    }
    for (uint32_t b = 0; b < BATCHES; b++) {
        push(&stage, &batches[b], messages, MESSAGES);
        slot_swap(stage.slot, ruleset_hold(b % 2 ? one : two));
    }
    worker_pool_stop(&stage.pool);
    /* each share of a batch is scanned by one set, and both sets flag one of two messages in each conversation */
    assert_int_equal(stage.taken.count, BATCHES * MESSAGES / 2);
    for (uint32_t i = 0; i < stage.taken.count; i++) {
        struct verdict *verdict = stage.taken.verdicts[i];
        bool is_one = span_equal(verdict->text, span_text("one"));
        assert_string_equal(verdict->generation, generations[is_one ? 0 : 1]);
        verdict_settle(&stage.taken.verdicts[i], true);
    }
    ruleset_let_go(&one);
    ruleset_let_go(&two);
    end(&stage);
}

/* The sink of the next test: holds the worker until it is let go, and refuses the verdicts of some messages. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool reached, open;
    struct taken *taken;
};

static enum status take_at_gate(void *context, struct verdict *verdict)
{
    struct gate *gate = context;
    (void)pthread_mutex_lock(&gate->lock);
    gate->reached = true;
    (void)pthread_cond_broadcast(&gate->changed);
    while (!gate->open) {
        (void)pthread_cond_wait(&gate->changed, &gate->lock);
    }
    (void)pthread_mutex_unlock(&gate->lock);
    return span_equal(verdict->text, span_text("a bad word")) ? STATUS_CLOSED : take(gate->taken, verdict);
}

/*
 * What waited for a busy worker is scanned together. Each batch still fails or waits alone: one whose verdict is refused
 * is settled as failed, one with a verdict is held by it, the clean ones are settled at once. Contexts name what came
 * before, also in other batches.
 */
static void test_batches_that_waited(void **state)
{
    (void)state;
    enum { BATCHES = 150 }; /* more than one search takes */
    static struct batch first, batches[BATCHES];
    static struct message opening, messages[BATCHES][2];
    static char ids[BATCHES][2][16];
    struct stage stage;
    struct gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .taken = &stage.taken};
    start(&stage, 1, BATCHES + 1, 2);
    worker_pool_stop(&stage.pool);
    struct worker_settings settings = {
        .workers = 1, .batches_max = BATCHES + 1, .window = {.bytes = 1 << 20, .age_ms = 60000, .messages = 2}};
    struct verdict_sink sink = {.push = take_at_gate, .context = &gate};
    assert_int_equal(worker_pool_start(&settings, stage.slot, stage.metrics, sink, &stage.pool), STATUS_OK);
    fill(&opening, "z", "opening", "a word");
    push(&stage, &first, &opening, 1);
    (void)pthread_mutex_lock(&gate.lock);
    while (!gate.reached) {
        (void)pthread_cond_wait(&gate.changed, &gate.lock);
    }
    (void)pthread_mutex_unlock(&gate.lock);
    static const char *const texts[3] = {"clean", "a good word", "a bad word"};
    for (uint32_t b = 0; b < BATCHES; b++) {
        for (uint32_t i = 0; i < 2; i++) {
            (void)snprintf(ids[b][i], sizeof ids[b][i], "%u", b * 2 + i);
            fill(&messages[b][i], "a", ids[b][i], i == 0 ? texts[b % 3] : "clean");
        }
        push(&stage, &batches[b], messages[b], 2);
    }
    (void)pthread_mutex_lock(&gate.lock);
    gate.open = true;
    (void)pthread_cond_broadcast(&gate.changed);
    (void)pthread_mutex_unlock(&gate.lock);
    worker_pool_stop(&stage.pool);

    assert_int_equal(queue_size(stage.settled), BATCHES / 3 * 2); /* not those that wait for a commit */
    assert_int_equal(stage.taken.count, 1 + BATCHES / 3);
    for (uint32_t i = 0; i < stage.taken.count; i++) {
        struct verdict *verdict = stage.taken.verdicts[i];
        uint32_t b = i * 3 - 2;
        assert_ptr_equal(verdict->batch, i == 0 ? &first : &batches[b]);
        if (i > 0) {
            assert_true(span_equal(verdict->message_id, span_text(ids[b][0])));
            assert_int_equal(verdict->context_count, 2);
            assert_true(span_equal(verdict->context[0].message_id, span_text(ids[b - 1][0])));
            assert_true(span_equal(verdict->context[1].message_id, span_text(ids[b - 1][1])));
        }
        verdict_settle(&stage.taken.verdicts[i], true);
    }
    assert_int_equal(queue_size(stage.settled), BATCHES + 1);
    for (uint32_t b = 0; b < BATCHES; b++) {
        assert_int_equal(atomic_load(&batches[b].failed), b % 3 == 2);
    }
    end(&stage);
}

/*
 * A message that earlier runs died of is given to people without being scanned; suspects are scanned, alone, and cleared.
 * All the others of the batch are scanned as ever, in order.
 */
static void test_suspects(void **state)
{
    (void)state;
    char folder[] = "/tmp/weir-worker-XXXXXX";
    char path[64];
    struct suspects *suspects = NULL;
    struct error error = {0};
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/scanning", folder);
    uint64_t poison = suspects_hash(span_text("2")), others[2] = {suspects_hash(span_text("1")), poison};
    for (int run = 0; run <= SUSPECTS_CRASHES_MAX; run++) { /* runs that do not come to suspects_end */
        assert_int_equal(suspects_open(path, 1, &error, &suspects), STATUS_OK);
        suspects_begin(suspects, 0, run == 0 ? others : &poison, run == 0 ? 2 : 1);
        suspects_close(&suspects);
    }
    assert_int_equal(suspects_open(path, 1, &error, &suspects), STATUS_OK);
    assert_int_equal(suspects_poisonous(suspects), 1);

    struct stage stage;
    start(&stage, 1, 4, 0);
    worker_pool_stop(&stage.pool);
    struct worker_settings settings = {.workers = 1, .batches_max = 4, .suspects = suspects};
    struct verdict_sink sink = {.push = take, .context = &stage.taken};
    assert_int_equal(worker_pool_start(&settings, stage.slot, stage.metrics, sink, &stage.pool), STATUS_OK);
    struct message messages[5];
    struct batch batch;
    static const char *const ids[5] = {"0", "1", "2", "3", "4"};
    for (uint32_t i = 0; i < 5; i++) {
        fill(&messages[i], "a", ids[i], i == 4 ? "clean" : "a word");
    }
    push(&stage, &batch, messages, 5);
    worker_pool_stop(&stage.pool);
    assert_int_equal(stage.taken.count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        const struct verdict *verdict = stage.taken.verdicts[i];
        assert_true(span_equal(verdict->message_id, span_text(ids[i])));
        assert_int_equal(verdict->hit_count, 1);
        assert_int_equal(verdict->hits[0].outcome, i == 2 ? OUTCOME_UNSCANNED : OUTCOME_FLAGGED);
        assert_string_equal(verdict->hits[0].rule, i == 2 ? "weir.unscanned" : "p.r");
        if (i == 2) {
            assert_string_equal(verdict->hits[0].reason, "crash");
        }
        verdict_settle(&stage.taken.verdicts[i], true);
    }
    assert_false(atomic_load(&batch.failed));
    assert_int_equal(suspects_look(suspects, others[0]), SUSPICION_NONE);
    assert_int_equal(suspects_look(suspects, poison), SUSPICION_POISONOUS);
    suspects_close(&suspects);
    assert_int_equal(suspects_open(path, 1, &error, &suspects), STATUS_OK);
    assert_int_equal(suspects_unfinished(suspects), 0);
    suspects_close(&suspects);
    (void)unlink(path);
    (void)rmdir(folder);
    end(&stage);
}

static void test_bad_settings(void **state)
{
    (void)state;
    struct worker_pool *pool = NULL;
    struct worker_settings settings = {.workers = 0, .batches_max = 1};
    assert_int_equal(worker_pool_start(&settings, NULL, NULL, (struct verdict_sink){0}, &pool), STATUS_INVALID);
    settings.workers = WORKER_COUNT_MAX + 1;
    assert_int_equal(worker_pool_start(&settings, NULL, NULL, (struct verdict_sink){0}, &pool), STATUS_INVALID);
    assert_null(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean_batch_is_settled_at_once),
        cmocka_unit_test(test_flagged_batch_waits_for_its_verdicts),
        cmocka_unit_test(test_refused_verdict_fails_the_batch),
        cmocka_unit_test(test_order_within_a_conversation),
        cmocka_unit_test(test_swap_under_load),
        cmocka_unit_test(test_batches_that_waited),
        cmocka_unit_test(test_suspects),
        cmocka_unit_test(test_bad_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
