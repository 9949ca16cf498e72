#include "ingest/outbox.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct outgoing {
    struct outgoing *next, *prev;
    struct source *source;
    struct source_peer peer;
    int64_t added_ms;
    size_t size;
    uint8_t receipt[];
};

struct outbox {
    struct outgoing *list; /* oldest first */
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

static void outbox_remove(struct outbox *outbox, struct outgoing *item)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): an item is in the list, so the list is not empty. */
    DL_DELETE(outbox->list, item);
    outbox->count--;
    outbox->bytes -= sizeof *item + item->size;
    free(item);
}

void outbox_free(struct outbox **outbox)
{
    if (outbox == NULL || *outbox == NULL) {
        return;
    }
    while ((*outbox)->list != NULL) {
        outbox_remove(*outbox, (*outbox)->list);
    }
    free(*outbox);
    *outbox = NULL;
}

enum status outbox_add(struct outbox *outbox, struct source *source, const struct source_peer *peer,
                       struct span receipt, int64_t now_ms)
{
    size_t size = sizeof(struct outgoing) + receipt.size;
    if (outbox->bytes + size > OUTBOX_BYTES_MAX) {
        return STATUS_FULL;
    }
    struct outgoing *item = malloc(size);
    if (item == NULL) {
        return STATUS_NO_MEMORY;
    }
    item->source = source;
    item->peer = *peer;
    item->added_ms = now_ms;
    item->size = receipt.size;
    memcpy(item->receipt, receipt.data, receipt.size);
    DL_APPEND(outbox->list, item);
    outbox->count++;
    outbox->bytes += size;
    return STATUS_OK;
}

uint32_t outbox_flush(struct outbox *outbox, int64_t now_ms)
{
    uint32_t given_up = 0;
    struct outgoing *item = NULL;
    struct outgoing *following = NULL;
    DL_FOREACH_SAFE(outbox->list, item, following)
    {
        enum status status = item->source->ops->reply(item->source, &item->peer, span_of(item->receipt, item->size));
        if (status == STATUS_FULL && now_ms - item->added_ms < OUTBOX_AGE_MAX_MS) {
            continue;
        }
        given_up += status != STATUS_OK;
        outbox_remove(outbox, item);
    }
    return given_up;
}

uint32_t outbox_count(const struct outbox *outbox)
{
    return outbox->count;
}
