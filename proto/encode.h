/*
 * Writes protobuf fields to the end of a buffer: the counterpart of proto/decode.h for records made by hand.
 *
 * A nested message is written to a buffer of its own first and then appended as bytes. Results are those of the buffer:
 * STATUS_LIMIT, STATUS_NO_MEMORY; a failed append may leave the part that fitted, so clear the buffer after a failure.
 */
#ifndef PROTO_ENCODE_H
#define PROTO_ENCODE_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"
#include "base/status.h"

/* A number field. Like proto3, writes nothing for 0. */
enum status encode_number(struct buffer *out, uint32_t field, uint64_t value) MUST_USE;

/* A string, bytes or message field; an empty one is written too, as repeated fields and nested messages need. */
enum status encode_bytes(struct buffer *out, uint32_t field, struct span bytes) MUST_USE;

#endif
