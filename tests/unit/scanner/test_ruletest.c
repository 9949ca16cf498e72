/* Inline tests of several messages, for rules with `across` and for others. */
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "scanner/ruleset.h"
#include "scanner/ruletest.h"

#define FAILS_HIT "should be flagged and is not"
#define FAILS_CLEAN "should be clean and is flagged"

/*
 * One test of a rule with the patterns ask (gift card), code (read me the code) and known (cinema). `hit`: does the rule?
 * `other`: what a finding says beyond that it is wrong, when the opposite is expected.
 */
static const struct {
    const char *across, *condition, *test;
    bool hit;
    const char *other;
} rows[] = {
    /* Across messages of one conversation. */
    {"{}", "ask and code", "['a gift card', 'read me the code']", true, "with message 2 of 2"},
    {"{}", "ask and code", "['a gift card', hello, 'read me the code', thanks]", true, "with message 3 of 4"},
    {"{}", "ask and code", "['a gift card', hello]", false, NULL},
    {"{}", "ask and code", "['gift card, read me the code']", true, "with message 1 of 1"},
    {"{}", "ask and code", "'gift card, read me the code'", true, NULL},
    {"{}", "ask and code", "'gift card'", false, NULL},
    {"{messages: 2}", "ask and code", "['a gift card', 'read me the code']", true, NULL},
    {"{messages: 2}", "ask and code", "['a gift card', hello, 'read me the code']", false, NULL},
    /* Time. */
    {"{minutes: 5}", "ask and code", "['a gift card', {text: read me the code, minutes: 5}]", true, NULL},
    {"{minutes: 5}", "ask and code", "['a gift card', {text: read me the code, minutes: 6}]", false, NULL},
    {"{minutes: 5}", "ask and code", "[{text: 'read me the code', minutes: 20}, {text: a gift card, minutes: 16}]",
     true, "with message 2 of 2"},
    {"{minutes: 5}", "ask and code", "[{text: 'read me the code', minutes: 20}, {text: a gift card, minutes: 1}]",
     false, NULL},
    /* Senders. */
    {"{}", "ask and code", "[{text: a gift card, from: ann}, {text: read me the code, from: bob}]", true, NULL},
    {"{from: sender}", "ask and code", "[{text: a gift card, from: ann}, {text: read me the code, from: bob}]", false,
     NULL},
    {"{from: sender}", "ask and code", "[{text: a gift card, from: ann}, {text: read me the code, from: ann}]", true,
     NULL},
    {"{from: sender}", "ask and code", "[a gift card, {text: oh, from: bob}, read me the code]", true, NULL},
    {"{from: sender}", "ask and code", "[a gift card, {text: read me the code, from: bob}]", false, NULL},
    /* `not`, and a phrase cut in two. */
    {"{}", "ask and code and not known", "['a gift card', 'for the cinema', 'read me the code']", false, NULL},
    {"{}", "ask and code and not known", "['a gift card', 'read me the code', 'for the cinema']", true,
     "with message 2 of 3"},
    {"{messages: 2}", "ask and not known", "[cinema, {text: ok, minutes: 2}, {text: a gift card, minutes: 1}]", false,
     NULL},
    {"{}", "ask", "['I need a gift', 'card from you']", true, "with message 2 of 2"},
    {"{}", "ask", "['I need a gift', {text: 'card from you', from: bob}]", false, NULL},
    {"{}", "ask and code", "['a gift', {text: which, from: bob}, 'card', read me the code]", true,
     "with message 4 of 4"},
    /* A rule for single messages. */
    {NULL, "ask and code", "['a gift card', 'read me the code']", false, NULL},
    {NULL, "ask and code", "[hello, 'a gift card, read me the code']", true, "with message 2 of 2"},
    {NULL, "ask", "['I need a gift', 'card from you']", false, NULL},
};

/* The findings of a pack with that one test, expected as `hit` says. */
static void run_row(size_t row, bool hit, struct findings *findings)
{
    struct buffer yaml = BUFFER_INIT(1 << 14);
    struct ruleset *ruleset = NULL;
    assert_int_equal(
        buffer_print(&yaml,
                     "pack: p\nrules:\n  - id: p.a\n    title: t\n    patterns: {ask: {words: [gift card]}, code: "
                     "{regex: 'read me the code'}, known: {words: [cinema]}}\n    condition: %s\n%s%s%s    tests:\n"
                     "      %s:\n        - %s\n",
                     rows[row].condition, rows[row].across ? "    across: " : "",
                     rows[row].across ? rows[row].across : "", rows[row].across ? "\n" : "", hit ? "hits" : "clean",
                     rows[row].test),
        STATUS_OK);
    enum status status = ruleset_parse(buffer_span(&yaml), "p.yaml", findings, &ruleset);
    assert_int_equal(status, findings->errors > 0 ? STATUS_INVALID : STATUS_OK);
    ruleset_free(&ruleset);
    buffer_free(&yaml);
}

/* A pack whose tests fail does not load, one whose tests pass does. */
static void test_rows(void **state)
{
    (void)state;
    unsigned wrong = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct findings passing = {0}, failing = {0};
        run_row(i, rows[i].hit, &passing);
        run_row(i, !rows[i].hit, &failing);
        const char *text = "";
        for (uint32_t f = 0; f < failing.count; f++) {
            text = failing.items[f].level == FINDING_ERROR ? failing.items[f].text : text;
        }
        if (passing.errors != 0 || failing.errors != 1 || !strstr(text, rows[i].hit ? FAILS_CLEAN : FAILS_HIT) ||
            (rows[i].hit && rows[i].other && !strstr(text, rows[i].other))) {
            print_error("row %zu: %u errors, and %u with the opposite expected: %s\n", i, passing.errors,
                        failing.errors, text);
            wrong++;
        }
        findings_clear(&passing);
        findings_clear(&failing);
    }
    assert_int_equal(wrong, 0);
}

/* Conversations of other tests and other rules do not meet, and each outcome is that of its own test. */
static void on_outcome(void *context, const struct ruletest_outcome *outcome)
{
    assert_int_equal(buffer_print(context, "%s %u %s\n", outcome->rule->id, outcome->test->message_count,
                                  outcome->problem ? outcome->problem : "passes"),
                     STATUS_OK);
}

static void test_each(void **state)
{
    static const char pack[] =
        "pack: p\nrules:\n"
        "  - id: p.a\n    patterns: {a: {words: [apple]}, b: {words: [bread]}}\n    condition: a and b\n"
        "    across: {}\n    tests: {hits: [[apple, bread], 'apple bread', [apple]], clean: [[bread], apple]}\n"
        "  - id: p.b\n    patterns: {a: {words: [apple]}}\n    tests: {hits: [[bread, apple], apple], clean: [bread]}\n"
        "  - id: p.off\n    status: off\n    patterns: {a: {words: [apple]}}\n    tests: {hits: [[bread], bread]}\n"
        "  - id: p.c\n    patterns: {a: {words: [apple]}, c: {words: [corn]}}\n    condition: a and c\n"
        "    across: {}\n    status: shadow\n    tests: {clean: [[apple, bread], [corn], [corn, apple]]}\n";
    struct buffer told = BUFFER_INIT(1 << 14);
    struct findings findings = {0};
    struct ruleset *ruleset = NULL;
    uint32_t count = 0, pack_count;
    char path[] = "/tmp/weir-test-ruletest-XXXXXX";
    const char *paths[] = {path};
    (void)state;
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, pack, sizeof pack - 1), sizeof pack - 1);
    assert_int_equal(close(file), 0);
    assert_int_equal(ruleset_load(paths, 1, &(struct ruleset_options){.skip_tests = true}, &findings, &ruleset),
                     STATUS_OK);
    unlink(path);
    assert_int_equal(ruletest_run_each(ruleset, on_outcome, &told, &count), STATUS_OK);
    assert_int_equal(buffer_append_byte(&told, 0), STATUS_OK);
    assert_string_equal((const char *)told.data, "p.a 2 passes\np.a 0 passes\np.a 1 " FAILS_HIT
                                                 "\np.a 1 passes\np.a 0 passes\np.b 2 passes\np.b 0 passes\n"
                                                 "p.b 0 passes\np.c 2 passes\np.c 1 passes\np.c 2 " FAILS_CLEAN "\n");
    assert_int_equal(count, 11);
    (void)ruleset_packs(ruleset, &pack_count);
    assert_int_equal(pack_count, 1);
    findings_clear(&findings);
    bool failed = false;
    assert_int_equal(ruletest_run(ruleset, &findings, &failed, &count), STATUS_OK);
    assert_true(failed);
    assert_int_equal(findings.errors, 2);
    findings_clear(&findings);
    ruleset_free(&ruleset);
    buffer_free(&told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_each)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
