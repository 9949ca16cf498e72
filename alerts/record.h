/*
 * What only flagged messages need of the record as it was sent: recipients and attributes. Private to alerts/.
 *
 * Any bytes may come in. Memory is bounded by the arena, and what is too large, damaged or no UTF-8 gives NULL: a hit
 * is never lost over it.
 */
#ifndef ALERTS_RECORD_H
#define ALERTS_RECORD_H

#include "base/arena.h"
#include "base/span.h"

#define RECORD_RECIPIENTS_MAX 1024
#define RECORD_ATTRIBUTES_MAX 256
#define RECORD_TEXT_SIZE_MAX (64u << 10) /* of each JSON text */

struct record_texts {
    const char *recipients; /* a JSON list of texts, or NULL: none or not known */
    const char *attributes; /* a JSON object of texts, or NULL */
};

/* Texts live in the arena. */
void record_decode(struct span record, struct arena *arena, struct record_texts *ret_texts);

#endif
