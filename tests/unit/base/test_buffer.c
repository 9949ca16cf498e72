#include "base/buffer.h"

#include <string.h>

#include "tests/support/cmocka_all.h"

static void assert_buffer(const struct buffer *buffer, const char *text)
{
    assert_int_equal(buffer->size, strlen(text));
    assert_memory_equal(buffer->size ? (const char *)buffer->data : "", text, buffer->size);
}

static void test_append(void **state)
{
    struct buffer buffer = BUFFER_INIT(1 << 20);

    (void)state;
    assert_int_equal(buffer_append(&buffer, NULL, 0), STATUS_OK);
    assert_int_equal(buffer_append_text(&buffer, "one"), STATUS_OK);
    assert_int_equal(buffer_append_byte(&buffer, ' '), STATUS_OK);
    assert_int_equal(buffer_print(&buffer, "%s %d", "two", 3), STATUS_OK);
    assert_int_equal(buffer_print(&buffer, "%s", ""), STATUS_OK);
    assert_buffer(&buffer, "one two 3");
    assert_true(span_equal(buffer_span(&buffer), span_text("one two 3")));
    buffer_clear(&buffer);
    assert_int_equal(buffer.size, 0);

    for (int i = 0; i < 10000; i++)
        assert_int_equal(buffer_print(&buffer, "%d,", i % 10), STATUS_OK);
    assert_int_equal(buffer.size, 20000);
    for (size_t i = 0; i < 10000; i++) {
        assert_int_equal(buffer.data[2 * i], '0' + i % 10);
        assert_int_equal(buffer.data[2 * i + 1], ',');
    }
    buffer_free(&buffer);
    assert_null(buffer.data);
    assert_int_equal(buffer.size_max, 1 << 20);
    assert_int_equal(buffer_append_text(&buffer, "again"), STATUS_OK);
    buffer_free(&buffer);
    buffer_free(&buffer);
    buffer_free(NULL);
}

static void test_limit_leaves_contents(void **state)
{
    struct buffer buffer = BUFFER_INIT(10);

    (void)state;
    assert_int_equal(buffer_append_text(&buffer, "123456"), STATUS_OK);
    assert_int_equal(buffer_append_text(&buffer, "78901"), STATUS_LIMIT);
    assert_int_equal(buffer_print(&buffer, "%s", "78901"), STATUS_LIMIT);
    assert_int_equal(buffer_append(&buffer, "", SIZE_MAX), STATUS_LIMIT);
    assert_int_equal(buffer_reserve(&buffer, SIZE_MAX), STATUS_LIMIT);
    assert_int_equal(buffer_reserve(&buffer, SIZE_MAX - 5), STATUS_LIMIT);
    assert_buffer(&buffer, "123456");
    assert_int_equal(buffer_print(&buffer, "%s", "7890"), STATUS_OK); /* exactly full, with no room for a NUL */
    assert_buffer(&buffer, "1234567890");
    assert_int_equal(buffer_append(&buffer, "x", 0), STATUS_OK);
    assert_int_equal(buffer_append_byte(&buffer, 'x'), STATUS_LIMIT);
    assert_int_equal(buffer_print(&buffer, "x"), STATUS_LIMIT);
    assert_true(buffer.capacity <= 10);
    buffer_free(&buffer);

    struct buffer nothing = BUFFER_INIT(0);
    assert_int_equal(buffer_append_byte(&nothing, 'x'), STATUS_LIMIT);
    assert_int_equal(buffer_append(&nothing, "", 0), STATUS_OK);

    /* A smaller maximum set later does not count below zero. */
    struct buffer shrunk = BUFFER_INIT(100);
    assert_int_equal(buffer_append_text(&shrunk, "0123456789"), STATUS_OK);
    shrunk.size_max = 5;
    assert_int_equal(buffer_append_byte(&shrunk, 'x'), STATUS_LIMIT);
    assert_int_equal(buffer_print(&shrunk, "x"), STATUS_LIMIT);
    buffer_free(&shrunk);
}

static void test_no_memory(void **state)
{
    struct buffer buffer = BUFFER_INIT(SIZE_MAX);

    (void)state;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* which abort instead */
    assert_int_equal(buffer_append_text(&buffer, "kept"), STATUS_OK);
    assert_int_equal(buffer_reserve(&buffer, SIZE_MAX / 2), STATUS_NO_MEMORY);
    assert_buffer(&buffer, "kept");
#endif
    buffer_free(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append),
        cmocka_unit_test(test_limit_leaves_contents),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests_name("base/buffer", tests, NULL, NULL);
}
