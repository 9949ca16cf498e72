/*
 * scanner -> alerts: what was found in one message, with all that the alert stage needs.
 *
 * A clean message has no verdict record: its worker just lets the batch go. A verdict is one block of memory that holds
 * copies of everything it points to, and one hold on the batch; alerts frees it after the commit.
 */
#ifndef PROTO_VERDICT_H
#define PROTO_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "base/status.h"
#include "proto/batch.h"
#include "proto/severity.h"

enum outcome {
    OUTCOME_FLAGGED,   /* the rule holds */
    OUTCOME_UNSCANNED, /* it could not be decided: a person must */
};

/* Bytes of the message as sent: [start, end). */
struct verdict_span {
    const char *pattern; /* the pattern's name in its rule */
    const char *view;    /* "raw", "folded" */
    uint32_t start, end;
};

struct verdict_hit {
    enum outcome outcome;
    enum severity severity;
    const char *rule;   /* id */
    const char *title;  /* of the rule, for people */
    const char *queue;  /* the rule's own queue, or NULL */
    const char *reason; /* OUTCOME_UNSCANNED: "match_limit", "view_limit", "no_memory", "crash", ...; else NULL */
    const struct verdict_span *spans;
    uint32_t span_count;
};

/* An earlier message of the same conversation, from memory. Oldest first in a verdict. */
struct verdict_context {
    struct span message_id;
    struct span sender_id;
    struct span text;
    int64_t sent_at_ms;
    int64_t received_at_ms;
};

struct verdict {
    struct batch *batch; /* a hold on it, or NULL */
    struct span message_id;
    struct span conversation_id;
    struct span sender_id;
    struct span text;
    struct span locale;
    struct span record; /* the DirectMessage as sent, encoded: for recipients and attributes; may be empty */
    int64_t sent_at_ms;
    int64_t received_at_ms;
    const char *generation; /* of the rule set that decided */
    const struct verdict_hit *hits;
    uint32_t hit_count;
    const struct verdict_context *context;
    uint32_t context_count;
    uint32_t part_count; /* so many of them, the last ones, took part in a hit: shown whatever the queue's policy */
    size_t size;         /* of a copy: bytes of its block; for bounding what waits */
};

/*
 * A copy of `verdict` and everything it points to, in one block. Takes one more hold on the batch if there is one.
 * STATUS_NO_MEMORY leaves nothing behind.
 */
enum status verdict_copy(const struct verdict *verdict, struct verdict **ret_copy) MUST_USE;

/* Frees a copy and lets its batch go; `safe` says whether what it reports is on stable storage. Clears the pointer. */
void verdict_settle(struct verdict **verdict, bool safe);

/* Where the scanner hands verdicts to. Takes over the verdict if it returns STATUS_OK. May wait for room. */
struct verdict_sink {
    enum status (*push)(void *context, struct verdict *verdict);
    void *context;
};

#endif
