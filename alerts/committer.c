#include "alerts/committer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "alerts/committer_metrics.h"
#include "base/clock.h"
#include "base/queue.h"

#define COMMITTER_RETRY_FIRST_MS 50

struct committer {
    struct committer_settings settings;
    const struct store_ops *ops;
    struct store *store; /* of the thread */
    struct queue *queue;
    struct committer_metrics metrics;
    void (*on_state)(void *context, bool healthy, const char *reason);
    void *context;

    /* of the thread */
    struct verdict **group;
    struct store_verdict *routed;
    struct store_hit *hits; /* of the whole group */
    bool *new;
    size_t hits_capacity;
    bool healthy;

    atomic_uint unsafe; /* verdicts that had to be settled as not safe */

    pthread_t thread;
    bool started;
    bool locks_made;
    pthread_mutex_t lock;    /* guards what follows */
    pthread_cond_t stopping; /* signalled when deadline_ms is set */
    pthread_cond_t room;     /* signalled when waiting_bytes shrinks */
    int64_t deadline_ms;     /* of the monotonic clock; INT64_MAX until committer_hurry or committer_stop */
    size_t waiting_bytes;    /* of the verdicts that were pushed and are not settled */
};

/* Waits until `size` more bytes may wait. */
static void committer_take_room(struct committer *committer, size_t size)
{
    pthread_mutex_lock(&committer->lock);
    while (committer->waiting_bytes > 0 &&
           (size > COMMITTER_WAITING_BYTES_MAX || committer->waiting_bytes > COMMITTER_WAITING_BYTES_MAX - size))
        pthread_cond_wait(&committer->room, &committer->lock);
    committer->waiting_bytes += size;
    metric_set(committer->metrics.waiting_bytes, (int64_t)committer->waiting_bytes);
    pthread_mutex_unlock(&committer->lock);
}

static void committer_give_room(struct committer *committer, size_t size)
{
    pthread_mutex_lock(&committer->lock);
    committer->waiting_bytes -= size;
    metric_set(committer->metrics.waiting_bytes, (int64_t)committer->waiting_bytes);
    pthread_cond_broadcast(&committer->room);
    pthread_mutex_unlock(&committer->lock);
}

/* Settles `count` verdicts of the group. */
static void committer_settle(struct committer *committer, uint32_t first, uint32_t count, bool safe)
{
    size_t size = 0;
    if (!safe)
        atomic_fetch_add(&committer->unsafe, count);
    for (uint32_t i = first; i < first + count; i++) {
        size += committer->group[i]->size;
        verdict_settle(&committer->group[i], safe);
    }
    committer_give_room(committer, size);
}

/* Waits up to `ms`, but not beyond the deadline. False: the deadline is over. */
static bool committer_pause(struct committer *committer, int64_t ms)
{
    int64_t until_ms = clock_ticks_ms() + ms;
    pthread_mutex_lock(&committer->lock);
    for (;;) {
        int64_t end_ms = until_ms < committer->deadline_ms ? until_ms : committer->deadline_ms;
        if (clock_ticks_ms() >= end_ms)
            break;
        struct timespec end = {.tv_sec = end_ms / 1000, .tv_nsec = end_ms % 1000 * 1000000};
        (void)pthread_cond_timedwait(&committer->stopping, &committer->lock, &end);
    }
    bool goes_on = clock_ticks_ms() < committer->deadline_ms;
    pthread_mutex_unlock(&committer->lock);
    return goes_on;
}

static bool committer_over(struct committer *committer)
{
    pthread_mutex_lock(&committer->lock);
    bool over = clock_ticks_ms() >= committer->deadline_ms;
    pthread_mutex_unlock(&committer->lock);
    return over;
}

static void committer_set_healthy(struct committer *committer, bool healthy, const char *reason)
{
    if (committer->healthy == healthy)
        return;
    committer->healthy = healthy;
    metric_set(committer->metrics.healthy, healthy);
    if (committer->on_state)
        committer->on_state(committer->context, healthy, reason);
}

/* Can waiting help? Otherwise the fault is in what is to be stored. */
static bool committer_may_pass(enum status status)
{
    return status != STATUS_INVALID && status != STATUS_LIMIT;
}

/* Commits, and tries again as long as that can help and there is time. */
static enum status committer_try(struct committer *committer, const struct store_verdict *verdicts, uint32_t count)
{
    int64_t pause_ms = COMMITTER_RETRY_FIRST_MS;
    for (;;) {
        struct error error = {0};
        struct store_commit_result result;
        int64_t started_ns = clock_ticks_ns();
        enum status status = committer->ops->commit(committer->store, verdicts, count, clock_now_ms(), &error, &result);
        if (status == STATUS_OK) {
            committer_metrics_committed(&committer->metrics, verdicts, count, &result, clock_ticks_ns() - started_ns);
            committer_set_healthy(committer, true, NULL);
            return STATUS_OK;
        }
        metric_add(committer->metrics.failures, 1);
        if (!committer_may_pass(status))
            return status;
        committer_set_healthy(committer, false, error.text[0] ? error.text : status_text(status));
        if (pause_ms > committer->settings.retry_max_ms)
            pause_ms = committer->settings.retry_max_ms;
        if (!committer_pause(committer, pause_ms))
            return status;
        pause_ms *= 2;
    }
}

/*
 * A verdict that can never be stored as it is: keeps only what names the message and the rules, without its text, as
 * something that a person must look at. Not even that: the producer is told to send it again, and the metrics tell.
 */
static void committer_set_aside(struct committer *committer, const struct store_verdict *routed, bool *ret_safe)
{
    const struct verdict *original = routed->verdict;
    struct verdict bare = {
        .message_id = original->message_id,
        .conversation_id = original->conversation_id,
        .sender_id = original->sender_id,
        .sent_at_ms = original->sent_at_ms,
        .received_at_ms = original->received_at_ms,
    };
    bool safe = true, refused = false;
    for (uint32_t i = 0; i < original->hit_count; i++) {
        struct verdict_hit hit = {
            .outcome = OUTCOME_UNSCANNED,
            .rule = original->hits[i].rule,
            .title = "Flagged, but could not be stored: find the message where it came from",
            .reason = "not_storable",
            .severity = original->hits[i].severity,
        };
        struct route route;
        bool is_new = false;
        route_hit(&committer->settings.routes, &hit, &route);
        bare.hits = &hit;
        bare.hit_count = 1;
        struct store_hit kept = {&hit, route.queue, route.service_level_ms, 0, &is_new};
        struct store_verdict single = {&bare, &kept, 1};
        enum status status = committer_try(committer, &single, 1);
        if (status != STATUS_OK)
            safe = false;
        refused |= status != STATUS_OK && !committer_may_pass(status);
    }
    if (safe)
        metric_add(committer->metrics.set_aside, 1);
    else if (refused) /* otherwise only the time ran out */
        metric_add(committer->metrics.refused, 1);
    *ret_safe = safe;
}

/* Commits [first, first + count), by halves where something in it cannot be stored, and settles each verdict. */
static void committer_store(struct committer *committer, uint32_t first, uint32_t count)
{
    bool safe = false;
    enum status status = STATUS_TIMEOUT;
    if (!committer_over(committer))
        status = committer_try(committer, committer->routed + first, count);
    if (status == STATUS_OK) {
        safe = true;
    } else if (!committer_may_pass(status) && count > 1) {
        committer_store(committer, first, count / 2);
        committer_store(committer, first + count / 2, count - count / 2);
        return;
    } else if (!committer_may_pass(status)) {
        committer_set_aside(committer, committer->routed + first, &safe);
    }
    committer_settle(committer, first, count, safe);
}

static bool committer_reserve_hits(struct committer *committer, size_t count)
{
    if (count <= committer->hits_capacity)
        return true;
    struct store_hit *hits = calloc(count, sizeof *hits);
    bool *new = calloc(count, sizeof *new);
    if (!hits || !new) {
        free(hits);
        free(new);
        return false;
    }
    free(committer->hits);
    free(committer->new);
    committer->hits = hits;
    committer->new = new;
    committer->hits_capacity = count;
    return true;
}

/* Chooses a queue for every hit of the group. Without memory: settles all of it as not safe. */
static bool committer_route(struct committer *committer, uint32_t count)
{
    size_t hits = 0;
    for (uint32_t i = 0; i < count; i++)
        hits += committer->group[i]->hit_count;
    int64_t pause_ms = COMMITTER_RETRY_FIRST_MS;
    while (!committer_reserve_hits(committer, hits)) {
        committer_set_healthy(committer, false, "out of memory");
        if (committer_pause(committer, pause_ms))
            continue;
        committer_settle(committer, 0, count, false);
        return false;
    }
    size_t next = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct verdict *verdict = committer->group[i];
        committer->routed[i] = (struct store_verdict){verdict, committer->hits + next, verdict->hit_count};
        for (uint32_t k = 0; k < verdict->hit_count; k++, next++) {
            struct route route;
            route_hit(&committer->settings.routes, &verdict->hits[k], &route);
            committer->hits[next] = (struct store_hit){&verdict->hits[k], route.queue, route.service_level_ms,
                                                       route.context_max, &committer->new[next]};
        }
    }
    return true;
}

/* Fills the group until it is full, its first verdict has waited long enough, or the queue is closed and empty. */
static uint32_t committer_gather(struct committer *committer)
{
    void *item = NULL;
    if (queue_pop(committer->queue, -1, &item) != STATUS_OK)
        return 0;
    uint32_t count = 0;
    committer->group[count++] = item;
    int64_t close_ms = clock_ticks_ms() + committer->settings.group_wait_ms;
    while (count < committer->settings.group_max) {
        int64_t left_ms = close_ms - clock_ticks_ms();
        if (queue_pop(committer->queue, left_ms > 0 ? left_ms : 0, &item) != STATUS_OK)
            break;
        committer->group[count++] = item;
    }
    return count;
}

static void *committer_main(void *argument)
{
    struct committer *committer = argument;
    uint32_t count;
    while ((count = committer_gather(committer)) > 0) {
        metric_set(committer->metrics.depth, (int64_t)queue_size(committer->queue));
        if (committer_route(committer, count))
            committer_store(committer, 0, count);
    }
    committer->ops->close(&committer->store);
    return NULL;
}

static enum status committer_make_locks(struct committer *committer)
{
    pthread_condattr_t monotonic;
    if (pthread_condattr_init(&monotonic) != 0)
        return STATUS_NO_MEMORY;
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    int failed = pthread_cond_init(&committer->stopping, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (failed)
        return STATUS_NO_MEMORY;
    if (pthread_cond_init(&committer->room, NULL) != 0) {
        pthread_cond_destroy(&committer->stopping);
        return STATUS_NO_MEMORY;
    }
    if (pthread_mutex_init(&committer->lock, NULL) != 0) {
        pthread_cond_destroy(&committer->room);
        pthread_cond_destroy(&committer->stopping);
        return STATUS_NO_MEMORY;
    }
    committer->locks_made = true;
    return STATUS_OK;
}

enum status committer_start(const struct committer_settings *settings, const struct store_ops *ops,
                            struct store **store, struct metrics *metrics,
                            void (*on_state)(void *context, bool healthy, const char *reason), void *context,
                            struct committer **ret_committer)
{
    if (settings->queue_max == 0 || settings->group_max == 0 || settings->group_max > COMMITTER_GROUP_MAX ||
        settings->retry_max_ms == 0)
        return STATUS_INVALID;
    struct committer *committer = calloc(1, sizeof *committer);
    if (!committer)
        return STATUS_NO_MEMORY;
    committer->settings = *settings;
    committer->ops = ops;
    committer->on_state = on_state;
    committer->context = context;
    committer->healthy = true;
    committer->deadline_ms = INT64_MAX;
    committer_metrics_init(&committer->metrics, metrics);
    metric_set(committer->metrics.healthy, 1);

    enum status status = STATUS_NO_MEMORY;
    committer->group = calloc(settings->group_max, sizeof(struct verdict *));
    committer->routed = calloc(settings->group_max, sizeof *committer->routed);
    if (committer->group && committer->routed)
        status = queue_new(settings->queue_max, &committer->queue);
    if (status == STATUS_OK)
        status = committer_make_locks(committer);
    if (status == STATUS_OK) {
        committer->store = *store;
        committer->started = pthread_create(&committer->thread, NULL, committer_main, committer) == 0;
        status = committer->started ? STATUS_OK : STATUS_SYSTEM;
    }
    if (status != STATUS_OK) {
        committer->store = NULL;
        committer_free(&committer);
        return status;
    }
    *store = NULL;
    *ret_committer = committer;
    return STATUS_OK;
}

static enum status committer_push(void *context, struct verdict *verdict)
{
    struct committer *committer = context;
    size_t size = verdict->size; /* once it is pushed it may be settled at any moment */
    committer_take_room(committer, size);
    enum status status = queue_push(committer->queue, verdict);
    if (status == STATUS_OK)
        metric_set(committer->metrics.depth, (int64_t)queue_size(committer->queue));
    else
        committer_give_room(committer, size);
    return status;
}

struct verdict_sink committer_sink(struct committer *committer)
{
    return (struct verdict_sink){committer_push, committer};
}

void committer_hurry(struct committer *committer, uint32_t drain_ms)
{
    int64_t deadline_ms = clock_ticks_ms() + drain_ms;
    pthread_mutex_lock(&committer->lock);
    if (deadline_ms < committer->deadline_ms)
        committer->deadline_ms = deadline_ms;
    pthread_cond_broadcast(&committer->stopping);
    pthread_mutex_unlock(&committer->lock);
}

uint32_t committer_stop(struct committer *committer, uint32_t drain_ms)
{
    if (!committer->started)
        return 0;
    committer_hurry(committer, drain_ms);
    queue_close(committer->queue);
    pthread_join(committer->thread, NULL);
    committer->started = false;
    metric_set(committer->metrics.depth, 0);
    return atomic_load(&committer->unsafe);
}

void committer_free(struct committer **committer)
{
    if (!*committer)
        return;
    if ((*committer)->started)
        (void)committer_stop(*committer, 0);
    if ((*committer)->locks_made) {
        pthread_mutex_destroy(&(*committer)->lock);
        pthread_cond_destroy(&(*committer)->room);
        pthread_cond_destroy(&(*committer)->stopping);
    }
    queue_free(&(*committer)->queue);
    free((*committer)->group);
    free((*committer)->routed);
    free((*committer)->hits);
    free((*committer)->new);
    committer_metrics_free(&(*committer)->metrics);
    free(*committer);
    *committer = NULL;
}
