/*
 * Writes protobuf fields to the end of a buffer: the counterpart of proto/decode.h for records made by hand.
 *
 * A nested message is written to a buffer of its own first and then appended as bytes. Results are those of the buffer:
 * STATUS_LIMIT, STATUS_NO_MEMORY; a failed append may leave the part that fitted, so clear the buffer after a failure.
 */
#ifndef PROTO_ENCODE_H
#define PROTO_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"
#include "base/status.h"

/* A number field. Like proto3, writes nothing for 0. */
enum status encode_number(struct buffer *out, uint32_t field, uint64_t value) MUST_USE;

/* A string, bytes or message field; an empty one is written too, as repeated fields and nested messages need. */
enum status encode_bytes(struct buffer *out, uint32_t field, struct span bytes) MUST_USE;

/* A DirectMessage to be written. Empty spans and 0 are left out, as proto3 does. */
struct encode_pair {
    struct span key, value;
};
struct encode_message {
    struct span message_id, conversation_id, sender_id, text, locale;
    const struct span *recipient_ids;
    uint32_t recipient_count;
    const struct encode_pair *attributes;
    uint32_t attribute_count;
    int64_t sent_at_ms;
};

/* How many bytes encode_message appends. */
size_t encode_message_size(uint32_t field, const struct encode_message *message);

/* The message as a field of another (of a Batch). Leaves `out` as it was if it fails. */
enum status encode_message(struct buffer *out, uint32_t field, const struct encode_message *message) MUST_USE;

#endif
