/* Stored text on a terminal: nothing of it may act, and what is marked is shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "alerts/present.h"

static void check(struct span text, struct present_mark *marks, uint32_t count, enum present_style style,
                  uint32_t indent, const char *expected)
{
    struct buffer out = BUFFER_INIT(1 << 20);
    assert_int_equal(present_text(text, marks, count, style, indent, &out), STATUS_OK);
    assert_int_equal(buffer_append_byte(&out, 0), STATUS_OK);
    assert_string_equal((const char *)out.data, expected);
    buffer_free(&out);
}

#define SPAN(literal) span_of(literal, sizeof(literal) - 1)

static void test_visible(void **state)
{
    (void)state;
    const struct {
        struct span text;
        const char *expected;
    } cases[] = {
        {SPAN(""), ""},
        {SPAN("plain"), "plain"},
        {SPAN("a\x1b[2J\x1b]0;x\x07"
              "b"),
         "a<U+001B>[2J<U+001B>]0;x<U+0007>b"},
        {SPAN("a\0b"), "a<U+0000>b"},
        {SPAN("a\rb\tc\x7f"), "a<U+000D>b<U+0009>c<U+007F>"},
        {SPAN("line\nnext"), "line<U+000A>next"},
        {SPAN("\xc2\x9b"
              "31m"),
         "<U+009B>31m"}, /* C1 control sequence introducer */
        {SPAN("\x9b"
              "31m"),
         "<9B>31m"}, /* the same as a lone byte */
        {SPAN("ab\xff\xc3"), "ab<FF><C3>"},
        {SPAN("\xed\xa0\x80"), "<ED><A0><80>"}, /* a surrogate */
        /* right-to-left override */
        {SPAN("a\xe2\x80\xae"
              "b\xe2\x80\xac"),
         "a<U+202E>b<U+202C>"},
        {SPAN("a\xe2\x80\x8b"
              "b"),
         "a<U+200B>b"}, /* zero-width space */
        {SPAN("a\xe2\x80\x8d"
              "b"),
         "a<U+200D>b"}, /* a joiner that only hides */
        {SPAN("\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb"), "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb"},
        {SPAN("\xf3\xa0\x81\x81"), "<U+E0041>"}, /* a tag */
        {SPAN("\xd0\xbf\xd1\x80\xd0\xb8 \xd7\xa9"), "\xd0\xbf\xd1\x80\xd0\xb8 \xd7\xa9"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check(cases[i].text, NULL, 0, PRESENT_QUOTES, PRESENT_ONE_LINE, cases[i].expected);
}

static void test_marks(void **state)
{
    (void)state;
    struct {
        const char *text;
        struct present_mark marks[4];
        uint32_t count;
        const char *quotes;
    } cases[] = {
        {"gift card", {{0, 4}}, 1, "«gift» card"},
        {"gift card", {{5, 9}, {0, 4}}, 2, "«gift» «card»"},
        {"gift card", {{0, 5}, {3, 9}}, 2, "«gift card»"},
        {"gift card", {{0, 4}, {4, 9}}, 2, "«gift card»"},
        {"gift card", {{0, 9}, {2, 3}}, 2, "«gift card»"},
        {"gift card", {{4, 4}}, 1, "gift card"},
        {"gift card", {{5, 500}}, 1, "gift «card»"},
        {"gift card", {{100, 500}}, 1, "gift card"},
        {"gift card", {{7, 2}}, 1, "gift card"},
        {"caf\xc3\xa9 x", {{0, 4}}, 1, "«caf\xc3\xa9» x"}, /* ends inside a character */
        {"caf\xc3\xa9 x", {{4, 5}}, 1, "caf\xc3\xa9« »x"}, /* begins and ends inside */
        {"caf\xc3\xa9 x", {{0, 4}, {4, 5}, {6, 7}}, 3, "«caf\xc3\xa9» «x»"},
        {"", {{0, 4}}, 1, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check(span_text(cases[i].text), cases[i].marks, cases[i].count, PRESENT_QUOTES, 0, cases[i].quotes);
    }
    struct present_mark mark = {2, 5};
    check(span_text("ab\x1b[cd"), &mark, 1, PRESENT_REVERSE, 0, "ab\x1b[7m<U+001B>[c\x1b[27md");
    struct present_mark lines = {0, 3};
    check(span_text("a\nbc"), &lines, 1, PRESENT_REVERSE, 2, "\x1b[7ma\x1b[27m\n  \x1b[7mb\x1b[27mc");
    lines = (struct present_mark){0, 3};
    check(span_text("a\nbc"), &lines, 1, PRESENT_QUOTES, 2, "«a\n  b»c");
}

static void test_cell(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t width;
        const char *expected;
    } cases[] = {
        {"abc", 3, "abc"},
        {"abcd", 3, "ab…"},
        {"", 3, ""},
        {"abc", 0, ""},
        {"\x1b[31m", 9, "<U+001B>…"},
        {"\x1b[31m", 8, "…"},
        {"ab\xc3\xa9\xc3\xa9", 4, "ab\xc3\xa9\xc3\xa9"},
        {"ab\xc3\xa9\xc3\xa9z", 4, "ab\xc3\xa9…"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer out = BUFFER_INIT(1000);
        assert_int_equal(present_cell(span_text(cases[i].text), cases[i].width, &out), STATUS_OK);
        assert_int_equal(buffer_append_byte(&out, 0), STATUS_OK);
        assert_string_equal((const char *)out.data, cases[i].expected);
        buffer_free(&out);
    }
}

static void test_limit(void **state)
{
    (void)state;
    struct buffer out = BUFFER_INIT(10);
    assert_int_equal(present_text(SPAN("\0\0\0\0"), NULL, 0, PRESENT_QUOTES, 0, &out), STATUS_LIMIT);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_visible),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_cell),
        cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
