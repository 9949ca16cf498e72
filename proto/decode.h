/*
 * Reads a Batch where it lies: no allocation, no copy. Every span points into the frame.
 *
 * Pure functions over pointer and length, safe on any bytes. The encoding:
 * https://protobuf.dev/programming-guides/encoding Last one wins for repeated singular fields, unknown fields are
 * skipped, groups are refused, as protobuf parsers do. A known field with another field's wire type is refused, as
 * protobuf-c does: what is taken here, protobuf-c unpacks too.
 */
#ifndef PROTO_DECODE_H
#define PROTO_DECODE_H

#include <stdint.h>

#include "base/span.h"
#include "base/status.h"

#define DECODE_ID_SIZE_MAX 256

/* One DirectMessage, as spans of the frame. Recipients and attributes are read only from `record`, for flagged ones. */
struct message {
    struct span message_id;
    struct span conversation_id;
    struct span sender_id;
    struct span text;
    struct span locale;
    struct span record; /* the whole encoded DirectMessage */
    int64_t sent_at_ms;
    uint64_t conversation_hash; /* of conversation_id: the same conversation always goes to the same worker */
    uint32_t index;             /* its place in the batch as sent */
};

struct decode_header {
    struct span batch_id;
    uint32_t message_count; /* all of them, also beyond max */
};

/*
 * Decodes a frame into at most `max` messages. STATUS_OK; STATUS_INVALID or STATUS_INCOMPLETE for a frame that is no
 * Batch; STATUS_LIMIT for more messages than `max` (ret_header is then filled, so that the receipt can name the batch).
 * Ids are not judged here: admission does that. UTF-8 of `string` fields other than text is checked: STATUS_INVALID.
 * `messages` is scratch: after a failure it may hold anything.
 */
enum status decode_batch(struct span frame, struct message *messages, uint32_t max,
                         struct decode_header *ret_header) MUST_USE;

/* Only the batch's id, for answering a batch that is not going to be decoded. Same results; skips what it can. */
enum status decode_batch_id(struct span frame, struct span *ret_batch_id) MUST_USE;

#endif
