/* What `across:` becomes in the model; its faults are in test_reader.c. */
#include "tests/support/cmocka_all.h"

#include "base/buffer.h"
#include "rules/reader.h"

static const struct {
    const char *across;
    struct rule_across expected;
} rows[] = {
    {"", {0, 0, false}},
    {"    across: {}\n", {10, 30, false}},
    {"    across: {messages: 2, minutes: 1}\n", {2, 1, false}},
    {"    across: {messages: 100, minutes: 1440, from: sender}\n", {100, 1440, true}},
    {"    across: {from: conversation}\n", {10, 30, false}},
};

static void test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buffer yaml = BUFFER_INIT(1 << 12);
        struct findings findings = {0};
        struct pack *pack = NULL;
        assert_int_equal(
            buffer_print(&yaml, "pack: p\nrules:\n  - id: p.a\n    patterns: {a: {words: [x]}}\n%s", rows[i].across),
            STATUS_OK);
        assert_int_equal(reader_parse_pack(buffer_span(&yaml), "p.yaml", &findings, &pack), STATUS_OK);
        assert_int_equal(pack->rules[0].across.messages, rows[i].expected.messages);
        assert_int_equal(pack->rules[0].across.minutes, rows[i].expected.minutes);
        assert_int_equal(pack->rules[0].across.by_sender, rows[i].expected.by_sender);
        pack_free(&pack);
        findings_clear(&findings);
        buffer_free(&yaml);
    }
}

/* 64 patterns are the most, with across. */
static void test_patterns(void **state)
{
    (void)state;
    for (uint32_t count = ACROSS_PATTERNS_MAX; count <= ACROSS_PATTERNS_MAX + 1; count++) {
        struct buffer yaml = BUFFER_INIT(1 << 16);
        struct findings findings = {0};
        struct pack *pack = NULL;
        assert_int_equal(buffer_append_text(&yaml, "pack: p\nrules:\n  - id: p.a\n    across: {}\n    patterns:\n"),
                         STATUS_OK);
        for (uint32_t i = 0; i < count; i++) {
            assert_int_equal(buffer_print(&yaml, "      p%u: {words: [x%u]}\n", i, i), STATUS_OK);
        }
        enum status status = reader_parse_pack(buffer_span(&yaml), "p.yaml", &findings, &pack);
        assert_int_equal(status, count > ACROSS_PATTERNS_MAX ? STATUS_INVALID : STATUS_OK);
        assert_int_equal(findings.errors, count > ACROSS_PATTERNS_MAX);
        pack_free(&pack);
        findings_clear(&findings);
        buffer_free(&yaml);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values), cmocka_unit_test(test_patterns)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
