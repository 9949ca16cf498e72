#include "scanner/explain.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "scanner/ruleset.h"
#include "tests/support/cmocka_all.h"
#include "text/view.h"

static const char pack[] = "pack: p\nrules:\n"
                           "  - id: p.a\n    patterns:\n"
                           "      ask: {regex: '\\bgift cards?\\b'}\n"
                           "      code: {words: [scratch off, redeem]}\n"
                           "      deep: {regex: '(\\w+\\s?)+\\$'}\n"
                           "    condition: ask and code and not deep\n"
                           "  - id: p.off\n    status: off\n    patterns: {it: {words: [zyzzyva]}}\n";

static struct arena *arena;
static struct ruleset *set;

static struct explanation explain(const struct rule *only, struct span text)
{
    struct findings findings = {0};
    struct explanation explanation = {0};
    assert_int_equal(explain_text(set, only, text, arena, &findings, &explanation), STATUS_OK);
    assert_int_equal(findings.errors, 0);
    findings_clear(&findings);
    return explanation;
}

static void test_found_and_missing(void **state)
{
    static const struct {
        const char *text;
        enum truth found[3], holds;
        const char *missing;
    } rows[] = {
        {"gift card, redeem", {TRUTH_TRUE, TRUTH_TRUE, TRUTH_FALSE}, TRUTH_TRUE, ""},
        {"GIFT  Cards", {TRUTH_TRUE, TRUTH_FALSE, TRUTH_FALSE}, TRUTH_FALSE, "code"},
        {"gift card redeem a$", {TRUTH_TRUE, TRUTH_TRUE, TRUTH_TRUE}, TRUTH_FALSE, "no deep"},
        {"", {TRUTH_FALSE, TRUTH_FALSE, TRUTH_FALSE}, TRUTH_FALSE, "ask and code"},
        {"gift card redeem aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa !$",
         {TRUTH_TRUE, TRUTH_TRUE, TRUTH_UNKNOWN},
         TRUTH_UNKNOWN,
         "no deep"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct explanation explanation = explain(NULL, span_text(rows[i].text));
        struct buffer out = BUFFER_INIT(1024);
        enum truth values[3];
        assert_int_equal(explanation.rule_count, 2);
        const struct explain_rule *rule = &explanation.rules[0];
        for (uint32_t p = 0; p < 3; p++) {
            values[p] = rule->patterns[p].found;
            assert_int_equal(values[p], rows[i].found[p]);
        }
        assert_int_equal(rule->holds, rows[i].holds);
        assert_int_equal(explain_missing(rule->rule, values, &out), STATUS_OK);
        assert_int_equal(buffer_append_byte(&out, '\0'), STATUS_OK);
        assert_string_equal((const char *)out.data, rows[i].missing);
        buffer_free(&out);
        arena_reset(arena);
    }
}

static void test_places_and_views(void **state)
{
    (void)state;
    struct explanation explanation = explain(NULL, span_text("ü GIFT  card"));
    const struct explain_pattern *ask = &explanation.rules[0].patterns[0];
    assert_int_equal(ask->span_count, 1);
    assert_int_equal(ask->spans[0].start, 3);
    assert_int_equal(ask->spans[0].end, 13);
    assert_string_equal(ask->spans[0].view, "folded");
    assert_string_equal(explanation.views[VIEW_RAW], "ü GIFT  card");
    assert_string_equal(explanation.views[VIEW_FOLDED], "ü gift card");
    assert_true(ask->planned);
    arena_reset(arena);
}

/* A rule that is off is explained and has no plan; any bytes are a text. */
static void test_one_rule_and_any_bytes(void **state)
{
    uint32_t count;
    const struct rule *off = &ruleset_packs(set, &count)[0]->rules[1];
    (void)state;
    struct explanation explanation = explain(off, span_of("zyzzyva \0\xff\xe2", 11));
    assert_int_equal(explanation.rule_count, 1);
    assert_ptr_equal(explanation.rules[0].rule, off);
    assert_int_equal(explanation.rules[0].holds, TRUTH_TRUE);
    assert_false(explanation.rules[0].patterns[0].planned);
    explanation = explain(off, (struct span){0});
    assert_int_equal(explanation.rules[0].holds, TRUTH_FALSE);
    arena_reset(arena);
}

static int setup(void **state)
{
    struct findings findings = {0};
    (void)state;
    if (ruleset_parse(span_text(pack), "p.yaml", &findings, &set) != STATUS_OK) {
        findings_print(&findings, stderr, false);
        return -1;
    }
    findings_clear(&findings);
    return arena_new(1u << 16, (size_t)256 << 20, &arena) == STATUS_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    ruleset_free(&set);
    arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_and_missing),
        cmocka_unit_test(test_places_and_views),
        cmocka_unit_test(test_one_rule_and_any_bytes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
