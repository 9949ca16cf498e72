#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/ruleset.h"
#include "tests/support/temp.h"

#define GOOD_A                                                                                                         \
    "pack: a\nrules:\n  - {id: a.r, title: t, patterns: {w: {words: [apple]}}, tests: {hits: [an apple], clean: "      \
    "[pear]}}\n"
#define GOOD_A2                                                                                                        \
    "pack: a\nrules:\n  - {id: a.r, title: t, patterns: {w: {words: [apricot]}}, tests: {hits: [an apricot], clean: "  \
    "[pear]}}\n"
#define GOOD_B                                                                                                         \
    "pack: b\nrules:\n  - {id: b.r, title: t, patterns: {w: {words: [bread]}}, tests: {hits: [bread], clean: "         \
    "[pear]}}\n"
#define BAD_YAML "pack: a\nrules: [\n"
#define BAD_TEST                                                                                                       \
    "pack: a\nrules:\n  - {id: a.r, title: t, patterns: {w: {words: [apple]}}, tests: {hits: [a pear], clean: "        \
    "[pear]}}\n"
#define CLASH                                                                                                          \
    "pack: a\nrules:\n  - {id: b.r, title: t, patterns: {w: {words: [apple]}}, tests: {hits: [apple], clean: "         \
    "[pear]}}\n"

static void put(const char *folder, const char *name, const char *text)
{
    free(temp_file(folder, name, text, strlen(text)));
}

static enum status load(const char *folder, const struct ruleset *previous, struct ruleset **ret, uint32_t *ret_errors)
{
    struct findings findings = {0};
    struct ruleset_options options = {.previous = previous};
    enum status status = ruleset_load(&folder, 1, &options, &findings, ret);
    *ret_errors = findings.errors;
    findings_clear(&findings);
    return status;
}

static void test_first_load_takes_no_errors(void **state)
{
    (void)state;
    static const char *const faulty[] = {BAD_YAML, BAD_TEST, CLASH};
    for (size_t i = 0; i < sizeof faulty / sizeof *faulty; i++) {
        char *folder = temp_dir_make();
        struct ruleset *ruleset = NULL;
        uint32_t errors;
        put(folder, "a.yaml", faulty[i]);
        put(folder, "b.yaml", GOOD_B);
        assert_int_equal(load(folder, NULL, &ruleset, &errors), STATUS_INVALID);
        assert_null(ruleset);
        assert_true(errors > 0);
        temp_dir_remove(&folder);
    }
}

/* One bad pack harms only itself: its last good version stays, and changes of the others go live. */
static void test_reload_keeps_the_last_good_version(void **state)
{
    (void)state;
    static const char *const faulty[] = {BAD_YAML, BAD_TEST, CLASH};
    for (size_t i = 0; i < sizeof faulty / sizeof *faulty; i++) {
        char *folder = temp_dir_make();
        struct ruleset *first = NULL, *second = NULL, *third = NULL;
        uint32_t errors, count;
        put(folder, "a.yaml", GOOD_A);
        assert_int_equal(load(folder, NULL, &first, &errors), STATUS_OK);
        assert_int_equal(errors, 0);
        assert_int_equal(ruleset_test_count(first), 2);
        put(folder, "b.yaml", GOOD_B);
        put(folder, "a.yaml", i == 2 ? GOOD_A : faulty[i]);
        if (i == 2) {
            put(folder, "c.yaml", CLASH); /* the later of two that clash gives way */
        }
        assert_int_equal(load(folder, first, &second, &errors), STATUS_OK);
        assert_true(errors > 0);
        assert_int_equal(ruleset_refused(second), 1);
        const struct pack *const *packs = ruleset_packs(second, &count);
        assert_int_equal(count, 2);
        assert_string_equal(packs[0]->rules[0].id, "a.r");
        assert_string_equal(packs[1]->rules[0].id, "b.r");
        assert_string_not_equal(ruleset_generation(first), ruleset_generation(second));
        ruleset_let_go(&first); /* the second set holds the pack that it took over */
        put(folder, "a.yaml", GOOD_A2);
        if (i == 2) {
            put(folder, "c.yaml", "pack: c\nrules: []\n");
        }
        assert_int_equal(load(folder, second, &third, &errors), STATUS_OK);
        assert_int_equal(errors, 0);
        assert_int_equal(ruleset_refused(third), 0);
        ruleset_let_go(&second);
        ruleset_let_go(&third);
        temp_dir_remove(&folder);
    }
}

static void test_a_bad_new_pack_is_left_out(void **state)
{
    (void)state;
    char *folder = temp_dir_make();
    struct ruleset *first = NULL, *second = NULL;
    uint32_t errors;
    put(folder, "b.yaml", GOOD_B);
    assert_int_equal(load(folder, NULL, &first, &errors), STATUS_OK);
    put(folder, "a.yaml", BAD_TEST);
    assert_int_equal(load(folder, first, &second, &errors), STATUS_OK);
    assert_int_equal(errors, 1);
    assert_int_equal(ruleset_rule_count(second), 1);
    assert_string_equal(ruleset_generation(first), ruleset_generation(second)); /* the same meaning */
    ruleset_let_go(&first);
    ruleset_let_go(&second);
    temp_dir_remove(&folder);
}

/* The folder itself is gone: a typing error or a failed mount must not switch every rule off. */
static void test_a_lost_folder_keeps_its_packs(void **state)
{
    (void)state;
    char *folder = temp_dir_make();
    struct ruleset *first = NULL, *second = NULL;
    uint32_t errors;
    put(folder, "b.yaml", GOOD_B);
    assert_int_equal(load(folder, NULL, &first, &errors), STATUS_OK);
    char *kept = strdup(folder);
    assert_non_null(kept);
    temp_dir_remove(&folder);
    assert_int_equal(load(kept, first, &second, &errors), STATUS_OK);
    assert_int_equal(errors, 1);
    assert_int_equal(ruleset_rule_count(second), 1);
    ruleset_let_go(&first);
    ruleset_let_go(&second);
    free(kept);
}

static void test_generation_follows_the_meaning(void **state)
{
    (void)state;
    struct findings findings = {0};
    struct ruleset *a = NULL, *again = NULL, *b = NULL;
    assert_int_equal(ruleset_parse(span_text(GOOD_A), "x.yaml", &findings, &a), STATUS_OK);
    assert_int_equal(ruleset_parse(span_text(GOOD_A), "y.yaml", &findings, &again), STATUS_OK);
    assert_int_equal(ruleset_parse(span_text(GOOD_A2), "x.yaml", &findings, &b), STATUS_OK);
    assert_int_equal(strlen(ruleset_generation(a)), 16);
    assert_string_equal(ruleset_generation(a), ruleset_generation(again));
    assert_string_not_equal(ruleset_generation(a), ruleset_generation(b));
    ruleset_let_go(&a);
    ruleset_let_go(&again);
    ruleset_let_go(&b);
    findings_clear(&findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_load_takes_no_errors),
        cmocka_unit_test(test_reload_keeps_the_last_good_version),
        cmocka_unit_test(test_a_bad_new_pack_is_left_out),
        cmocka_unit_test(test_a_lost_folder_keeps_its_packs),
        cmocka_unit_test(test_generation_follows_the_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
