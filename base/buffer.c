#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_CAPACITY_MIN 64

void buffer_free(struct buffer *buffer)
{
    if (!buffer)
        return;
    free(buffer->data);
    buffer->data = NULL;
    buffer->size = 0;
    buffer->capacity = 0;
}

enum status buffer_reserve(struct buffer *buffer, size_t extra)
{
    if (buffer->size > buffer->size_max || extra > buffer->size_max - buffer->size)
        return STATUS_LIMIT;
    size_t needed = buffer->size + extra;
    if (needed <= buffer->capacity)
        return STATUS_OK;

    /* Twice as much each time, so that appending costs the same however long the buffer gets. */
    size_t capacity = buffer->capacity > buffer->size_max / 2 ? buffer->size_max : buffer->capacity * 2;
    if (capacity < BUFFER_CAPACITY_MIN)
        capacity = buffer->size_max < BUFFER_CAPACITY_MIN ? buffer->size_max : BUFFER_CAPACITY_MIN;
    if (capacity < needed)
        capacity = needed;
    uint8_t *data = realloc(buffer->data, capacity);
    if (!data)
        return STATUS_NO_MEMORY;
    buffer->data = data;
    buffer->capacity = capacity;
    return STATUS_OK;
}

enum status buffer_append(struct buffer *buffer, const void *data, size_t size)
{
    enum status status = buffer_reserve(buffer, size);
    if (status != STATUS_OK)
        return status;
    if (size > 0)
        memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
    return STATUS_OK;
}

enum status buffer_append_byte(struct buffer *buffer, uint8_t byte)
{
    return buffer_append(buffer, &byte, 1);
}

enum status buffer_append_text(struct buffer *buffer, const char *text)
{
    return buffer_append(buffer, text, strlen(text));
}

enum status buffer_print(struct buffer *buffer, const char *format, ...)
{
    size_t room = buffer->capacity - buffer->size;
    va_list arguments;

    if (buffer->size > buffer->size_max)
        return STATUS_LIMIT;
    va_start(arguments, format);
    int length = vsnprintf(room > 0 ? (char *)buffer->data + buffer->size : NULL, room, format, arguments);
    va_end(arguments);
    if (length < 0)
        return STATUS_INVALID;
    if ((size_t)length < room && (size_t)length <= buffer->size_max - buffer->size) {
        buffer->size += (size_t)length;
        return STATUS_OK;
    }

    /* vsnprintf wants room for a NUL that the buffer may not have at its maximum. */
    enum status status = buffer_reserve(buffer, (size_t)length);
    if (status != STATUS_OK)
        return status;
    char *text = NULL;
    va_start(arguments, format);
    length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        return STATUS_NO_MEMORY;
    status = buffer_append(buffer, text, (size_t)length);
    free(text);
    return status;
}
