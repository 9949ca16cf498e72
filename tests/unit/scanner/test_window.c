#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "scanner/window.h"

#define MINUTE 60000

static struct message make(const char *conversation, const char *id, const char *text)
{
    uint64_t hash = 1469598103934665603u; /* FNV-1a: any hash will do here */
    for (const char *at = conversation; *at; at++) {
        hash = (hash ^ (uint8_t)*at) * 1099511628211u;
    }
    return (struct message){.conversation_id = span_text(conversation),
                            .message_id = span_text(id),
                            .sender_id = span_text("s"),
                            .text = span_text(text),
                            .conversation_hash = hash};
}

static struct window *new_window(size_t bytes, uint32_t messages)
{
    struct window *window;
    struct window_settings settings = {.bytes = bytes, .age_ms = 10 * MINUTE, .messages = messages};
    assert_int_equal(window_new(&settings, &window), STATUS_OK);
    return window;
}

/* "id:text id:text" of what came before the message. */
static void expect(struct window *window, struct message message, int64_t now_ms, const char *expected)
{
    struct arena *arena;
    struct verdict_context *context;
    struct buffer out = BUFFER_INIT(1 << 16);
    uint32_t count;
    assert_int_equal(arena_new(4096, 1 << 20, &arena), STATUS_OK);
    assert_int_equal(window_find(window, &message, now_ms, arena, &context, &count), STATUS_OK);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(buffer_print(&out, "%s%.*s:%.*s", i ? " " : "", (int)context[i].message_id.size,
                                      (const char *)context[i].message_id.data, (int)context[i].text.size,
                                      (const char *)context[i].text.data),
                         STATUS_OK);
    }
    assert_int_equal(buffer_append_byte(&out, '\0'), STATUS_OK);
    assert_string_equal((char *)out.data, expected);
    buffer_free(&out);
    arena_free(&arena);
}

static void add(struct window *window, const char *conversation, const char *id, const char *text, int64_t now_ms)
{
    struct message message = make(conversation, id, text);
    window_add(window, &message, now_ms);
}

static void test_order_and_count(void **state)
{
    (void)state;
    struct window *window = new_window(1 << 20, 3);
    expect(window, make("a", "9", ""), 0, "");
    for (int i = 1; i <= 5; i++) {
        char id[8];
        (void)snprintf(id, sizeof id, "%d", i);
        add(window, "a", id, "text", 0);
        add(window, "b", id, "other", 0);
    }
    expect(window, make("a", "9", ""), 0, "3:text 4:text 5:text");
    expect(window, make("b", "9", ""), 0, "3:other 4:other 5:other");
    expect(window, make("c", "9", ""), 0, "");
    window_free(&window);
}

static void test_repetitions_are_left_out(void **state)
{
    (void)state;
    struct window *window = new_window(1 << 20, 10);
    const char *const ids[] = {"1", "2", "3", "1", "2", "3", "3"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        add(window, "a", ids[i], "t", 0);
    }
    expect(window, make("a", "3", "t"), 0, "1:t 2:t");
    expect(window, make("a", "4", "t"), 0, "1:t 2:t 3:t");
    window_free(&window);
}

static void test_age(void **state)
{
    (void)state;
    struct window *window = new_window(1 << 20, 10);
    add(window, "a", "1", "old", 0);
    add(window, "a", "2", "new", 5 * MINUTE);
    expect(window, make("a", "9", ""), 10 * MINUTE, "1:old 2:new");
    expect(window, make("a", "9", ""), 10 * MINUTE + 1, "2:new");
    expect(window, make("a", "9", ""), 16 * MINUTE, "");
    window_free(&window);
}

static void test_same_hash_other_conversation(void **state)
{
    (void)state;
    struct window *window = new_window(1 << 20, 10);
    struct message a = make("a", "1", "secret of a");
    struct message b = make("b", "2", "t");
    b.conversation_hash = a.conversation_hash;
    window_add(window, &a, 0);
    expect(window, b, 0, "");
    window_add(window, &b, 0);
    expect(window, make("a", "3", ""), 0, ""); /* lost to the clash, but never the wrong text */
    window_free(&window);
}

static void test_large_messages_are_not_kept(void **state)
{
    (void)state;
    struct window *window = new_window(64 << 10, 10);
    char *large = calloc(1, (64 << 10) + 1);
    assert_non_null(large);
    memset(large, 'x', 64 << 10);
    add(window, "a", "1", "small", 0);
    add(window, "a", "2", large, 0);
    expect(window, make("a", "9", ""), 0, "1:small");
    free(large);
    window_free(&window);
}

/*
 * Millions of bytes through a small ring: what is found is always a conversation's own latest messages in order,
 * checked against what was written.
 */
static void test_wrap_around(void **state)
{
    (void)state;
    struct window *window = new_window(64 << 10, 10);
    struct arena *arena;
    uint64_t random = 88172645463325252u;
    uint32_t last[50] = {0};
    assert_int_equal(arena_new(4096, 1 << 20, &arena), STATUS_OK);
    uint32_t found = 0;
    for (uint32_t i = 1; i <= 60000; i++) {
        char conversation[8], id[16], text[600];
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        uint32_t which = (uint32_t)(random % 50);
        size_t size = (random >> 8) % (sizeof text - 1);
        (void)snprintf(conversation, sizeof conversation, "c%u", which);
        (void)snprintf(id, sizeof id, "%u", i);
        memset(text, 'a' + (int)(which % 26), size);
        text[size] = '\0';
        struct message message = make(conversation, id, text);
        struct verdict_context *context;
        uint32_t count;
        arena_reset(arena);
        assert_int_equal(window_find(window, &message, 0, arena, &context, &count), STATUS_OK);
        uint32_t before = i;
        for (uint32_t c = count; c-- > 0;) {
            char seen[16] = "";
            memcpy(seen, context[c].message_id.data, context[c].message_id.size);
            uint32_t number = (uint32_t)strtoul(seen, NULL, 10);
            assert_true(number < before);
            assert_true(c + 1 < count || number == last[which]);
            before = number;
            for (size_t b = 0; b < context[c].text.size; b++) {
                assert_int_equal(context[c].text.data[b], 'a' + (int)(which % 26));
            }
        }
        found += count;
        window_add(window, &message, 0);
        last[which] = i;
    }
    assert_true(found > 60000);
    arena_free(&arena);
    window_free(&window);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_count),
        cmocka_unit_test(test_repetitions_are_left_out),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_same_hash_other_conversation),
        cmocka_unit_test(test_large_messages_are_not_kept),
        cmocka_unit_test(test_wrap_around),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
