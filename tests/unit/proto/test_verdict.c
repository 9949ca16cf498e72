/* batch.h, verdict.h and severity.h: holds, settling once, deep copies. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/batch.h"
#include "proto/severity.h"
#include "proto/verdict.h"

struct outcome_seen {
    int settled;
    bool failed;
};

static void on_settled(struct batch *batch, void *context)
{
    struct outcome_seen *seen = context;
    seen->settled++;
    seen->failed = atomic_load(&batch->failed);
}

static void test_settles_once_at_the_last_hold(void **state)
{
    (void)state;
    for (int unsafe = -1; unsafe < 4; unsafe++) { /* which of the four holds is let go as unsafe; -1: none */
        struct outcome_seen seen = {0};
        struct batch batch = {0};
        batch_open(&batch, on_settled, &seen);
        for (int i = 0; i < 3; i++) {
            batch_hold(&batch);
        }
        for (int i = 0; i < 4; i++) {
            assert_int_equal(seen.settled, 0);
            batch_let_go(&batch, i != unsafe);
        }
        assert_int_equal(seen.settled, 1);
        assert_int_equal(seen.failed, unsafe >= 0);
    }
}

static void *let_go_many(void *argument)
{
    for (int i = 0; i < 10000; i++) {
        batch_let_go(argument, i != 5000);
    }
    return NULL;
}

static void test_holds_of_many_threads(void **state)
{
    (void)state;
    struct outcome_seen seen = {0};
    struct batch batch = {0};
    pthread_t threads[4];
    batch_open(&batch, on_settled, &seen);
    for (int i = 0; i < 40000; i++) {
        batch_hold(&batch);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, let_go_many, &batch), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(seen.settled, 0);
    batch_let_go(&batch, true);
    assert_int_equal(seen.settled, 1);
    assert_true(seen.failed);
}

static void test_copy_is_deep(void **state)
{
    (void)state;
    struct outcome_seen seen = {0};
    struct batch batch = {0};
    batch_open(&batch, on_settled, &seen);
    char text[] = "send the gift cards";
    char rule[] = "scams.gift-card";
    char pattern[] = "ask";
    struct verdict_span spans[2] = {{.pattern = pattern, .view = "folded", .start = 0, .end = 4},
                                    {.pattern = "code", .view = "raw", .start = 9, .end = 19}};
    struct verdict_hit hits[2] = {{.outcome = OUTCOME_FLAGGED,
                                   .rule = rule,
                                   .title = "Asks",
                                   .queue = "fraud",
                                   .severity = SEVERITY_HIGH,
                                   .spans = spans,
                                   .span_count = 2},
                                  {.outcome = OUTCOME_UNSCANNED, .rule = "r", .title = "t", .reason = "match_limit"}};
    struct verdict_context context[1] = {
        {.message_id = span_text("m0"), .sender_id = span_text("s"), .text = span_of("a\0b", 3), .sent_at_ms = 3}};
    struct verdict verdict = {.batch = &batch,
                              .message_id = span_text("m1"),
                              .conversation_id = span_text("c"),
                              .text = span_text(text),
                              .record = span_of("\x0a\x00", 2),
                              .sent_at_ms = -1,
                              .received_at_ms = 12,
                              .generation = "g1",
                              .hits = hits,
                              .hit_count = 2,
                              .context = context,
                              .context_count = 1};
    struct verdict *copy = NULL;
    assert_int_equal(verdict_copy(&verdict, &copy), STATUS_OK);
    batch_let_go(&batch, true);
    assert_int_equal(seen.settled, 0); /* the copy holds it */

    memset(text, 'x', sizeof text - 1);
    memset(rule, 'x', sizeof rule - 1);
    memset(pattern, 'x', sizeof pattern - 1);
    memset(spans, 0, sizeof spans);
    assert_true(span_equal(copy->text, span_text("send the gift cards")));
    assert_true(span_equal(copy->message_id, span_text("m1")));
    assert_true(span_equal(copy->record, span_of("\x0a\x00", 2)));
    assert_int_equal(copy->sender_id.size, 0);
    assert_string_equal(copy->generation, "g1");
    assert_true(copy->sent_at_ms == -1 && copy->received_at_ms == 12);
    assert_int_equal(copy->hit_count, 2);
    assert_string_equal(copy->hits[0].rule, "scams.gift-card");
    assert_string_equal(copy->hits[0].queue, "fraud");
    assert_null(copy->hits[0].reason);
    assert_int_equal(copy->hits[0].severity, SEVERITY_HIGH);
    assert_int_equal(copy->hits[0].span_count, 2);
    assert_string_equal(copy->hits[0].spans[0].pattern, "ask");
    assert_string_equal(copy->hits[0].spans[1].view, "raw");
    assert_int_equal(copy->hits[0].spans[1].end, 19);
    assert_null(copy->hits[1].queue);
    assert_null(copy->hits[1].spans);
    assert_string_equal(copy->hits[1].reason, "match_limit");
    assert_true(span_equal(copy->context[0].text, span_of("a\0b", 3)));

    verdict_settle(&copy, false);
    assert_null(copy);
    assert_int_equal(seen.settled, 1);
    assert_true(seen.failed);
    verdict_settle(&copy, true); /* NULL inside is fine */
    verdict_settle(NULL, true);
}

static void test_copy_without_batch_and_without_anything(void **state)
{
    (void)state;
    struct verdict verdict = {0};
    struct verdict *copy = NULL;
    assert_int_equal(verdict_copy(&verdict, &copy), STATUS_OK);
    assert_null(copy->batch);
    assert_null(copy->hits);
    assert_null(copy->context);
    assert_null(copy->generation);
    verdict_settle(&copy, true);
}

static void test_severities(void **state)
{
    (void)state;
    enum severity severity = SEVERITY_LOW;
    for (int i = 0; i < SEVERITY_COUNT; i++) {
        assert_int_equal(severity_parse(severity_names[i], &severity), STATUS_OK);
        assert_int_equal(severity, i);
        assert_string_equal(severity_text((enum severity)i), severity_names[i]);
    }
    assert_null(severity_names[SEVERITY_COUNT]);
    static const char *const wrong[] = {"", "High", "urgent", "lo", "lowest"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(severity_parse(wrong[i], &severity), STATUS_INVALID);
    }
    assert_int_equal(severity_parse(NULL, &severity), STATUS_INVALID);
    assert_int_equal(severity, SEVERITY_CRITICAL); /* untouched */
    assert_string_equal(severity_text((enum severity)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settles_once_at_the_last_hold),
        cmocka_unit_test(test_holds_of_many_threads),
        cmocka_unit_test(test_copy_is_deep),
        cmocka_unit_test(test_copy_without_batch_and_without_anything),
        cmocka_unit_test(test_severities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
