#include "rules/reader.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/cmocka_all.h"

#define GOOD "  - id: p.good\n    patterns: {a: {words: [x]}}\n    tests: {hits: [x]}\n"

/* Lines with errors, in order. */
static const struct {
    const char *text;
    uint32_t lines[6];
} rows[] = {
    /* A key twice, and the fault of another rule. */
    {"pack: p\nrules:\n  - id: p.a\n    title: x\n    title: y\n    patterns: {a: {words: [x]}}\n"
     "  - id: p.b\n    severty: high\n    patterns: {a: {words: [x]}}\n",
     {5, 8}},
    /* Quotes that never end, and faults before and after. */
    {"pack: p\nrules:\n  - id: p.a\n    severty: high\n    patterns: {a: {words: [x]}}\n"
     "  - id: p.b\n    title: 'not closed\n    patterns: {a: {words: [x]}}\n"
     "  - id: p.c\n    patterns: {a: {regex: '('}}\n",
     {4, 7, 10}},
    /* Two rules that are not YAML. */
    {"pack: p\nrules:\n  - id: p.a\n    patterns: {a: {words: [x}}\n" GOOD
     "  - id: p.b\n    title: a: b\n    patterns: {a: {words: [x]}}\n  - id: p.c\n    patterns: {}\n",
     {4, 9, 12}},
    /* Dashes in the first column, and keys after the rules. */
    {"rules:\n- id: p.a\n  title: \"\\q\"\n  patterns: {a: {words: [x]}}\n- id: p.b\n  patterns: {}\npack: p q\n",
     {3, 6, 7}},
    /* Outside of the rules nothing can be left out. */
    {"pack: 'p\nrules:\n  - id: p.a\n    severty: high\n    patterns: {a: {words: [x]}}\n", {1}},
    {"pack: p\npack: q\nrules:\n  - id: p.a\n    severty: high\n    patterns: {a: {words: [x]}}\n", {2}},
    /* Nothing is left. */
    {"pack: p\nrules:\n  - id: p.a\n    title: a: b\n", {4}},
    {"pack: p\nrules: [\n", {3}},
    {"pack: p\nrules:\n", {0}},
    {"a: b: c\n", {1}},
    {"- 'x\n", {1}},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct findings findings = {0};
        struct pack *pack = NULL;
        uint32_t expected = 0, seen = 0;
        enum status status = reader_parse_pack(span_text(rows[i].text), "a.yaml", &findings, &pack);
        findings_sort(&findings);
        while (rows[i].lines[expected]) {
            expected++;
        }
        bool same = findings.errors == expected;
        for (uint32_t f = 0; f < findings.count; f++) {
            if (findings.items[f].level == FINDING_ERROR) {
                same &= seen < expected && findings.items[f].line == rows[i].lines[seen];
                assert_non_null(findings.items[f].name);
                seen++;
            }
        }
        if (!same) {
            fprintf(stderr, "row %zu\n", i);
            findings_print(&findings, stderr, false);
        }
        assert_true(same);
        assert_int_equal(status, expected ? STATUS_INVALID : STATUS_OK);
        pack_free(&pack);
        findings_clear(&findings);
    }
}

/* Every file of this shape with a few bytes taken out or put in: no crash, and never accepted with an error. */
static void test_damaged_files(void **state)
{
    static const char good[] =
        "pack: p\nrules:\n" GOOD "  # of b\n  - id: p.b\n    title: 'it''s'\n    patterns:\n"
        "      a: {regex: \"x\\\\d\"}\n    condition: >-\n      a\n    tests:\n      hits: [x1]\n";
    static const char *const put[] = {"", "'", "\"", "[", "}", ": ", "- ", "\n", "\t", "#", "&", "\x01", "\xff"};
    (void)state;
    for (size_t at = 0; at < sizeof good; at++) {
        for (size_t i = 0; i < sizeof put / sizeof *put; i++) {
            char text[sizeof good + 8];
            struct findings findings = {0};
            struct pack *pack = NULL;
            size_t skipped = at + (i == 0) < sizeof good ? at + (i == 0) : at;
            snprintf(text, sizeof text, "%.*s%s%s", (int)at, good, put[i], good + skipped);
            enum status status = reader_parse_pack(span_text(text), "a.yaml", &findings, &pack);
            assert_int_equal(status == STATUS_OK, findings.errors == 0);
            pack_free(&pack);
            findings_clear(&findings);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_damaged_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
