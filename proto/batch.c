#include "proto/batch.h"

#include <stddef.h>
#include <stdlib.h>

void batch_open(struct batch *batch, void (*on_settled)(struct batch *batch, void *context), void *context)
{
    atomic_init(&batch->holds, 1);
    atomic_init(&batch->failed, false);
    batch->on_settled = on_settled;
    batch->context = context;
}

void batch_hold(struct batch *batch)
{
    /* Relaxed is enough: the caller's own hold keeps the batch alive, and nothing is published here. */
    unsigned before = atomic_fetch_add_explicit(&batch->holds, 1, memory_order_relaxed);
    if (before == 0) {
        abort(); /* a hold on a settled batch: its frame may be gone */
    }
}

void batch_let_go(struct batch *batch, bool safe)
{
    if (!safe) {
        atomic_store_explicit(&batch->failed, true, memory_order_relaxed);
    }
    /* Release what this thread did to the batch; the last one acquires what all others did. */
    unsigned before = atomic_fetch_sub_explicit(&batch->holds, 1, memory_order_acq_rel);
    if (before == 0) {
        abort();
    }
    if (before == 1 && batch->on_settled != NULL) {
        batch->on_settled(batch, batch->context);
    }
}
