/* Recipients and attributes out of the encoded message: whatever the bytes, a text or NULL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "alerts/record.h"

static struct arena *arena;

static struct record_texts decode(const void *bytes, size_t size)
{
    struct record_texts texts = {"untouched", "untouched"};
    arena_reset(arena);
    record_decode(span_of(bytes, size), arena, &texts);
    return texts;
}

#define DECODE(literal) decode(literal, sizeof(literal) - 1)

static void test_values(void **state)
{
    (void)state;
    struct record_texts texts = DECODE("\x22\x03"
                                       "bob"
                                       "\x22\x04"
                                       "c\"lo"
                                       "\x42\x08\x0a\x01k\x12\x03"
                                       "a\nb");
    assert_string_equal(texts.recipients, "[\"bob\",\"c\\\"lo\"]");
    assert_string_equal(texts.attributes, "{\"k\":\"a\\nb\"}");

    texts = DECODE("\x0a\x01m");
    assert_null(texts.recipients);
    assert_null(texts.attributes);
}

static void test_damaged(void **state)
{
    (void)state;
    struct record_texts texts = DECODE("");
    assert_null(texts.recipients);
    texts = DECODE("\x22\x7f"
                   "bob"); /* says it is longer than it is */
    assert_null(texts.recipients);
    texts = DECODE("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
    assert_null(texts.recipients);
    texts = DECODE("\x22\x02\xff\xfe"
                   "\x42\x06\x0a\x01k\x12\x01v"); /* no UTF-8 beside something good */
    assert_null(texts.recipients);
    assert_string_equal(texts.attributes, "{\"k\":\"v\"}");
}

static void test_too_much(void **state)
{
    (void)state;
    /* Two bytes each ask for much more memory. */
    size_t size = 2u << 20;
    uint8_t *bytes = calloc(size, 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i += 2)
        bytes[i] = 0x22;
    assert_null(decode(bytes, size).recipients);
    assert_null(decode(bytes, (size_t)2 * (RECORD_RECIPIENTS_MAX + 1)).recipients);
    assert_non_null(decode(bytes, (size_t)2 * RECORD_RECIPIENTS_MAX).recipients);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_too_much),
    };
    if (arena_new(4096, 8u << 20, &arena) != STATUS_OK)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return failed;
}
