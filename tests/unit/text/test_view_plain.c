#include <string.h>

#include "base/buffer.h"
#include "tests/support/cmocka_all.h"
#include "text/view.h"

/* The first messages that are plain, each as it is made alone, and no more than there is room for. */
static void plain_batch(void **state)
{
    static const struct {
        const char *texts[4];
        uint32_t plain;
        const char *views;
        uint8_t facts[4];
    } rows[] = {
        {{"A b", "", "xIy  z", "\xC3\xA9"}, 3, "a b\n\nxiy z\n", {1, 1, 3}},
        {{"\tx", "a", "b", "c"}, 0, "", {0}},
        {{"a", "b", "c", "d"}, 4, "a\nb\nc\nd\n", {1, 1, 1, 1}},
    };
    struct buffer out = BUFFER_INIT(1 << 16);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span messages[4];
        uint32_t starts[4];
        uint8_t facts[4];
        for (size_t k = 0; k < 4; k++)
            messages[k] = span_text(rows[i].texts[k]);
        buffer_clear(&out);
        assert_int_equal(buffer_reserve(&out, 64), STATUS_OK);
        assert_int_equal(view_append_plain_batch(messages, 4, &out, starts, facts), rows[i].plain);
        assert_int_equal(out.size, strlen(rows[i].views));
        assert_memory_equal(out.data, rows[i].views, out.size);
        for (size_t k = 0, start = 0; k < rows[i].plain; k++) {
            assert_int_equal(starts[k], start);
            assert_int_equal(facts[k], rows[i].facts[k]);
            start = (size_t)((const uint8_t *)memchr(out.data + start, '\n', out.size - start) - out.data) + 1;
        }
    }
    uint8_t room[7];
    struct span messages[] = {span_text("abc"), span_text("abc")};
    uint32_t starts[2];
    uint8_t facts[2];
    struct buffer small = {.data = room, .capacity = sizeof room, .size_max = sizeof room};
    assert_int_equal(view_append_plain_batch(messages, 2, &small, starts, facts), 1);
    assert_int_equal(small.size, 4);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(plain_batch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
