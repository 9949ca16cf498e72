#include "scanner/mutate.h"

#include <stdio.h>
#include <string.h>

#include "scanner/ruleset.h"
#include "tests/support/cmocka_all.h"

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
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
