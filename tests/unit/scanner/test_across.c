#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "scanner/across.h"
#include "scanner/scanner.h"
#include "tests/fuzz/across_model.h"

#define MINUTE INT64_C(60000)

/* One message of a script. The id is its place in the script unless it is told. */
struct line {
    const char *conversation, *sender;
    int64_t sent_at_ms;
    const char *text;
    const char *id;
};

struct stage {
    struct ruleset *ruleset;
    struct scanner *scanner;
    struct across *across;
    struct arena *arena;
    struct buffer out;
    struct message message;
    uint32_t taken;
};

static struct ruleset *load(const char *yaml)
{
    struct findings findings = {0};
    struct ruleset *ruleset = NULL;
    enum status status = ruleset_parse(span_text(yaml), "test.yaml", &findings, &ruleset);
    if (status != STATUS_OK) {
        findings_print(&findings, stderr, false);
    }
    assert_int_equal(status, STATUS_OK);
    findings_clear(&findings);
    return ruleset;
}

static void write_hits(struct stage *stage, const struct scan_hit *hits, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        assert_false(hits[i].partial);
        assert_int_equal(buffer_print(&stage->out, "%.*s %s%s", (int)stage->message.message_id.size,
                                      (const char *)stage->message.message_id.data, hits[i].rule->id,
                                      hits[i].outcome == OUTCOME_UNSCANNED ? " unscanned" : ""),
                         STATUS_OK);
        for (uint32_t p = 0; p < hits[i].part_count; p++) {
            assert_int_equal(buffer_print(&stage->out, " +%.*s", (int)hits[i].parts[p].message_id.size,
                                          (const char *)hits[i].parts[p].message_id.data),
                             STATUS_OK);
        }
        for (uint32_t s = 0; s < hits[i].span_count; s++) {
            assert_int_equal(buffer_print(&stage->out, " %s[%u,%u)", hits[i].spans[s].pattern, hits[i].spans[s].start,
                                          hits[i].spans[s].end),
                             STATUS_OK);
        }
        assert_int_equal(buffer_append_byte(&stage->out, '\n'), STATUS_OK);
    }
}

static void take(struct stage *stage, const struct scan_hit *hits, uint32_t hit_count)
{
    struct scan_hit *decided = NULL;
    uint32_t count = 0;
    arena_reset(stage->arena);
    stage->taken++;
    assert_int_equal(across_take(stage->across, &stage->message, 0, hits, hit_count, stage->arena, &decided, &count),
                     STATUS_OK);
    write_hits(stage, decided, count);
}

static enum status on_hits(void *context, uint32_t message, const struct scan_hit *hits, uint32_t hit_count)
{
    assert_int_equal(message, 0);
    take(context, hits, hit_count);
    return STATUS_OK;
}

static void stage_start(struct stage *stage, const char *yaml)
{
    bool needed = false;
    *stage = (struct stage){.ruleset = load(yaml), .out = BUFFER_INIT(1 << 20)};
    assert_int_equal(scanner_new(&stage->scanner), STATUS_OK);
    assert_int_equal(across_new(ACROSS_BYTES_MIN, &stage->across), STATUS_OK);
    assert_int_equal(arena_new(1 << 12, 1 << 20, &stage->arena), STATUS_OK);
    assert_int_equal(across_use(stage->across, stage->ruleset, &needed), STATUS_OK);
    assert_true(needed);
    scanner_set_across(stage->scanner, true);
}

static void stage_end(struct stage *stage)
{
    scanner_free(&stage->scanner);
    across_free(&stage->across);
    arena_free(&stage->arena);
    buffer_free(&stage->out);
    ruleset_let_go(&stage->ruleset);
}

static void stage_take(struct stage *stage, const struct line *line, uint32_t number)
{
    char id[16];
    (void)snprintf(id, sizeof id, "%u", number);
    stage->message = (struct message){.message_id = span_text(line->id ? line->id : id),
                                      .conversation_id = span_text(line->conversation),
                                      .sender_id = span_text(line->sender),
                                      .text = span_text(line->text),
                                      .sent_at_ms = line->sent_at_ms};
    uint32_t before = stage->taken;
    assert_int_equal(scanner_scan(stage->scanner, stage->ruleset, &stage->message.text, 1, on_hits, stage), STATUS_OK);
    if (stage->taken == before) {
        take(stage, NULL, 0);
    }
}

static void expect_lines(const char *yaml, const struct line *lines, uint32_t count, const char *expected)
{
    struct stage stage;
    stage_start(&stage, yaml);
    for (uint32_t i = 0; i < count; i++) {
        stage_take(&stage, &lines[i], i);
    }
    assert_int_equal(buffer_append_byte(&stage.out, '\0'), STATUS_OK);
    assert_string_equal((char *)stage.out.data, expected);
    stage_end(&stage);
}

#define EXPECT(yaml, expected, ...)                                                                                    \
    expect_lines(yaml, (const struct line[]){__VA_ARGS__},                                                             \
                 sizeof((const struct line[]){__VA_ARGS__}) / sizeof(struct line), expected)

#define PACK(across, condition)                                                                                        \
    "pack: p\nrules:\n  - id: p.r\n    patterns: {ask: {words: [gift card]}, code: {regex: 'read me the code'}}\n"     \
    "    condition: " condition "\n    across: " across "\n"

static void test_conversation(void **state)
{
    (void)state;
    const char *yaml = PACK("{messages: 3, minutes: 30}", "ask and code");
    /* both in one message; in two; other conversations do not count; a clean message never hits */
    EXPECT(yaml, "0 p.r ask[0,9) code[10,26)\n", {"c", "s", 0, "gift card read me the code", NULL});
    EXPECT(yaml, "2 p.r +0 code[4,20)\n", {"c", "s", 0, "a gift card", NULL}, {"d", "s", 0, "read me the code", NULL},
           {"c", "t", 1, "now read me the code", NULL}, {"c", "s", 2, "hello", NULL});
    /* the fourth message is too far from the first; each later one hits again while both are near */
    EXPECT(yaml, "", {"c", "s", 0, "gift card", NULL}, {"c", "s", 1, "x", NULL}, {"c", "s", 2, "y", NULL},
           {"c", "s", 3, "read me the code", NULL});
    EXPECT(yaml, "1 p.r +0 code[0,16)\n2 p.r +0 +1 ask[0,9)\n3 p.r +1 +2 code[0,16)\n",
           {"c", "s", 0, "gift card", NULL}, {"c", "s", 1, "read me the code", NULL}, {"c", "s", 2, "gift card", NULL},
           {"c", "s", 3, "read me the code", NULL});
}

static void test_minutes(void **state)
{
    (void)state;
    const char *yaml = PACK("{messages: 3, minutes: 5, from: conversation}", "ask and code");
    EXPECT(yaml, "1 p.r +0 code[0,16)\n", {"c", "s", 0, "gift card", NULL},
           {"c", "s", 5 * MINUTE, "read me the code", NULL});
    EXPECT(yaml, "", {"c", "s", 0, "gift card", NULL}, {"c", "s", 5 * MINUTE + 1, "read me the code", NULL});
}

static void test_sender(void **state)
{
    (void)state;
    const char *yaml = PACK("{messages: 2, minutes: 30, from: sender}", "ask and code");
    /* what others say in between neither counts nor helps */
    EXPECT(yaml, "3 p.r +0 code[0,16)\n", {"c", "s", 0, "gift card", NULL}, {"c", "t", 1, "read me the code", NULL},
           {"c", "t", 2, "x", NULL}, {"c", "s", 3, "read me the code", NULL});
    EXPECT(yaml, "", {"c", "s", 0, "gift card", NULL}, {"d", "s", 1, "read me the code", NULL});
}

static void test_late_and_again(void **state)
{
    (void)state;
    const char *yaml = PACK("{messages: 3, minutes: 30}", "ask and code");
    /* the one that comes last hits, whichever was sent first */
    EXPECT(yaml, "1 p.r +0 ask[0,9)\n", {"c", "s", 10, "read me the code", NULL}, {"c", "s", 5, "gift card", NULL});
    /* messages that lie between them by time count, though they came before both */
    EXPECT(yaml, "", {"c", "s", 2, "x", NULL}, {"c", "s", 3, "y", NULL}, {"c", "s", 9, "read me the code", NULL},
           {"c", "s", 1, "gift card", NULL});
    /* sent again: the same answers, and no place taken */
    EXPECT(yaml, "b p.r +a code[0,16)\nb p.r +a code[0,16)\nc p.r +a +b code[0,16)\n", {"c", "s", 0, "gift card", "a"},
           {"c", "s", 1, "read me the code", "b"}, {"c", "s", 0, "gift card", "a"},
           {"c", "s", 1, "read me the code", "b"}, {"c", "s", 2, "read me the code", "c"});
}

static void test_not(void **state)
{
    (void)state;
    const char *yaml = PACK("{messages: 2, minutes: 30}", "ask and not code");
    EXPECT(yaml, "0 p.r ask[0,9)\n4 p.r +2 ask[0,9)\n", {"c", "s", 0, "gift card", NULL},
           {"c", "s", 1, "read me the code", NULL}, {"c", "s", 2, "gift card", NULL}, {"d", "s", 3, "x", NULL},
           {"c", "s", 4, "gift card", NULL});
}

/* A phrase that two messages of one sender share; the border may only be where the phrase has a gap. */
static void test_cut_phrases(void **state)
{
    (void)state;
    const char *yaml =
        "pack: p\nrules:\n  - id: p.r\n    patterns: {w: {words: [gift card, free money now, 'kill your*']}}\n"
        "    across: {messages: 5, minutes: 5}\n";
    EXPECT(yaml, "1 p.r +0\n", {"c", "s", 0, "send me a GIFT", NULL}, {"c", "s", 1, "Card please", NULL});
    EXPECT(yaml, "2 p.r +0\n", {"c", "s", 0, "a gift", NULL}, {"c", "t", 1, "card", NULL}, {"c", "s", 2, "card", NULL});
    EXPECT(yaml, "1 p.r +0\n", {"c", "s", 0, "free money ...", NULL}, {"c", "s", 1, "...now!", NULL});
    EXPECT(yaml, "1 p.r +0\n", {"c", "s", 0, "kill", NULL}, {"c", "s", 1, "yourself", NULL});
    /* a late first half; half words; a gap too wide; another conversation; another message between; too late */
    EXPECT(yaml, "1 p.r +0\n", {"c", "s", 2, "card", NULL}, {"c", "s", 1, "gift", NULL});
    EXPECT(yaml, "", {"c", "s", 0, "gi", NULL}, {"c", "s", 1, "ft card's", NULL}, {"c", "s", 2, "the gift", NULL},
           {"c", "s", 3, "cards", NULL}, {"c", "s", 4, "x gift", NULL}, {"d", "s", 5, "card", NULL});
    EXPECT(yaml, "", {"c", "s", 0, "gift", NULL}, {"c", "s", 1, "yes", NULL}, {"c", "s", 2, "card", NULL});
    EXPECT(yaml, "", {"c", "s", 0, "gift", NULL}, {"c", "s", 5 * MINUTE + 1, "card", NULL});
    /* three pieces in three messages are not one phrase */
    EXPECT(yaml, "", {"c", "s", 0, "free", NULL}, {"c", "s", 1, "money", NULL}, {"c", "s", 2, "now", NULL});
}

static void test_unknown(void **state)
{
    (void)state;
    const char *yaml =
        "pack: p\nrules:\n  - id: p.r\n    patterns: {a: {words: [apple]}, r: {regex: '(?=(a+)+$)a', view: raw}}\n"
        "    condition: all of them\n    across: {messages: 3, minutes: 5}\n";
    EXPECT(yaml, "1 p.r unscanned +0\n", {"c", "s", 0, "apple", NULL},
           {"c", "s", 1, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", NULL});
}

/* A rule that stays the same in another set keeps what it knows; one that changed begins anew. */
static void test_reload(void **state)
{
    (void)state;
    struct stage stage;
    bool needed = false;
    stage_start(&stage, PACK("{messages: 3, minutes: 30}", "ask and code"));
    stage_take(&stage, &(struct line){"c", "s", 0, "gift card", NULL}, 0);
    struct ruleset *same = load(PACK("{messages: 3, minutes: 30}", "ask and code") "    severity: high\n");
    struct ruleset *changed = load(PACK("{messages: 4, minutes: 30}", "ask and code"));
    struct ruleset *without = load("pack: p\nrules:\n  - {id: p.r, patterns: {a: {words: [gift card]}}}\n");
    ruleset_let_go(&stage.ruleset);
    stage.ruleset = same;
    assert_int_equal(across_use(stage.across, same, &needed), STATUS_OK);
    assert_true(needed);
    stage_take(&stage, &(struct line){"c", "s", 1, "read me the code", NULL}, 1);
    ruleset_let_go(&stage.ruleset);
    stage.ruleset = changed;
    assert_int_equal(across_use(stage.across, changed, &needed), STATUS_OK);
    assert_true(needed);
    stage_take(&stage, &(struct line){"c", "s", 2, "read me the code", NULL}, 2);
    assert_int_equal(across_use(stage.across, without, &needed), STATUS_OK);
    assert_false(needed);
    assert_int_equal(across_counts(stage.across).scopes, 0);
    assert_int_equal(across_counts(stage.across).bytes, 0);
    assert_int_equal(buffer_append_byte(&stage.out, '\0'), STATUS_OK);
    assert_string_equal((char *)stage.out.data, "1 p.r +0 code[0,16)\n");
    ruleset_let_go(&without);
    stage_end(&stage);
}

/* Without the switch the condition must hold within one message. */
static void test_alone(void **state)
{
    (void)state;
    struct stage stage;
    stage_start(&stage, PACK("{messages: 3, minutes: 30}", "ask and code"));
    scanner_set_across(stage.scanner, false);
    stage_take(&stage, &(struct line){"c", "s", 0, "gift card", NULL}, 0);
    stage_take(&stage, &(struct line){"c", "s", 1, "gift card read me the code", NULL}, 1);
    assert_int_equal(buffer_append_byte(&stage.out, '\0'), STATUS_OK);
    assert_string_equal((char *)stage.out.data, "1 p.r ask[0,9) code[10,26)\n");
    stage_end(&stage);
}

static void test_memory_is_bounded(void **state)
{
    (void)state;
    struct stage stage;
    char conversation[16], text[600];
    memset(text, 'x', sizeof text);
    memcpy(text, "gift card ", 10);
    text[sizeof text - 1] = '\0';
    stage_start(&stage, PACK("{messages: 3, minutes: 30}", "ask and code"));
    for (uint32_t i = 0; i < 20000; i++) {
        (void)snprintf(conversation, sizeof conversation, "c%u", i);
        stage_take(&stage, &(struct line){conversation, "s", i, text, NULL}, i);
        assert_true(across_counts(stage.across).bytes <= ACROSS_BYTES_MIN);
    }
    struct across_counts counts = across_counts(stage.across);
    assert_true(counts.forgotten > 10000);
    assert_true(counts.scopes > 500);
    /* the newest is known, the oldest is not */
    stage_take(&stage, &(struct line){"c19999", "s", 19999, "read me the code", NULL}, 20001);
    stage_take(&stage, &(struct line){"c0", "s", 1, "read me the code", NULL}, 20002);
    assert_int_equal(buffer_append_byte(&stage.out, '\0'), STATUS_OK);
    assert_string_equal((char *)stage.out.data, "20001 p.r +19999 code[0,16)\n");
    stage_end(&stage);
}

/* Interleaved conversations with late messages and repetitions against brute force. */
static void test_brute_force(void **state)
{
    (void)state;
    struct model_run run;
    struct model_conversation conversation;
    assert_true(model_start(&run, (size_t)64 << 20));
    for (uint64_t from = 0; from < 6000; from += 1000) {
        for (uint32_t arrival = 0; arrival < MODEL_ARRIVALS_MAX; arrival++) {
            for (uint64_t number = from; number < from + 1000; number++) {
                model_make(number, MODEL_ARRIVALS_MAX, &conversation);
                assert_true(arrival >= conversation.count || model_step(&run, number, &conversation, arrival));
            }
        }
    }
    assert_true(run.hits > run.messages / 20 && run.unscanned > 100 && run.late > 1000 && run.again > 1000);
    assert_int_equal(across_counts(run.across).forgotten, 0);
    model_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conversation), cmocka_unit_test(test_minutes),
        cmocka_unit_test(test_sender),       cmocka_unit_test(test_late_and_again),
        cmocka_unit_test(test_not),          cmocka_unit_test(test_cut_phrases),
        cmocka_unit_test(test_unknown),      cmocka_unit_test(test_reload),
        cmocka_unit_test(test_alone),        cmocka_unit_test(test_memory_is_bounded),
        cmocka_unit_test(test_brute_force),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
