#include "scanner/worker.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/queue.h"
#include "scanner/scanner.h"

#define VERDICT_ARENA_MAX ((size_t)64 << 20)

struct worker_metrics {
    struct metric *messages, *bytes, *flagged, *unscanned, *shadow, *candidates, *confirmations, *batch_seconds;
};

struct worker {
    struct worker_pool *pool;
    uint32_t number;
    pthread_t thread;
    bool running;
    struct queue *batches;
    struct scanner *scanner;
    struct window *window; /* NULL: none is kept */
    struct arena *arena;   /* of the verdict that is being put together */
    struct span *texts;    /* of its share of the batch */
    const struct message **messages;
    uint32_t capacity;
    struct scanner_counts counted; /* what the metrics have seen */
};

struct worker_pool {
    struct worker *workers;
    uint32_t count;
    struct slot *slot;
    struct metrics *metrics;
    struct worker_metrics metric;
    struct verdict_sink sink;
};

/* A worker's share of one batch while it is scanned. */
struct share {
    struct worker *worker;
    struct batch *batch;
    struct ruleset *ruleset;
    uint32_t count;
    uint32_t remembered; /* messages that are in the window already */
    bool safe;
};

static uint32_t lane_of(const struct worker_pool *pool, const struct message *message)
{
    /* The high half: the low bits also choose the place in the window's table. */
    return (uint32_t)(message->conversation_hash >> 32) % pool->count;
}

/* The window takes the messages before `until` in order, so that a verdict sees what came before it in the same batch.
 */
static void remember(struct share *share, uint32_t until)
{
    struct worker *worker = share->worker;
    for (; worker->window && share->remembered < until; share->remembered++) {
        window_add(worker->window, worker->messages[share->remembered], share->batch->received_at_ms);
    }
}

static uint32_t live_hits(const struct worker_pool *pool, const struct scan_hit *hits, uint32_t count,
                          struct verdict_hit *live)
{
    uint32_t live_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct rule *rule = hits[i].rule;
        if (rule->status != RULE_LIVE) {
            metric_add(pool->metric.shadow, 1);
            metric_add(metrics_counter(pool->metrics, "weir_rule_shadow_hits_total",
                                       "Messages that a shadow rule would have flagged.", "rule", rule->id),
                       1);
            continue;
        }
        live[live_count++] = (struct verdict_hit){
            .outcome = hits[i].outcome,
            .rule = rule->id,
            .title = rule->title,
            .queue = rule->queue,
            .reason = hits[i].reason,
            .severity = rule->severity,
            .spans = hits[i].spans,
            .span_count = hits[i].span_count,
        };
    }
    return live_count;
}

static enum status hand_on(struct share *share, const struct message *message, const struct verdict_hit *hits,
                           uint32_t hit_count)
{
    struct worker *worker = share->worker;
    struct verdict verdict = {
        .batch = share->batch,
        .message_id = message->message_id,
        .conversation_id = message->conversation_id,
        .sender_id = message->sender_id,
        .text = message->text,
        .locale = message->locale,
        .record = message->record,
        .sent_at_ms = message->sent_at_ms,
        .received_at_ms = share->batch->received_at_ms,
        .generation = ruleset_generation(share->ruleset),
        .hits = hits,
        .hit_count = hit_count,
    };
    enum status status = STATUS_OK;
    if (worker->window) {
        struct verdict_context *context = NULL;
        status = window_find(worker->window, message, share->batch->received_at_ms, worker->arena, &context,
                             &verdict.context_count);
        verdict.context = context;
    }
    struct verdict *copy = NULL;
    status = status == STATUS_OK ? verdict_copy(&verdict, &copy) : status;
    if (status == STATUS_OK) {
        status = worker->pool->sink.push(worker->pool->sink.context, copy);
        if (status != STATUS_OK) {
            verdict_settle(&copy, false);
        }
    }
    return status;
}

static enum status on_hits(void *context, uint32_t number, const struct scan_hit *hits, uint32_t hit_count)
{
    struct share *share = context;
    struct worker *worker = share->worker;
    arena_reset(worker->arena);
    struct verdict_hit *live = arena_array(worker->arena, hit_count, sizeof *live);
    if (!live) {
        share->safe = false;
        return STATUS_OK;
    }
    uint32_t live_count = live_hits(worker->pool, hits, hit_count, live);
    if (live_count > 0) {
        remember(share, number);
        if (hand_on(share, worker->messages[number], live, live_count) != STATUS_OK) {
            share->safe = false; /* not acknowledged: the batch comes again */
        }
    }
    return STATUS_OK;
}

static bool grow_share(struct worker *worker, uint32_t count)
{
    if (count <= worker->capacity) {
        return true;
    }
    struct span *texts = reallocarray(worker->texts, count, sizeof *texts);
    if (!texts) {
        return false;
    }
    worker->texts = texts;
    const struct message **messages = reallocarray(worker->messages, count, sizeof *messages);
    if (!messages) {
        return false;
    }
    worker->messages = messages;
    worker->capacity = count;
    return true;
}

static void count_work(struct worker *worker, int64_t started_ns)
{
    const struct worker_metrics *metric = &worker->pool->metric;
    struct scanner_counts now = scanner_counts(worker->scanner);
    struct scanner_counts *before = &worker->counted;
    metric_add(metric->messages, now.messages - before->messages);
    metric_add(metric->bytes, now.bytes - before->bytes);
    metric_add(metric->flagged, now.flagged - before->flagged);
    metric_add(metric->unscanned, now.unscanned - before->unscanned);
    metric_add(metric->candidates, now.candidates - before->candidates);
    metric_add(metric->confirmations, now.confirmations - before->confirmations);
    metric_observe(metric->batch_seconds, (uint64_t)(clock_ticks_ns() - started_ns));
    *before = now;
}

static void scan_share(struct worker *worker, struct batch *batch)
{
    int64_t started_ns = clock_ticks_ns();
    struct share share = {.worker = worker, .batch = batch, .safe = true};
    if (!grow_share(worker, batch->message_count)) {
        batch_let_go(batch, false);
        return;
    }
    for (uint32_t i = 0; i < batch->message_count; i++) {
        if (lane_of(worker->pool, &batch->messages[i]) == worker->number) {
            worker->messages[share.count] = &batch->messages[i];
            worker->texts[share.count++] = batch->messages[i].text;
        }
    }
    share.ruleset = slot_take(worker->pool->slot);
    if (scanner_scan(worker->scanner, share.ruleset, worker->texts, share.count, on_hits, &share) != STATUS_OK) {
        share.safe = false;
    }
    remember(&share, share.count);
    ruleset_let_go(&share.ruleset);
    count_work(worker, started_ns);
    batch_let_go(batch, share.safe);
}

static void *worker_run(void *context)
{
    struct worker *worker = context;
    void *batch;
    while (queue_pop(worker->batches, -1, &batch) == STATUS_OK) {
        scan_share(worker, batch);
    }
    return NULL;
}

static enum status worker_start(struct worker *worker, const struct worker_settings *settings)
{
    enum status status = queue_new(settings->batches_max, &worker->batches);
    if (status == STATUS_OK) {
        status = scanner_new(&worker->scanner);
    }
    if (status == STATUS_OK) {
        status = arena_new(1u << 14, VERDICT_ARENA_MAX, &worker->arena);
    }
    if (status == STATUS_OK && settings->window.messages > 0) {
        struct window_settings window = settings->window;
        window.bytes /= settings->workers;
        status = window_new(&window, &worker->window);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (pthread_create(&worker->thread, NULL, worker_run, worker) != 0) {
        return STATUS_SYSTEM;
    }
    char name[16];
    (void)snprintf(name, sizeof name, "scan-%u", worker->number % 1000u);
    (void)pthread_setname_np(worker->thread, name);
    worker->running = true;
    return STATUS_OK;
}

static void worker_end(struct worker *worker)
{
    if (worker->running) {
        queue_close(worker->batches);
        (void)pthread_join(worker->thread, NULL);
    }
    queue_free(&worker->batches);
    scanner_free(&worker->scanner);
    arena_free(&worker->arena);
    window_free(&worker->window);
    free(worker->texts);
    free(worker->messages);
}

static struct worker_metrics make_metrics(struct metrics *metrics)
{
#define COUNTER(name, help) metrics_counter(metrics, "weir_scanner_" name "_total", help, NULL, NULL)
    return (struct worker_metrics){
        .messages = COUNTER("messages", "Messages scanned."),
        .bytes = COUNTER("bytes", "Bytes of message text scanned."),
        .flagged = COUNTER("flagged", "Messages that a live rule flagged."),
        .unscanned = COUNTER("unscanned", "Messages that could not be decided and went to people."),
        .shadow = COUNTER("shadow_hits", "Hits of shadow rules, which never alert."),
        .candidates = COUNTER("candidates", "Candidates that the search found."),
        .confirmations = COUNTER("confirmations", "Candidates that were confirmed with PCRE2."),
        .batch_seconds = metrics_histogram(metrics, "weir_scanner_share_seconds",
                                           "Time to scan one worker's share of a batch.", 1e-9, 12, 32),
    };
#undef COUNTER
}

enum status worker_pool_start(const struct worker_settings *settings, struct slot *slot, struct metrics *metrics,
                              struct verdict_sink sink, struct worker_pool **ret_pool)
{
    if (settings->workers == 0 || settings->workers > WORKER_COUNT_MAX) {
        return STATUS_INVALID;
    }
    struct worker_pool *pool = calloc(1, sizeof *pool);
    if (pool) {
        pool->workers = calloc(settings->workers, sizeof *pool->workers);
    }
    if (!pool || !pool->workers) {
        free(pool);
        return STATUS_NO_MEMORY;
    }
    pool->slot = slot;
    pool->metrics = metrics;
    pool->sink = sink;
    pool->count = settings->workers;
    pool->metric = make_metrics(metrics);
    for (uint32_t i = 0; i < settings->workers; i++) {
        pool->workers[i].pool = pool;
        pool->workers[i].number = i;
        enum status status = worker_start(&pool->workers[i], settings);
        if (status != STATUS_OK) {
            worker_pool_stop(&pool);
            return status;
        }
    }
    *ret_pool = pool;
    return STATUS_OK;
}

/*
 * Hands the batch to each worker that has a message in it. Each takes a hold of its own before any can let go; the
 * caller's hold is let go last. If a queue is full in the middle, the batch is marked as failed rather than pulled
 * back: its receipt says RETRY_LATER. That does not happen while a queue has room for every batch that ingest may have
 * in flight.
 */
static enum status push_batch(void *context, struct batch *batch)
{
    struct worker_pool *pool = context;
    bool wanted[WORKER_COUNT_MAX] = {false};
    for (uint32_t i = 0; i < batch->message_count; i++) {
        wanted[lane_of(pool, &batch->messages[i])] = true;
    }
    bool pushed = false;
    for (uint32_t i = 0; i < pool->count; i++) {
        if (!wanted[i]) {
            continue;
        }
        batch_hold(batch);
        enum status status = queue_try_push(pool->workers[i].batches, batch);
        if (status != STATUS_OK) {
            batch_let_go(batch, !pushed); /* the caller's hold keeps it from settling here */
            if (!pushed) {
                return status;
            }
        }
        pushed = true;
    }
    batch_let_go(batch, true);
    return STATUS_OK;
}

struct batch_sink worker_pool_sink(struct worker_pool *pool)
{
    return (struct batch_sink){.push = push_batch, .context = pool};
}

void worker_pool_stop(struct worker_pool **pool)
{
    if (!*pool) {
        return;
    }
    for (uint32_t i = 0; i < (*pool)->count; i++) {
        worker_end(&(*pool)->workers[i]);
    }
    free((*pool)->workers);
    free(*pool);
    *pool = NULL;
}
