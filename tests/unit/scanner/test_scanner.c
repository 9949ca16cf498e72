#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "scanner/scanner.h"
#include "text/utf8.h"

/* Everything a scan reported, as text: "0 rule pattern[start,end)...\n" a hit. */
static enum status write_hits(void *context, uint32_t message, const struct scan_hit *hits, uint32_t hit_count)
{
    struct buffer *out = context;
    for (uint32_t i = 0; i < hit_count; i++) {
        assert_int_equal(buffer_print(out, "%u %s", message, hits[i].rule->id), STATUS_OK);
        if (hits[i].outcome == OUTCOME_UNSCANNED) {
            assert_int_equal(buffer_print(out, " unscanned:%s", hits[i].reason), STATUS_OK);
        }
        for (uint32_t s = 0; s < hits[i].span_count; s++) {
            const struct verdict_span *span = &hits[i].spans[s];
            assert_int_equal(buffer_print(out, " %s[%u,%u)", span->pattern, span->start, span->end), STATUS_OK);
        }
        assert_int_equal(buffer_append_text(out, "\n"), STATUS_OK);
    }
    return STATUS_OK;
}

static struct ruleset *load(const char *yaml)
{
    struct findings findings = {0};
    struct ruleset *ruleset = NULL;
    enum status status = ruleset_parse(span_text(yaml), "test.yaml", &findings, &ruleset);
    if (status != STATUS_OK) {
        findings_print(&findings, stderr, false);
    }
    assert_int_equal(status, STATUS_OK);
    findings_clear(&findings);
    return ruleset;
}

/* Scans the texts in one call and compares the whole report. */
static void expect_spans(const char *yaml, const struct span *texts, uint32_t count, const char *expected)
{
    struct ruleset *ruleset = load(yaml);
    struct scanner *scanner;
    struct buffer out = BUFFER_INIT(1 << 20);
    assert_int_equal(scanner_new(&scanner), STATUS_OK);
    assert_int_equal(scanner_scan(scanner, ruleset, texts, count, write_hits, &out), STATUS_OK);
    assert_int_equal(buffer_append_byte(&out, '\0'), STATUS_OK);
    assert_string_equal((char *)out.data, expected);
    buffer_free(&out);
    scanner_free(&scanner);
    ruleset_let_go(&ruleset);
}

static void expect(const char *yaml, const char *const *texts, const char *expected)
{
    struct span spans[64];
    uint32_t count = 0;
    for (; texts[count]; count++) {
        spans[count] = span_text(texts[count]);
    }
    expect_spans(yaml, spans, count, expected);
}

#define RULE(id, patterns, rest) "  - {id: " id ", title: t, severity: low, patterns: {" patterns "}" rest "}\n"
#define TEXTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_words_and_spans(void **state)
{
    (void)state;
    expect("pack: p\nrules:\n" RULE("p.w", "w: {words: [gift card, kill*, e-mail]}", ""),
           TEXTS("a Gift-Card!", "giftcard", "gifts card", "killing", "skill", "email e mail e-mail", "GIFT  \n CARD"),
           "0 p.w w[2,11)\n3 p.w w[0,4)\n5 p.w w[0,5) w[6,12) w[13,19)\n6 p.w w[0,12)\n");
}

static void test_spans_count_bytes_as_sent(void **state)
{
    (void)state;
    /* full-width letters, a zero-width space, a look-alike, a capital with an accent in two code points */
    expect("pack: p\nrules:\n" RULE("p.w", "w: {words: [gift, \"caf\\u00e9\"]}", ""),
           TEXTS("x \xEF\xBD\x87\xEF\xBD\x89\xEF\xBD\x86\xEF\xBD\x94 y", "g\xE2\x80\x8Bift", "g\u0456ft",
                 "un CAFE\xCC\x81!"),
           "0 p.w w[2,14)\n1 p.w w[0,7)\n2 p.w w[0,5)\n3 p.w w[3,9)\n");
}

static void test_raw_words(void **state)
{
    (void)state;
    /* over the raw view an entry is a regex: caseless, but a disguise hides it */
    expect("pack: p\nrules:\n" RULE("p.w", "w: {words: [gift card, evil], view: raw}", ""),
           TEXTS("GIFT card", "gift\n-card", "devil evil", "\xEF\xBD\x85vil"),
           "0 p.w w[0,9)\n1 p.w w[0,10)\n2 p.w w[6,10)\n");
}

static void test_domains(void **state)
{
    (void)state;
    struct span texts[] = {span_text("see http://evil.example/x"), span_text("www.EVIL.example."),
                           span_text("notevil.example"), span_text("evil.example.org"),
                           span_text("a@evil.example, ok")};
    char folder[] = "/tmp/weir-test-XXXXXX";
    char yaml[256], path[128];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/list.txt", folder);
    FILE *list = fopen(path, "we");
    assert_non_null(list);
    assert_true(fputs("# hosts\nevil.example\n", list) >= 0 && fclose(list) == 0);
    (void)snprintf(yaml, sizeof yaml, "pack: p\nrules:\n" RULE("p.d", "d: {list: %s, kind: domains}", ""), path);
    expect_spans(yaml, texts, 5, "0 p.d d[11,23)\n1 p.d d[4,16)\n4 p.d d[2,14)\n");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void test_conditions(void **state)
{
    (void)state;
    const char *yaml = "pack: p\nrules:\n" RULE(
        "p.and-not", "a: {words: [apple]}, b: {words: [bread]}, n: {words: [never]}", ", condition: a and b and not n")
        RULE("p.two", "x: {words: [one]}, y: {words: [two]}, z: {regex: 'three'}", ", condition: 2 of them");
    expect(yaml, TEXTS("apple bread", "apple bread never", "apple", "one three", "two", "three two one apple bread"),
           "0 p.and-not a[0,5) b[6,11)\n"
           "3 p.two x[0,3) z[4,9)\n"
           "5 p.and-not a[14,19) b[20,25)\n5 p.two x[10,13) y[6,9) z[0,5)\n");
}

/* Regexes that Hyperscan cannot take work all the same. */
static void test_regexes_beyond_hyperscan(void **state)
{
    (void)state;
    const char *yaml = "pack: p\ndefaults: {view: raw}\nrules:\n" RULE("p.behind", "r: {regex: '(?<!not )ok'}", "")
        RULE("p.back", "r: {regex: '\\b(\\w+) \\1\\b'}", "") RULE("p.possessive", "r: {regex: 'a++b'}", "")
            RULE("p.ahead", "r: {regex: 'pay(?=\\s+me)'}", "");
    expect(yaml, TEXTS("not ok", "is ok", "the the end", "xaaab", "pay me", "pay you"),
           "1 p.behind r[3,5)\n2 p.back r[0,7)\n3 p.possessive r[1,5)\n4 p.ahead r[0,3)\n");
}

static void test_case_beyond_ascii(void **state)
{
    (void)state;
    /* the Kelvin sign is a k and the long s is an s for PCRE2; a search that forgets it would miss them */
    expect("pack: p\ndefaults: {view: raw}\nrules:\n" RULE("p.k", "r: {regex: 'kelvin scale'}", "")
               RULE("p.e", "r: {regex: '\xC3\xA9t\xC3\xA9'}", ""),
           TEXTS("\xE2\x84\xAA"
                 "elvin \xC5\xBF"
                 "cale",
                 "KELVIN SCALE", "L'\xC3\x89T\xC3\x89"),
           "0 p.k r[0,15)\n1 p.k r[0,12)\n2 p.e r[2,7)\n");
}

static void test_messages_do_not_leak_into_each_other(void **state)
{
    (void)state;
    /* the views of all messages lie in one buffer: nothing may match over a border */
    expect("pack: p\ndefaults: {view: raw}\nrules:\n" RULE("p.span", "r: {regex: 'alpha.*omega'}", "")
               RULE("p.start", "r: {regex: '^omega'}", "") RULE("p.end", "r: {regex: 'alpha$'}", "")
                   RULE("p.line", "r: {regex: 'alpha\\nomega'}", ""),
           TEXTS("alpha", "omega", "x alpha", "alpha\nomega", "", "omega x alpha"),
           "0 p.end r[0,5)\n1 p.start r[0,5)\n2 p.end r[2,7)\n3 p.span r[0,11)\n3 p.line r[0,11)\n"
           "5 p.start r[0,5)\n5 p.end r[8,13)\n");
}

static void test_match_limit_is_unscanned(void **state)
{
    (void)state;
    char text[64]; /* the look-ahead is not searched for, so PCRE2 has to find out, and cannot */
    memset(text, 'a', sizeof text);
    memcpy(text + sizeof text - 2, "!", 2);
    expect("pack: p\ndefaults: {view: raw}\nrules:\n" RULE("p.slow", "r: {regex: '^(a+)+(?=[bc])'}", "")
               RULE("p.fine", "r: {regex: 'aaaa!'}", "")
                   RULE("p.either", "s: {regex: '^(a+)+(?=[bc])'}, f: {regex: 'aaaa!'}", ", condition: s or f")
                       RULE("p.both", "s: {regex: '^(a+)+(?=[bc])'}, n: {regex: 'zzzz'}", ", condition: s and n"),
           TEXTS("clean", text), "1 p.slow unscanned:match_limit\n1 p.fine r[58,63)\n1 p.either f[58,63)\n");
}

static void test_shadow_and_off(void **state)
{
    (void)state;
    struct ruleset *ruleset = load("pack: p\nrules:\n" RULE("p.off", "w: {words: [word]}", ", status: off")
                                       RULE("p.shadow", "w: {words: [word]}", ", status: shadow"));
    assert_int_equal(ruleset_rule_count(ruleset), 1);
    assert_int_equal(ruleset_shadow_count(ruleset), 1);
    ruleset_let_go(&ruleset);
}

static void test_odd_texts(void **state)
{
    (void)state;
    static uint8_t letters[65536];
    memset(letters, 'a', sizeof letters);
    struct span texts[] = {
        span_of("", 0),
        span_of("a\0word\0b", 8),
        span_of("\xFF\xFEword\xC3", 7),
        span_of(letters, sizeof letters),
        span_text("\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D word \xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9"),
        span_of("\n\n\n", 3),
    };
    expect_spans("pack: p\nrules:\n" RULE("p.w", "w: {words: [word]}", "") RULE("p.r", "r: {regex: 'a{10}b?$'}", "")
                     RULE("p.empty", "e: {regex: '^$', view: raw}", ""),
                 texts, 6,
                 "0 p.empty e[0,0)\n1 p.w w[2,6)\n2 p.w w[2,6)\n"
                 "3 p.r r[65526,65536)\n4 p.w w[9,13)\n");
}

/* More messages than a slice, with a hit in each slice. */
static void test_many_messages(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    struct span *texts = calloc(COUNT, sizeof *texts);
    struct buffer expected = BUFFER_INIT(1 << 20);
    assert_non_null(texts);
    for (uint32_t i = 0; i < COUNT; i++) {
        texts[i] = span_text(i % 997 == 0 ? "here is the word again" : "nothing to see in this one, move on");
        if (i % 997 == 0) {
            assert_int_equal(buffer_print(&expected, "%u p.w w[12,16)\n", i), STATUS_OK);
        }
    }
    assert_int_equal(buffer_append_byte(&expected, '\0'), STATUS_OK);
    expect_spans("pack: p\nrules:\n" RULE("p.w", "w: {words: [word]}", ""), texts, COUNT, (char *)expected.data);
    buffer_free(&expected);
    free(texts);
}

static void test_no_rules(void **state)
{
    (void)state;
    expect("pack: p\nrules: []\n", TEXTS("anything"), "");
}

static enum status stop(void *context, uint32_t message, const struct scan_hit *hits, uint32_t hit_count)
{
    (void)message;
    (void)hits;
    (void)hit_count;
    ++*(int *)context;
    return STATUS_CLOSED;
}

static void test_report_can_stop(void **state)
{
    (void)state;
    struct ruleset *ruleset = load("pack: p\nrules:\n" RULE("p.w", "w: {words: [word]}", ""));
    struct span texts[] = {span_text("word"), span_text("word")};
    struct scanner *scanner;
    int calls = 0;
    assert_int_equal(scanner_new(&scanner), STATUS_OK);
    assert_int_equal(scanner_scan(scanner, ruleset, texts, 2, stop, &calls), STATUS_CLOSED);
    assert_int_equal(calls, 1);
    scanner_free(&scanner);
    ruleset_let_go(&ruleset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_and_spans),
        cmocka_unit_test(test_spans_count_bytes_as_sent),
        cmocka_unit_test(test_raw_words),
        cmocka_unit_test(test_domains),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_regexes_beyond_hyperscan),
        cmocka_unit_test(test_case_beyond_ascii),
        cmocka_unit_test(test_messages_do_not_leak_into_each_other),
        cmocka_unit_test(test_match_limit_is_unscanned),
        cmocka_unit_test(test_shadow_and_off),
        cmocka_unit_test(test_odd_texts),
        cmocka_unit_test(test_many_messages),
        cmocka_unit_test(test_no_rules),
        cmocka_unit_test(test_report_can_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
