/*
 * A growable byte buffer with a named maximum. Zero-initialise it with BUFFER_INIT(max); free it with buffer_free.
 * Not thread-safe. Appending fails with STATUS_LIMIT over `size_max`, STATUS_NO_MEMORY without memory, and leaves the
 * contents as they were. `data` moves when the buffer grows: keep offsets, not pointers.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "base/status.h"

struct buffer {
    uint8_t *data;
    size_t size;     /* bytes in use */
    size_t capacity; /* bytes allocated */
    size_t size_max; /* never holds more */
};

#define BUFFER_INIT(max) ((struct buffer){.size_max = (max)})

void buffer_free(struct buffer *buffer);

/* Makes room for `extra` more bytes without changing the contents; data + size may then be written directly. */
enum status buffer_reserve(struct buffer *buffer, size_t extra) MUST_USE;
enum status buffer_append(struct buffer *buffer, const void *data, size_t size) MUST_USE;
enum status buffer_append_byte(struct buffer *buffer, uint8_t byte) MUST_USE;
enum status buffer_append_text(struct buffer *buffer, const char *text) MUST_USE;
enum status buffer_print(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3))) MUST_USE;

static inline void buffer_clear(struct buffer *buffer)
{
    buffer->size = 0;
}

static inline struct span buffer_span(const struct buffer *buffer)
{
    return span_of(buffer->data, buffer->size);
}

#endif
