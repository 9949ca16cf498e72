#include "cli/message_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json_reader.h"

#define NUMBER_SIZE 24 /* a 64-bit number and a NUL */

enum field { MESSAGE_ID, CONVERSATION_ID, SENDER_ID, TEXT, TEXT_BASE64, LOCALE, SENT_AT_MS, RECIPIENTS, ATTRIBUTES };
#define FIELD_COUNT (ATTRIBUTES + 1)

static const struct {
    const char *name;
    size_t size;
} fields[FIELD_COUNT] = {
#define FIELD(name)                                                                                                    \
    {                                                                                                                  \
        name, sizeof(name) - 1                                                                                         \
    }
    [MESSAGE_ID] = FIELD("message_id"),   [CONVERSATION_ID] = FIELD("conversation_id"),
    [SENDER_ID] = FIELD("sender_id"),     [TEXT] = FIELD("text"),
    [TEXT_BASE64] = FIELD("text_base64"), [LOCALE] = FIELD("locale"),
    [SENT_AT_MS] = FIELD("sent_at_ms"),   [RECIPIENTS] = FIELD("recipient_ids"),
    [ATTRIBUTES] = FIELD("attributes"),
#undef FIELD
};

struct message_line {
    enum input_format format;
    uint32_t text_column;
    char *id; /* the prefix, then the line number */
    size_t id_prefix_size;
    uint64_t line;

    /* Of the JSON object that is being read: the last of several members with one name counts. */
    struct json_reader_value values[FIELD_COUNT]; /* missing ones are JSON_READER_NULL */
    bool faulty_list;                             /* an item of recipient_ids is no text */
    bool faulty_map;                              /* a value of attributes is no text */
    struct span *recipients;
    uint32_t recipient_count, recipients_capacity;
    struct encode_pair *attributes;
    uint32_t attribute_count, attributes_capacity;
};

enum status message_line_new(enum input_format format, uint32_t text_column, const char *id_prefix,
                             struct message_line **ret_reader)
{
    size_t prefix_size = id_prefix ? strlen(id_prefix) : 0;
    struct message_line *reader = calloc(1, sizeof *reader);
    if (reader) {
        reader->id = malloc(prefix_size + NUMBER_SIZE);
    }
    if (!reader || !reader->id) {
        free(reader);
        return STATUS_NO_MEMORY;
    }
    reader->format = format;
    reader->text_column = text_column;
    reader->id_prefix_size = prefix_size;
    if (id_prefix) {
        memcpy(reader->id, id_prefix, prefix_size + 1);
    }
    *ret_reader = reader;
    return STATUS_OK;
}

void message_line_free(struct message_line **reader)
{
    if (reader && *reader) {
        free((*reader)->id);
        free((*reader)->recipients);
        free((*reader)->attributes);
        free(*reader);
        *reader = NULL;
    }
}

/* Room for one more item. The arrays grow with the number of items that a line really has. */
static bool grow(void **items, uint32_t count, uint32_t *capacity, size_t size)
{
    if (count < *capacity) {
        return true;
    }
    uint32_t more = *capacity ? *capacity * 2 : 16; /* a line is far too short for this to wrap */
    void *grown = reallocarray(*items, more, size);
    if (!grown) {
        return false;
    }
    *items = grown;
    *capacity = more;
    return true;
}

/* STATUS_OK; STATUS_INVALID: the line is no JSON; STATUS_NO_MEMORY. */
static enum status skip_if_nested(struct json_reader *json, const struct json_reader_value *value)
{
    bool nested = value->kind == JSON_READER_ARRAY || value->kind == JSON_READER_OBJECT;
    return !nested || json_reader_skip(json) ? STATUS_OK : STATUS_INVALID;
}

static enum status read_recipients(struct message_line *reader, struct json_reader *json)
{
    bool more = true;
    reader->recipient_count = 0;
    reader->faulty_list = false;
    json_reader_enter(json);
    for (bool first = true;; first = false) {
        struct json_reader_value value;
        if (!json_reader_next(json, first, &more, NULL)) {
            return STATUS_INVALID;
        }
        if (!more) {
            return STATUS_OK;
        }
        if (!json_reader_value(json, &value) || skip_if_nested(json, &value) != STATUS_OK) {
            return STATUS_INVALID;
        }
        reader->faulty_list |= value.kind != JSON_READER_TEXT;
        void *items = reader->recipients;
        if (!grow(&items, reader->recipient_count, &reader->recipients_capacity, sizeof *reader->recipients)) {
            return STATUS_NO_MEMORY;
        }
        reader->recipients = items;
        reader->recipients[reader->recipient_count++] = value.text;
    }
}

static enum status read_attributes(struct message_line *reader, struct json_reader *json)
{
    bool more = true;
    reader->attribute_count = 0;
    reader->faulty_map = false;
    json_reader_enter(json);
    for (bool first = true;; first = false) {
        struct json_reader_value value;
        struct span name;
        if (!json_reader_next(json, first, &more, &name)) {
            return STATUS_INVALID;
        }
        if (!more) {
            return STATUS_OK;
        }
        if (!json_reader_value(json, &value) || skip_if_nested(json, &value) != STATUS_OK) {
            return STATUS_INVALID;
        }
        reader->faulty_map |= value.kind != JSON_READER_TEXT;
        void *items = reader->attributes;
        if (!grow(&items, reader->attribute_count, &reader->attributes_capacity, sizeof *reader->attributes)) {
            return STATUS_NO_MEMORY;
        }
        reader->attributes = items;
        reader->attributes[reader->attribute_count++] = (struct encode_pair){.key = name, .value = value.text};
    }
}

static unsigned field_of(struct span name)
{
    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        if (fields[field].size == name.size && memcmp(fields[field].name, name.data, name.size) == 0) {
            return field;
        }
    }
    return FIELD_COUNT;
}

/* Notes the values of all members; what they should be is judged when the whole line is known to be JSON. */
static enum status read_members(struct message_line *reader, struct json_reader *json)
{
    bool more = true;
    for (bool first = true;; first = false) {
        struct span name;
        struct json_reader_value value;
        if (!json_reader_next(json, first, &more, &name)) {
            return STATUS_INVALID;
        }
        if (!more) {
            return json_reader_end(json) ? STATUS_OK : STATUS_INVALID;
        }
        if (!json_reader_value(json, &value)) {
            return STATUS_INVALID;
        }
        unsigned field = field_of(name);
        enum status status;
        if (field == RECIPIENTS && value.kind == JSON_READER_ARRAY) {
            status = read_recipients(reader, json);
        } else if (field == ATTRIBUTES && value.kind == JSON_READER_OBJECT) {
            status = read_attributes(reader, json);
        } else {
            status = skip_if_nested(json, &value);
        }
        if (status != STATUS_OK) {
            return status;
        }
        if (field < FIELD_COUNT) {
            reader->values[field] = value;
        }
    }
}

static enum status fault(const struct message_line *reader, struct error *error, enum field field, const char *expected)
{
    error_set(error, "line %" PRIu64 ": '%s' is not %s", reader->line, fields[field].name, expected);
    return STATUS_INVALID;
}

/* An id: text, or a whole number as it is written. Missing leaves `ret_id` as it is. */
static enum status take_id(const struct message_line *reader, enum field field, struct error *error,
                           struct span *ret_id)
{
    const struct json_reader_value *value = &reader->values[field];
    switch (value->kind) {
    case JSON_READER_NULL:
        return STATUS_OK;
    case JSON_READER_WHOLE:
        *ret_id = value->whole == 0 ? span_text("0") : value->text; /* which may be written -0 */
        return STATUS_OK;
    case JSON_READER_TEXT:
        *ret_id = value->text;
        return STATUS_OK;
    default:
        return fault(reader, error, field, "text");
    }
}

static int base64_digit(uint8_t digit)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = digit != '\0' ? strchr(digits, digit) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* Standard alphabet, padded, nothing else in between (RFC 4648, section 4). Decoded where it stands. */
static bool decode_base64(uint8_t *bytes, size_t size, struct span *ret_bytes)
{
    if (size % 4 != 0) {
        return false;
    }
    size_t padding = 0;
    while (padding < 2 && padding < size && bytes[size - 1 - padding] == '=') {
        padding++;
    }
    uint8_t *out = bytes;
    for (size_t i = 0; i < size; i += 4) {
        uint32_t bits = 0;
        for (size_t j = i; j < i + 4; j++) {
            int digit = j >= size - padding ? 0 : base64_digit(bytes[j]);
            if (digit < 0) {
                return false;
            }
            bits = bits << 6 | (uint32_t)digit;
        }
        *out++ = (uint8_t)(bits >> 16);
        *out++ = (uint8_t)(bits >> 8);
        *out++ = (uint8_t)bits;
    }
    *ret_bytes = span_of(bytes, size / 4 * 3 - padding);
    return true;
}

static enum status take_text(const struct message_line *reader, uint8_t *line, struct error *error,
                             struct span *ret_text)
{
    const struct json_reader_value *text = &reader->values[TEXT], *base64 = &reader->values[TEXT_BASE64];
    if (text->kind == JSON_READER_NULL && base64->kind == JSON_READER_NULL) {
        error_set(error, "line %" PRIu64 ": has neither 'text' nor 'text_base64'", reader->line);
        return STATUS_INVALID;
    }
    if (text->kind == JSON_READER_TEXT) {
        *ret_text = text->text;
        return STATUS_OK;
    }
    if (text->kind != JSON_READER_NULL) {
        return fault(reader, error, TEXT, "text");
    }
    if (base64->kind == JSON_READER_TEXT && base64->text.size == 0) {
        *ret_text = base64->text;
        return STATUS_OK;
    }
    if (base64->kind != JSON_READER_TEXT ||
        !decode_base64(line + (base64->text.data - line), base64->text.size, ret_text)) {
        return fault(reader, error, TEXT_BASE64, "base64");
    }
    return STATUS_OK;
}

static enum status take_lists(const struct message_line *reader, struct error *error, struct input_message *message)
{
    enum json_reader_kind list = reader->values[RECIPIENTS].kind, map = reader->values[ATTRIBUTES].kind;
    if (list != JSON_READER_NULL && (list != JSON_READER_ARRAY || reader->faulty_list)) {
        return fault(reader, error, RECIPIENTS, "a list of texts");
    }
    if (map != JSON_READER_NULL && (map != JSON_READER_OBJECT || reader->faulty_map)) {
        return fault(reader, error, ATTRIBUTES, "an object of texts");
    }
    message->recipient_ids = reader->recipients;
    message->recipient_count = list == JSON_READER_ARRAY ? reader->recipient_count : 0;
    message->attributes = reader->attributes;
    message->attribute_count = map == JSON_READER_OBJECT ? reader->attribute_count : 0;
    return STATUS_OK;
}

static enum status take_fields(const struct message_line *reader, uint8_t *line, struct error *error,
                               struct input_message *message)
{
    enum status status = take_id(reader, MESSAGE_ID, error, &message->message_id);
    if (status == STATUS_OK) {
        status = take_id(reader, CONVERSATION_ID, error, &message->conversation_id);
    }
    if (status == STATUS_OK) {
        status = take_id(reader, SENDER_ID, error, &message->sender_id);
    }
    if (status == STATUS_OK) {
        status = take_text(reader, line, error, &message->text);
    }
    if (status == STATUS_OK) {
        status = take_lists(reader, error, message);
    }
    const struct json_reader_value *locale = &reader->values[LOCALE], *sent = &reader->values[SENT_AT_MS];
    if (status == STATUS_OK && locale->kind != JSON_READER_NULL) {
        message->locale = locale->text;
        status = locale->kind == JSON_READER_TEXT ? STATUS_OK : fault(reader, error, LOCALE, "text");
    }
    if (status == STATUS_OK && sent->kind != JSON_READER_NULL) {
        message->sent_at_ms = sent->whole;
        status = sent->kind == JSON_READER_WHOLE ? STATUS_OK : fault(reader, error, SENT_AT_MS, "a whole number");
    }
    return status;
}

static enum status read_jsonl(struct message_line *reader, uint8_t *bytes, size_t size, struct error *error,
                              struct input_message *message)
{
    struct json_reader json;
    struct json_reader_value whole;
    enum status status = STATUS_INVALID;
    memset(reader->values, 0, sizeof reader->values);
    json_reader_start(&json, bytes, size);
    if (json_reader_value(&json, &whole)) {
        if (whole.kind == JSON_READER_OBJECT) {
            json_reader_enter(&json);
            status = read_members(reader, &json);
        } else if (skip_if_nested(&json, &whole) == STATUS_OK && json_reader_end(&json)) {
            error_set(error, "line %" PRIu64 ": not a JSON object", reader->line);
            return STATUS_INVALID;
        }
    }
    if (status == STATUS_INVALID) {
        error_set(error, "line %" PRIu64 ": not a JSON object (it cannot be read as JSON)", reader->line);
    } else if (status == STATUS_NO_MEMORY) {
        error_set(error, "line %" PRIu64 ": out of memory", reader->line);
        status = STATUS_SYSTEM;
    }
    return status == STATUS_OK ? take_fields(reader, bytes, error, message) : status;
}

static enum status read_tsv(const struct message_line *reader, struct span line, struct error *error,
                            struct span *ret_text)
{
    const uint8_t *end = line.data + line.size;
    const uint8_t *column = line.data;
    for (uint32_t number = 1;; number++) {
        const uint8_t *tab = column < end ? memchr(column, '\t', (size_t)(end - column)) : NULL;
        if (number == reader->text_column || (reader->text_column == 0 && tab == NULL)) {
            *ret_text = span_of(column, (size_t)((tab != NULL ? tab : end) - column));
            return STATUS_OK;
        }
        if (tab == NULL) {
            error_set(error, "line %" PRIu64 ": has %u columns, the text should be in column %u", reader->line, number,
                      reader->text_column);
            return STATUS_INVALID;
        }
        column = tab + 1;
    }
}

static bool is_blank(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != ' ' && bytes[i] != '\t' && bytes[i] != '\r') {
            return false;
        }
    }
    return true;
}

static struct span make_id(struct message_line *reader)
{
    char digits[NUMBER_SIZE];
    size_t at = sizeof digits;
    uint64_t number = reader->line;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    memcpy(reader->id + reader->id_prefix_size, digits + at, sizeof digits - at);
    return span_of(reader->id, reader->id_prefix_size + sizeof digits - at);
}

enum status message_line_read(struct message_line *reader, uint8_t *bytes, size_t size, uint64_t line,
                              struct error *error, struct input_message *ret_message)
{
    struct input_message message = {.line = line};
    enum status status = STATUS_OK;
    reader->line = line;
    if (size > 0 && bytes[size - 1] == '\r') {
        size--;
    }
    if (reader->format == INPUT_JSONL) {
        if (line == 1 && size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
            bytes += 3; /* a byte order mark is no part of JSON, but editors leave it there */
            size -= 3;
        }
        status = is_blank(bytes, size) ? STATUS_NOT_FOUND : read_jsonl(reader, bytes, size, error, &message);
    } else if (reader->format == INPUT_TSV) {
        status = read_tsv(reader, span_of(bytes, size), error, &message.text);
    } else {
        message.text = span_of(bytes, size);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (message.message_id.size == 0) {
        message.message_id = make_id(reader);
        message.id_made = true;
    }
    if (message.conversation_id.size == 0) {
        message.conversation_id = message.message_id;
        message.conversation_made = true;
    }
    *ret_message = message;
    return STATUS_OK;
}
