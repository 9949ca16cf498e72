#include "scanner/slot.h"

#include <pthread.h>
#include <stdlib.h>

struct slot {
    pthread_mutex_t lock; /* guards live */
    struct ruleset *live;
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

void slot_swap(struct slot *slot, struct ruleset *ruleset)
{
    (void)pthread_mutex_lock(&slot->lock);
    struct ruleset *old = slot->live;
    slot->live = ruleset;
    (void)pthread_mutex_unlock(&slot->lock);
    ruleset_let_go(&old);
}
