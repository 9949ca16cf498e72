#include "ingest/ledger.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Arrays of messages come in sizes of 2^4, 2^5, ... messages; a frame of INT_MAX bytes cannot hold 2^31. */
#define LEDGER_CLASS_FIRST 4
#define LEDGER_CLASS_COUNT 28
/* Free arrays beyond this are given back to the system. */
#define LEDGER_SPARE_BYTES_MAX (32u << 20)
/* An entry keeps room for so many rejections; batches with more are rare. */
#define LEDGER_REJECTIONS_KEPT 64

union array { /* a free array of messages holds the next one of its size */
    union array *next;
    struct message first;
};

struct ledger {
    uint32_t batches_max;
    uint64_t bytes_max;
    uint32_t count;
    uint64_t bytes;
    struct ledger_entry *free;
    struct ledger_entry *made; /* all entries, for ledger_free */
    struct ledger_entry **chains;
    size_t chain_mask;
    union array *arrays[LEDGER_CLASS_COUNT];
    size_t spare_bytes;
};

enum status ledger_new(uint32_t batches_max, uint64_t bytes_max, struct ledger **ret_ledger)
{
    struct ledger *ledger = calloc(1, sizeof *ledger);
    if (ledger == NULL) {
        return STATUS_NO_MEMORY;
    }
    size_t chains = 16;
    while (chains < batches_max && chains < (1u << 20)) {
        chains *= 2;
    }
    ledger->batches_max = batches_max;
    ledger->bytes_max = bytes_max;
    ledger->chain_mask = chains - 1;
    ledger->chains = calloc(chains, sizeof(struct ledger_entry *));
    if (ledger->chains == NULL) {
        ledger_free(&ledger);
        return STATUS_NO_MEMORY;
    }
    *ret_ledger = ledger;
    return STATUS_OK;
}

void ledger_free(struct ledger **ledger)
{
    if (ledger == NULL || *ledger == NULL) {
        return;
    }
    struct ledger_entry *next;
    for (struct ledger_entry *entry = (*ledger)->made; entry != NULL; entry = next) {
        next = entry->next_made;
        source_frame_release(&entry->frame);
        free(entry->messages);
        free(entry->rejections);
        free(entry);
    }
    for (unsigned size_class = 0; size_class < LEDGER_CLASS_COUNT; size_class++) {
        union array *following;
        for (union array *array = (*ledger)->arrays[size_class]; array != NULL; array = following) {
            following = array->next;
            free(array);
        }
    }
    free((*ledger)->chains);
    free(*ledger);
    *ledger = NULL;
}

enum status ledger_take(struct ledger *ledger, struct ledger_entry **ret_entry)
{
    struct ledger_entry *entry = ledger->free;
    if (entry != NULL) {
        ledger->free = entry->next;
        entry->next = NULL;
    } else {
        entry = calloc(1, sizeof *entry);
        if (entry == NULL) {
            return STATUS_NO_MEMORY;
        }
        if (zmq_msg_init(&entry->frame.body) != 0) {
            free(entry);
            return STATUS_NO_MEMORY;
        }
        entry->next_made = ledger->made;
        ledger->made = entry;
    }
    *ret_entry = entry;
    return STATUS_OK;
}

static size_t ledger_class_bytes(unsigned size_class)
{
    return sizeof(struct message) << (size_class + LEDGER_CLASS_FIRST);
}

static void ledger_put_messages(struct ledger *ledger, struct ledger_entry *entry)
{
    union array *array = (union array *)(void *)entry->messages;
    size_t bytes = ledger_class_bytes(entry->messages_class);
    entry->messages = NULL;
    if (array == NULL) {
        return;
    }
    if (bytes > LEDGER_SPARE_BYTES_MAX - ledger->spare_bytes) {
        free(array);
        return;
    }
    array->next = ledger->arrays[entry->messages_class];
    ledger->arrays[entry->messages_class] = array;
    ledger->spare_bytes += bytes;
}

static enum status ledger_take_messages(struct ledger *ledger, struct ledger_entry *entry, uint32_t count)
{
    unsigned size_class = 0;
    while (size_class < LEDGER_CLASS_COUNT - 1 && (1ull << (size_class + LEDGER_CLASS_FIRST)) < count) {
        size_class++;
    }
    union array *array = ledger->arrays[size_class];
    if (array != NULL) {
        ledger->arrays[size_class] = array->next;
        ledger->spare_bytes -= ledger_class_bytes(size_class);
    } else {
        array = malloc(ledger_class_bytes(size_class));
        if (array == NULL) {
            return STATUS_NO_MEMORY;
        }
    }
    entry->messages = &array->first;
    entry->messages_class = size_class;
    return STATUS_OK;
}

static enum status ledger_fill_rejections(struct ledger_entry *entry, const struct admission_result *result)
{
    if (result->rejected > entry->rejections_capacity) {
        struct admission_rejection *rejections =
            reallocarray(entry->rejections, result->rejected, sizeof *entry->rejections);
        if (rejections == NULL) {
            return STATUS_NO_MEMORY;
        }
        entry->rejections = rejections;
        entry->rejections_capacity = result->rejected;
    }
    if (result->rejected > 0) {
        memcpy(entry->rejections, result->rejections, result->rejected * sizeof *entry->rejections);
    }
    entry->rejected = result->rejected;
    return STATUS_OK;
}

enum status ledger_fill(struct ledger *ledger, struct ledger_entry *entry, const struct message *messages,
                        const struct admission_result *result)
{
    enum status status = ledger_fill_rejections(entry, result);
    if (status == STATUS_OK) {
        status = ledger_take_messages(ledger, entry, result->accepted);
    }
    if (status != STATUS_OK) {
        return status;
    }
    memcpy(entry->messages, messages, result->accepted * sizeof *messages);
    entry->batch.messages = entry->messages;
    entry->batch.message_count = result->accepted;
    return STATUS_OK;
}

bool ledger_has_room(const struct ledger *ledger, size_t frame_bytes)
{
    if (ledger->count == 0) {
        return true;
    }
    return ledger->count < ledger->batches_max && ledger->bytes < ledger->bytes_max &&
           frame_bytes <= ledger->bytes_max - ledger->bytes;
}

static uint64_t ledger_hash(const struct source *source, const struct source_peer *peer, struct span batch_id)
{
    uint64_t seed = XXH3_64bits_withSeed(peer->frames, peer->size, (uint64_t)(uintptr_t)source);
    return XXH3_64bits_withSeed(batch_id.data, batch_id.size, seed);
}

struct ledger_entry *ledger_find(const struct ledger *ledger, const struct source *source,
                                 const struct source_peer *peer, struct span batch_id)
{
    uint64_t hash = ledger_hash(source, peer, batch_id);
    for (struct ledger_entry *entry = ledger->chains[hash & ledger->chain_mask]; entry != NULL; entry = entry->next) {
        if (entry->hash == hash && entry->source == source &&
            span_equal(span_of(entry->frame.peer.frames, entry->frame.peer.size), span_of(peer->frames, peer->size)) &&
            span_equal(entry->batch.batch_id, batch_id)) {
            return entry;
        }
    }
    return NULL;
}

void ledger_enter(struct ledger *ledger, struct ledger_entry *entry)
{
    entry->hash = ledger_hash(entry->source, &entry->frame.peer, entry->batch.batch_id);
    struct ledger_entry **chain = &ledger->chains[entry->hash & ledger->chain_mask];
    entry->next = *chain;
    *chain = entry;
    entry->entered = true;
    entry->bytes = source_frame_body(&entry->frame).size + ledger_class_bytes(entry->messages_class);
    ledger->count++;
    ledger->bytes += entry->bytes;
}

static void ledger_leave(struct ledger *ledger, struct ledger_entry *entry)
{
    struct ledger_entry **link = &ledger->chains[entry->hash & ledger->chain_mask];
    while (*link != entry) {
        link = &(*link)->next; /* an entered entry is in its chain: a NULL here is a broken ledger, and crashes */
    }
    *link = entry->next;
    entry->entered = false;
    ledger->count--;
    ledger->bytes -= entry->bytes;
}

void ledger_put(struct ledger *ledger, struct ledger_entry **entry)
{
    if (entry == NULL || *entry == NULL) {
        return;
    }
    struct ledger_entry *old = *entry;
    *entry = NULL;
    if (old->entered) {
        ledger_leave(ledger, old);
    }
    ledger_put_messages(ledger, old);
    source_frame_release(&old->frame);
    if (old->rejections_capacity > LEDGER_REJECTIONS_KEPT) {
        free(old->rejections);
        old->rejections = NULL;
        old->rejections_capacity = 0;
    }
    old->rejected = 0;
    old->batch.messages = NULL;
    old->batch.message_count = 0;
    old->batch.batch_id = span_of(NULL, 0);
    old->source = NULL;
    old->next = ledger->free;
    ledger->free = old;
}

uint32_t ledger_count(const struct ledger *ledger)
{
    return ledger->count;
}

uint64_t ledger_bytes(const struct ledger *ledger)
{
    return ledger->bytes;
}
