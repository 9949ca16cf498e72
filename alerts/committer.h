/*
 * The alert stage's thread: takes verdicts off a bounded queue, routes their hits, commits them in groups, and only
 * then settles them, which is what lets ingest acknowledge.
 *
 * A group closes at group_max verdicts or group_wait_ms after its first. A commit that fails (disk full, locked) is
 * tried again with growing pauses up to retry_max_ms for as long as the program runs; meanwhile nothing is
 * acknowledged, the queue fills, and the stage reports itself unhealthy.
 */
#ifndef ALERTS_COMMITTER_H
#define ALERTS_COMMITTER_H

#include <stdbool.h>
#include <stdint.h>

#include "alerts/route.h"
#include "alerts/store.h"
#include "base/metrics.h"
#include "base/status.h"

struct committer;

#define COMMITTER_GROUP_MAX 65536

struct committer_settings {
    struct route_table routes; /* what it points to must outlive the committer */
    uint32_t queue_max;        /* verdicts waiting */
    uint32_t group_max;        /* up to COMMITTER_GROUP_MAX */
    uint32_t group_wait_ms;
    uint32_t retry_max_ms;
};

/*
 * Takes over `store` (from then on used by its thread only). `on_state` is called from its thread when the store stops
 * or starts to work, with the reason in words when it stops; may be NULL.
 */
enum status committer_start(const struct committer_settings *settings, const struct store_ops *ops,
                            struct store **store, struct metrics *metrics,
                            void (*on_state)(void *context, bool healthy, const char *reason), void *context,
                            struct committer **ret_committer) MUST_USE;

/*
 * Verdicts that are not settled yet hold at most so many bytes together (one that is larger goes alone): with the
 * earlier messages of its conversation a verdict can be a hundred times as large as its message.
 */
#define COMMITTER_WAITING_BYTES_MAX ((size_t)64 << 20)

/* Where verdicts go. Waits for room. Any thread. */
struct verdict_sink committer_sink(struct committer *committer);

/*
 * The end is near: what cannot be committed within `drain_ms` is settled as not safe. Verdicts are still taken, and
 * from then on nobody who pushes one waits much longer than that. Call it before waiting for the threads that push.
 */
void committer_hurry(struct committer *committer, uint32_t drain_ms);

/*
 * Commits what is queued and ends the thread. What cannot be committed within `drain_ms` (or by the time that
 * committer_hurry gave, if that is sooner) is settled as not safe, so that its batch is sent again; returns how many
 * that were.
 */
uint32_t committer_stop(struct committer *committer, uint32_t drain_ms);
void committer_free(struct committer **committer);

#endif
