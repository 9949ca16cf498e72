/*
 * What is kept of a message in which a rule with `across` found something, or which may be half of a phrase: the message
 * itself, to be shown when it took part in a hit, and what each rule found. Only for scanner/across.c.
 */
#ifndef SCANNER_ACROSS_KEPT_H
#define SCANNER_ACROSS_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "proto/decode.h"
#include "proto/verdict.h"

/* Of one rule; bit i stands for pattern i. */
struct kept_found {
    uint64_t rule;    /* the rule's key */
    uint64_t found;   /* in this message, perhaps with what the sender sent before or after it */
    uint64_t unknown; /* a match limit was hit */
    uint64_t half;    /* half of a phrase that was found when the other half came */
};

struct kept {
    uint32_t holds; /* records that share it */
    uint32_t size;  /* bytes held, whole */
    uint32_t found_count;
    uint32_t message_size, sender_size, text_size; /* of what stands in `bytes` */
    int64_t sent_at_ms, received_at_ms;
    bool may_be_first, may_be_second; /* half of a phrase */
    struct kept_found *found;
    uint8_t bytes[]; /* message id, sender id, text */
};

/* A copy, of at most `text_max` bytes of text, that nobody holds yet. NULL without memory. */
struct kept *kept_new(const struct message *message, int64_t received_at_ms, uint32_t text_max);
void kept_free(struct kept **kept);

/* NULL: the rule found nothing. */
struct kept_found *kept_find(const struct kept *kept, uint64_t rule);

/* Adds an empty one where there is none; what kept_find gave before is then no longer valid. NULL without memory. */
struct kept_found *kept_need(struct kept *kept, uint64_t rule);

struct span kept_text(const struct kept *kept);

/* Points into `kept`. */
struct verdict_context kept_context(const struct kept *kept);

#endif
