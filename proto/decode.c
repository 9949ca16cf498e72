#include "proto/decode.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <xxhash.h>

#include "proto/fields.h"

/* https://protobuf.dev/programming-guides/encoding */
enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

#define DECODE_VARINT_SIZE_MAX 10
#define DECODE_TAG_SIZE_MAX 5 /* also of a length: both are 32-bit numbers */
#define DECODE_FIELD_MAX ((1u << 29) - 1)

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

struct field {
    uint32_t number;
    enum wire_type type;
    uint64_t varint;   /* WIRE_VARINT */
    struct span bytes; /* WIRE_BYTES */
};

static struct cursor cursor_of(struct span bytes)
{
    /* A NULL span has size 0; a one-byte anchor keeps the pointer arithmetic defined. */
    static const uint8_t nothing[1];
    const uint8_t *at = bytes.size > 0 ? bytes.data : nothing;
    return (struct cursor){.at = at, .end = at + bytes.size};
}

static enum status read_long_varint(struct cursor *cursor, unsigned size_max, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size_max; i++) {
        if (cursor->at == cursor->end) {
            return STATUS_INCOMPLETE;
        }
        uint8_t byte = *cursor->at++;
        value |= (uint64_t)(byte & 0x7f) << (7 * i); /* what does not fit in 64 bits is dropped, as protobuf does */
        if (byte < 0x80) {
            *ret_value = value;
            return STATUS_OK;
        }
    }
    return STATUS_INVALID;
}

static inline enum status read_varint(struct cursor *cursor, unsigned size_max, uint64_t *ret_value)
{
    if (cursor->at < cursor->end && *cursor->at < 0x80) { /* nearly all tags and sizes have one byte */
        *ret_value = *cursor->at++;
        return STATUS_OK;
    }
    return read_long_varint(cursor, size_max, ret_value);
}

static enum status skip_fixed(struct cursor *cursor, size_t size)
{
    if ((size_t)(cursor->end - cursor->at) < size) {
        return STATUS_INCOMPLETE;
    }
    cursor->at += size;
    return STATUS_OK;
}

/* The next field, whatever it is. The cursor must not be at its end. */
static inline enum status read_field(struct cursor *cursor, struct field *ret_field)
{
    uint64_t tag = 0;
    uint64_t size = 0;
    enum status status = read_varint(cursor, DECODE_TAG_SIZE_MAX, &tag);
    if (status != STATUS_OK) {
        return status;
    }
    if (tag >> 3 == 0 || tag >> 3 > DECODE_FIELD_MAX) {
        return STATUS_INVALID;
    }
    ret_field->number = (uint32_t)(tag >> 3);
    ret_field->type = (enum wire_type)(tag & 7);
    switch (ret_field->type) {
    case WIRE_VARINT:
        return read_varint(cursor, DECODE_VARINT_SIZE_MAX, &ret_field->varint);
    case WIRE_FIXED64:
        return skip_fixed(cursor, 8);
    case WIRE_FIXED32:
        return skip_fixed(cursor, 4);
    case WIRE_BYTES:
        status = read_varint(cursor, DECODE_TAG_SIZE_MAX, &size);
        if (status != STATUS_OK) {
            return status;
        }
        if (size > INT_MAX) {
            return STATUS_INVALID;
        }
        if (size > (size_t)(cursor->end - cursor->at)) {
            return STATUS_INCOMPLETE;
        }
        ret_field->bytes = span_of(cursor->at, (size_t)size);
        cursor->at += size;
        return STATUS_OK;
    default: /* groups, and two values that were never given a meaning */
        return STATUS_INVALID;
    }
}

/* The size of the well-formed character of two or more bytes at `at`, or 0. Unicode 15, table 3-7. */
static size_t utf8_character(const uint8_t *at, const uint8_t *end)
{
    uint8_t first = at[0];
    size_t size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (size == 0 || (size_t)(end - at) < size) {
        return 0;
    }
    uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < low || at[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return size;
}

static bool is_utf8(struct span bytes)
{
    struct cursor cursor = cursor_of(bytes);
    while (cursor.at < cursor.end) {
        while (cursor.end - cursor.at >= 8) { /* ids are ASCII nearly always */
            uint64_t word;
            memcpy(&word, cursor.at, sizeof word);
            if ((word & 0x8080808080808080u) != 0) {
                break;
            }
            cursor.at += 8;
        }
        while (cursor.at < cursor.end && *cursor.at < 0x80) {
            cursor.at++;
        }
        if (cursor.at < cursor.end) {
            size_t size = utf8_character(cursor.at, cursor.end);
            if (size == 0) {
                return false;
            }
            cursor.at += size;
        }
    }
    return true;
}

/* A `string` field's value: the right wire type, and UTF-8. */
static enum status take_string(const struct field *field, struct span *ret_string)
{
    if (field->type != WIRE_BYTES || !is_utf8(field->bytes)) {
        return STATUS_INVALID;
    }
    *ret_string = field->bytes;
    return STATUS_OK;
}

/* What ends too early inside a record whose size was given is not incomplete: more input would not help. */
static enum status inner_status(enum status status)
{
    return status == STATUS_INCOMPLETE ? STATUS_INVALID : status;
}

/* One entry of `attributes`: only looked over, so that whoever unpacks the record later finds it sound. */
static enum status check_attribute(struct span entry)
{
    struct cursor cursor = cursor_of(entry);
    while (cursor.at < cursor.end) {
        struct field field;
        struct span ignored;
        enum status status = read_field(&cursor, &field);
        if (status == STATUS_OK && (field.number == FIELDS_ENTRY_KEY || field.number == FIELDS_ENTRY_VALUE)) {
            status = take_string(&field, &ignored);
        }
        if (status != STATUS_OK) {
            return inner_status(status);
        }
    }
    return STATUS_OK;
}

static enum status take_message_field(const struct field *field, struct message *message)
{
    struct span ignored;
    switch (field->number) {
    case FIELDS_MESSAGE_ID:
        return take_string(field, &message->message_id);
    case FIELDS_MESSAGE_CONVERSATION_ID:
        return take_string(field, &message->conversation_id);
    case FIELDS_MESSAGE_SENDER_ID:
        return take_string(field, &message->sender_id);
    case FIELDS_MESSAGE_RECIPIENT_IDS:
        return take_string(field, &ignored);
    case FIELDS_MESSAGE_SENT_AT_MS:
        message->sent_at_ms = (int64_t)field->varint;
        return field->type == WIRE_VARINT ? STATUS_OK : STATUS_INVALID;
    case FIELDS_MESSAGE_TEXT:
        message->text = field->bytes;
        return field->type == WIRE_BYTES ? STATUS_OK : STATUS_INVALID;
    case FIELDS_MESSAGE_LOCALE:
        return take_string(field, &message->locale);
    case FIELDS_MESSAGE_ATTRIBUTES:
        return field->type == WIRE_BYTES ? check_attribute(field->bytes) : STATUS_INVALID;
    default:
        return STATUS_OK;
    }
}

static enum status decode_message(struct span record, struct message *ret_message)
{
    struct message message = {.record = record};
    struct cursor cursor = cursor_of(record);
    while (cursor.at < cursor.end) {
        struct field field = {0};
        enum status status = read_field(&cursor, &field);
        if (status == STATUS_OK) {
            status = take_message_field(&field, &message);
        }
        if (status != STATUS_OK) {
            return inner_status(status);
        }
    }
    message.conversation_hash = XXH3_64bits(message.conversation_id.data, message.conversation_id.size);
    *ret_message = message;
    return STATUS_OK;
}

enum status decode_batch(struct span frame, struct message *messages, uint32_t max, struct decode_header *ret_header)
{
    struct decode_header header = {0};
    if (frame.size > INT_MAX) { /* protobuf's own limit; it also keeps message_count from wrapping */
        return STATUS_INVALID;
    }
    struct cursor cursor = cursor_of(frame);
    while (cursor.at < cursor.end) {
        struct field field;
        enum status status = read_field(&cursor, &field);
        if (status != STATUS_OK) {
            return status;
        }
        if (field.number == FIELDS_BATCH_ID) {
            status = take_string(&field, &header.batch_id);
        } else if (field.number == FIELDS_BATCH_MESSAGES && field.type != WIRE_BYTES) {
            status = STATUS_INVALID;
        } else if (field.number == FIELDS_BATCH_MESSAGES) {
            if (header.message_count < max) {
                struct message *message = &messages[header.message_count];
                status = decode_message(field.bytes, message);
                message->index = header.message_count;
            }
            header.message_count++;
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    *ret_header = header;
    return header.message_count > max ? STATUS_LIMIT : STATUS_OK;
}

enum status decode_batch_id(struct span frame, struct span *ret_batch_id)
{
    struct span batch_id = {0};
    if (frame.size > INT_MAX) {
        return STATUS_INVALID;
    }
    struct cursor cursor = cursor_of(frame);
    while (cursor.at < cursor.end) {
        struct field field;
        enum status status = read_field(&cursor, &field);
        if (status == STATUS_OK && field.number == FIELDS_BATCH_ID) {
            status = take_string(&field, &batch_id);
        } else if (status == STATUS_OK && field.number == FIELDS_BATCH_MESSAGES && field.type != WIRE_BYTES) {
            status = STATUS_INVALID;
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    *ret_batch_id = batch_id;
    return STATUS_OK;
}
