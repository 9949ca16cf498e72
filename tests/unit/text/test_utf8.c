#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/guard.h"
#include "text/utf8.h"

static void decodes(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        uint32_t size; /* given */
        uint32_t taken, code_point;
    } cases[] = {
        {"a", 1, 1, 'a'},
        {"\0", 1, 1, 0},
        {"\x7F", 1, 1, 0x7F},
        {"\xC2\x80", 2, 2, 0x80},
        {"\xDF\xBF", 2, 2, 0x7FF},
        {"\xE0\xA0\x80", 3, 3, 0x800},
        {"\xED\x9F\xBF", 3, 3, 0xD7FF},
        {"\xEE\x80\x80", 3, 3, 0xE000},
        {"\xEF\xBF\xBD", 3, 3, 0xFFFD},
        {"\xEF\xBF\xBF", 3, 3, 0xFFFF},
        {"\xF0\x90\x80\x80", 4, 4, 0x10000},
        {"\xF4\x8F\xBF\xBF", 4, 4, 0x10FFFF},
        /* ill-formed: the longest part that could have begun a character */
        {"\x80", 1, 1, 0xFFFD},
        {"\xBF\x80", 2, 1, 0xFFFD},
        {"\xC0\x80", 2, 1, 0xFFFD},
        {"\xC1\xBF", 2, 1, 0xFFFD},
        {"\xC2", 1, 1, 0xFFFD},
        {"\xC2\x20", 2, 1, 0xFFFD},
        {"\xE0\x9F\xBF", 3, 1, 0xFFFD},
        {"\xE0\xA0", 2, 2, 0xFFFD},
        {"\xE1\x80\xE2", 3, 2, 0xFFFD},
        {"\xED\xA0\x80", 3, 1, 0xFFFD},
        {"\xF0\x8F\xBF\xBF", 4, 1, 0xFFFD},
        {"\xF0\x90\x80", 3, 3, 0xFFFD},
        {"\xF1\x80\x80\x41", 4, 3, 0xFFFD},
        {"\xF1\x80\x41\x41", 4, 2, 0xFFFD},
        {"\xF4\x90\x80\x80", 4, 1, 0xFFFD},
        {"\xF5\x80\x80\x80", 4, 1, 0xFFFD},
        {"\xFF", 1, 1, 0xFFFD},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint32_t code_point;
        assert_int_equal(utf8_decode(span_of(cases[i].bytes, cases[i].size), &code_point), cases[i].taken);
        assert_int_equal(code_point, cases[i].code_point);
    }
}

static void every_code_point_returns(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        uint8_t bytes[6] = {'x', 0, 0, 0, 0, 0};
        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        uint32_t size = utf8_encode(c, bytes + 1), code_point;
        assert_int_equal(utf8_decode(span_of(bytes + 1, size), &code_point), size);
        assert_int_equal(code_point, c);
        assert_true(utf8_valid(span_of(bytes, size + 1)));
        assert_int_equal(utf8_decode_before(span_of(bytes, size + 1), size + 1, &code_point), size);
        assert_int_equal(code_point, c);
        for (uint32_t cut = 1; cut < size; cut++) {
            assert_false(utf8_valid(span_of(bytes + 1, cut)));
            assert_int_equal(utf8_decode(span_of(bytes + 1, cut), &code_point), cut);
            assert_int_equal(code_point, UTF8_REPLACEMENT);
        }
    }
}

/* All three-byte texts: what is valid is exactly what decodes without a replacement that was not written there. */
static void every_prefix(void **state)
{
    (void)state;
    for (uint32_t value = 0x800000; value <= 0xFFFFFF; value++) {
        uint8_t bytes[3] = {(uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
        bool replaced = false;
        for (uint32_t at = 0; at < 3;) {
            uint32_t code_point;
            uint32_t size = utf8_decode(span_of(bytes + at, 3 - at), &code_point);
            if (size < 1 || size > 3 - at)
                fail();
            replaced = replaced || (code_point == UTF8_REPLACEMENT && value != 0xEFBFBD);
            at += size;
        }
        if (utf8_valid(span_of(bytes, 3)) == replaced)
            fail_msg("%06x", value);
    }
}

static void ascii_prefix(void **state)
{
    (void)state;
    uint8_t text[100];
    for (size_t size = 0; size <= sizeof(text); size++) {
        for (size_t high = 0; high <= size; high++) {
            memset(text, 'a', sizeof(text));
            if (high < size)
                text[high] = 0x80;
            assert_int_equal(utf8_ascii_prefix(span_of(text, size)), high);
        }
    }
    assert_int_equal(utf8_ascii_prefix(span_of(NULL, 0)), 0);
    assert_true(utf8_valid(span_of(NULL, 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes),
        cmocka_unit_test(every_code_point_returns),
        cmocka_unit_test(every_prefix),
        cmocka_unit_test(ascii_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
