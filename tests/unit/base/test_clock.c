#include "base/clock.h"

#include "tests/support/cmocka_all.h"

static void test_text(void **state)
{
    static const struct {
        int64_t unix_ms;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {1, "1970-01-01T00:00:00.001Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {-1000, "1969-12-31T23:59:59.000Z"},
        {-1001, "1969-12-31T23:59:58.999Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {1769862896789, "2026-01-31T12:34:56.789Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {253402300800000, "9999-12-31T23:59:59.999Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999Z"},
        {-62167219200000, "0000-01-01T00:00:00.000Z"},
        {INT64_MIN, "0000-01-01T00:00:00.000Z"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[CLOCK_TEXT_SIZE];
        clock_text(cases[i].unix_ms, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_clocks_go_forward(void **state)
{
    (void)state;
    int64_t ms = clock_ticks_ms(), ns = clock_ticks_ns();
    assert_true(clock_ticks_ms() >= ms);
    assert_true(clock_ticks_ns() >= ns);
    assert_true(ns / 1000000 >= ms);
    assert_true(clock_now_ms() > INT64_C(1600000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_clocks_go_forward),
    };
    return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
