/* The made-up stream: reproducible, in order, complete, and honest about what is planted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/generate.c"       // NOLINT(bugprone-suspicious-include): the disguises are private to it
#include "cli/generate_texts.c" // NOLINT(bugprone-suspicious-include)

#define COUNT 5000

struct seen {
    uint64_t messages, planted, evasive, themes, locales;
    uint64_t hash;
};

static const char *const themes[] = {"scams",    "phishing", "threats", "harassment", "self_harm",
                                     "grooming", "doxxing",  "spam",    NULL};

static uint64_t bit_of(const char *const *names, const char *name)
{
    for (uint32_t i = 0; names[i]; i++) {
        if (strcmp(names[i], name) == 0) {
            return UINT64_C(1) << i;
        }
    }
    fail_msg("unknown name '%s'", name);
    return 0;
}

static void check_message(const struct generate_message *message, uint64_t index, int64_t not_before)
{
    char id[32];
    (void)snprintf(id, sizeof id, "m%06llu", (unsigned long long)index);
    assert_string_equal(message->message_id, id);
    assert_int_equal(message->index, index);
    assert_true(message->sent_at_ms >= not_before);
    assert_true(message->text[0] != '\0');
    assert_null(strchr(message->text, '{'));
    assert_null(strchr(message->text, '}'));
    assert_string_not_equal(message->sender_id, message->recipient_id);
    assert_true(!message->planted || message->theme);
    assert_true(!message->evasive || message->theme);
}

static struct seen run(uint64_t seed, uint64_t count, int64_t start_ms)
{
    struct generate *generate = NULL;
    struct generate_message message;
    struct seen seen = {.hash = UINT64_C(14695981039346656037)};
    struct buffer line = BUFFER_INIT(1 << 16);
    int64_t last_ms = start_ms;
    assert_int_equal(generate_new(seed, count, start_ms, &generate), STATUS_OK);
    if (!generate) {
        fail();
        return seen;
    }
    enum status status;
    while ((status = generate_next(generate, &message)) == STATUS_OK) {
        check_message(&message, seen.messages, last_ms);
        last_ms = message.sent_at_ms;
        seen.messages++;
        seen.planted += message.planted;
        seen.evasive += message.evasive;
        seen.themes |= message.theme ? bit_of(themes, message.theme) : 0;
        for (uint32_t i = 0; i < generate_language_count; i++) {
            seen.locales |= strcmp(generate_languages[i].locale, message.locale) == 0 ? UINT64_C(1) << i : 0;
        }
        buffer_clear(&line);
        assert_int_equal(generate_write_json(&message, &line), STATUS_OK);
        for (size_t i = 0; i < line.size; i++) {
            seen.hash = (seen.hash ^ line.data[i]) * UINT64_C(1099511628211);
        }
    }
    assert_int_equal(status, STATUS_CLOSED);
    assert_int_equal(generate_next(generate, &message), STATUS_CLOSED);
    buffer_free(&line);
    generate_free(&generate);
    assert_null(generate);
    return seen;
}

static void same_seed_same_stream(void **state)
{
    (void)state;
    struct seen first = run(7, COUNT, 1000), second = run(7, COUNT, 1000), other = run(8, COUNT, 1000);
    assert_int_equal(first.messages, COUNT);
    assert_true(first.hash == second.hash);
    assert_true(first.hash != other.hash);
}

static void stream_has_everything(void **state)
{
    (void)state;
    struct seen seen = run(1, 20000, 0);
    assert_int_equal(seen.themes, (1 << 8) - 1);
    assert_int_equal(seen.locales, (UINT64_C(1) << generate_language_count) - 1);
    /* A few in a hundred conversations, and a part of those in disguise. */
    assert_in_range(seen.planted, 20000 / 250, 20000 / 50);
    assert_in_range(seen.evasive, seen.planted / 8, seen.planted);
}

static void counts(void **state)
{
    (void)state;
    static const uint64_t cases[] = {0, 1, 2, 47, 48, 49, 1000};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(run(3, cases[i], 5).messages, cases[i]);
    }
}

static void json_is_one_line(void **state)
{
    (void)state;
    struct generate_message message = {.message_id = "m000001",
                                       .conversation_id = "c00001",
                                       .sender_id = "user-1",
                                       .recipient_id = "user-2",
                                       .locale = "en",
                                       .text = "two\nlines \"and\" quotes",
                                       .theme = "scams",
                                       .planted = true,
                                       .sent_at_ms = INT64_C(1700000000123)};
    struct buffer line = BUFFER_INIT(1 << 12);
    assert_int_equal(generate_write_json(&message, &line), STATUS_OK);
    assert_ptr_equal(memchr(line.data, '\n', line.size), line.data + line.size - 1);
    json_t *json = json_loadb((const char *)line.data, line.size, 0, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "text")), message.text);
    assert_string_equal(json_string_value(json_array_get(json_object_get(json, "recipient_ids"), 0)), "user-2");
    assert_int_equal(json_integer_value(json_object_get(json, "sent_at_ms")), message.sent_at_ms);
    assert_null(json_object_get(json, "planted")); /* the pipeline is not told */
    assert_null(json_object_get(json, "theme"));
    json_decref(json);
    buffer_free(&line);
}

static void disguises_change_only_the_look(void **state)
{
    (void)state;
    static const struct {
        enum disguise disguise;
        const char *text, *expected; /* NULL: only that it differs */
    } cases[] = {
        {DISGUISE_FULL_WIDTH, "ab 1", "\uff41\uff42 1"},
        {DISGUISE_LOOK_ALIKE, "peace", "p\u0435\u0430ce"},
        {DISGUISE_LOOK_ALIKE, "a b", "a b"},
        {DISGUISE_ZERO_WIDTH, "a long enough text for chance", NULL},
        {DISGUISE_SPACING, "nospace", "nospace"},
        {DISGUISE_SPACING, "with some space between words", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct generate *generate = NULL;
        bool changed = false;
        assert_int_equal(generate_new(1, 1, 0, &generate), STATUS_OK);
        if (!generate) {
            fail();
            return;
        }
        assert_int_equal(buffer_append_text(&generate->text, cases[i].text), STATUS_OK);
        assert_int_equal(disguise_text(generate, cases[i].disguise, &changed), STATUS_OK);
        const char *expected = cases[i].expected;
        bool same = generate->text.size == strlen(cases[i].text) &&
                    memcmp(generate->text.data, cases[i].text, generate->text.size) == 0;
        assert_int_equal(changed, !same);
        if (expected) {
            assert_int_equal(generate->text.size, strlen(expected));
            assert_memory_equal(generate->text.data, expected, generate->text.size);
        } else {
            assert_true(changed);
        }
        generate_free(&generate);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_same_stream),
        cmocka_unit_test(stream_has_everything),
        cmocka_unit_test(counts),
        cmocka_unit_test(json_is_one_line),
        cmocka_unit_test(disguises_change_only_the_look),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
