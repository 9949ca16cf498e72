#include "base/json_text.h"

#include <jansson.h>
#include <string.h>

#include "base/number_text.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/guard.h"

static void test_characters(void **state)
{
    static const struct {
        const char *bytes;
        size_t length; /* 0: not UTF-8 */
        uint32_t code_point;
    } cases[] = {
        {"a", 1, 'a'},
        {"\x7f", 1, 0x7f},
        {"\xc2\x80", 2, 0x80},
        {"\xdf\xbf", 2, 0x7ff},
        {"\xe0\xa0\x80", 3, 0x800},
        {"\xed\x9f\xbf", 3, 0xd7ff},
        {"\xee\x80\x80", 3, 0xe000},
        {"\xf0\x90\x80\x80", 4, 0x10000},
        {"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
        {"\x80", 0, 0},             /* a continuation */
        {"\xc0\x80", 0, 0},         /* overlong */
        {"\xc1\xbf", 0, 0},         /* overlong */
        {"\xe0\x9f\xbf", 0, 0},     /* overlong */
        {"\xf0\x8f\xbf\xbf", 0, 0}, /* overlong */
        {"\xed\xa0\x80", 0, 0},     /* a surrogate */
        {"\xf4\x90\x80\x80", 0, 0}, /* beyond Unicode */
        {"\xf5\x80\x80\x80", 0, 0},
        {"\xff", 0, 0},
        {"\xc2", 0, 0}, /* cut off */
        {"\xe2\x82", 0, 0},
        {"\xf0\x9f\x98", 0, 0},
        {"\xe2\x28\xa1", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct guard guard = guard_copy(cases[i].bytes, strlen(cases[i].bytes));
        uint32_t code_point = 0;
        assert_int_equal(json_text_character(guard.data, guard.size, &code_point), cases[i].length);
        assert_int_equal(code_point, cases[i].code_point);
        guard_free(&guard);
    }
}

static void test_every_byte_pair_is_valid_json(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            char text[2] = {(char)first, (char)second};
            char json[4 * JSON_TEXT_UNIT_MAX] = "\"";
            size_t size = 1;
            for (size_t position = 0; position < sizeof text;)
                size += json_text_escape(text, sizeof text, &position, json + size);
            json[size++] = '"';
            json_t *value = json_loadb(json, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
            assert_non_null(value);
            if (first < 0x80 && second < 0x80) {
                assert_int_equal(json_string_length(value), 2);
                assert_memory_equal(json_string_value(value), text, 2);
            }
            json_decref(value);
        }
    }
}

static void test_numbers(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {0.1, "0.1"},
        {-2.5, "-2.5"},
        {1e-9, "1e-09"},
        {1e300, "1e+300"},
        {1.0 / 3, "0.3333333333333333"},
        {4294967296, "4294967296"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1024e-9, "1.024e-06"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[NUMBER_TEXT_SIZE];
        number_text(cases[i].value, text);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_characters),
        cmocka_unit_test(test_every_byte_pair_is_valid_json),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests_name("base/json_text", tests, NULL, NULL);
}
