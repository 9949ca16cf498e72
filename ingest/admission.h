/*
 * Which messages of a decoded batch are taken, and why the others are not. One thread.
 *
 * Text is taken whatever it holds. Ids must be there, be at most DECODE_ID_SIZE_MAX bytes and hold no control
 * characters (a NUL would cut them short in any store, an escape would reach a terminal). Of several messages with one
 * id the first is judged and the others are duplicates.
 */
#ifndef INGEST_ADMISSION_H
#define INGEST_ADMISSION_H

#include <stdint.h>

#include "base/span.h"
#include "base/status.h"
#include "proto/decode.h"

#define ADMISSION_REASONS(X)                                                                                           \
    X(MISSING_MESSAGE_ID, "missing_message_id")                                                                        \
    X(MISSING_CONVERSATION_ID, "missing_conversation_id")                                                              \
    X(ID_TOO_LONG, "id_too_long")                                                                                      \
    X(INVALID_ID, "invalid_id")                                                                                        \
    X(DUPLICATE_MESSAGE_ID, "duplicate_message_id")                                                                    \
    X(TEXT_TOO_LONG, "text_too_long")

enum admission_reason {
#define X(name, text) ADMISSION_##name,
    ADMISSION_REASONS(X)
#undef X
        ADMISSION_REASON_COUNT
};

extern const char *const admission_reason_texts[ADMISSION_REASON_COUNT];

struct admission_rejection {
    uint32_t index; /* in the batch as sent */
    enum admission_reason reason;
};

struct admission;

enum status admission_new(uint32_t batch_messages_max, uint32_t text_bytes_max,
                          struct admission **ret_admission) MUST_USE;
void admission_free(struct admission **admission);

struct admission_result {
    uint32_t accepted;
    uint32_t rejected;
    const struct admission_rejection *rejections; /* valid until the next call */
};

/*
 * Judges `count` (at most batch_messages_max) messages; those accepted are moved to the front, in order. Allocates
 * nothing.
 */
struct admission_result admission_judge(struct admission *admission, struct message *messages, uint32_t count);

/* NULL, or why a batch cannot go by this id: "missing_batch_id", "batch_id_too_long", "invalid_batch_id". */
const char *admission_batch_id_fault(struct span batch_id);

#endif
