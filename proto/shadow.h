/*
 * scanner -> alerts: a message that a shadow rule would have flagged. It is counted and perhaps sampled, and never
 * becomes an alert. A live rule that was demoted for flooding (scanner/flood.h) reports here as well.
 */
#ifndef PROTO_SHADOW_H
#define PROTO_SHADOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

/* Valid only during the call. */
struct shadow_hit {
    const char *rule;       /* id */
    const char *queue;      /* the rule's own queue, or NULL */
    const char *generation; /* of the rule set that found it */
    bool demoted;           /* the rule is live in its pack */
    int severity;           /* enum severity: the queue may depend on it */
    struct span message_id;
    struct span conversation_id;
    struct span text;
    int64_t received_at_ms;
};

/* Copies what it keeps and never waits for a disk. Any thread. A NULL `take`: nobody wants to know. */
struct shadow_sink {
    void (*take)(void *context, const struct shadow_hit *hit);
    void *context;
};

#endif
