#include "ingest/receipt.h"

#include <stddef.h>

#include "proto/encode.h"

/* Field numbers of weir.proto. */
enum { BATCH_ID = 1, ACCEPTED = 2, REJECTED = 3, STATUS = 4, RETRY_AFTER_MS = 5, REASON = 6 };
enum { REJECTED_INDEX = 1, REJECTED_REASON = 2 };

#define REJECTED_SIZE_MAX 64 /* an index and the longest reason */

static enum status receipt_encode_rejections(const struct receipt *receipt, struct buffer *out)
{
    uint8_t bytes[REJECTED_SIZE_MAX];
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < receipt->rejected; i++) {
        const struct admission_rejection *rejection = &receipt->rejections[i];
        /* A buffer over an array: it is large enough, so it never grows. */
        struct buffer inner = {.data = bytes, .capacity = sizeof bytes, .size_max = sizeof bytes};
        status = encode_number(&inner, REJECTED_INDEX, rejection->index);
        if (status == STATUS_OK) {
            status = encode_bytes(&inner, REJECTED_REASON, span_text(admission_reason_texts[rejection->reason]));
        }
        if (status == STATUS_OK) {
            status = encode_bytes(out, REJECTED, buffer_span(&inner));
        }
    }
    return status;
}

enum status receipt_encode(const struct receipt *receipt, struct buffer *out)
{
    buffer_clear(out);
    enum status status = STATUS_OK;
    if (receipt->batch_id.size > 0) {
        status = encode_bytes(out, BATCH_ID, receipt->batch_id);
    }
    if (status == STATUS_OK) {
        status = encode_number(out, ACCEPTED, receipt->accepted);
    }
    if (status == STATUS_OK) {
        status = receipt_encode_rejections(receipt, out);
    }
    if (status == STATUS_OK) {
        status = encode_number(out, STATUS, receipt->status);
    }
    if (status == STATUS_OK) {
        status = encode_number(out, RETRY_AFTER_MS, receipt->retry_after_ms);
    }
    if (status == STATUS_OK && receipt->reason != NULL) {
        status = encode_bytes(out, REASON, span_text(receipt->reason));
    }
    return status;
}
