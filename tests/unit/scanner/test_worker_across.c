/* Rules with `across` in the worker stage: who is told what, and which messages go with it. */
#include "tests/support/cmocka_all.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/queue.h"
#include "scanner/worker.h"

#define PACK                                                                                                           \
    "pack: p\nrules:\n"                                                                                                \
    "  - id: p.r\n    patterns: {ask: {words: [gift card]}, code: {words: [the code]}}\n    condition: ask and code\n" \
    "    across: {messages: 5, minutes: 30}\n"                                                                         \
    "  - {id: p.alone, patterns: {w: {words: [word]}}}\n"                                                              \
    "  - {id: p.shadow, status: shadow, patterns: {w: {words: [gift card]}, c: {words: [the code]}},\n"                \
    "     condition: all of them, across: {messages: 5, minutes: 30}}\n"

#define MESSAGES_MAX 512

struct taken {
    pthread_mutex_t lock;
    struct verdict *verdicts[MESSAGES_MAX];
    uint32_t count;
};

struct stage {
    struct slot *slot;
    struct metrics *metrics;
    struct worker_pool *pool;
    struct queue *settled;
    struct taken taken;
};

static enum status take(void *context, struct verdict *verdict)
{
    struct taken *taken = context;
    (void)pthread_mutex_lock(&taken->lock);
    assert_true(taken->count < MESSAGES_MAX);
    taken->verdicts[taken->count++] = verdict;
    (void)pthread_mutex_unlock(&taken->lock);
    return STATUS_OK;
}

static void on_settled(struct batch *batch, void *context)
{
    assert_int_equal(queue_push(context, batch), STATUS_OK);
}

static void start(struct stage *stage, uint32_t workers, uint32_t context)
{
    struct findings findings = {0};
    struct ruleset *ruleset = NULL;
    *stage = (struct stage){.taken = {.lock = PTHREAD_MUTEX_INITIALIZER}};
    struct worker_settings settings = {
        .workers = workers, .batches_max = 64, .window = {.bytes = 1 << 20, .age_ms = 60000, .messages = context}};
    struct verdict_sink sink = {.push = take, .context = &stage->taken};
    assert_int_equal(ruleset_parse(span_text(PACK), "test.yaml", &findings, &ruleset), STATUS_OK);
    findings_clear(&findings);
    assert_int_equal(slot_new(ruleset, &stage->slot), STATUS_OK);
    assert_int_equal(metrics_new(&stage->metrics), STATUS_OK);
    assert_int_equal(queue_new(1000, &stage->settled), STATUS_OK);
    assert_int_equal(worker_pool_start(&settings, stage->slot, stage->metrics, sink, &stage->pool), STATUS_OK);
}

static void end(struct stage *stage)
{
    worker_pool_stop(&stage->pool);
    for (uint32_t i = 0; i < stage->taken.count; i++) {
        verdict_settle(&stage->taken.verdicts[i], true);
    }
    slot_free(&stage->slot);
    metrics_free(&stage->metrics);
    queue_free(&stage->settled);
}

static struct message message_of(const char *conversation, const char *id, int64_t sent_at_ms, const char *text)
{
    uint64_t hash = 0;
    for (const char *at = conversation; *at; at++) {
        hash = (hash + (uint8_t)*at) * 0x9e3779b97f4a7c15u;
    }
    return (struct message){.message_id = span_text(id),
                            .conversation_id = span_text(conversation),
                            .sender_id = span_text("s"),
                            .text = span_text(text),
                            .sent_at_ms = sent_at_ms,
                            .conversation_hash = hash};
}

static void push(struct stage *stage, struct batch *batch, const struct message *messages, uint32_t count)
{
    struct batch_sink sink = worker_pool_sink(stage->pool);
    *batch = (struct batch){.messages = messages, .message_count = count, .received_at_ms = 1000};
    batch_open(batch, on_settled, stage->settled);
    assert_int_equal(sink.push(sink.context, batch), STATUS_OK);
}

static void check_verdict(const struct verdict *verdict, const char *id, const char *rule, uint32_t context_count,
                          uint32_t part_count)
{
    assert_true(span_equal(verdict->message_id, span_text(id)));
    assert_int_equal(verdict->hit_count, 1);
    assert_string_equal(verdict->hits[0].rule, rule);
    assert_int_equal(verdict->context_count, context_count);
    assert_int_equal(verdict->part_count, part_count);
}

/* Without a window, the verdict has just what took part; with one, that stands last and once. */
static void test_verdict_names_what_took_part(void **state)
{
    (void)state;
    for (uint32_t context = 0; context <= 2; context += 2) {
        struct stage stage;
        struct batch batches[3];
        start(&stage, 1, context);
        const struct message first[] = {message_of("c", "1", 1, "a gift card"), message_of("d", "2", 2, "the code")};
        const struct message second[] = {message_of("c", "3", 3, "hello"), message_of("c", "4", 4, "again")};
        const struct message third[] = {message_of("c", "5", 5, "the code"), message_of("c", "6", 6, "a word"),
                                        message_of("c", "7", 7, "bye")};
        push(&stage, &batches[0], first, 2);
        push(&stage, &batches[1], second, 2);
        push(&stage, &batches[2], third, 3);
        worker_pool_stop(&stage.pool);
        assert_int_equal(stage.taken.count, 2);
        const struct verdict *verdict = stage.taken.verdicts[0];
        check_verdict(verdict, "5", "p.r", context + 1, 1);
        assert_int_equal(verdict->hits[0].span_count, 1);
        assert_string_equal(verdict->hits[0].spans[0].pattern, "code");
        assert_true(span_equal(verdict->context[context].text, span_text("a gift card")));
        assert_true(span_equal(verdict->context[context].message_id, span_text("1")));
        assert_int_equal(verdict->context[context].sent_at_ms, 1);
        check_verdict(stage.taken.verdicts[1], "6", "p.alone", context, 0);
        end(&stage);
    }
}

/* The window holds what took part too: it is named once, at the end. */
static void test_named_once(void **state)
{
    (void)state;
    struct stage stage;
    struct batch batch;
    start(&stage, 1, 5);
    const struct message messages[] = {message_of("c", "1", 1, "hello"), message_of("c", "2", 2, "a gift"),
                                       message_of("c", "3", 3, "card"), message_of("c", "4", 4, "the code")};
    push(&stage, &batch, messages, 4);
    worker_pool_stop(&stage.pool);
    assert_int_equal(stage.taken.count, 1);
    const struct verdict *verdict = stage.taken.verdicts[0];
    check_verdict(verdict, "4", "p.r", 3, 2);
    assert_true(span_equal(verdict->context[0].message_id, span_text("1")));
    assert_true(span_equal(verdict->context[1].message_id, span_text("2")));
    assert_true(span_equal(verdict->context[2].message_id, span_text("3")));
    end(&stage);
}

/* A batch that is sent again gives the same verdicts. */
static void test_sent_again(void **state)
{
    (void)state;
    struct stage stage;
    struct batch batches[2];
    start(&stage, 1, 0);
    const struct message messages[] = {message_of("c", "1", 1, "a gift card"), message_of("c", "2", 2, "the code"),
                                       message_of("c", "3", 3, "x")};
    push(&stage, &batches[0], messages, 3);
    push(&stage, &batches[1], messages, 3);
    worker_pool_stop(&stage.pool);
    assert_int_equal(stage.taken.count, 2);
    check_verdict(stage.taken.verdicts[0], "2", "p.r", 1, 1);
    check_verdict(stage.taken.verdicts[1], "2", "p.r", 1, 1);
    end(&stage);
}

/* Many conversations over several workers: each finds its own, and nobody else's. */
static void test_conversations_stay_apart(void **state)
{
    (void)state;
    enum { CONVERSATIONS = 200 };
    static struct batch batches[2];
    static struct message firsts[CONVERSATIONS], seconds[CONVERSATIONS];
    static char names[CONVERSATIONS][8], ids[2][CONVERSATIONS][8];
    struct stage stage;
    start(&stage, 4, 0);
    for (int i = 0; i < CONVERSATIONS; i++) {
        (void)snprintf(names[i], sizeof names[i], "c%d", i);
        (void)snprintf(ids[0][i], sizeof ids[0][i], "a%d", i);
        (void)snprintf(ids[1][i], sizeof ids[1][i], "b%d", i);
        firsts[i] = message_of(names[i], ids[0][i], 1, i % 2 ? "gift card" : "nothing");
        seconds[i] = message_of(names[i], ids[1][i], 2, "the code");
    }
    push(&stage, &batches[0], firsts, CONVERSATIONS);
    push(&stage, &batches[1], seconds, CONVERSATIONS);
    worker_pool_stop(&stage.pool);
    assert_int_equal(stage.taken.count, CONVERSATIONS / 2);
    for (uint32_t i = 0; i < stage.taken.count; i++) {
        const struct verdict *verdict = stage.taken.verdicts[i];
        assert_int_equal(verdict->part_count, 1);
        assert_memory_equal(verdict->message_id.data + 1, verdict->context[0].message_id.data + 1,
                            verdict->message_id.size - 1);
    }
    end(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdict_names_what_took_part),
        cmocka_unit_test(test_named_once),
        cmocka_unit_test(test_sent_again),
        cmocka_unit_test(test_conversations_stay_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
