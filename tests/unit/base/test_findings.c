#include "base/findings.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka_all.h"

static char *print(const struct findings *findings, bool json, bool colour)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    if (json)
        findings_print_json(findings, out);
    else
        findings_print(findings, out, colour);
    fclose(out);
    return text;
}

static void test_print(void **state)
{
    struct findings findings = {0};

    (void)state;
    findings_add(&findings, FINDING_ERROR, "b.yaml", 3, 14, "did you mean 'severity'?", "unknown key '%s'", "severty");
    findings_add(&findings, FINDING_WARNING, "b.yaml", 3, 0, NULL, "slow");
    findings_add(&findings, FINDING_ERROR, "a.yaml", 0, 7, NULL, "cannot open");
    assert_int_equal(findings.errors, 2);
    assert_int_equal(findings.warnings, 1);
    findings_sort(&findings);
    char *text = print(&findings, false, false);
    assert_string_equal(text, "a.yaml: error: cannot open\n"
                              "b.yaml:3: warning: slow\n"
                              "b.yaml:3:14: error: unknown key 'severty'\n"
                              "    did you mean 'severity'?\n");
    free(text);
    findings_clear(&findings);
    assert_int_equal(findings.errors, 0);
    text = print(&findings, false, true);
    assert_string_equal(text, "");
    free(text);
    text = print(&findings, true, false);
    assert_string_equal(text, "[]\n");
    free(text);
    findings_clear(&findings);
    findings_clear(NULL);
}

static void test_hostile_text_stays_in_its_line(void **state)
{
    struct findings findings = {0};

    (void)state;
    findings_add(&findings, FINDING_ERROR, "a\033[2J", 1, 1, "r\n\xe2\x80\xae",
                 "x\ny\xff\x7f\xc2\x9b\xe2\x80\xa8\xc3\xa9");
    char *text = print(&findings, false, false);
    assert_string_equal(text, "a\\x1b[2J:1:1: error: x\\x0ay\\xff\\x7f\\x9b\\u2028\xc3\xa9\n    r\\x0a\\u202e\n");
    free(text);

    text = print(&findings, false, true);
    assert_string_equal(text, "\033[1ma\\x1b[2J:1:1: \033[31merror: \033[0mx\\x0ay\\xff\\x7f\\x9b\\u2028\xc3\xa9\n"
                              "    r\\x0a\\u202e\n");
    free(text);

    text = print(&findings, true, false);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    json_t *array = json_loads(text, 0, NULL);
    assert_non_null(array);
    const json_t *first = json_array_get(array, 0);
    assert_string_equal(json_string_value(json_object_get(first, "level")), "error");
    assert_string_equal(json_string_value(json_object_get(first, "file")), "a\033[2J");
    assert_int_equal(json_integer_value(json_object_get(first, "line")), 1);
    assert_string_equal(json_string_value(json_object_get(first, "text")), "x\ny\\xff\x7f\xc2\x9b\xe2\x80\xa8\xc3\xa9");
    assert_string_equal(json_string_value(json_object_get(first, "remedy")), "r\n\xe2\x80\xae");
    json_decref(array);
    free(text);
    findings_clear(&findings);
}

static void test_more_than_are_kept(void **state)
{
    struct findings findings = {0}, more = {0};

    (void)state;
    for (uint32_t i = 0; i < FINDINGS_MAX + 5; i++)
        findings_add(&findings, i % 2 ? FINDING_WARNING : FINDING_ERROR, "f", i, 1, NULL, "n");
    assert_int_equal(findings.count, FINDINGS_MAX);
    assert_int_equal(findings.errors + findings.warnings, FINDINGS_MAX + 5);
    findings_add(&more, FINDING_ERROR, "g", 1, 1, "r", "m");
    findings_move(&more, &findings);
    assert_int_equal(more.count, 0);
    assert_int_equal(more.errors, 0);
    assert_int_equal(findings.errors + findings.warnings, FINDINGS_MAX + 6);
    char *text = print(&findings, false, false);
    assert_non_null(strstr(text, "\nand 6 more that are not shown\n"));
    free(text);

    findings_clear(&findings);
    findings_add(&more, FINDING_ERROR, NULL, 1, 1, "r", "m");
    findings_move(&more, &findings);
    assert_int_equal(findings.count, 1);
    assert_string_equal(findings.items[0].file, "");
    findings_clear(&findings);
}

static void test_names_and_hints(void **state)
{
    struct findings findings = {0}, more = {0};

    (void)state;
    findings_add_named(&findings, FINDING_HINT, "open-gap", "a.yaml", 2, 3, "close it", "a %s", "gap");
    findings_add(&findings, FINDING_WARNING, "a.yaml", 2, 3, NULL, "unnamed");
    findings_add_named(&findings, FINDING_ERROR, "syntax", "a.yaml", 2, 3, NULL, "broken");
    assert_int_equal(findings.hints, 1);
    findings_sort(&findings);
    findings_name(&findings, "other");
    char *text = print(&findings, false, false);
    assert_string_equal(text, "a.yaml:2:3: error: broken [syntax]\n"
                              "a.yaml:2:3: warning: unnamed [other]\n"
                              "a.yaml:2:3: hint: a gap [open-gap]\n"
                              "    close it\n");
    free(text);
    text = print(&findings, true, false);
    assert_non_null(strstr(text, "{\"level\":\"hint\",\"name\":\"open-gap\",\"file\":"));
    free(text);

    findings_remove(&findings, 1);
    assert_int_equal(findings.count, 2);
    assert_int_equal(findings.warnings, 0);
    assert_string_equal(findings.items[1].name, "open-gap");
    findings_remove(&findings, 1);
    assert_int_equal(findings.hints, 0);
    findings_add(&more, FINDING_HINT, "b.yaml", 1, 1, NULL, "think");
    findings_move(&more, &findings);
    assert_int_equal(findings.hints, 1);
    assert_int_equal(findings.errors, 1);
    text = print(&findings, true, false);
    assert_non_null(strstr(text, "\"name\":null"));
    free(text);
    findings_clear(&findings);
}

static void test_nearest(void **state)
{
    static const char *const words[] = {"severity", "queue", "title", "id", "patterns", "service_level", NULL};
    static const char *const none[] = {NULL};
    static const struct {
        const char *word, *nearest;
    } cases[] = {
        {"severty", "severity"},
        {"sevreity", "severity"}, /* two neighbours swapped: one step */
        {"sevreiyt", "severity"}, /* two swaps */
        {"quue", "queue"},
        {"queues", "queue"},
        {"titel", "title"},
        {"pattern", "patterns"},
        {"servicelevl", "service_level"}, /* two steps of eleven letters */
        {"id", "id"},
        {"di", NULL}, /* a third of two letters is none */
        {"tle", NULL},
        {"q", NULL},
        {"", NULL},
        {"something", NULL},
        {"titttttle", NULL},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *nearest = findings_nearest(cases[i].word, words);
        if (cases[i].nearest) {
            assert_non_null(nearest);
            assert_string_equal(nearest, cases[i].nearest);
        } else {
            assert_null(nearest);
        }
    }
    assert_null(findings_nearest("severity", none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print),
        cmocka_unit_test(test_hostile_text_stays_in_its_line),
        cmocka_unit_test(test_more_than_are_kept),
        cmocka_unit_test(test_names_and_hints),
        cmocka_unit_test(test_nearest),
    };
    return cmocka_run_group_tests_name("base/findings", tests, NULL, NULL);
}
