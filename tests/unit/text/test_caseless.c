#include "tests/support/cmocka_all.h"

#define PCRE2_CODE_UNIT_WIDTH 32
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "text/caseless.h"
#include "text/utf8.h"
#include "text/view.h"

static int start(void **state)
{
    (void)state;
    return view_start() == STATUS_OK ? 0 : -1;
}

static void expect(const char *from, size_t size, const char *to)
{
    struct buffer out = BUFFER_INIT(1 << 16);
    assert_int_equal(caseless_append(span_of(from, size), &out), STATUS_OK);
    assert_int_equal(buffer_append_byte(&out, '\0'), STATUS_OK);
    assert_string_equal((char *)out.data, to);
    buffer_free(&out);
}

static void writes_one_for_all(void **state)
{
    (void)state;
    expect("", 0, "");
    expect("Hello, World! [\\]^_`{|}~@", 25, "hello, world! [\\]^_`{|}~@");
    expect("\xE2\x84\xAA \xC5\xBF", 6, "k s");           /* Kelvin sign, long s */
    expect("\xC3\x89\xC3\xA9", 4, "\xC3\x89\xC3\x89");   /* the lesser code point stands for both */
    expect("a\xFF\xC3", 3, "a\xEF\xBF\xBD\xEF\xBF\xBD"); /* ill-formed pieces */
    expect("\xF0\x90\x90\xA8Z", 5, "\xF0\x90\x90\x80z"); /* Deseret */
    expect("\xF0\x9F\x98\x80", 4, "\xF0\x9F\x98\x80");   /* no case */
}

static void leaves_a_full_buffer_alone(void **state)
{
    (void)state;
    struct buffer out = BUFFER_INIT(8);
    assert_int_equal(caseless_append(span_text("123456"), &out), STATUS_OK);
    assert_int_equal(caseless_append(span_text("789"), &out), STATUS_LIMIT);
    assert_int_equal(caseless_append(span_text("0123456789"), &out), STATUS_LIMIT);
    assert_int_equal(out.size, 6);
    buffer_free(&out);
}

/*
 * What PCRE2 takes for equal has one character that stands for it. For each character: a class of everything that has
 * the same representative must hold every character that PCRE2 finds caseless. The other direction may be looser.
 */
static void is_never_tighter_than_pcre2(void **state)
{
    (void)state;
    enum { CASED_MAX = 4096, LAST = 0x1FFFF };
    static uint32_t cased[CASED_MAX];
    uint32_t count = 0;
    /*
     * First the characters that have another case for PCRE2: a class of such a one and a Han character compiles to more
     * when case does not count. (Below U+0100 classes are bit maps of one size: all of those are taken.)
     */
    for (uint32_t c = 0; c <= LAST; c++) {
        uint32_t class[] = {'[', c, 0x4E00, ']'};
        size_t sizes[2] = {0, 1};
        for (int caseless = 0; caseless < 2 && c >= 0x100 && (c < 0xD800 || c > 0xDFFF); caseless++) {
            int error;
            PCRE2_SIZE offset;
            uint32_t options = PCRE2_UTF | (caseless ? PCRE2_CASELESS : 0);
            pcre2_code *code = pcre2_compile(class, 4, options, &error, &offset, NULL);
            assert_non_null(code);
            assert_int_equal(pcre2_pattern_info(code, PCRE2_INFO_SIZE, &sizes[caseless]), 0);
            pcre2_code_free(code);
        }
        if (sizes[0] != sizes[1] && (c < 0xD800 || c > 0xDFFF)) {
            assert_true(count < CASED_MAX);
            cased[count++] = c;
        }
    }
    assert_true(count > 2500);
    pcre2_match_data *match = pcre2_match_data_create(1, NULL);
    assert_non_null(match);
    for (uint32_t i = 0; i < count; i++) {
        int error;
        PCRE2_SIZE offset;
        pcre2_code *code =
            pcre2_compile(&cased[i], 1, PCRE2_UTF | PCRE2_CASELESS | PCRE2_LITERAL, &error, &offset, NULL);
        assert_non_null(code);
        for (PCRE2_SIZE at = 0; pcre2_match(code, cased, count, at, PCRE2_NO_UTF_CHECK, match, NULL) > 0;) {
            at = pcre2_get_ovector_pointer(match)[1];
            assert_int_equal(caseless_character(cased[at - 1]), caseless_character(cased[i]));
        }
        pcre2_code_free(code);
    }
    pcre2_match_data_free(match);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_one_for_all),
        cmocka_unit_test(leaves_a_full_buffer_alone),
        cmocka_unit_test(is_never_tighter_than_pcre2),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
