#include "scanner/worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/queue.h"
#include "scanner/across.h"
#include "scanner/across_context.h"
#include "scanner/scanner.h"

#define VERDICT_ARENA_MAX ((size_t)64 << 20)
#define GROUP_MAX 64 /* shares that are scanned together, at most */

struct worker_metrics {
    struct metric *messages, *bytes, *flagged, *unscanned, *shadow, *candidates, *confirmations, *batch_seconds;
};

/* Shadow hits that the metrics have not seen: rules that hit half of all messages must not cost a look-up each time. */
struct shadow_count {
    const struct rule *rule;
    uint64_t count;
};
#define SHADOW_COUNTS 64

struct worker {
    struct worker_pool *pool;
    uint32_t number;
    pthread_t thread;
    bool running;
    struct queue *jobs;
    struct scanner *scanner;
    struct window *window; /* NULL: none is kept */
    struct across *across;
    bool across_needed;  /* by a rule of the group that is being scanned */
    struct arena *arena; /* of the verdict that is being put together */
    struct span *texts;  /* of its shares of the batches that are being scanned */
    const struct message **messages;
    uint64_t *hashes; /* of their ids, for the suspects; NULL where none are kept */
    uint32_t capacity;
    struct scanner_counts counted;              /* what the metrics have seen */
    struct shadow_count shadows[SHADOW_COUNTS]; /* of the group that is being scanned; by the rule's address */
};

struct worker_pool {
    struct worker *workers;
    uint32_t count;
    struct slot *slot;
    struct metrics *metrics;
    struct worker_metrics metric;
    struct verdict_sink sink;
    struct flood *flood;
    struct shadow_sink shadow;
    struct suspects *suspects;
};

/* A batch on its way to the workers that share it, with the one rule set that all of it is scanned with. */
struct job {
    atomic_uint holds;
    struct batch *batch;
    struct ruleset *ruleset; /* a hold */
    /* Worker i has the messages order[firsts[i]] to order[firsts[i + 1] - 1] of the batch, in the batch's order. */
    uint32_t *order;
    uint32_t firsts[];
};

static void job_let_go(struct job *job)
{
    if (atomic_fetch_sub(&job->holds, 1) == 1) {
        ruleset_let_go(&job->ruleset);
        free(job);
    }
}

/* A worker's share of one batch while it is scanned. */
struct share {
    struct worker *worker;
    struct job *job;
    struct batch *batch;
    struct ruleset *ruleset;
    uint32_t end; /* its messages stand before this place in the worker's arrays, behind those of the share before it */
    bool safe;
};

/*
 * The shares of batches that waited: one search over all of them costs less than a search over each. Only the search
 * is common. A share stays its own batch's: its verdicts hold that batch, and it alone fails with them.
 */
struct group {
    struct worker *worker;
    struct share shares[GROUP_MAX];
    uint32_t count;
    uint32_t messages;
    size_t bytes;              /* of texts */
    uint32_t first;            /* of the messages that are scanned now */
    uint32_t told;             /* the share of the last message with hits */
    uint32_t across_taken;     /* messages that rules with across have seen */
    uint32_t remembered;       /* messages that are in the window already */
    uint32_t remembered_share; /* of the next one */
};

static uint32_t lane_of(const struct worker_pool *pool, const struct message *message)
{
    /* The high half: the low bits also choose the place in the window's table. */
    return (uint32_t)((message->conversation_hash >> 32) * pool->count >> 32);
}

/* The window takes the messages before `until` in order, so that a verdict sees what came before it. */
static void remember(struct group *group, uint32_t until)
{
    const struct worker *worker = group->worker;
    for (; worker->window && group->remembered < until; group->remembered++) {
        while (group->remembered >= group->shares[group->remembered_share].end) {
            group->remembered_share++;
        }
        window_add(worker->window, worker->messages[group->remembered],
                   group->shares[group->remembered_share].batch->received_at_ms);
    }
}

/* May this hit alert? What stands for a message that could not be scanned at all is no rule that could be demoted. */
static bool is_live(const struct share *share, const struct rule *rule)
{
    struct flood *flood = share->worker->pool->flood;
    return rule->status == RULE_LIVE &&
           (!flood || rule == &scanner_unscanned_rule || flood_admit(flood, rule, share->batch->received_at_ms));
}

static void count_shadow(struct worker *worker, struct shadow_count *counted)
{
    struct worker_pool *pool = worker->pool;
    if (counted->count > 0) {
        metric_add(pool->metric.shadow, counted->count);
        metric_add(metrics_counter(pool->metrics, "weir_rule_shadow_hits_total",
                                   "Messages that a shadow rule would have flagged.", "rule", counted->rule->id),
                   counted->count);
    }
    *counted = (struct shadow_count){0};
}

static void tell_shadow(const struct share *share, const struct message *message, const struct rule *rule)
{
    const struct worker_pool *pool = share->worker->pool;
    struct shadow_count *counted = &share->worker->shadows[(uintptr_t)rule / sizeof *rule % SHADOW_COUNTS];
    if (counted->rule != rule) {
        count_shadow(share->worker, counted);
        counted->rule = rule;
    }
    counted->count++;
    if (!pool->shadow.take) {
        return;
    }
    struct shadow_hit hit = {
        .rule = rule->id,
        .queue = rule->queue,
        .generation = ruleset_generation(share->ruleset),
        .demoted = rule->status == RULE_LIVE,
        .severity = (int)rule->severity,
        .message_id = message->message_id,
        .conversation_id = message->conversation_id,
        .text = message->text,
        .received_at_ms = share->batch->received_at_ms,
    };
    pool->shadow.take(pool->shadow.context, &hit);
}

/* `told[i]` is what live[i] was made of. */
static uint32_t live_hits(const struct share *share, const struct message *message, const struct scan_hit *hits,
                          uint32_t count, struct verdict_hit *live, const struct scan_hit **told)
{
    uint32_t live_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct rule *rule = hits[i].rule;
        if (!is_live(share, rule)) {
            tell_shadow(share, message, rule);
            continue;
        }
        told[live_count] = &hits[i];
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
                           const struct scan_hit *const *told, uint32_t hit_count)
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
    if (status == STATUS_OK) {
        status = across_context_add(told, hit_count, worker->arena, &verdict);
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

/* What was found in a message goes to people, but for what only shadow rules found. Uses what the arena holds. */
static void tell(struct group *group, uint32_t number, const struct scan_hit *hits, uint32_t hit_count)
{
    struct worker *worker = group->worker;
    while (number >= group->shares[group->told].end) { /* messages are told in order */
        group->told++;
    }
    struct share *share = &group->shares[group->told];
    struct verdict_hit *live = arena_array(worker->arena, hit_count, sizeof *live);
    const struct scan_hit **told = arena_array(worker->arena, hit_count, sizeof(struct scan_hit *));
    if (!live || !told) {
        share->safe = false;
        return;
    }
    uint32_t live_count = live_hits(share, worker->messages[number], hits, hit_count, live, told);
    if (live_count > 0) {
        remember(group, number);
        if (hand_on(share, worker->messages[number], live, told, live_count) != STATUS_OK) {
            share->safe = false; /* not acknowledged: the batch comes again */
        }
    }
}

/* The scanner does not count what is decided over several messages. */
static void count_across(const struct worker *worker, const struct scan_hit *hits, uint32_t hit_count)
{
    bool flagged = false, unscanned = false, counted = false;
    for (uint32_t i = 0; i < hit_count; i++) {
        bool live = hits[i].rule->status == RULE_LIVE, across = hits[i].rule->across.messages > 0;
        counted |= live && !across;
        flagged |= live && across && hits[i].outcome == OUTCOME_FLAGGED;
        unscanned |= live && across && hits[i].outcome == OUTCOME_UNSCANNED;
    }
    metric_add(worker->pool->metric.flagged, flagged && !counted);
    metric_add(worker->pool->metric.unscanned, unscanned && !counted);
}

/* Rules with across see each message, in order: those before `until`, in which nothing was found, and `until` with hits. */
static void take_across(struct group *group, uint32_t until, const struct scan_hit *hits, uint32_t hit_count)
{
    struct worker *worker = group->worker;
    for (; group->across_taken < until + (hit_count > 0); group->across_taken++) {
        uint32_t number = group->across_taken, share = group->told, decided_count = 0;
        struct scan_hit *decided = NULL;
        while (number >= group->shares[share].end) {
            share++;
        }
        arena_reset(worker->arena);
        enum status status =
            across_take(worker->across, worker->messages[number], group->shares[share].batch->received_at_ms, hits,
                        number == until ? hit_count : 0, worker->arena, &decided, &decided_count);
        if (status != STATUS_OK) {
            group->shares[share].safe = false;
        } else if (decided_count > 0) {
            count_across(worker, decided, decided_count);
            tell(group, number, decided, decided_count);
        }
    }
}

static enum status on_hits(void *context, uint32_t number, const struct scan_hit *hits, uint32_t hit_count)
{
    struct group *group = context;
    number += group->first;
    if (group->worker->across_needed) {
        take_across(group, number, hits, hit_count);
    } else {
        arena_reset(group->worker->arena);
        tell(group, number, hits, hit_count);
    }
    return STATUS_OK;
}

static bool grow(struct worker *worker, uint32_t count)
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
    if (worker->pool->suspects) {
        uint64_t *hashes = reallocarray(worker->hashes, count, sizeof *hashes);
        if (!hashes) {
            return false;
        }
        worker->hashes = hashes;
    }
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

/* Adds the worker's share of a batch. Without memory the batch fails, and comes again. */
static void add_share(struct group *group, struct job *job)
{
    struct worker *worker = group->worker;
    uint32_t from = job->firsts[worker->number], to = job->firsts[worker->number + 1];
    if (!grow(worker, group->messages + (to - from))) {
        batch_let_go(job->batch, false);
        job_let_go(job);
        return;
    }
    for (uint32_t i = from; i < to; i++) {
        const struct message *message = &job->batch->messages[job->order[i]];
        worker->messages[group->messages] = message;
        if (worker->hashes) {
            worker->hashes[group->messages] = suspects_hash(message->message_id);
        }
        worker->texts[group->messages++] = message->text;
        group->bytes += message->text.size;
    }
    group->shares[group->count++] = (struct share){.worker = worker,
                                                   .job = job,
                                                   .batch = job->batch,
                                                   .ruleset = job->ruleset,
                                                   .end = group->messages,
                                                   .safe = true};
}

/* Together no more than the scanner searches at once, and only what has one rule set. */
static bool joins(const struct group *group, const struct job *job)
{
    return group->count == 0 || (group->count < GROUP_MAX && group->bytes < SCANNER_SLICE_BYTES &&
                                 group->messages < SCANNER_SLICE_MESSAGES && group->shares[0].ruleset == job->ruleset);
}

/* A message that the program died of again and again is not scanned: people must look at it. */
static enum status give_to_people(struct group *group)
{
    const struct worker_pool *pool = group->worker->pool;
    struct scan_hit hit = {.rule = &scanner_unscanned_rule, .outcome = OUTCOME_UNSCANNED, .reason = "crash"};
    metric_add(pool->metric.messages, 1);
    metric_add(pool->metric.unscanned, 1);
    return on_hits(group, 0, &hit, 1);
}

/* Scans some of the group's messages, of which somebody else can tell if the program does not survive it. */
static enum status scan_some(struct group *group, uint32_t count, enum suspicion suspicion)
{
    struct worker *worker = group->worker;
    struct suspects *suspects = worker->pool->suspects;
    if (suspicion == SUSPICION_POISONOUS) {
        return give_to_people(group);
    }
    if (suspects) {
        suspects_begin(suspects, worker->number, worker->hashes + group->first, count);
    }
    enum status status =
        scanner_scan(worker->scanner, group->shares[0].ruleset, worker->texts + group->first, count, on_hits, group);
    if (suspects) {
        suspects_end(suspects, worker->number);
    }
    if (suspicion == SUSPICION_ALONE) {
        suspects_clear(suspects, worker->hashes[group->first]);
    }
    return status;
}

static enum suspicion look(const struct worker *worker, uint32_t message)
{
    return worker->hashes ? suspects_look(worker->pool->suspects, worker->hashes[message]) : SUSPICION_NONE;
}

/* In order, and together as far as they may be. */
static enum status scan_all(struct group *group)
{
    enum status status = STATUS_OK;
    for (uint32_t next; status == STATUS_OK && group->first < group->messages; group->first = next) {
        enum suspicion suspicion = look(group->worker, group->first);
        next = group->first + 1;
        while (suspicion == SUSPICION_NONE && next < group->messages && next - group->first < SUSPECTS_MESSAGES_MAX &&
               look(group->worker, next) == SUSPICION_NONE) {
            next++;
        }
        status = scan_some(group, next - group->first, suspicion);
    }
    return status;
}

/* Every share is let go once, after its last message was decided and its verdicts were handed on. */
static void scan_group(struct group *group)
{
    struct worker *worker = group->worker;
    if (group->count == 0) {
        return;
    }
    int64_t started_ns = clock_ticks_ns();
    bool scanned = across_use(worker->across, group->shares[0].ruleset, &worker->across_needed) == STATUS_OK;
    scanner_set_across(worker->scanner, worker->across_needed);
    scanned = scanned && scan_all(group) == STATUS_OK;
    if (scanned && worker->across_needed) {
        take_across(group, group->messages, NULL, 0);
    }
    for (uint32_t i = 0; i < SHADOW_COUNTS; i++) { /* while the group holds its rules */
        count_shadow(worker, &worker->shadows[i]);
    }
    remember(group, group->messages);
    count_work(worker, started_ns);
    for (uint32_t i = 0; i < group->count; i++) {
        struct share *share = &group->shares[i];
        batch_let_go(share->batch, share->safe && scanned);
        job_let_go(share->job);
    }
}

static void *worker_run(void *context)
{
    struct worker *worker = context;
    void *jobs[GROUP_MAX];
    size_t count;
    while (queue_pop_many(worker->jobs, -1, jobs, GROUP_MAX, &count) == STATUS_OK) {
        for (size_t next = 0; next < count;) {
            struct group group = {.worker = worker};
            for (; next < count && joins(&group, jobs[next]); next++) {
                add_share(&group, jobs[next]);
            }
            scan_group(&group);
        }
    }
    return NULL;
}

static enum status worker_start(struct worker *worker, const struct worker_settings *settings)
{
    enum status status = queue_new(settings->batches_max, &worker->jobs);
    if (status == STATUS_OK) {
        status = scanner_new(&worker->scanner);
    }
    if (status == STATUS_OK) {
        status = arena_new(1u << 14, VERDICT_ARENA_MAX, &worker->arena);
    }
    if (status == STATUS_OK) {
        size_t bytes = settings->across_bytes ? settings->across_bytes : ACROSS_BYTES_DEFAULT;
        status = across_new(bytes / settings->workers, &worker->across);
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
        queue_close(worker->jobs);
        (void)pthread_join(worker->thread, NULL);
    }
    queue_free(&worker->jobs);
    scanner_free(&worker->scanner);
    arena_free(&worker->arena);
    window_free(&worker->window);
    across_free(&worker->across);
    free(worker->texts);
    free(worker->messages);
    free(worker->hashes);
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
        .batch_seconds =
            metrics_histogram(metrics, "weir_scanner_share_seconds",
                              "Time of one search by a worker: its shares of the batches that wait.", 1e-9, 12, 32),
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
    pool->flood = settings->flood;
    pool->shadow = settings->shadow;
    pool->suspects = settings->suspects;
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

/* Who has which message of the batch. NULL without memory. */
static struct job *make_job(struct worker_pool *pool, struct batch *batch)
{
    uint32_t next[WORKER_COUNT_MAX] = {0}; /* where each worker's next message goes in the order */
    size_t numbers = (size_t)pool->count + 1 + batch->message_count;
    struct job *job = malloc(sizeof *job + numbers * sizeof(uint32_t));
    if (!job) {
        return NULL;
    }
    *job = (struct job){.batch = batch, .ruleset = slot_take(pool->slot), .order = job->firsts + pool->count + 1};
    atomic_init(&job->holds, 1);
    memset(job->firsts, 0, ((size_t)pool->count + 1) * sizeof(uint32_t));
    for (uint32_t i = 0; i < batch->message_count; i++) {
        job->firsts[lane_of(pool, &batch->messages[i]) + 1]++;
    }
    for (uint32_t lane = 0; lane < pool->count; lane++) {
        next[lane] = job->firsts[lane];
        job->firsts[lane + 1] += job->firsts[lane];
    }
    for (uint32_t i = 0; i < batch->message_count; i++) {
        job->order[next[lane_of(pool, &batch->messages[i])]++] = i;
    }
    return job;
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
    struct job *job = make_job(pool, batch);
    if (!job) {
        return STATUS_FULL; /* overloaded: the producer is told to wait */
    }
    bool pushed = false;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < pool->count && (status == STATUS_OK || pushed); i++) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the caller's own hold keeps the job until the end. */
        if (job->firsts[i] == job->firsts[i + 1]) {
            continue;
        }
        batch_hold(batch);
        atomic_fetch_add(&job->holds, 1);
        status = queue_try_push(pool->workers[i].jobs, job);
        if (status != STATUS_OK) {
            job_let_go(job);
            batch_let_go(batch, !pushed); /* the caller's hold keeps it from settling here */
        }
        pushed |= status == STATUS_OK;
    }
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): as above. */
    job_let_go(job);
    if (status != STATUS_OK && !pushed) {
        return status;
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
