/*
 * The batches that were handed on and are not answered yet, by who sent them and their id. Bounded by count and bytes.
 *
 * Entries and their arrays of messages come from free lists: once traffic has shown its shape, a batch allocates
 * nothing. Only ingest's thread calls these functions. While an entry is entered, other threads read its batch and its
 * messages.
 */
#ifndef INGEST_LEDGER_H
#define INGEST_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "base/status.h"
#include "ingest/admission.h"
#include "ingest/source.h"
#include "proto/batch.h"
#include "proto/decode.h"

struct ledger_entry {
    struct batch batch; /* first: whoever settles it knows only this */
    struct source *source;
    struct source_frame frame; /* the batch's bytes, and the way back */
    struct admission_rejection *rejections;
    uint32_t rejected;
    uint32_t rejections_capacity;
    int64_t received_ns; /* ticks, for how long it took */
    struct ledger_entry *next_settled;

    /* ledger.c's own */
    struct message *messages;
    unsigned messages_class;
    uint64_t hash;
    uint64_t bytes; /* counted as in flight */
    bool entered;
    struct ledger_entry *next; /* in its chain, or in the free list */
    struct ledger_entry *next_made;
};

struct ledger;

enum status ledger_new(uint32_t batches_max, uint64_t bytes_max, struct ledger **ret_ledger) MUST_USE;

/* Frees every entry that was ever taken, also those still in flight: no other thread may know one. */
void ledger_free(struct ledger **ledger);

/* An entry with an empty frame, not yet in flight. STATUS_NO_MEMORY. */
enum status ledger_take(struct ledger *ledger, struct ledger_entry **ret_entry) MUST_USE;

/* Back to the free list, whether it was entered or not; releases the frame. Clears the pointer. */
void ledger_put(struct ledger *ledger, struct ledger_entry **entry);

/* Copies what was accepted and what was rejected into the entry: batch.messages, rejections. STATUS_NO_MEMORY. */
enum status ledger_fill(struct ledger *ledger, struct ledger_entry *entry, const struct message *messages,
                        const struct admission_result *result) MUST_USE;

/* Whether a frame of so many bytes may be taken. With nothing in flight one always may, however small the limits. */
bool ledger_has_room(const struct ledger *ledger, size_t frame_bytes);

/* The batch in flight that this peer of this source sent under this id, or NULL. */
struct ledger_entry *ledger_find(const struct ledger *ledger, const struct source *source,
                                 const struct source_peer *peer, struct span batch_id);

/* Counts the entry as in flight, to be found by its source, peer and batch_id. */
void ledger_enter(struct ledger *ledger, struct ledger_entry *entry);

uint32_t ledger_count(const struct ledger *ledger);

/* Frames and what was decoded from them. */
uint64_t ledger_bytes(const struct ledger *ledger);

#endif
