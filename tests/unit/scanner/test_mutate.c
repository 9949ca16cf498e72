#include "scanner/mutate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "scanner/ruleset.h"
#include "scanner/ruletest.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp.h"

static struct ruleset *load(const char *text)
{
    struct findings findings = {0};
    struct ruleset *set = NULL;
    if (ruleset_parse(span_text(text), "p.yaml", &findings, &set) != STATUS_OK) {
        findings_print(&findings, stderr, false);
        fail();
    }
    findings_clear(&findings);
    return set;
}

static struct mutation mutate(const struct ruleset *set, unsigned threads)
{
    struct findings findings = {0};
    struct mutation mutation;
    assert_int_equal(mutate_rules(set, NULL, threads, NULL, NULL, &findings, &mutation), STATUS_OK);
    findings_clear(&findings);
    return mutation;
}

/* A rule of one pattern, its tests, and all survivors in the order of their places. */
static const struct {
    const char *pattern, *tests;
    uint32_t tried;
    const char *survivors[8];
} rows[] = {
    {"{words: [a]}", "hits: [a], clean: [b]", 1, {0}},
    {"{words: [a, b]}", "hits: [a, b], clean: [c]", 3, {0}},
    {"{words: [a, b]}", "hits: [a], clean: [c]", 3, {"without the entry 'b'"}},
    {"{words: [a, b]}", "hits: [a b], clean: [c]", 3, {"without the entry 'a'", "without the entry 'b'"}},
    {"{regex: 'x|y'}", "hits: [x, y], clean: [z]", 3, {0}},
    {"{regex: 'x|y|z'}", "hits: [x, z]", 4, {"without the alternative 'y'"}},
    {"{regex: '\\bx'}", "hits: [x], clean: [y]", 2, {"without '\\b'"}},
    {"{regex: '\\bx'}", "hits: [x], clean: [yx]", 2, {0}},
    {"{regex: 'ab?c'}", "hits: [ac, abc]", 3, {0}},
    {"{regex: 'ab?c'}", "hits: [ac]", 3, {"without 'b?'"}},
    {"{regex: 'a(?!b)'}", "hits: [a], clean: [ab]", 2, {0}},
    {"{regex: 'a(?!b)'}", "hits: [a]", 2, {"without '(?!b)'"}},
    {"{regex: 'a{2,4}b'}", "hits: [aab]", 4, {"'a{2,4}' as 'a{1,4}'", "'a{2,4}' as 'a{2,3}'", "'a{2,4}' as 'a{2,}'"}},
    {"{regex: 'a{2,4}b'}", "hits: [aab, aaaab], clean: [ab]", 4, {"'a{2,4}' as 'a{2,3}'", "'a{2,4}' as 'a{2,}'"}},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[512];
        snprintf(text, sizeof text, "pack: p\nrules:\n  - id: p.a\n    patterns: {a: %s}\n    tests: {%s}\n",
                 rows[i].pattern, rows[i].tests);
        struct ruleset *set = load(text);
        struct mutation mutation = mutate(set, 1);
        uint32_t count = 0;
        while (rows[i].survivors[count]) {
            count++;
        }
        bool same = mutation.survivor_count == count && mutation.scores[0].tried == rows[i].tried;
        for (uint32_t s = 0; s < count && same; s++) {
            same = strcmp(mutation.survivors[s].change, rows[i].survivors[s]) == 0;
        }
        if (!same) {
            fprintf(stderr, "row %zu: %u tried\n", i, mutation.scores[0].tried);
            for (uint32_t s = 0; s < mutation.survivor_count; s++) {
                fprintf(stderr, "  %s\n", mutation.survivors[s].change);
            }
        }
        assert_true(same);
        assert_int_equal(mutation.scores[0].tried, mutation.scores[0].noticed + count);
        mutation_free(&mutation);
        ruleset_free(&set);
    }
}

/* Survivors of a rule with a condition, in tests of several messages. */
static const struct {
    const char *rule, *tests;
    uint32_t tried, left_out;
    const char *survivors[4];
} talks[] = {
    {"across: {}", "hits: [[aa, bb]], clean: [[aa, cc], [bb]]", 3, 0, {0}},
    {"across: {}", "hits: [[aa, bb]], clean: [[bb, dd], [dd]]", 3, 0, {0}},
    {"across: {}", "hits: [[aa, bb]]", 3, 0, {"'and' between 'a' and 'b' as 'or'"}},
    {"across: {minutes: 5}", "hits: [[aa, bb]], clean: [[aa, {text: bb, minutes: 6}]]", 3, 0, {0}},
    {"across: {from: sender}", "hits: [[aa, bb]], clean: [[aa, {text: bb, from: x}]]", 3, 0, {0}},
    {"status: live", "hits: [aa bb], clean: [[aa, bb]]", 3, 0, {0}},
    {"across: {}", "hits: [[aa, bb], [xx, 'yy aa']]", 3, 1, {"'and' between 'a' and 'b' as 'or'"}},
};

static void test_talks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof talks / sizeof *talks; i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "pack: p\nrules:\n  - id: p.a\n    patterns: {a: {words: [aa]}, b: {words: [%s]}}\n"
                 "    condition: a and b\n    %s\n    tests: {%s}\n",
                 talks[i].left_out ? "bb, xx yy" : "bb", talks[i].rule, talks[i].tests);
        struct ruleset *set = load(text);
        struct mutation mutation = mutate(set, 1);
        assert_int_equal(mutation.score_count, 1);
        assert_int_equal(mutation.left_out_count, talks[i].left_out);
        assert_int_equal(mutation.left_out_rule_count, 0);
        uint32_t count = 0;
        for (uint32_t s = 0; s < mutation.survivor_count; s++) {
            if (mutation.survivors[s].kind != MUTATE_ENTRY) {
                assert_non_null(talks[i].survivors[count]);
                assert_string_equal(mutation.survivors[s].change, talks[i].survivors[count]);
                count++;
            }
        }
        assert_null(talks[i].survivors[count]);
        assert_int_equal(mutation.scores[0].tried, talks[i].tried + (talks[i].left_out ? 2 : 0));
        mutation_free(&mutation);
        ruleset_free(&set);
    }
}

#define RANDOM_RULES 400

/* The number in "p.r17". */
static unsigned long number_of(const struct rule *rule)
{
    char *end;
    unsigned long number = strtoul(rule->id + strlen("p.r"), &end, 10);
    assert_true(*end == '\0' && number <= RANDOM_RULES);
    return number;
}

/* Which rules have a test that passes. */
static void note_outcome(void *context, const struct ruletest_outcome *outcome)
{
    ((bool *)context)[number_of(outcome->rule)] = !outcome->problem;
}

/* Conversations of chance are judged here as they are by scanner/across.h: those that it judges otherwise are left out. */
static void test_conversations_of_chance(void **state)
{
    static const char *const conditions[] = {"a and b", "a and not b", "a and b and c", "2 of (a, b, c)",
                                             "c and not (a or b)"};
    static const char *const words[] = {"aa", "bb", "cc", "dd", "dd ee", "dd"};
    struct buffer yaml = BUFFER_INIT(1 << 20);
    uint32_t chance = 12345, run = 0, passing = 0;
    bool passes[RANDOM_RULES + 1] = {0}, scored[RANDOM_RULES + 1] = {0};
    (void)state;
#define NEXT(n) (((chance = chance * 1664525u + 1013904223u) >> 16) % (n))
    assert_int_equal(buffer_append_text(&yaml, "pack: p\nrules:\n"), STATUS_OK);
    for (uint32_t i = 0; i <= RANDOM_RULES; i++) {
        uint32_t messages = i < RANDOM_RULES ? 2 + NEXT(3) : 100, minutes = i < RANDOM_RULES ? 1 + NEXT(8) : 1440;
        uint32_t count = 1 + NEXT(8), condition = NEXT(5), from = NEXT(2);
        assert_int_equal(
            buffer_print(&yaml,
                         "  - id: p.r%u\n    patterns: {a: {words: [aa]}, b: {words: [bb]}, c: {regex: cc}}\n"
                         "    condition: %s\n    across: {messages: %u, minutes: %u, from: %s}\n    tests:\n"
                         "      hits:\n        - - dd\n",
                         i, conditions[condition], messages, minutes, from ? "sender" : "conversation"),
            STATUS_OK);
        for (uint32_t m = 0; m < count; m++) {
            uint32_t word = NEXT(6), sender = NEXT(2), at = m + NEXT(6);
            assert_int_equal(
                buffer_print(&yaml, "          - {text: %s, from: s%u, minutes: %u}\n", words[word], sender, at),
                STATUS_OK);
        }
    }
#undef NEXT
    char *folder = temp_dir_make(), *path = temp_file(folder, "p.yaml", (const char *)yaml.data, yaml.size);
    struct findings findings = {0};
    struct ruleset *set = NULL;
    assert_int_equal(
        ruleset_load((const char *const *)&path, 1, &(struct ruleset_options){.skip_tests = true}, &findings, &set),
        STATUS_OK);
    assert_int_equal(ruletest_run_each(set, note_outcome, passes, &run), STATUS_OK);
    assert_int_equal(run, RANDOM_RULES + 1);
    struct mutation mutation = mutate(set, 2);
    for (uint32_t i = 0; i < mutation.score_count; i++) {
        scored[number_of(mutation.scores[i].rule)] = true;
    }
    for (uint32_t i = 0; i <= RANDOM_RULES; i++) {
        if (passes[i] != scored[i]) {
            fail_msg("rule %u: %d and %d", i, passes[i], scored[i]);
        }
        passing += passes[i];
    }
    assert_true(passing > RANDOM_RULES / 8 && passing < RANDOM_RULES * 7 / 8);
    assert_int_equal(mutation.left_out_rule_count, RANDOM_RULES + 1 - passing);
    mutation_free(&mutation);
    ruleset_free(&set);
    findings_clear(&findings);
    buffer_free(&yaml);
    free(path);
    temp_dir_remove(&folder);
}

static void count_progress(void *context, uint32_t done, uint32_t total)
{
    uint32_t *calls = context;
    assert_true(done >= 1 && done <= total);
    ++*calls;
}

/* Many rules on many threads: the same outcome, and every rule told of. */
static void test_threads(void **state)
{
    static char text[64 << 10];
    size_t size = (size_t)snprintf(text, sizeof text, "pack: p\nrules:\n");
    (void)state;
    for (int i = 0; i < 60; i++) {
        size +=
            (size_t)snprintf(text + size, sizeof text - size,
                             "  - id: p.r%d\n    patterns: {a: {regex: '\\bx(?:a|b|c){1,3}%d'}, b: {words: [w, v]}}\n"
                             "    condition: a and b\n    tests: {hits: ['xa%d w'], clean: ['xa%d']}\n",
                             i, i, i, i);
    }
    size += (size_t)snprintf(text + size, sizeof text - size, "  - id: p.untested\n    patterns: {a: {words: [x]}}\n");
    struct ruleset *set = load(text);
    struct mutation one = mutate(set, 1), many = {0};
    struct findings findings = {0};
    uint32_t calls = 0;
    assert_int_equal(mutate_rules(set, NULL, 8, count_progress, &calls, &findings, &many), STATUS_OK);
    assert_int_equal(calls, 60);
    assert_int_equal(one.score_count, 60);
    assert_int_equal(one.untested_count, 1);
    assert_int_equal(one.survivor_count, many.survivor_count);
    assert_true(one.survivor_count > 60);
    for (uint32_t i = 0; i < one.survivor_count; i++) {
        assert_string_equal(one.survivors[i].change, many.survivors[i].change);
        assert_ptr_equal(one.survivors[i].rule, many.survivors[i].rule);
    }
    mutation_free(&one);
    mutation_free(&many);
    ruleset_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_talks),
        cmocka_unit_test(test_conversations_of_chance),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
