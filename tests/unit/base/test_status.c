#include "base/status.h"

#include <string.h>

#include "base/error.h"
#include "tests/support/cmocka_all.h"

static void test_every_status_has_its_words(void **state)
{
    static const enum status all[] = {
#define X(name, text) STATUS_##name,
        STATUS_LIST(X)
#undef X
    };

    (void)state;
    assert_int_equal(STATUS_OK, 0);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        assert_true(strlen(status_text(all[i])) > 0);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(status_text(all[i]), status_text(all[j]));
    }
    assert_string_equal(status_text(STATUS_LIMIT), "over a limit");
    assert_non_null(status_text((enum status)9999));
}

static void test_error_set(void **state)
{
    struct error error;
    char long_text[600];

    (void)state;
    error_set(NULL, "nobody %s", "listens");
    error_set(&error, "port %d is %s", 80, "taken");
    assert_string_equal(error.text, "port 80 is taken");

    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    error_set(&error, "%s", long_text);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);

    /* A character is never cut in two: with one to four bytes of padding the cut falls at each place in turn. */
    for (size_t padding = 0; padding < 4; padding++) {
        size_t size = 0;
        memset(long_text, 'x', padding);
        for (size = padding; size + 4 < sizeof long_text; size += 4)
            memcpy(long_text + size, "\xf0\x9f\x98\x80", 4);
        long_text[size] = '\0';
        error_set(&error, "%s", long_text);
        assert_int_equal(strlen(error.text), (sizeof error.text - 1 - padding) / 4 * 4 + padding);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_status_has_its_words),
        cmocka_unit_test(test_error_set),
    };
    return cmocka_run_group_tests_name("base/status", tests, NULL, NULL);
}
