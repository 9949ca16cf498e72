#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT_READ_SIZE (256u << 10)
#define INPUT_NUMBER_SIZE 24 /* a 64-bit number and a NUL */

const char *const input_format_names[5] = {"auto", "lines", "jsonl", "tsv", NULL};

struct input {
    int fd; /* 0: stdin, which is not closed */
    enum input_format format;
    uint32_t text_column;
    char *id; /* id_prefix, then the line number */
    size_t id_prefix_size;
    bool ended;

    uint8_t *data; /* what was read and not handed out: [start, end) */
    size_t start, end, capacity;
    size_t searched; /* no newline before it */
    uint64_t line;   /* of the last line handed out */
    uint64_t position, size;

    json_t *object; /* the current line's, which the message points into */
    char numbers[3][INPUT_NUMBER_SIZE];
    uint8_t *decoded; /* text_base64 */
    size_t decoded_capacity;
    struct span *recipients;
    uint32_t recipients_capacity;
    struct input_attribute *attributes;
    uint32_t attributes_capacity;
};

static bool input_has_suffix(const char *path, const char *suffix)
{
    size_t size = strlen(path);
    size_t suffix_size = strlen(suffix);
    return size > suffix_size && strcasecmp(path + size - suffix_size, suffix) == 0;
}

static enum input_format input_format_of(const char *path)
{
    if (input_has_suffix(path, ".jsonl") || input_has_suffix(path, ".ndjson")) {
        return INPUT_JSONL;
    }
    return input_has_suffix(path, ".tsv") ? INPUT_TSV : INPUT_LINES;
}

static enum status input_open_file(struct input *input, const char *path, struct error *error)
{
    if (strcmp(path, "-") == 0) {
        input->fd = STDIN_FILENO;
    } else {
        input->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    }
    struct stat info;
    if (input->fd < 0 || fstat(input->fd, &info) != 0) {
        int reason = errno;
        error_set(error, "cannot open %s: %s", path, strerror(reason));
        return reason == ENOENT ? STATUS_NOT_FOUND : STATUS_SYSTEM;
    }
    if (S_ISDIR(info.st_mode)) {
        error_set(error, "cannot read %s: it is a folder", path);
        return STATUS_SYSTEM;
    }
    input->size = S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
    return STATUS_OK;
}

enum status input_open(const char *path, const struct input_options *options, struct error *error,
                       struct input **ret_input)
{
    const char *prefix = options->id_prefix != NULL ? options->id_prefix : "";
    struct input *input = calloc(1, sizeof *input);
    if (input == NULL) {
        return STATUS_NO_MEMORY;
    }
    enum status status = STATUS_NO_MEMORY;
    input->fd = -1;
    input->format = options->format == INPUT_AUTO ? input_format_of(path) : options->format;
    input->text_column = options->text_column;
    input->id_prefix_size = strlen(prefix);
    input->id = malloc(input->id_prefix_size + INPUT_NUMBER_SIZE);
    input->capacity = INPUT_READ_SIZE;
    input->data = malloc(input->capacity);
    if (input->id == NULL || input->data == NULL) {
        goto failed;
    }
    memcpy(input->id, prefix, input->id_prefix_size);
    status = input_open_file(input, path, error);
    if (status != STATUS_OK) {
        goto failed;
    }
    *ret_input = input;
    return STATUS_OK;
failed:
    input_close(&input);
    return status;
}

void input_close(struct input **input)
{
    if (input == NULL || *input == NULL) {
        return;
    }
    struct input *old = *input;
    *input = NULL;
    if (old->fd > STDIN_FILENO) {
        close(old->fd);
    }
    json_decref(old->object);
    free(old->id);
    free(old->data);
    free(old->decoded);
    free(old->recipients);
    free(old->attributes);
    free(old);
}

enum input_format input_format(const struct input *input)
{
    return input->format;
}

uint64_t input_position(const struct input *input)
{
    return input->position;
}

uint64_t input_size(const struct input *input)
{
    return input->size;
}

bool input_ready(const struct input *input, int timeout_ms)
{
    if (input->ended || memchr(input->data + input->start, '\n', input->end - input->start) != NULL) {
        return true;
    }
    struct pollfd wait = {.fd = input->fd, .events = POLLIN};
    return poll(&wait, 1, timeout_ms) != 0; /* errors too: the read will tell */
}

/* Reads more bytes behind what is there; sets `ended` at the end of the file. */
static enum status input_fill(struct input *input, struct error *error)
{
    if (input->start > 0 && input->end - input->start < input->capacity / 2) {
        memmove(input->data, input->data + input->start, input->end - input->start);
        input->end -= input->start;
        input->searched -= input->start;
        input->start = 0;
    }
    if (input->capacity - input->end < INPUT_READ_SIZE / 2) {
        size_t capacity = input->capacity * 2; /* at most four times INPUT_LINE_MAX: input_line stops there */
        uint8_t *data = realloc(input->data, capacity);
        if (data == NULL) {
            error_set(error, "line %" PRIu64 ": out of memory", input->line + 1);
            return STATUS_SYSTEM;
        }
        input->data = data;
        input->capacity = capacity;
    }
    ssize_t got;
    do {
        got = read(input->fd, input->data + input->end, input->capacity - input->end);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        error_set(error, "cannot read line %" PRIu64 ": %s", input->line + 1, strerror(errno));
        return STATUS_SYSTEM;
    }
    input->ended = got == 0;
    input->end += (size_t)got;
    return STATUS_OK;
}

/*
 * The next line without its newline. STATUS_CLOSED at the end; STATUS_LIMIT for a line that is too long, which is
 * passed over without being kept.
 */
static enum status input_line(struct input *input, struct error *error, struct span *ret_line)
{
    bool too_long = false;
    uint64_t passed = 0;
    input->searched = input->start;
    for (;;) {
        uint8_t *from = input->data + input->searched;
        uint8_t *newline = memchr(from, '\n', input->end - input->searched);
        size_t stop = newline != NULL ? (size_t)(newline - input->data) : input->end;
        input->searched = stop;
        too_long = too_long || stop - input->start > INPUT_LINE_MAX;
        if (newline != NULL || (input->ended && (stop > input->start || too_long))) {
            *ret_line = span_of(input->data + input->start, stop - input->start);
            input->position += passed + (stop - input->start) + (newline != NULL);
            input->start = stop + (newline != NULL);
            break;
        }
        if (input->ended) {
            return STATUS_CLOSED;
        }
        if (too_long) {
            passed += input->end - input->start;
            input->start = input->end;
        }
        enum status status = input_fill(input, error);
        if (status != STATUS_OK) {
            return status;
        }
    }
    input->line++;
    if (too_long) {
        error_set(error, "line %" PRIu64 ": longer than %u bytes", input->line, INPUT_LINE_MAX);
        return STATUS_LIMIT;
    }
    if (ret_line->size > 0 && ret_line->data[ret_line->size - 1] == '\r') {
        ret_line->size--;
    }
    return STATUS_OK;
}

static enum status input_tsv(const struct input *input, struct span line, struct error *error, struct span *ret_text)
{
    const uint8_t *end = line.data + line.size;
    const uint8_t *column = line.data;
    for (uint32_t number = 1;; number++) {
        const uint8_t *tab = column < end ? memchr(column, '\t', (size_t)(end - column)) : NULL;
        if (number == input->text_column || (input->text_column == 0 && tab == NULL)) {
            *ret_text = span_of(column, (size_t)((tab != NULL ? tab : end) - column));
            return STATUS_OK;
        }
        if (tab == NULL) {
            error_set(error, "line %" PRIu64 ": has %u columns, the text should be in column %u", input->line, number,
                      input->text_column);
            return STATUS_INVALID;
        }
        column = tab + 1;
    }
}

static enum status input_fault(const struct input *input, struct error *error, const char *field, const char *expected)
{
    error_set(error, "line %" PRIu64 ": '%s' is not %s", input->line, field, expected);
    return STATUS_INVALID;
}

static struct span input_json_span(const json_t *string)
{
    return span_of(json_string_value(string), json_string_length(string));
}

static const json_t *input_member(const struct input *input, const char *name)
{
    const json_t *value = json_object_get(input->object, name);
    return json_is_null(value) ? NULL : value;
}

/* An id: text, or a whole number that is written out into `number`. Missing leaves `ret_id` as it is. */
static enum status input_id(const struct input *input, const char *name, char number[INPUT_NUMBER_SIZE],
                            struct error *error, struct span *ret_id)
{
    const json_t *value = input_member(input, name);
    if (value == NULL) {
        return STATUS_OK;
    }
    if (json_is_integer(value)) {
        int size = snprintf(number, INPUT_NUMBER_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        *ret_id = span_of(number, (size_t)size);
        return STATUS_OK;
    }
    if (!json_is_string(value)) {
        return input_fault(input, error, name, "text");
    }
    *ret_id = input_json_span(value);
    return STATUS_OK;
}

static int input_base64_digit(char digit)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = digit != '\0' ? strchr(digits, digit) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* Standard alphabet, padded, nothing else in between (RFC 4648, section 4). */
static enum status input_base64(struct input *input, struct span from, struct span *ret_bytes)
{
    if (from.size % 4 != 0) {
        return STATUS_INVALID;
    }
    size_t padding = 0;
    while (padding < 2 && padding < from.size && from.data[from.size - 1 - padding] == '=') {
        padding++;
    }
    size_t size = from.size / 4 * 3;
    if (size > input->decoded_capacity) {
        uint8_t *decoded = realloc(input->decoded, size);
        if (decoded == NULL) {
            return STATUS_NO_MEMORY;
        }
        input->decoded = decoded;
        input->decoded_capacity = size;
    }
    uint8_t *out = input->decoded;
    for (size_t i = 0; i < from.size; i += 4) {
        uint32_t bits = 0;
        for (size_t j = i; j < i + 4; j++) {
            int digit = j >= from.size - padding ? 0 : input_base64_digit((char)from.data[j]);
            if (digit < 0) {
                return STATUS_INVALID;
            }
            bits = bits << 6 | (uint32_t)digit;
        }
        *out++ = (uint8_t)(bits >> 16);
        *out++ = (uint8_t)(bits >> 8);
        *out++ = (uint8_t)bits;
    }
    *ret_bytes = span_of(input->decoded, size - padding);
    return STATUS_OK;
}

static enum status input_text(struct input *input, struct error *error, struct span *ret_text)
{
    const json_t *text = input_member(input, "text");
    const json_t *base64 = input_member(input, "text_base64");
    if (text == NULL && base64 == NULL) {
        error_set(error, "line %" PRIu64 ": has neither 'text' nor 'text_base64'", input->line);
        return STATUS_INVALID;
    }
    if (text != NULL && !json_is_string(text)) {
        return input_fault(input, error, "text", "text");
    }
    if (text != NULL) {
        *ret_text = input_json_span(text);
        return STATUS_OK;
    }
    enum status status =
        json_is_string(base64) ? input_base64(input, input_json_span(base64), ret_text) : STATUS_INVALID;
    return status == STATUS_INVALID ? input_fault(input, error, "text_base64", "base64") : status;
}

static enum status input_recipients(struct input *input, struct error *error, struct input_message *message)
{
    const json_t *list = input_member(input, "recipient_ids");
    if (list == NULL) {
        return STATUS_OK;
    }
    size_t count = json_array_size(list);
    if (count > input->recipients_capacity) {
        struct span *recipients = reallocarray(input->recipients, count, sizeof *recipients);
        if (recipients == NULL) {
            return STATUS_NO_MEMORY;
        }
        input->recipients = recipients;
        input->recipients_capacity = (uint32_t)count; /* a line is far too short for more */
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(list, i);
        if (!json_is_string(value)) {
            return input_fault(input, error, "recipient_ids", "a list of texts");
        }
        input->recipients[i] = input_json_span(value);
    }
    message->recipient_ids = input->recipients;
    message->recipient_count = (uint32_t)count;
    return json_is_array(list) ? STATUS_OK : input_fault(input, error, "recipient_ids", "a list of texts");
}

static enum status input_attributes(struct input *input, struct error *error, struct input_message *message)
{
    json_t *object = json_object_get(input->object, "attributes");
    if (object == NULL || json_is_null(object)) {
        return STATUS_OK;
    }
    size_t count = json_object_size(object);
    if (count > input->attributes_capacity) {
        struct input_attribute *attributes = reallocarray(input->attributes, count, sizeof *attributes);
        if (attributes == NULL) {
            return STATUS_NO_MEMORY;
        }
        input->attributes = attributes;
        input->attributes_capacity = (uint32_t)count;
    }
    uint32_t used = 0;
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        if (!json_is_string(value)) {
            return input_fault(input, error, "attributes", "an object of texts");
        }
        input->attributes[used++] = (struct input_attribute){.name = span_text(name), .value = input_json_span(value)};
    }
    message->attributes = input->attributes;
    message->attribute_count = used;
    return json_is_object(object) ? STATUS_OK : input_fault(input, error, "attributes", "an object of texts");
}

static enum status input_json(struct input *input, struct span line, struct error *error, struct input_message *message)
{
    json_error_t where;
    input->object = json_loadb((const char *)line.data, line.size, JSON_ALLOW_NUL, &where);
    if (!json_is_object(input->object)) {
        /* The library's own words quote the text: say only where it stopped. */
        error_set(error, "line %" PRIu64 ": not a JSON object%s", input->line,
                  input->object != NULL ? "" : " (it cannot be read as JSON)");
        return STATUS_INVALID;
    }
    enum status status = input_id(input, "message_id", input->numbers[0], error, &message->message_id);
    if (status == STATUS_OK) {
        status = input_id(input, "conversation_id", input->numbers[1], error, &message->conversation_id);
    }
    if (status == STATUS_OK) {
        status = input_id(input, "sender_id", input->numbers[2], error, &message->sender_id);
    }
    if (status == STATUS_OK) {
        status = input_text(input, error, &message->text);
    }
    if (status == STATUS_OK) {
        status = input_recipients(input, error, message);
    }
    if (status == STATUS_OK) {
        status = input_attributes(input, error, message);
    }
    const json_t *locale = input_member(input, "locale");
    const json_t *sent = input_member(input, "sent_at_ms");
    if (status == STATUS_OK && locale != NULL) {
        message->locale = input_json_span(locale);
        status = json_is_string(locale) ? STATUS_OK : input_fault(input, error, "locale", "text");
    }
    if (status == STATUS_OK && sent != NULL) {
        message->sent_at_ms = json_integer_value(sent);
        status = json_is_integer(sent) ? STATUS_OK : input_fault(input, error, "sent_at_ms", "a whole number");
    }
    return status;
}

static bool input_blank(struct span line)
{
    for (size_t i = 0; i < line.size; i++) {
        if (strchr(" \t\r", line.data[i]) == NULL || line.data[i] == '\0') {
            return false;
        }
    }
    return true;
}

/* A byte order mark is no part of JSON, but editors leave it there. */
static struct span input_without_mark(const struct input *input, struct span line)
{
    bool marked = input->line == 1 && line.size >= 3 && memcmp(line.data, "\xef\xbb\xbf", 3) == 0;
    return marked ? span_of(line.data + 3, line.size - 3) : line;
}

enum status input_next(struct input *input, struct error *error, struct input_message *ret_message)
{
    struct input_message message = {0};
    struct span line = {0};
    enum status status;
    do {
        status = input_line(input, error, &line);
        if (status == STATUS_OK && input->format == INPUT_JSONL) {
            line = input_without_mark(input, line);
        }
    } while (status == STATUS_OK && input->format == INPUT_JSONL && input_blank(line));
    if (status != STATUS_OK) {
        return status;
    }
    json_decref(input->object);
    input->object = NULL;
    message.line = input->line;
    if (input->format == INPUT_JSONL) {
        status = input_json(input, line, error, &message);
    } else if (input->format == INPUT_TSV) {
        status = input_tsv(input, line, error, &message.text);
    } else {
        message.text = line;
    }
    if (status == STATUS_NO_MEMORY) {
        error_set(error, "line %" PRIu64 ": out of memory", input->line);
        return STATUS_SYSTEM;
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (message.message_id.size == 0) {
        int size = snprintf(input->id + input->id_prefix_size, INPUT_NUMBER_SIZE, "%" PRIu64, input->line);
        message.message_id = span_of(input->id, input->id_prefix_size + (size_t)size);
    }
    if (message.conversation_id.size == 0) {
        message.conversation_id = message.message_id;
    }
    *ret_message = message;
    return STATUS_OK;
}
