/* What is told of two versions of a rule, and that what means the same is not told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/reader.h"
#include "tests/support/cmocka_all.h"

#include "cli/diff_rules.c" // NOLINT(bugprone-suspicious-include)

static int set_up(void **state)
{
    (void)state;
    return view_start() != STATUS_OK;
}

static struct pack *pack_of(const char *rule)
{
    char text[2048];
    struct findings findings = {0};
    struct pack *pack = NULL;
    (void)snprintf(text, sizeof text,
                   "pack: p\ndefaults: {queue: q, severity: low}\nrules:\n  - id: p.a\n    title: A\n%s", rule);
    if (reader_parse_pack(span_text(text), "p.yaml", &findings, &pack) != STATUS_OK) {
        findings_print(&findings, stderr, false);
        fail_msg("the rule of the test is faulty");
    }
    findings_clear(&findings);
    return pack;
}

#define IT "    patterns: {it: {words: [one, two]}}\n"
#define TWO "    patterns: {a: {words: [x1]}, b: {words: [x2]}}\n"

static void test_changes(void **state)
{
    static const struct {
        const char *old, *new;
        enum diff_effect effect;
        const char *what, *words; /* NULL: nothing is told */
    } rows[] = {
        {IT, IT, DIFF_FLAGS, NULL, NULL},
        {IT, "    patterns: {it: {words: [two, ONE]}}\n", DIFF_FLAGS, NULL, NULL},
        {IT, "    patterns: {it: {words: [one, two, three]}}\n", DIFF_FLAGS, "pattern it", "1 phrase added"},
        {IT, "    patterns: {it: {words: [one]}}\n", DIFF_FLAGS, "pattern it", "1 phrase removed"},
        {IT, "    patterns: {it: {words: [three]}}\n", DIFF_FLAGS, "pattern it", "1 phrase added and 2 removed"},
        {"    patterns: {it: {words: [one, two], view: folded}}\n", "    patterns: {it: {regex: 'one|two'}}\n",
         DIFF_FLAGS, "pattern it", "words, now a regex"},
        {IT, "    patterns: {it: {words: [one, two], view: raw}}\n", DIFF_FLAGS, "pattern it",
         "looks at the view folded and skeleton, now at raw"},
        {IT, IT "    status: shadow\n", DIFF_FLAGS, "status", "live, now shadow"},
        {IT, IT "    severity: high\n", DIFF_ROUTES, "severity", "low, now high"},
        {IT, IT "    queue: r\n", DIFF_ROUTES, "queue", "q, now r"},
        {IT, IT "    max_per_minute: 5\n", DIFF_ROUTES, "max_per_minute", "as the settings say, now 5"},
        {IT, IT "    tests: {hits: [one]}\n", DIFF_WORDS, "tests, hits", "1 text added"},
        {IT "    tests: {clean: [x, y]}\n", IT, DIFF_WORDS, "tests, clean", "2 texts removed"},
        {"    patterns: {it: {regex: 'a'}}\n", "    patterns: {it: {regex: 'b'}}\n", DIFF_FLAGS, "pattern it",
         "the regex is another one"},
        {TWO, TWO "    condition: a and b\n", DIFF_FLAGS, "condition", "'any of them', now 'a and b'"},
        {TWO, TWO "    condition: b or a\n", DIFF_WORDS, "condition",
         "written otherwise, but means the same: 'any of them', now 'b or a'"},
        {TWO "    condition: a and b\n",
         "    patterns: {b: {words: [x2]}, a: {words: [x1]}}\n    condition: all of them\n", DIFF_WORDS, "condition",
         "written otherwise, but means the same: 'a and b', now 'all of them'"},
        {TWO "    condition: a and not b\n", TWO "    condition: b and not a\n", DIFF_FLAGS, "condition",
         "'a and not b', now 'b and not a'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pack *old = pack_of(rows[i].old), *new = pack_of(rows[i].new);
        struct diff_changes changes = {0};
        assert_int_equal(arena_new(4096, 1u << 20, &changes.arena), STATUS_OK);
        assert_int_equal(diff_rules(&old->rules[0], &new->rules[0], &changes), STATUS_OK);
        if (changes.count != (rows[i].what != NULL)) {
            fail_msg("row %zu: %u changes", i, changes.count);
        }
        if (rows[i].what) {
            assert_string_equal(changes.items[0].what, rows[i].what);
            assert_string_equal(changes.items[0].words, rows[i].words);
            assert_int_equal(changes.items[0].effect, rows[i].effect);
        }
        arena_free(&changes.arena);
        pack_free(&old);
        pack_free(&new);
    }
}

/* Only the first few entries are shown; all are counted, each once. */
static void test_many_entries(void **state)
{
    (void)state;
    struct pack *old = pack_of("    patterns: {it: {words: [k]}}\n");
    struct pack *new = pack_of("    patterns: {it: {words: [k, w1, w2, w3, w4, w5, w6, w7, w8, W8]}}\n");
    struct diff_changes changes = {0};
    assert_int_equal(arena_new(4096, 1u << 20, &changes.arena), STATUS_OK);
    assert_int_equal(diff_rules(&old->rules[0], &new->rules[0], &changes), STATUS_OK);
    assert_int_equal(changes.count, 1);
    assert_int_equal(changes.items[0].added_count, 8);
    uint32_t shown = 0;
    for (; changes.items[0].added[shown]; shown++) {
    }
    assert_int_equal(shown, DIFF_ENTRIES_SHOWN_MAX);
    assert_string_equal(changes.items[0].added[0], "w1");
    assert_null(changes.items[0].removed[0]);
    arena_free(&changes.arena);
    pack_free(&old);
    pack_free(&new);
}

/* A pattern that was renamed, added or removed is told by name, whatever the condition says. */
static void test_patterns_that_come_and_go(void **state)
{
    (void)state;
    struct pack *old = pack_of(TWO), *new = pack_of("    patterns: {a: {words: [x1]}, c: {regex: 'x3'}}\n");
    struct diff_changes changes = {0};
    assert_int_equal(arena_new(4096, 1u << 20, &changes.arena), STATUS_OK);
    assert_int_equal(diff_rules(&old->rules[0], &new->rules[0], &changes), STATUS_OK);
    assert_int_equal(changes.count, 2);
    assert_string_equal(changes.items[0].what, "pattern b");
    assert_string_equal(changes.items[0].words, "removed: 1 phrase");
    assert_string_equal(changes.items[1].what, "pattern c");
    assert_string_equal(changes.items[1].words, "added: a regex");
    assert_string_equal(changes.items[1].added[0], "x3");
    changes.count = 0;
    struct arena *small = NULL;
    assert_int_equal(arena_new(64, 256, &small), STATUS_OK);
    struct diff_changes failing = {.arena = small};
    assert_int_equal(diff_rules(&old->rules[0], &new->rules[0], &failing), STATUS_NO_MEMORY);
    arena_free(&small);
    arena_free(&changes.arena);
    pack_free(&old);
    pack_free(&new);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_many_entries),
        cmocka_unit_test(test_patterns_that_come_and_go),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
