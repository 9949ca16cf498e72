#include "rules/format.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "tests/support/cmocka_all.h"

static struct arena *arena;

static const char *format(const char *text)
{
    struct findings findings = {0};
    struct span out;
    enum status status = format_pack(span_text(text), "a.yaml", arena, &findings, &out);
    if (status != STATUS_OK) {
        findings_print(&findings, stderr, false);
    }
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(findings.errors, 0);
    char *copy = arena_copy(arena, out);
    assert_non_null(copy);
    return copy;
}

#define RULE "pack: p\nrules:\n  - id: p.a\n    patterns: {a: {words: [x]}}\n"

static const struct {
    const char *before, *after;
} rows[] = {
    /* Nothing to do. */
    {"", ""},
    {RULE, RULE},
    {"# only a comment\n", "# only a comment\n"},
    {"pack: p\n# c\nrules: []\n", "pack: p\n# c\nrules: []\n"},
    /* White space. */
    {"\xEF\xBB\xBFpack: p\r\nrules: []\r\n", "pack: p\nrules: []\n"},
    {"\n\npack: p   \n\n\n\nrules: []\t\n\n\n", "pack: p\n\nrules: []\n"},
    {"pack: p\nrules: []", "pack: p\nrules: []\n"},
    /* Indentation. */
    {"pack: p\nrules:\n- id: p.a\n  patterns: {a: {words: [x]}}\n", RULE},
    {"pack: p\nrules:\n    -   id: p.a\n        patterns: {a: {words: [x]}}\n", RULE},
    {"pack: p\nrules:\n- id: p.a\n  patterns:\n      a:\n        words:\n        - x\n        - y\n",
     "pack: p\nrules:\n  - id: p.a\n    patterns:\n      a:\n        words:\n          - x\n          - y\n"},
    /* What goes on over several lines moves along. */
    {"pack: p\nrules:\n- id: p.a\n  patterns: {a: {words: [x,\n                        y]}}\n",
     "pack: p\nrules:\n  - id: p.a\n    patterns: {a: {words: [x,\n                          y]}}\n"},
    {"pack: p\nrules:\n- id: p.a\n  condition: >-\n    a\n      or a\n  patterns: {a: {words: [x]}}\n",
     "pack: p\nrules:\n  - id: p.a\n    patterns: {a: {words: [x]}}\n    condition: >-\n      a\n        or a\n"},
    {"pack: p\nrules:\n- id: p.a\n  title: 'two\n\n   lines'\n  patterns: {a: {words: [x]}}\n",
     "pack: p\nrules:\n  - id: p.a\n    title: 'two\n\n     lines'\n    patterns: {a: {words: [x]}}\n"},
    /* Comments. */
    {"pack: p\nrules:\n# of a\n- id: p.a # trailing\n  # of patterns\n  patterns: {a: {words: [x]}}\n  # at the end\n",
     "pack: p\nrules:\n  # of a\n  - id: p.a # trailing\n    # of patterns\n    patterns: {a: {words: [x]}}\n    # at "
     "the "
     "end\n"},
    /* The order of keys; comments above a key move with it. */
    {"pack: p\nrules:\n  - patterns: {a: {words: [x]}}\n    # why\n    title: T\n    id: p.a\n",
     "pack: p\nrules:\n  - id: p.a\n    # why\n    title: T\n    patterns: {a: {words: [x]}}\n"},
    {"pack: p\nrules:\n  - id: p.a\n    tests: {hits: [x]}\n    patterns:\n      b: {words: [x]}\n      a: {words: "
     "[y]}\n"
     "\n  # of b\n  - id: p.b\n    patterns: {a: {words: [x]}}\n",
     "pack: p\nrules:\n  - id: p.a\n    patterns:\n      b: {words: [x]}\n      a: {words: [y]}\n    tests: {hits: "
     "[x]}\n"
     "\n  # of b\n  - id: p.b\n    patterns: {a: {words: [x]}}\n"},
    /* The first key has a comment above it once it has moved: it stays where it is. */
    {"pack: p\nrules:\n  - title: T\n    # why\n    id: p.a\n    patterns: {a: {words: [x]}}\n",
     "pack: p\nrules:\n  - title: T\n    # why\n    id: p.a\n    patterns: {a: {words: [x]}}\n"},
    /* Keys after the rules. */
    {"rules:\n  - patterns: {a: {words: [x]}}\n    id: p.a\npack: p\n",
     "rules:\n  - id: p.a\n    patterns: {a: {words: [x]}}\npack: p\n"},
    /* Blank lines between rules, above their comments. */
    {RULE "  # of b\n  - id: p.b\n    patterns: {a: {words: [x]}}\n",
     RULE "\n  # of b\n  - id: p.b\n    patterns: {a: {words: [x]}}\n"},
    /* Quotes. */
    {"pack: \"p\"\nrules: []\n", "pack: 'p'\nrules: []\n"},
    {"pack: p\nrules:\n  - id: p.a\n    title: \"can't\"\n    patterns: {a: {regex: \"a\\\\b\"}, b: {words: [\"x y\", "
     "'z']}}\n",
     "pack: p\nrules:\n  - id: p.a\n    title: \"can't\"\n    patterns: {a: {regex: \"a\\\\b\"}, b: {words: ['x y', "
     "'z']}}\n"},
    {"pack: p\nrules:\n  - id: p.a\n    title: \"null\"\n    patterns: {a: {words: [x]}}\n",
     "pack: p\nrules:\n  - id: p.a\n    title: 'null'\n    patterns: {a: {words: [x]}}\n"},
    /* A # or quotes inside text are no comment and no quotes. */
    {"pack: p\nrules:\n- id: p.a\n  patterns: {a: {words: [it's, 'a # b', x#y]}} # c\n",
     "pack: p\nrules:\n  - id: p.a\n    patterns: {a: {words: [it's, 'a # b', x#y]}} # c\n"},
    /* Laid out in a way that is left alone. */
    {"{pack: p, rules: []}\n", "{pack: p, rules: []}\n"},
    {"pack: p\nrules:\n-\n  id: p.a\n", "pack: p\nrules:\n-\n  id: p.a\n"},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *after = format(rows[i].before);
        if (strcmp(after, rows[i].after) != 0) {
            fprintf(stderr, "row %zu\n", i);
        }
        assert_string_equal(after, rows[i].after);
        assert_string_equal(format(after), after);
    }
}

static void test_text_blocks_keep_their_bytes(void **state)
{
    (void)state;
    const char *text = "pack: p\nrules:\n  - id: p.a\n    title: |\n      ends in spaces   \n\n\n      and \"quotes\"\n"
                       "    patterns: {a: {words: [x]}}\n";
    assert_string_equal(format(text), text);
}

static void test_faults_are_refused(void **state)
{
    static const char *const faults[] = {"pack: [", "a: b: c", "pack: p\npack: q\n", "pack: 'p\n", "\xff\xfe"};
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct findings findings = {0};
        struct span out = span_text("untouched");
        assert_int_equal(format_pack(span_text(faults[i]), "a.yaml", arena, &findings, &out), STATUS_INVALID);
        assert_true(findings.errors > 0);
        assert_true(span_equal(out, span_text("untouched")));
        findings_clear(&findings);
    }
}

/* Every prefix and every variant of a file with one line taken out: never a crash, never another meaning, idempotent. */
static void test_damaged_files(void **state)
{
    static const char good[] =
        "# head\npack: p\ndefaults: {queue: q}\nrules:\n- title: \"T\"\n  # c\n  id: p.a\n  patterns:\n"
        "     a: {words: [x,\n        \"y # z\"]} # t\n     b: {regex: 'a{1,2}'}\n  condition: >-\n"
        "     a and\n     b\n  tests:\n    hits: ['x a']\n    clean:\n    - |\n      two\n\n      l  \n";
    (void)state;
    char text[sizeof good];
    for (size_t from = 0; from < sizeof good; from++) {
        for (size_t cut = 0; cut < 8; cut++) {
            size_t size = 0;
            for (size_t i = 0; i + 1 < sizeof good; i++) {
                if (i < from || i >= from + cut * cut) {
                    text[size++] = good[i];
                }
            }
            text[cut == 0 ? from < size ? from : size : size] = '\0';
            struct findings findings = {0};
            struct span out, again;
            if (format_pack(span_text(text), "a.yaml", arena, &findings, &out) == STATUS_OK) {
                assert_int_equal(format_pack(out, "a.yaml", arena, &findings, &again), STATUS_OK);
                if (!span_equal(out, again)) {
                    fprintf(stderr, "---\n%s\n---\n%.*s\n---\n%.*s\n", text, (int)out.size, out.data, (int)again.size,
                            again.data);
                }
                assert_true(span_equal(out, again));
            }
            findings_clear(&findings);
        }
        arena_reset(arena);
    }
}

static void test_the_packs_that_come_with_weir(void **state)
{
    DIR *folder = opendir(TEST_SOURCE_DIR "/rules/packs");
    uint32_t count = 0;
    (void)state;
    assert_non_null(folder);
    for (struct dirent *item = readdir(folder); item; item = readdir(folder)) {
        char path[512];
        struct span text;
        struct error error = {0};
        if (!strstr(item->d_name, ".yaml")) {
            continue;
        }
        snprintf(path, sizeof path, "%s/rules/packs/%s", TEST_SOURCE_DIR, item->d_name);
        assert_int_equal(file_read(path, 1u << 24, arena, &error, &text), STATUS_OK);
        const char *once = format((const char *)text.data);
        assert_string_equal(format(once), once);
        count++;
    }
    closedir(folder);
    assert_true(count >= 5);
}

static int setup(void **state)
{
    (void)state;
    return arena_new(1u << 16, (size_t)1 << 30, &arena) == STATUS_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_text_blocks_keep_their_bytes),
        cmocka_unit_test(test_faults_are_refused),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_the_packs_that_come_with_weir),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
