/* Cases that fuzz_scan found, made small: each was a difference between Weir and PCRE2 once. */
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "scanner/scanner.h"

#define TEXTS_MAX 32
#define LISTS_MAX 4
/* Of bytes, NUL among them. */
#define TEXT(literal)                                                                                                  \
    {                                                                                                                  \
        (const uint8_t *)(literal), sizeof(literal) - 1                                                                \
    }
#define Z64 "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
#define Z1024 Z64 Z64 Z64 Z64 Z64 Z64 Z64 Z64 Z64 Z64 Z64 Z64 Z64 Z64 Z64 Z64

/* As fuzz_scan prints them. The pack names its lists "@/<file>". `expected`: a line a hit. */
struct found {
    const char *name;
    const char *pack;
    const char *lists[LISTS_MAX][2]; /* file, entries */
    struct span texts[TEXTS_MAX];
    uint32_t text_count, batch;
    const char *expected;
};

static const struct found found[] = {
    {
        .name = "an empty match is reported once",
        .pack = "pack: fuzz\nrules:\n"
                "  - id: f.0\n    patterns:\n      a0: {regex: '(?=b)', view: raw}\n"
                "  - id: f.1\n    patterns:\n      a0: {regex: '(?=b)', view: folded}\n",
        .texts = {TEXT("ab"), TEXT("b"), TEXT("abab"), TEXT("")},
        .text_count = 4,
        .batch = 1,
        .expected = "0 f.0 a0[1,1)\n0 f.1 a0[1,1)\n1 f.0 a0[0,0)\n1 f.1 a0[0,0)\n2 f.0 a0[1,1)\n2 f.1 a0[1,1)\n",
    },
    {
        .name = "(*COMMIT) ends the search of a long text as a whole",
        .pack = "pack: fuzz\nrules:\n"
                "  - id: f.0\n    patterns:\n      a0: {regex: 'y(*COMMIT)x|at', view: raw}\n"
                "  - id: f.1\n    patterns:\n      a0: {regex: 'll(*COMMIT)x|Ad', view: folded}\n",
        .texts = {TEXT("y" Z1024 Z1024 "at"), TEXT(Z1024 "at y" Z1024), TEXT("ll" Z1024 Z1024 "ad"),
                  TEXT(Z1024 Z1024 "yx")},
        .text_count = 4,
        .batch = 2,
        .expected = "1 f.0 a0[1024,1026)\n3 f.0 a0[2048,2050)\n",
    },
    {
        .name = "(*SKIP) passes over more than a window of a long text",
        .pack = "pack: fuzz\nrules:\n"
                "  - id: f.0\n    patterns:\n      a0: {regex: 'y[^!]+(*SKIP)(*FAIL)|at', view: raw}\n",
        .texts = {TEXT("y" Z1024 "at" Z1024), TEXT("y" Z1024 "at" Z1024 "!at")},
        .text_count = 2,
        .batch = 1,
        .expected = "1 f.0 a0[2052,2054)\n",
    },
};

/* A scan of some texts of a case. */
struct report {
    struct buffer *out;
    uint32_t first;
};

static enum status write_hits(void *context, uint32_t message, const struct scan_hit *hits, uint32_t hit_count)
{
    const struct report *report = context;
    struct buffer *out = report->out;
    for (uint32_t i = 0; i < hit_count; i++) {
        assert_int_equal(buffer_print(out, "%u %s", report->first + message, hits[i].rule->id), STATUS_OK);
        if (hits[i].outcome == OUTCOME_UNSCANNED) {
            assert_int_equal(buffer_print(out, " unscanned:%s", hits[i].reason), STATUS_OK);
        }
        for (uint32_t s = 0; s < hits[i].span_count; s++) {
            const struct verdict_span *span = &hits[i].spans[s];
            assert_int_equal(buffer_print(out, " %s[%u,%u)", span->pattern, span->start, span->end), STATUS_OK);
        }
        assert_int_equal(buffer_append_byte(out, '\n'), STATUS_OK);
    }
    return STATUS_OK;
}

static void write_list(const char *folder, const char *const list[2])
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, list[0]);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(list[1], file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* "@" at the start of a list's path becomes the folder. */
static struct ruleset *load(const struct found *it, const char *folder)
{
    struct buffer pack = BUFFER_INIT(1 << 20);
    struct findings findings = {0};
    struct ruleset *ruleset = NULL;
    for (const char *at = it->pack; *at; at++) {
        bool place = at[0] == '@' && at[1] == '/';
        assert_int_equal(place ? buffer_append_text(&pack, folder) : buffer_append_byte(&pack, (uint8_t)*at),
                         STATUS_OK);
    }
    enum status status = ruleset_parse(buffer_span(&pack), "found.yaml", &findings, &ruleset);
    if (status != STATUS_OK) {
        findings_print(&findings, stderr, false);
    }
    assert_int_equal(status, STATUS_OK);
    findings_clear(&findings);
    buffer_free(&pack);
    return ruleset;
}

static void check(const struct found *it, uint32_t batch)
{
    char folder[] = "/tmp/weir-test-XXXXXX";
    struct buffer out = BUFFER_INIT(1 << 20);
    struct scanner *scanner;
    assert_non_null(mkdtemp(folder));
    for (int i = 0; i < LISTS_MAX && it->lists[i][0]; i++) {
        write_list(folder, it->lists[i]);
    }
    struct ruleset *ruleset = load(it, folder);
    assert_int_equal(scanner_new(&scanner), STATUS_OK);
    for (uint32_t first = 0; first < it->text_count; first += batch) {
        struct report report = {.out = &out, .first = first};
        uint32_t count = it->text_count - first < batch ? it->text_count - first : batch;
        assert_int_equal(scanner_scan(scanner, ruleset, it->texts + first, count, write_hits, &report), STATUS_OK);
    }
    assert_int_equal(buffer_append_byte(&out, '\0'), STATUS_OK);
    if (strcmp((char *)out.data, it->expected) != 0) {
        print_error("%s, batches of %u\n", it->name, batch);
    }
    assert_string_equal((char *)out.data, it->expected);
    buffer_free(&out);
    scanner_free(&scanner);
    ruleset_let_go(&ruleset);
    for (int i = 0; i < LISTS_MAX && it->lists[i][0]; i++) {
        char path[256];
        (void)snprintf(path, sizeof path, "%s/%s", folder, it->lists[i][0]);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(folder), 0);
}

static void test_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        check(&found[i], found[i].batch);
        check(&found[i], 1);
        check(&found[i], 5000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
