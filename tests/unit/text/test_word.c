/* Words as the matcher sees them and as PCRE2 does, over every code point. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <unicode/uchar.h>

#include "text/utf8.h"
#include "text/view.h"
#include "text/word.h"

static int set_up(void **state)
{
    (void)state;
    return view_start() != STATUS_OK;
}

static bool matches(const char *pattern, struct span text, size_t at)
{
    static const char *last;
    static pcre2_code *code;
    static pcre2_match_data *data;
    if (pattern != last) {
        int error;
        PCRE2_SIZE offset;
        pcre2_code_free(code);
        pcre2_match_data_free(data);
        last = pattern;
        code = pattern ? pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP, &error,
                                       &offset, NULL)
                       : NULL;
        data = code ? pcre2_match_data_create_from_pattern(code, NULL) : NULL;
    }
    return code && pcre2_match(code, text.data, text.size, at, PCRE2_ANCHORED | PCRE2_NO_UTF_CHECK, data, NULL) > 0;
}

/*
 * ICU and PCRE2 come with tables of different Unicode versions. Where both know a character they must agree; a
 * character that is new to one of them may be a word character for the other.
 */
static void agrees_with_pcre2(void **state)
{
    (void)state;
    uint32_t newer = 0;
    for (int spaceless = 0; spaceless < 2; spaceless++) {
        const char *pattern = spaceless ? WORD_JOINS : "[\\p{L}\\p{M}\\p{N}_]";
        for (uint32_t c = 0; c <= 0x10FFFF; c++) {
            if (c >= 0xD800 && c <= 0xDFFF)
                continue;
            uint8_t bytes[4];
            struct span text = span_of(bytes, utf8_encode(c, bytes));
            bool ours = word_is_character(c) && !(spaceless && word_is_spaceless(c));
            if (ours == matches(pattern, text, 0))
                continue;
            UVersionInfo age;
            u_charAge((UChar32)c, age);
            if (age[0] >= 15 || age[0] == 0)
                newer++;
            else
                fail_msg("U+%04X is %sa word character", c, ours ? "" : "not ");
        }
    }
    print_message("%u characters are known to only one library\n", newer);
    assert_true(newer < 12000);
    matches(NULL, span_of("", 0), 0);
}

static void knows_edges(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after;
        bool edge;
    } cases[] = {
        {"", "a", true},
        {"a", "", true},
        {"a", "b", false},
        {"a", " ", true},
        {" ", "a", true},
        {" ", " ", true},
        {"a", "_", false},
        {"a", "1", false},
        {"a", "\xCC\x81", false},    /* a mark */
        {"a", "\xD0\xB6", false},    /* ж */
        {"a", "\xE6\x97\xA5", true}, /* 日 */
        {"\xE6\x97\xA5", "a", true},
        {"\xE6\x97\xA5", "\xE6\x97\xA5", true},
        {"\xE3\x81\x82", "\xE3\x83\xBC", true},
        {"\xE0\xB8\x81", "\xE0\xB8\xB4", true}, /* Thai */
        {"\xED\x95\x9C", "a", false},           /* Korean writes spaces */
        {"a", "\xF0\x9F\x98\x80", true},        /* emoji */
        {"\xEF\xBF\xBD", "a", true},
        {"\xF0\xA0\x80\x80", "a", true},  /* U+20000, Han beyond the table */
        {"\xF0\x9D\x92\x9C", "a", false}, /* a mathematical letter */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[32];
        snprintf(text, sizeof(text), "%s%s", cases[i].before, cases[i].after);
        assert_int_equal(word_is_edge(span_text(text), strlen(cases[i].before)), cases[i].edge);
        const char *reference = "(?<!" WORD_JOINS ")|(?!" WORD_JOINS ")";
        assert_int_equal(matches(reference, span_text(text), strlen(cases[i].before)), cases[i].edge);
    }
    matches(NULL, span_of("", 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_pcre2),
        cmocka_unit_test(knows_edges),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
