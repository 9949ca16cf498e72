/* The answer to a batch, as bytes of a Receipt (proto/weir.proto). */
#ifndef INGEST_RECEIPT_H
#define INGEST_RECEIPT_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"
#include "base/status.h"
#include "ingest/admission.h"

/* The numbers of weir.proto. */
enum receipt_status { RECEIPT_OK = 1, RECEIPT_RETRY_LATER = 2, RECEIPT_MALFORMED = 3 };

struct receipt {
    struct span batch_id;
    enum receipt_status status;
    uint32_t accepted;
    const struct admission_rejection *rejections;
    uint32_t rejected;
    uint32_t retry_after_ms;
    const char *reason; /* NULL: none */
};

/* Replaces what `out` holds. STATUS_NO_MEMORY, STATUS_LIMIT. */
enum status receipt_encode(const struct receipt *receipt, struct buffer *out) MUST_USE;

#endif
