/* The window when a batch is scanned again, and when what came before is too much for the arena. */
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/window.h"

static struct message make(const char *id, struct span text)
{
    return (struct message){
        .conversation_id = span_text("a"), .message_id = span_text(id), .text = text, .conversation_hash = 7};
}

static struct window *new_window(size_t bytes, uint32_t messages)
{
    struct window *window;
    struct window_settings settings = {.bytes = bytes, .age_ms = 1000, .messages = messages};
    assert_int_equal(window_new(&settings, &window), STATUS_OK);
    return window;
}

/* Remembers the messages number `from` to `to`, each text a digit. */
static void add(struct window *window, int from, int to)
{
    for (int i = from; i <= to; i++) {
        char id[8];
        (void)snprintf(id, sizeof id, "%d", i);
        struct message message = make(id, span_text("t"));
        window_add(window, &message, 0);
    }
}

static void expect(struct window *window, int number, size_t arena_max, const char *expected)
{
    char id[8];
    char out[256] = "";
    struct arena *arena;
    struct verdict_context *context;
    uint32_t count;
    (void)snprintf(id, sizeof id, "%d", number);
    struct message message = make(id, span_text("t"));
    assert_int_equal(arena_new(4096, arena_max, &arena), STATUS_OK);
    assert_int_equal(window_find(window, &message, 0, arena, &context, &count), STATUS_OK);
    for (uint32_t i = 0; i < count; i++) {
        size_t used = strlen(out);
        (void)snprintf(out + used, sizeof out - used, "%s%.*s", i ? " " : "", (int)context[i].message_id.size,
                       (const char *)context[i].message_id.data);
    }
    assert_string_equal(out, expected);
    arena_free(&arena);
}

/* A worker remembers what comes before a flagged message of the batch, and then asks for its context. */
static void test_later_messages_are_no_context(void **state)
{
    (void)state;
    static const struct {
        int batch, flagged;
        const char *expected;
    } rows[] = {
        {5, 1, ""},   {5, 3, "1 2"},    {5, 5, "1 2 3 4"},
        {20, 2, "1"}, {20, 4, "1 2 3"}, {20, 15, "5 6 7 8 9 10 11 12 13 14"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct window *window = new_window(1 << 20, 10);
        add(window, 1, rows[i].batch);
        add(window, 1, rows[i].flagged - 1); /* again */
        expect(window, rows[i].flagged, 1 << 20, rows[i].expected);
        window_free(&window);
    }
}

static void test_a_large_past_does_not_fail(void **state)
{
    (void)state;
    struct window *window = new_window(1 << 20, 10);
    uint8_t *large = calloc(1, 100000);
    assert_non_null(large);
    struct message message = make("1", span_of(large, 100000));
    window_add(window, &message, 0);
    message = make("2", span_of(large, 100000));
    window_add(window, &message, 0);
    add(window, 3, 4);
    expect(window, 5, 1 << 20, "1 2 3 4");
    expect(window, 5, 150000, "2 3 4");
    expect(window, 5, 50000, "3 4");
    free(large);
    window_free(&window);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_later_messages_are_no_context),
        cmocka_unit_test(test_a_large_past_does_not_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
