#include "proto/encode.h"

#include <stddef.h>

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
