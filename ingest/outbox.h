/*
 * Receipts that could not leave at once because their producer does not read. Bounded in number and in time: a receipt
 * that is given up is counted by the caller, and the producer sends its batch again. Only ingest's thread.
 */
#ifndef INGEST_OUTBOX_H
#define INGEST_OUTBOX_H

#include <stdint.h>

#include "base/span.h"
#include "base/status.h"
#include "ingest/source.h"

#define OUTBOX_BYTES_MAX (8u << 20)
#define OUTBOX_AGE_MAX_MS 10000
#define OUTBOX_TRIES_MAX 256 /* producers that one flush tries, so that it costs little however many there are */

struct outbox;

enum status outbox_new(struct outbox **ret_outbox) MUST_USE;
void outbox_free(struct outbox **outbox);

/* Keeps a copy. STATUS_FULL, STATUS_NO_MEMORY. */
enum status outbox_add(struct outbox *outbox, struct source *source, const struct source_peer *peer,
                       struct span receipt, int64_t now_ms) MUST_USE;

/*
 * Sends each producer what it takes, oldest first; one that takes nothing costs one try, however much waits for it. With
 * more than OUTBOX_TRIES_MAX producers those that waited longest for a try. Returns how many receipts were given up.
 * `now_ms` are ticks.
 */
uint32_t outbox_flush(struct outbox *outbox, int64_t now_ms);

uint32_t outbox_count(const struct outbox *outbox);

#endif
