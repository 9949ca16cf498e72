/* What tests of several messages become in the model; most of their faults are in test_reader.c. */
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "rules/reader.h"

#define HEAD "pack: p\nrules:\n  - id: p.a\n    title: t\n    patterns: {a: {words: [x]}}\n    tests:\n      hits:\n"

/* `messages`: minutes, sender and text of each, one a line. */
static const struct {
    const char *test, *shown, *messages;
} rows[] = {
    {"one", "one", ""},
    {"[one]", "one", "0||one\n"},
    {"[one, two, three]", "one / two / three", "0||one\n1||two\n2||three\n"},
    {"['', 7, \"a\\nb\"]", " / 7 / a\nb", "0||\n1||7\n2||a\nb\n"},
    {"[one, {text: two}]", "one / two", "0||one\n1||two\n"},
    {"[{text: one, from: ann}, {from: 5, text: two}]", "ann: one / 5: two", "0|ann|one\n1|5|two\n"},
    {"[one, {text: two, minutes: 9}, three]", "one / (9 min) two / three", "0||one\n9||two\n10||three\n"},
    {"[one, {text: two, minutes: 1}]", "one / two", "0||one\n1||two\n"},
    {"[{text: one, minutes: 5}, {text: late, minutes: 0}]", "(5 min) one / (0 min) late", "5||one\n0||late\n"},
    {"[{text: one, minutes: 10080}, two]", "(10080 min) one / two", "10080||one\n10081||two\n"},
};

static void test_messages(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buffer yaml = BUFFER_INIT(1 << 12), read = BUFFER_INIT(1 << 12);
        struct findings findings = {0};
        struct pack *pack = NULL;
        assert_int_equal(buffer_print(&yaml, HEAD "        - %s\n      clean:\n        - other\n", rows[i].test),
                         STATUS_OK);
        assert_int_equal(reader_parse_pack(buffer_span(&yaml), "p.yaml", &findings, &pack), STATUS_OK);
        assert_int_equal(findings.count, 0);
        assert_int_equal(pack->rules[0].test_count, 2);
        const struct rule_test *test = &pack->rules[0].tests[0];
        assert_true(test->hit);
        assert_int_equal(test->place.line, 8);
        assert_int_equal(test->place.column, 11);
        assert_true(span_equal(test->text, span_text(rows[i].shown)));
        for (uint32_t m = 0; m < test->message_count; m++) {
            const struct rule_test_message *message = &test->messages[m];
            assert_int_equal(buffer_print(&read, "%u|%.*s|%.*s\n", message->minutes, (int)message->sender.size,
                                          message->sender.size ? (const char *)message->sender.data : "",
                                          (int)message->text.size, (const char *)message->text.data),
                             STATUS_OK);
        }
        assert_true(span_equal(buffer_span(&read), span_text(rows[i].messages)));
        assert_int_equal(test[1].message_count, 0);
        assert_false(test[1].hit);
        pack_free(&pack);
        findings_clear(&findings);
        buffer_free(&yaml);
        buffer_free(&read);
    }
}

/* 200 messages are the most. */
static void test_bound(void **state)
{
    (void)state;
    for (uint32_t count = MODEL_TEST_MESSAGES_MAX; count <= MODEL_TEST_MESSAGES_MAX + 1; count++) {
        struct buffer yaml = BUFFER_INIT(1 << 16);
        struct findings findings = {0};
        struct pack *pack = NULL;
        assert_int_equal(buffer_append_text(&yaml, HEAD "        - - first\n"), STATUS_OK);
        for (uint32_t i = 1; i < count; i++) {
            assert_int_equal(buffer_append_text(&yaml, "          - x\n"), STATUS_OK);
        }
        enum status status = reader_parse_pack(buffer_span(&yaml), "p.yaml", &findings, &pack);
        bool over = count > MODEL_TEST_MESSAGES_MAX;
        assert_int_equal(status, over ? STATUS_INVALID : STATUS_OK);
        assert_int_equal(findings.errors, over);
        assert_true(!over || strstr(findings.items[0].text, "at most 200 messages"));
        pack_free(&pack);
        findings_clear(&findings);
        buffer_free(&yaml);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_messages), cmocka_unit_test(test_bound)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
