#include "scanner/slot.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct slot {
    pthread_mutex_t lock; /* guards what follows */
    struct ruleset *live;
    struct ruleset *retired[SLOT_RETIRED_MAX]; /* oldest first */
    uint32_t retired_count;
};

enum status slot_new(struct ruleset *ruleset, struct slot **ret_slot)
{
    struct slot *slot = calloc(1, sizeof *slot);
    if (!slot) {
        return STATUS_NO_MEMORY;
    }
    if (pthread_mutex_init(&slot->lock, NULL) != 0) {
        free(slot);
        return STATUS_SYSTEM;
    }
    slot->live = ruleset;
    *ret_slot = slot;
    return STATUS_OK;
}

void slot_free(struct slot **slot)
{
    if (*slot) {
        ruleset_let_go(&(*slot)->live);
        for (uint32_t i = 0; i < (*slot)->retired_count; i++) {
            ruleset_let_go(&(*slot)->retired[i]);
        }
        (void)pthread_mutex_destroy(&(*slot)->lock);
        free(*slot);
        *slot = NULL;
    }
}

struct ruleset *slot_take(struct slot *slot)
{
    (void)pthread_mutex_lock(&slot->lock);
    struct ruleset *ruleset = ruleset_hold(slot->live);
    (void)pthread_mutex_unlock(&slot->lock);
    return ruleset;
}

static void remove_retired(struct slot *slot, uint32_t i)
{
    slot->retired_count--;
    memmove(slot->retired + i, slot->retired + i + 1, (slot->retired_count - i) * sizeof(struct ruleset *));
}

void slot_swap(struct slot *slot, struct ruleset *ruleset)
{
    struct ruleset *crowded_out = NULL;
    (void)pthread_mutex_lock(&slot->lock);
    if (slot->retired_count == SLOT_RETIRED_MAX) {
        crowded_out = slot->retired[0];
        remove_retired(slot, 0);
    }
    slot->retired[slot->retired_count++] = slot->live;
    slot->live = ruleset;
    (void)pthread_mutex_unlock(&slot->lock);
    ruleset_let_go(&crowded_out);
}

uint32_t slot_reap(struct slot *slot)
{
    struct ruleset *unused[SLOT_RETIRED_MAX];
    uint32_t unused_count = 0;
    (void)pthread_mutex_lock(&slot->lock);
    for (uint32_t i = 0; i < slot->retired_count;) {
        if (ruleset_holds(slot->retired[i]) == 1) { /* ours: no new hold can be taken on it */
            unused[unused_count++] = slot->retired[i];
            remove_retired(slot, i);
        } else {
            i++;
        }
    }
    uint32_t left = slot->retired_count;
    (void)pthread_mutex_unlock(&slot->lock);
    for (uint32_t i = 0; i < unused_count; i++) {
        ruleset_let_go(&unused[i]); /* outside the lock: it may take long */
    }
    return left;
}
