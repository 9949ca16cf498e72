/*
 * The conversation window: the last messages of each conversation, in memory only, so that a case can show what came
 * before it. It never touches a disk; what is not flagged is forgotten.
 *
 * One ring of bytes holds the messages of all conversations in the order in which they came; new ones push the oldest
 * out. A table leads from a conversation to its last message, and each message to the one before it. So the memory is
 * fixed (ring plus table), nothing is allocated per message, and forgetting costs nothing. A conversation may be
 * forgotten early when the table is crowded; context is a help, not a promise.
 *
 * Not thread-safe: each worker has its own, and a conversation always has the same worker. Time is an argument.
 */
#ifndef SCANNER_WINDOW_H
#define SCANNER_WINDOW_H

#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "proto/decode.h"
#include "proto/verdict.h"

struct window;

#define WINDOW_MESSAGES_MAX 10

struct window_settings {
    size_t bytes;      /* of the ring, at least 64 KiB; a message larger than a quarter of it is not kept */
    int64_t age_ms;    /* older messages (by when they were received) are not given out */
    uint32_t messages; /* how many earlier messages are given out at most, up to WINDOW_MESSAGES_MAX */
};

enum status window_new(const struct window_settings *settings, struct window **ret_window) MUST_USE;
void window_free(struct window **window);

/* Remembers a message. The same message id again, right after itself, is not kept twice. */
void window_add(struct window *window, const struct message *message, int64_t received_at_ms);

/*
 * The messages of the conversation of `message` that came before it, oldest first, as copies in the arena. The message
 * itself and repetitions (a batch sent again) are left out, and so are the oldest where the arena has no room for all.
 * STATUS_NO_MEMORY: not even for a list of none.
 */
enum status window_find(struct window *window, const struct message *message, int64_t now_ms, struct arena *arena,
                        struct verdict_context **ret_context, uint32_t *ret_count) MUST_USE;

#endif
