/*
 * Makes up a stream of conversations for demonstrations and tests: people who do not exist chat in ten languages, and a
 * few of them mean harm. The same seed and count give the same stream, byte for byte, but for the times.
 *
 * Each message knows whether it belongs to planted harm and whether its text was disguised (full-width letters,
 * look-alike letters, zero-width characters, odd spacing), so that what a pipeline finds can be compared with what was
 * there. Conversations overlap; times never go back. The texts live in cli/generate_texts.c.
 */
#ifndef CLI_GENERATE_H
#define CLI_GENERATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/status.h"

/* Everything is valid until the next generate_next. */
struct generate_message {
    const char *message_id; /* "m000000", "m000001", ... */
    const char *conversation_id;
    const char *sender_id, *recipient_id;
    const char *locale;
    const char *text;  /* UTF-8 */
    const char *theme; /* of a harmful message: "scams", "threats", ...; NULL otherwise */
    uint64_t index;    /* from 0 */
    int64_t sent_at_ms;
    bool planted; /* completes the harm of its conversation; what leads up to it may look harmless */
    bool evasive; /* harmful and disguised */
};

struct generate;

/* `count` messages, the first sent at `start_ms` (Unix time). STATUS_NO_MEMORY. */
enum status generate_new(uint64_t seed, uint64_t count, int64_t start_ms, struct generate **ret_generate) MUST_USE;
void generate_free(struct generate **generate);

/* STATUS_CLOSED after the last one. STATUS_NO_MEMORY. */
enum status generate_next(struct generate *generate, struct generate_message *ret_message) MUST_USE;

/* Appends the message as one line of JSON with the field names of DirectMessage. What is planted is not said. */
enum status generate_write_json(const struct generate_message *message, struct buffer *out) MUST_USE;

#endif
