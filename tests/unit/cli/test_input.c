/* cli/input.h: each format, what is filled in, and lines that hold no message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

// The program's own files are no library.
#include "cli/input.c"        // NOLINT(bugprone-suspicious-include)
#include "cli/json_reader.c"  // NOLINT(bugprone-suspicious-include)
#include "cli/message_line.c" // NOLINT(bugprone-suspicious-include)

static char folder[] = "/tmp/weir-input-XXXXXX";
static char path[64];

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(folder);
}

static struct input *open_bytes(const void *bytes, size_t size, const char *name, struct input_options options)
{
    struct input *input = NULL;
    struct error error = {0};
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    if (input_open(path, &options, &error, &input) != STATUS_OK) {
        fail_msg("%s", error.text);
        abort();
    }
    assert_int_equal(unlink(path), 0);
    return input;
}

static struct input *open_text(const char *text, const char *name, struct input_options options)
{
    return open_bytes(text, strlen(text), name, options);
}

static void assert_text(struct span bytes, const char *text)
{
    if (!span_equal(bytes, span_text(text))) {
        fail_msg("expected '%s', got '%.*s'", text, (int)bytes.size, (const char *)bytes.data);
    }
}

struct expected {
    enum status status;
    const char *id, *text, *words;
};

/* Every line, then the end, which stays the end. */
static void expect_all(struct input *input, const struct expected *expected)
{
    for (; expected->status != STATUS_CLOSED; expected++) {
        struct error error = {0};
        struct input_message message = {.line = 999};
        enum status status = input_next(input, &error, &message);
        if (status != expected->status) {
            fail_msg("%s: %s", status_text(status), error.text);
        }
        if (status == STATUS_OK) {
            assert_text(message.message_id, expected->id);
            assert_text(message.text, expected->text);
        } else {
            assert_int_equal(message.line, 999); /* untouched */
            assert_string_equal(error.text, expected->words);
        }
    }
    for (int i = 0; i < 2; i++) {
        struct error error = {0};
        struct input_message message = {0};
        assert_int_equal(input_next(input, &error, &message), STATUS_CLOSED);
    }
    assert_true(input_position(input) == input_size(input));
    input_close(&input);
    assert_null(input);
}

#define END                                                                                                            \
    {                                                                                                                  \
        STATUS_CLOSED, NULL, NULL, NULL                                                                                \
    }

static void test_lines(void **state)
{
    (void)state;
    const struct expected expected[] = {{STATUS_OK, "p-1", "one", NULL},   {STATUS_OK, "p-2", "", NULL},
                                        {STATUS_OK, "p-3", "three", NULL}, {STATUS_OK, "p-4", "\xff\xfe\r!", NULL},
                                        {STATUS_OK, "p-5", "last", NULL},  END};
    struct input_options options = {.format = INPUT_LINES, .id_prefix = "p-"};
    expect_all(open_text("one\n\nthree\r\n\xff\xfe\r!\nlast", "x.jsonl", options), expected);
    const struct expected nothing[] = {END};
    expect_all(open_text("", "x", options), nothing);
    const struct expected one[] = {{STATUS_OK, "p-1", "", NULL}, END};
    expect_all(open_text("\n", "x", options), one);
    expect_all(open_text("\r\n", "x", options), one);
}

static void test_nul_in_a_line(void **state)
{
    (void)state;
    struct input *input = open_bytes("a\0b\n", 4, "x", (struct input_options){0});
    struct input_message message = {0};
    assert_int_equal(input_next(input, NULL, &message), STATUS_OK);
    assert_true(span_equal(message.text, span_of("a\0b", 3)));
    assert_true(span_equal(message.conversation_id, span_text("1")));
    assert_int_equal(message.line, 1);
    input_close(&input);
    input_close(&input);
}

static void test_tsv(void **state)
{
    (void)state;
    static const char text[] = "ham\thello\nspam\ta\tb\nalone\n\nx\t\n";
    const struct expected last[] = {{STATUS_OK, "1", "hello", NULL}, {STATUS_OK, "2", "b", NULL},
                                    {STATUS_OK, "3", "alone", NULL}, {STATUS_OK, "4", "", NULL},
                                    {STATUS_OK, "5", "", NULL},      END};
    expect_all(open_text(text, "x.tsv", (struct input_options){0}), last);
    const struct expected second[] = {
        {STATUS_OK, "1", "hello", NULL},
        {STATUS_OK, "2", "a", NULL},
        {STATUS_INVALID, NULL, NULL, "line 3: has 1 columns, the text should be in column 2"},
        {STATUS_INVALID, NULL, NULL, "line 4: has 1 columns, the text should be in column 2"},
        {STATUS_OK, "5", "", NULL},
        END};
    expect_all(open_text(text, "x", (struct input_options){.format = INPUT_TSV, .text_column = 2}), second);
}

static void test_jsonl_fields(void **state)
{
    (void)state;
    struct input *input = open_text(
        "\xef\xbb\xbf{\"message_id\": \"m\", \"conversation_id\": 17, \"sender_id\": \"s\", \"text\": \"a\\u0000b\", "
        "\"locale\": \"pt-BR\", \"sent_at_ms\": -5, \"recipient_ids\": [\"r1\", \"r2\"], "
        "\"attributes\": {\"k\": \"v\"}, \"label\": [1, {}]}\n"
        "  \n"
        "{\"text\": \"\", \"message_id\": null, \"recipient_ids\": null, \"attributes\": null, \"locale\": null}\n"
        "{\"text_base64\": \"/wAB\", \"conversation_id\": \"c\"}\n"
        "{\"text_base64\": \"/w==\"}\n{\"text_base64\": \"\"}",
        "x.ndjson", (struct input_options){0});
    struct input_message message = {0};
    assert_int_equal(input_next(input, NULL, &message), STATUS_OK);
    assert_text(message.message_id, "m");
    assert_text(message.conversation_id, "17");
    assert_text(message.sender_id, "s");
    assert_text(message.locale, "pt-BR");
    assert_true(span_equal(message.text, span_of("a\0b", 3)));
    assert_true(message.sent_at_ms == -5);
    assert_int_equal(message.recipient_count, 2);
    assert_text(message.recipient_ids[1], "r2");
    assert_int_equal(message.attribute_count, 1);
    assert_text(message.attributes[0].key, "k");
    assert_text(message.attributes[0].value, "v");
    assert_int_equal(message.line, 1);
    assert_int_equal(input_next(input, NULL, &message), STATUS_OK);
    assert_text(message.message_id, "3");
    assert_text(message.conversation_id, "3");
    assert_text(message.text, "");
    assert_int_equal(message.recipient_count + message.attribute_count, 0);
    assert_int_equal(input_next(input, NULL, &message), STATUS_OK);
    assert_true(span_equal(message.text, span_of("\xff\x00\x01", 3)));
    assert_text(message.message_id, "4");
    assert_text(message.conversation_id, "c");
    assert_int_equal(input_next(input, NULL, &message), STATUS_OK);
    assert_true(span_equal(message.text, span_of("\xff", 1)));
    assert_int_equal(input_next(input, NULL, &message), STATUS_OK);
    assert_int_equal(message.text.size, 0);
    assert_int_equal(input_next(input, NULL, &message), STATUS_CLOSED);
    input_close(&input);
}

static void test_jsonl_faults(void **state)
{
    (void)state;
    const struct expected expected[] = {
        {STATUS_INVALID, NULL, NULL, "line 1: not a JSON object (it cannot be read as JSON)"},
        {STATUS_INVALID, NULL, NULL, "line 2: not a JSON object"},
        {STATUS_INVALID, NULL, NULL, "line 3: has neither 'text' nor 'text_base64'"},
        {STATUS_INVALID, NULL, NULL, "line 4: 'text' is not text"},
        {STATUS_INVALID, NULL, NULL, "line 5: 'message_id' is not text"},
        {STATUS_INVALID, NULL, NULL, "line 6: 'sent_at_ms' is not a whole number"},
        {STATUS_INVALID, NULL, NULL, "line 7: 'recipient_ids' is not a list of texts"},
        {STATUS_INVALID, NULL, NULL, "line 8: 'recipient_ids' is not a list of texts"},
        {STATUS_INVALID, NULL, NULL, "line 9: 'attributes' is not an object of texts"},
        {STATUS_INVALID, NULL, NULL, "line 10: 'text_base64' is not base64"},
        {STATUS_INVALID, NULL, NULL, "line 11: 'text_base64' is not base64"},
        {STATUS_INVALID, NULL, NULL, "line 12: 'text_base64' is not base64"},
        {STATUS_INVALID, NULL, NULL, "line 13: not a JSON object (it cannot be read as JSON)"},
        {STATUS_INVALID, NULL, NULL, "line 14: 'locale' is not text"},
        {STATUS_OK, "15", "fine", NULL},
        END};
    expect_all(open_text("secret words\n[1]\n{}\n{\"text\": 1}\n{\"text\": \"x\", \"message_id\": []}\n"
                         "{\"text\": \"x\", \"sent_at_ms\": 1.5}\n{\"text\": \"x\", \"recipient_ids\": [1]}\n"
                         "{\"text\": \"x\", \"recipient_ids\": \"r\"}\n{\"text\": \"x\", \"attributes\": {\"k\": 1}}\n"
                         "{\"text_base64\": \"abc\"}\n{\"text_base64\": \"ab=c\"}\n{\"text_base64\": 1}\n"
                         "{\"text\": \"\xff\"}\n{\"text\": \"x\", \"locale\": 1}\n{\"text\": \"fine\"}\n",
                         "x.jsonl", (struct input_options){0}),
               expected);
}

static void test_long_lines(void **state)
{
    (void)state;
    size_t size = INPUT_LINE_MAX + 3;
    char *bytes = malloc(size + 16);
    assert_non_null(bytes);
    memset(bytes, 'a', size + 16);
    bytes[INPUT_LINE_MAX] = '\n'; /* exactly as long as allowed */
    struct input *input = open_bytes(bytes, size, "x", (struct input_options){0});
    struct input_message message = {0};
    struct error error = {0};
    assert_int_equal(input_next(input, &error, &message), STATUS_OK);
    assert_int_equal(message.text.size, INPUT_LINE_MAX);
    assert_int_equal(input_next(input, &error, &message), STATUS_OK);
    assert_text(message.text, "aa");
    input_close(&input);

    bytes[INPUT_LINE_MAX] = 'a'; /* one too long, with a line behind it */
    bytes[INPUT_LINE_MAX + 1] = '\n';
    input = open_bytes(bytes, size, "x", (struct input_options){0});
    assert_int_equal(input_next(input, &error, &message), STATUS_LIMIT);
    assert_string_equal(error.text, "line 1: longer than 16777216 bytes");
    assert_int_equal(input_next(input, &error, &message), STATUS_OK);
    assert_text(message.message_id, "2");
    assert_text(message.text, "a");
    assert_int_equal(input_next(input, &error, &message), STATUS_CLOSED);
    assert_true(input_position(input) == input_size(input));
    input_close(&input);
    free(bytes);
}

static void test_pipes_and_readiness(void **state)
{
    (void)state;
    int ends[2];
    char name[32];
    struct input *input = NULL;
    struct input_message message = {0};
    struct error error = {0};
    assert_int_equal(pipe(ends), 0);
    (void)snprintf(name, sizeof name, "/dev/fd/%d", ends[0]);
    if (input_open(name, &(struct input_options){0}, &error, &input) != STATUS_OK) {
        fail_msg("%s", error.text);
        return;
    }
    assert_false(input_ready(input, 0));
    assert_int_equal(write(ends[1], "one\ntwo\nthr", 11), 11);
    assert_true(input_ready(input, 0));
    assert_int_equal(input_next(input, &error, &message), STATUS_OK);
    assert_text(message.text, "one");
    assert_true(input_ready(input, 0)); /* a second line is at hand */
    assert_int_equal(input_next(input, &error, &message), STATUS_OK);
    assert_false(input_ready(input, 0)); /* but only half a third */
    assert_int_equal(close(ends[1]), 0);
    assert_true(input_ready(input, -1));
    assert_int_equal(input_next(input, &error, &message), STATUS_OK);
    assert_text(message.text, "thr");
    assert_true(input_size(input) == 0);
    assert_int_equal(input_next(input, &error, &message), STATUS_CLOSED);
    input_close(&input);
    assert_int_equal(close(ends[0]), 0);
}

/* In blocks of any size the lines are the same, with the same numbers. */
static void test_blocks(void **state)
{
    (void)state;
    static char text[60000];
    size_t used = 0;
    for (unsigned i = 1; i <= 900; i++) { /* lines of very different lengths, some empty; the last without newline */
        unsigned length = i % 50 == 0 ? 9000 / i : i * 7 % 90;
        for (unsigned c = 0; c < length; c++) {
            text[used++] = (char)('a' + i % 26);
        }
        if (i < 900) {
            text[used++] = '\n';
        }
    }
    for (size_t size = 1; size < 100000; size = size * 3 + 1) {
        struct input_options options = {.format = INPUT_LINES};
        struct input *input = open_bytes(text, used, "x", options);
        struct input_block block = {0};
        struct message_line *reader = NULL;
        struct error error = {0};
        uint64_t lines = 0, position = 0;
        enum status status;
        assert_int_equal(input_line_reader(input, &reader), STATUS_OK);
        while ((status = input_block_read(input, size, &error, &block)) == STATUS_OK) {
            struct input_message message;
            uint64_t lines_before = lines;
            while (input_block_next(&block, reader, &error, &message) == STATUS_OK) {
                lines++;
                assert_int_equal(message.line, lines);
                assert_int_equal(message.text.size, lines % 50 == 0 ? 9000 / lines : lines * 7 % 90);
                assert_true(message.text.size == 0 || message.text.data[0] == 'a' + lines % 26);
                assert_true(message.id_made && message.conversation_made);
            }
            assert_true(lines > lines_before);
            position += block.consumed;
            assert_int_equal(input_position(input), position);
        }
        assert_int_equal(status, STATUS_CLOSED);
        assert_int_equal(lines, 900);
        assert_int_equal(position, used);
        message_line_free(&reader);
        input_block_free(&block);
        input_close(&input);
    }
}

static void test_files_that_cannot_be_read(void **state)
{
    (void)state;
    struct input *input = NULL;
    struct error error = {0};
    assert_int_equal(input_open("/nonexistent/x", &(struct input_options){0}, &error, &input), STATUS_NOT_FOUND);
    assert_non_null(strstr(error.text, "/nonexistent/x"));
    assert_int_equal(input_open(folder, &(struct input_options){0}, &error, &input), STATUS_SYSTEM);
    assert_null(input);
    input_close(&input);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_nul_in_a_line),
        cmocka_unit_test(test_tsv),
        cmocka_unit_test(test_jsonl_fields),
        cmocka_unit_test(test_jsonl_faults),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_pipes_and_readiness),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_files_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
