#include "ingest/outbox.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

struct outgoing {
    struct outgoing *next, *prev;
    int64_t added_ms;
    size_t size;
    uint8_t receipt[];
};

/* Who does not read, and what waits for it. Never without a receipt. */
struct addressee {
    UT_hash_handle hh;
    struct addressee *next, *prev;
    struct source *source;
    struct outgoing *list; /* oldest first */
    struct source_peer peer;
    size_t key_size;
    uint8_t key[sizeof(struct source *) + SOURCE_PEER_SIZE_MAX]; /* the source, the peer */
};

struct outbox {
    struct addressee *by_key;
    struct addressee *addressees; /* the one that waits longest to be tried comes first */
    uint32_t addressee_count;
    uint32_t count;
    size_t bytes;
};

enum status outbox_new(struct outbox **ret_outbox)
{
    struct outbox *outbox = calloc(1, sizeof *outbox);
    if (outbox == NULL) {
        return STATUS_NO_MEMORY;
    }
    *ret_outbox = outbox;
    return STATUS_OK;
}

static size_t outbox_size_of(const struct outgoing *item)
{
    return sizeof *item + item->size;
}

/* Drops the oldest receipt; the addressee with its last one. False: it is gone. */
static bool outbox_drop(struct outbox *outbox, struct addressee *addressee)
{
    struct outgoing *item = addressee->list;
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): an addressee has at least one receipt. */
    DL_DELETE(addressee->list, item);
    outbox->count--;
    outbox->bytes -= outbox_size_of(item);
    free(item);
    if (addressee->list != NULL) {
        return true;
    }
    HASH_DELETE(hh, outbox->by_key, addressee);
    DL_DELETE(outbox->addressees, addressee);
    outbox->addressee_count--;
    outbox->bytes -= sizeof *addressee;
    free(addressee);
    return false;
}

void outbox_free(struct outbox **outbox)
{
    if (outbox == NULL || *outbox == NULL) {
        return;
    }
    while ((*outbox)->addressees != NULL) {
        (void)outbox_drop(*outbox, (*outbox)->addressees);
    }
    free(*outbox);
    *outbox = NULL;
}

static size_t outbox_make_key(uint8_t *key, struct source *source, const struct source_peer *peer)
{
    memcpy(key, &source, sizeof source);
    memcpy(key + sizeof source, peer->frames, peer->size);
    return sizeof source + peer->size;
}

/* The addressee, made if there is none; NULL without memory. */
static struct addressee *outbox_addressee(struct outbox *outbox, struct source *source, const struct source_peer *peer,
                                          bool *ret_made)
{
    uint8_t key[sizeof(struct source *) + SOURCE_PEER_SIZE_MAX];
    size_t key_size = outbox_make_key(key, source, peer);
    struct addressee *addressee = NULL;
    HASH_FIND(hh, outbox->by_key, key, key_size, addressee);
    *ret_made = addressee == NULL;
    if (addressee != NULL) {
        return addressee;
    }
    addressee = calloc(1, sizeof *addressee);
    if (addressee == NULL) {
        return NULL;
    }
    addressee->source = source;
    addressee->peer = *peer;
    addressee->key_size = key_size;
    memcpy(addressee->key, key, key_size);
    return addressee;
}

enum status outbox_add(struct outbox *outbox, struct source *source, const struct source_peer *peer,
                       struct span receipt, int64_t now_ms)
{
    size_t size = sizeof(struct outgoing) + receipt.size;
    bool made = false;
    if (outbox->bytes + size + sizeof(struct addressee) > OUTBOX_BYTES_MAX) {
        return STATUS_FULL;
    }
    struct addressee *addressee = outbox_addressee(outbox, source, peer, &made);
    struct outgoing *item = addressee != NULL ? malloc(size) : NULL;
    if (item == NULL) {
        if (made) {
            free(addressee);
        }
        return STATUS_NO_MEMORY;
    }
    item->added_ms = now_ms;
    item->size = receipt.size;
    memcpy(item->receipt, receipt.data, receipt.size);
    if (made) {
        HASH_ADD_KEYPTR(hh, outbox->by_key, addressee->key, addressee->key_size, addressee);
        DL_APPEND(outbox->addressees, addressee);
        outbox->addressee_count++;
        outbox->bytes += sizeof *addressee;
    }
    DL_APPEND(addressee->list, item);
    outbox->count++;
    outbox->bytes += size;
    return STATUS_OK;
}

/* Sends what this one takes. Returns how many were given up; it may be gone afterwards. */
static uint32_t outbox_try(struct outbox *outbox, struct addressee *addressee, int64_t now_ms)
{
    uint32_t given_up = 0;
    bool waits = true;
    while (waits) {
        const struct outgoing *item = addressee->list;
        enum status status =
            addressee->source->ops->reply(addressee->source, &addressee->peer, span_of(item->receipt, item->size));
        if (status == STATUS_FULL && now_ms - item->added_ms < OUTBOX_AGE_MAX_MS) {
            break; /* still does not read: the others would fare no better */
        }
        given_up += status != STATUS_OK;
        waits = outbox_drop(outbox, addressee);
    }
    return given_up;
}

uint32_t outbox_flush(struct outbox *outbox, int64_t now_ms)
{
    uint32_t given_up = 0;
    uint32_t tries = outbox->addressee_count < OUTBOX_TRIES_MAX ? outbox->addressee_count : OUTBOX_TRIES_MAX;
    for (; tries > 0; tries--) {
        struct addressee *addressee = outbox->addressees;
        /* To the end: the others have their turn before it has its next. */
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference,clang-analyzer-unix.Malloc): all that are counted are listed. */
        DL_DELETE(outbox->addressees, addressee);
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): outbox_drop takes what it frees out of the list. */
        DL_APPEND(outbox->addressees, addressee);
        given_up += outbox_try(outbox, addressee, now_ms);
    }
    return given_up;
}

uint32_t outbox_count(const struct outbox *outbox)
{
    return outbox->count;
}
