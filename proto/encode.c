#include "proto/encode.h"

#include <string.h>

#include "proto/fields.h"

#define ENCODE_VARINT_SIZE_MAX 10

static enum status encode_varint(struct buffer *out, uint64_t value)
{
    uint8_t bytes[ENCODE_VARINT_SIZE_MAX];
    size_t size = 0;
    while (value >= 0x80) {
        bytes[size++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes[size++] = (uint8_t)value;
    return buffer_append(out, bytes, size);
}

enum status encode_number(struct buffer *out, uint32_t field, uint64_t value)
{
    if (value == 0) {
        return STATUS_OK;
    }
    enum status status = encode_varint(out, (uint64_t)field << 3);
    return status == STATUS_OK ? encode_varint(out, value) : status;
}

enum status encode_bytes(struct buffer *out, uint32_t field, struct span bytes)
{
    enum status status = encode_varint(out, (uint64_t)field << 3 | 2);
    if (status == STATUS_OK) {
        status = encode_varint(out, bytes.size);
    }
    if (status == STATUS_OK && bytes.size > 0) {
        status = buffer_append(out, bytes.data, bytes.size);
    }
    return status;
}

/* What follows is written to room that was made before: sizes are added up first. */

static size_t varint_size(uint64_t value)
{
    return (size_t)(63 - __builtin_clzll(value | 1)) / 7 + 1;
}

static uint8_t *put_varint(uint8_t *to, uint64_t value)
{
    while (value >= 0x80) {
        *to++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *to++ = (uint8_t)value;
    return to;
}

static uint8_t *put_head(uint8_t *to, uint32_t field, size_t size)
{
    return put_varint(put_varint(to, (uint64_t)field << 3 | 2), size);
}

static uint8_t *put_bytes(uint8_t *to, uint32_t field, struct span bytes)
{
    to = put_head(to, field, bytes.size);
    if (bytes.size > 0) {
        memcpy(to, bytes.data, bytes.size);
    }
    return to + bytes.size;
}

static size_t bytes_size(uint32_t field, size_t size)
{
    return varint_size((uint64_t)field << 3) + varint_size(size) + size;
}

static size_t optional_size(uint32_t field, struct span bytes)
{
    return bytes.size > 0 ? bytes_size(field, bytes.size) : 0;
}

static uint8_t *put_optional(uint8_t *to, uint32_t field, struct span bytes)
{
    return bytes.size > 0 ? put_bytes(to, field, bytes) : to;
}

static size_t pair_size(const struct encode_pair *pair)
{
    return bytes_size(FIELDS_ENTRY_KEY, pair->key.size) + bytes_size(FIELDS_ENTRY_VALUE, pair->value.size);
}

static size_t record_size(const struct encode_message *message)
{
    size_t size = optional_size(FIELDS_MESSAGE_ID, message->message_id) +
                  optional_size(FIELDS_MESSAGE_CONVERSATION_ID, message->conversation_id) +
                  optional_size(FIELDS_MESSAGE_SENDER_ID, message->sender_id) +
                  optional_size(FIELDS_MESSAGE_TEXT, message->text) +
                  optional_size(FIELDS_MESSAGE_LOCALE, message->locale);
    if (message->sent_at_ms != 0) {
        size += varint_size(FIELDS_MESSAGE_SENT_AT_MS << 3) + varint_size((uint64_t)message->sent_at_ms);
    }
    for (uint32_t i = 0; i < message->recipient_count; i++) {
        size += bytes_size(FIELDS_MESSAGE_RECIPIENT_IDS, message->recipient_ids[i].size);
    }
    for (uint32_t i = 0; i < message->attribute_count; i++) {
        size += bytes_size(FIELDS_MESSAGE_ATTRIBUTES, pair_size(&message->attributes[i]));
    }
    return size;
}

size_t encode_message_size(uint32_t field, const struct encode_message *message)
{
    return bytes_size(field, record_size(message));
}

enum status encode_message(struct buffer *out, uint32_t field, const struct encode_message *message)
{
    size_t size = record_size(message);
    enum status status = buffer_reserve(out, bytes_size(field, size));
    if (status != STATUS_OK) {
        return status;
    }
    uint8_t *to = put_head(out->data + out->size, field, size);
    to = put_optional(to, FIELDS_MESSAGE_ID, message->message_id);
    to = put_optional(to, FIELDS_MESSAGE_CONVERSATION_ID, message->conversation_id);
    to = put_optional(to, FIELDS_MESSAGE_SENDER_ID, message->sender_id);
    for (uint32_t i = 0; i < message->recipient_count; i++) {
        to = put_bytes(to, FIELDS_MESSAGE_RECIPIENT_IDS, message->recipient_ids[i]);
    }
    if (message->sent_at_ms != 0) {
        to = put_varint(put_varint(to, FIELDS_MESSAGE_SENT_AT_MS << 3), (uint64_t)message->sent_at_ms);
    }
    to = put_optional(to, FIELDS_MESSAGE_TEXT, message->text);
    to = put_optional(to, FIELDS_MESSAGE_LOCALE, message->locale);
    for (uint32_t i = 0; i < message->attribute_count; i++) {
        const struct encode_pair *pair = &message->attributes[i];
        to = put_head(to, FIELDS_MESSAGE_ATTRIBUTES, pair_size(pair));
        to = put_bytes(to, FIELDS_ENTRY_KEY, pair->key);
        to = put_bytes(to, FIELDS_ENTRY_VALUE, pair->value);
    }
    out->size = (size_t)(to - out->data);
    return STATUS_OK;
}
