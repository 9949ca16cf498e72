#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "rules/list.h"
#include "text/view.h"

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    return view_start() == STATUS_OK && arena_new(4096, 256u << 20, &arena) == STATUS_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

#define TEXT(literal)                                                                                                  \
    {                                                                                                                  \
        (const uint8_t *)(literal), sizeof(literal) - 1                                                                \
    }

static void test_entries(void **state)
{
    static const struct {
        struct span bytes;
        enum pattern_kind kind;
        const char *expected; /* "line:text|line:text|" */
        uint32_t warnings;
    } rows[] = {
        {TEXT("one\ntwo\n"), PATTERN_WORDS, "1:one|2:two|", 0},
        {TEXT("one\ntwo"), PATTERN_WORDS, "1:one|2:two|", 0},
        {TEXT("one\r\n\r\ntwo\r\n"), PATTERN_WORDS, "1:one|3:two|", 0},
        {TEXT("\xEF\xBB\xBFone\n"), PATTERN_WORDS, "1:one|", 0},
        {TEXT("# comment\n  # another\n\n\t one two \t\n"), PATTERN_WORDS, "4:one two|", 0},
        {TEXT("\\#winning\n\\\\#x\na # b\n"), PATTERN_WORDS, "1:#winning|2:\\#x|3:a # b|", 0},
        {TEXT("kill*\nd*ck\n911\n"), PATTERN_WORDS, "1:kill*|2:d*ck|3:911|", 0},
        {TEXT("\xD0\xBF\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82\n"), PATTERN_WORDS,
         "1:\xD0\xBF\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82|", 0},
        {TEXT("Gift Card\ngift  card\nother\nGIFT CARD\n"), PATTERN_WORDS, "1:Gift Card|3:other|", 2},
        {TEXT("kill\nkill*\n"), PATTERN_WORDS, "1:kill|2:kill*|", 0},
        {TEXT("example.com\nEXAMPLE.com.\nsub.example.com\n"), PATTERN_DOMAINS, "1:example.com|3:sub.example.com|", 1},
        {TEXT("http://example.com/\n*.example.com\n"), PATTERN_DOMAINS, "1:http://example.com/|", 1},
        {TEXT(""), PATTERN_WORDS, "", 1},
        {TEXT("\n\n# nothing\n"), PATTERN_DOMAINS, "", 1},
        {TEXT("\xEF\xBB\xBF"), PATTERN_WORDS, "", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct findings findings = {0};
        struct list list = {0};
        assert_int_equal(list_parse(rows[i].bytes, "a.txt", rows[i].kind, arena, &findings, &list), STATUS_OK);
        char got[512] = "";
        for (uint32_t j = 0; j < list.entry_count; j++) {
            const struct pattern_entry *entry = &list.entries[j];
            assert_int_equal(strlen((const char *)entry->text.data), entry->text.size);
            snprintf(got + strlen(got), sizeof got - strlen(got), "%u:%s|", entry->line,
                     (const char *)entry->text.data);
        }
        assert_string_equal(got, rows[i].expected);
        assert_int_equal(findings.warnings, rows[i].warnings);
        assert_int_equal(findings.errors, 0);
        findings_clear(&findings);
    }
}

static void test_faults(void **state)
{
    static const struct {
        struct span bytes;
        enum pattern_kind kind;
        uint32_t errors;
        uint32_t line, column; /* of the first */
        const char *words;
    } rows[] = {
        {TEXT("ok\n*\n"), PATTERN_WORDS, 1, 2, 1, "no phrase"},
        {TEXT("ok\n  bad\xFFhere\n"), PATTERN_WORDS, 1, 2, 3, "not UTF-8"},
        {TEXT("ok\nno\0good\n"), PATTERN_WORDS, 1, 2, 1, "NUL"},
        {TEXT("\xFF\xFEo\0k\0"), PATTERN_WORDS, 1, 1, 1, "UTF-16"},
        {TEXT("\xFE\xFF\0o\0k"), PATTERN_DOMAINS, 1, 1, 1, "UTF-16"},
        {TEXT("example.com\nnot a domain\nnodot\na..b\n"), PATTERN_DOMAINS, 3, 2, 1, "no domain name"},
        {TEXT("example.com # shop\n"), PATTERN_DOMAINS, 1, 1, 1, "no domain name"},
        {TEXT("example.com\nexample.com/a path\n"), PATTERN_DOMAINS, 1, 2, 1, "no domain name"},
        {TEXT("*\n*\n*\n*\n*\n*\n*\n*\n*\n*\n*\n*\n*\n*\n*\n*\n*\n*\n*\n*\n*\n*\n*\n"), PATTERN_WORDS, 21, 1, 1,
         "no phrase"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct findings findings = {0};
        struct list list = {0};
        assert_int_equal(list_parse(rows[i].bytes, "a.txt", rows[i].kind, arena, &findings, &list), STATUS_INVALID);
        assert_null(list.entries);
        assert_int_equal(findings.errors, rows[i].errors);
        const struct finding *first = &findings.items[0];
        assert_string_equal(first->file, "a.txt");
        assert_int_equal(first->line, rows[i].line);
        assert_int_equal(first->column, rows[i].column);
        if (!strstr(first->text, rows[i].words)) {
            fail_msg("%s", first->text);
        }
        findings_clear(&findings);
    }
}

static void test_limits(void **state)
{
    struct findings findings = {0};
    struct list list = {0};
    (void)state;
    /* An entry that is far too long, and one with too many pieces. */
    size_t size = 100000;
    char *text = malloc(size + 1);
    assert_non_null(text);
    memset(text, 'a', size);
    text[size] = '\0';
    assert_int_equal(list_parse(span_of(text, size), "a.txt", PATTERN_WORDS, arena, &findings, &list), STATUS_INVALID);
    assert_non_null(strstr(findings.items[0].text, "4,096"));
    assert_true(strlen(findings.items[0].text) < 200);
    findings_clear(&findings);
    for (size_t i = 1; i < 2000; i += 2) {
        text[i] = ' ';
    }
    assert_int_equal(list_parse(span_of(text, 2000), "a.txt", PATTERN_WORDS, arena, &findings, &list), STATUS_INVALID);
    assert_non_null(strstr(findings.items[0].text, "too long"));
    findings_clear(&findings);
    free(text);
}

static void test_many(void **state)
{
    struct findings findings = {0};
    struct list list = {0};
    size_t size = 0;
    FILE *stream;
    char *text = NULL;
    (void)state;
    stream = open_memstream(&text, &size);
    assert_non_null(stream);
    for (int i = 0; i < 20000; i++) {
        fprintf(stream, "shop%d.example.com\n", i % 15000);
    }
    assert_int_equal(fclose(stream), 0);
    assert_int_equal(list_parse(span_of(text, size), "a.txt", PATTERN_DOMAINS, arena, &findings, &list), STATUS_OK);
    assert_int_equal(list.entry_count, 15000);
    assert_string_equal((const char *)list.entries[14999].text.data, "shop14999.example.com");
    assert_int_equal(list.entries[14999].line, 15000);
    assert_int_equal(findings.warnings, LIST_FINDINGS_MAX + 1);
    assert_non_null(strstr(findings.items[LIST_FINDINGS_MAX].text, "4980 more"));
    findings_clear(&findings);
    free(text);
}

static void test_read(void **state)
{
    char folder[] = "/tmp/weir-test-list-XXXXXX";
    char path[128];
    struct error error = {0};
    struct findings findings = {0};
    struct list list = {0};
    uint64_t digest[2] = {0, 0};
    uint64_t other[2] = {0, 0};
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/words.txt", folder);
    assert_int_equal(list_read(path, PATTERN_WORDS, arena, &findings, &error, &list, digest), STATUS_NOT_FOUND);
    assert_non_null(strstr(error.text, path));
    error.text[0] = '\0';
    assert_int_equal(list_read(folder, PATTERN_WORDS, arena, &findings, &error, &list, digest), STATUS_SYSTEM);
    assert_true(error.text[0] != '\0');
    assert_int_equal(findings.errors + findings.warnings, 0);
    assert_true(digest[0] == 0 && digest[1] == 0);
    const char *const contents[] = {"one\n", "one\n\n"};
    for (int i = 0; i < 2; i++) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(contents[i], file);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(list_read(path, PATTERN_WORDS, arena, &findings, &error, &list, i ? other : digest),
                         STATUS_OK);
        assert_int_equal(list.entry_count, 1);
    }
    assert_true(digest[0] != other[0] && digest[1] != other[1]);
    assert_int_equal(findings.errors + findings.warnings, 0);
    unlink(path);
    rmdir(folder);
    findings_clear(&findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_entries, setup, teardown),
        cmocka_unit_test_setup_teardown(test_faults, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read, setup, teardown),
    };
    return cmocka_run_group_tests_name("rules/list", tests, NULL, NULL);
}
