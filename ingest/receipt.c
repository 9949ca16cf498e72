#include "ingest/receipt.h"

#include <stddef.h>

#include "proto/encode.h"
#include "proto/fields.h"

#define REJECTED_SIZE_MAX 64 /* an index and the longest reason */

static enum status receipt_encode_rejections(const struct receipt *receipt, struct buffer *out)
{
    uint8_t bytes[REJECTED_SIZE_MAX];
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < receipt->rejected; i++) {
        const struct admission_rejection *rejection = &receipt->rejections[i];
        /* A buffer over an array: it is large enough, so it never grows. */
        struct buffer inner = {.data = bytes, .capacity = sizeof bytes, .size_max = sizeof bytes};
        status = encode_number(&inner, FIELDS_REJECTED_INDEX, rejection->index);
        if (status == STATUS_OK) {
            status = encode_bytes(&inner, FIELDS_REJECTED_REASON, span_text(admission_reason_texts[rejection->reason]));
        }
        if (status == STATUS_OK) {
            status = encode_bytes(out, FIELDS_RECEIPT_REJECTED, buffer_span(&inner));
        }
    }
    return status;
}

enum status receipt_encode(const struct receipt *receipt, struct buffer *out)
{
    buffer_clear(out);
    enum status status = STATUS_OK;
    if (receipt->batch_id.size > 0) {
        status = encode_bytes(out, FIELDS_RECEIPT_BATCH_ID, receipt->batch_id);
    }
    if (status == STATUS_OK) {
        status = encode_number(out, FIELDS_RECEIPT_ACCEPTED, receipt->accepted);
    }
    if (status == STATUS_OK) {
        status = receipt_encode_rejections(receipt, out);
    }
    if (status == STATUS_OK) {
        status = encode_number(out, FIELDS_RECEIPT_STATUS, receipt->status);
    }
    if (status == STATUS_OK) {
        status = encode_number(out, FIELDS_RECEIPT_RETRY_AFTER_MS, receipt->retry_after_ms);
    }
    if (status == STATUS_OK && receipt->reason != NULL) {
        status = encode_bytes(out, FIELDS_RECEIPT_REASON, span_text(receipt->reason));
    }
    return status;
}
