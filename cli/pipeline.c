#include "cli/pipeline.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "alerts/api.h"
#include "alerts/committer.h"
#include "alerts/store.h"
#include "alerts/tally.h"
#include "base/log.h"
#include "base/metrics.h"
#include "cli/reload.h"
#include "ingest/ingest.h"
#include "scanner/selftest.h"
#include "scanner/suspects.h"
#include "scanner/worker.h"

#define ARENA_MAX ((size_t)16 << 20)
#define RETRY_MAX_MS 5000
#define MINUTE_MS 60000
#define TALLY_EVERY_MS 2000

struct pipeline {
    const struct settings *settings;
    struct arena *arena; /* what the stages' settings point to */
    struct metrics *metrics;
    struct reload_settings reload_settings;
    struct reload *reload; /* owns the live rules */
    struct store *store;
    int lock_fd;
    struct committer *committer;
    struct route_table routes;
    struct tally *tally;
    struct suspects *suspects;
    struct worker_pool *workers;
    _Atomic(struct ingest *) ingest;
    struct api *api;
    atomic_bool ready;      /* takes traffic */
    atomic_bool store_well; /* the last commit worked */
};

void pipeline_log_findings(const struct findings *findings)
{
    for (uint32_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        log_event(finding->level == FINDING_ERROR ? LOG_ERROR : LOG_WARNING, "finding", LOG_TEXT("file", finding->file),
                  LOG_INTEGER("line", finding->line), LOG_INTEGER("column", finding->column),
                  LOG_TEXT("text", finding->text), LOG_TEXT("remedy", finding->remedy ? finding->remedy : ""));
    }
}

static bool is_healthy(void *context, char *ret_reason, size_t size)
{
    struct pipeline *pipeline = context;
    const struct ingest *ingest = atomic_load(&pipeline->ingest);
    if (atomic_load(&pipeline->ready) && ingest && !ingest_is_running(ingest)) {
        (void)snprintf(ret_reason, size, "the sources have stopped: start it again");
        return false;
    }
    if (!atomic_load(&pipeline->store_well)) {
        (void)snprintf(ret_reason, size, "the case store cannot be written");
        return false;
    }
    return true;
}

static bool is_ready(void *context, char *ret_reason, size_t size)
{
    struct pipeline *pipeline = context;
    if (!atomic_load(&pipeline->ready)) {
        (void)snprintf(ret_reason, size, "starting or draining");
        return false;
    }
    return is_healthy(context, ret_reason, size);
}

/* The store stopped or started to work. Called from the committer's thread. */
static void on_store_state(void *context, bool healthy, const char *reason)
{
    struct pipeline *pipeline = context;
    atomic_store(&pipeline->store_well, healthy);
    struct ingest *ingest = atomic_load(&pipeline->ingest);
    if (ingest) {
        ingest_set_accepting(ingest, healthy);
    }
    if (healthy) {
        log_event(LOG_INFO, "store_works_again");
    } else {
        log_event(LOG_ERROR, "store_failed", LOG_TEXT("reason", reason ? reason : "not known"));
    }
}

static uint32_t worker_count(const struct settings *settings)
{
    if (settings->workers > 0) {
        return (uint32_t)settings->workers;
    }
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > WORKER_COUNT_MAX ? WORKER_COUNT_MAX : (uint32_t)cores;
}

static enum status start_rules(struct pipeline *pipeline, struct findings *findings, struct error *error)
{
    const struct settings *settings = pipeline->settings;
    pipeline->reload_settings = (struct reload_settings){
        .paths = settings->rules.items,
        .path_count = settings->rules.count,
        .data = settings->data,
        .watch = settings->reload_watch,
        .settle_ms = (uint32_t)settings->reload_settle_ms,
        .max_per_minute = (uint32_t)settings->rule_max_per_minute,
    };
    return reload_open(&pipeline->reload_settings, pipeline->metrics, findings, error, &pipeline->reload);
}

static enum status make_queue(struct pipeline *pipeline, const struct settings_queue *from, struct route_queue *to)
{
    *to = (struct route_queue){
        .name = from->name,
        .service_level_minutes = (uint32_t)from->service_level_minutes,
        .context_messages = (uint32_t)from->context_messages,
        .shadow_text = from->shadow_text,
    };
    for (uint32_t i = 0; i < from->severities.count; i++) {
        enum severity severity;
        if (severity_parse(from->severities.items[i], &severity) != STATUS_OK) {
            return STATUS_INVALID;
        }
        to->severities |= 1u << severity;
    }
    if (from->rules.count > 0) {
        const char **prefixes = arena_array(pipeline->arena, (size_t)from->rules.count + 1, sizeof *prefixes);
        if (!prefixes) {
            return STATUS_NO_MEMORY;
        }
        for (uint32_t i = 0; i < from->rules.count; i++) {
            prefixes[i] = from->rules.items[i];
        }
        to->rule_prefixes = prefixes;
    }
    return STATUS_OK;
}

static enum status start_alerts(struct pipeline *pipeline, uint32_t *ret_context_max, struct error *error)
{
    const struct settings *settings = pipeline->settings;
    const struct settings_queue *queues = settings->queues.items;
    struct route_queue *routes = arena_array(pipeline->arena, settings->queues.count + 1u, sizeof *routes);
    enum status status = routes ? STATUS_OK : STATUS_NO_MEMORY;
    uint32_t context_max = 0;
    for (uint32_t i = 0; status == STATUS_OK && i < settings->queues.count; i++) {
        status = make_queue(pipeline, &queues[i], &routes[i]);
        context_max = routes[i].context_messages > context_max ? routes[i].context_messages : context_max;
    }
    if (status == STATUS_OK) {
        status = store_sqlite.open(settings->data, true, error, &pipeline->store);
    }
    if (status != STATUS_OK) {
        return status;
    }
    pipeline->routes =
        (struct route_table){.queues = routes,
                             .queue_count = settings->queues.count,
                             .default_queue = settings->default_queue,
                             .unscanned_queue = settings->unscanned_queue,
                             .default_service_level_minutes = (uint32_t)settings->default_service_level_minutes};
    struct committer_settings committer = {
        .routes = pipeline->routes,
        .queue_max = (uint32_t)settings->alerts_queue_max,
        .group_max = (uint32_t)settings->alerts_group_max,
        .group_wait_ms = (uint32_t)settings->alerts_group_wait_ms,
        .retry_max_ms = RETRY_MAX_MS,
    };
    *ret_context_max = context_max;
    return committer_start(&committer, &store_sqlite, &pipeline->store, pipeline->metrics, on_store_state, pipeline,
                           &pipeline->committer);
}

/* Counts and samples of shadow rules, with a store handle of their own. */
static enum status start_tally(struct pipeline *pipeline, struct error *error)
{
    struct tally_settings tally = {
        .routes = pipeline->routes,
        .samples_max = (uint32_t)pipeline->settings->shadow_samples_max,
        .every_ms = TALLY_EVERY_MS,
    };
    struct store *store = NULL;
    enum status status = store_sqlite.open(pipeline->settings->data, true, error, &store);
    if (status == STATUS_OK) {
        status = tally_start(&tally, &store_sqlite, &store, pipeline->metrics, &pipeline->tally);
    }
    if (store) {
        store_sqlite.close(&store);
    }
    return status;
}

/* What the last run was scanning when it died, if it did: those messages are scanned alone now. */
static enum status start_suspects(struct pipeline *pipeline, struct error *error)
{
    const char *path = arena_print(pipeline->arena, "%s/scanning", pipeline->settings->data);
    enum status status = STATUS_NO_MEMORY;
    if (path) {
        status = suspects_open(path, worker_count(pipeline->settings), error, &pipeline->suspects);
    }
    if (status == STATUS_SYSTEM) { /* a full disk: the rest works, or says itself that it does not */
        log_event(LOG_WARNING, "scanning_not_noted", LOG_TEXT("reason", error->text));
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        return status;
    }
    uint32_t unfinished = suspects_unfinished(pipeline->suspects), poisonous = suspects_poisonous(pipeline->suspects);
    metric_set(metrics_gauge(pipeline->metrics, "weir_scanner_unfinished_messages",
                             "Messages that the last run was scanning when it died.", NULL, NULL),
               unfinished);
    metric_set(metrics_gauge(pipeline->metrics, "weir_scanner_poisonous_messages",
                             "Messages that killed the program again and again: people get them unscanned.", NULL,
                             NULL),
               poisonous);
    if (unfinished > 0) {
        log_event(LOG_WARNING, "last_run_died_scanning", LOG_INTEGER("messages", unfinished),
                  LOG_INTEGER("poisonous", poisonous));
    }
    return STATUS_OK;
}

static enum status start_workers(struct pipeline *pipeline, uint32_t context_max)
{
    const struct settings *settings = pipeline->settings;
    struct worker_settings workers = {
        .workers = worker_count(settings),
        .batches_max = (uint32_t)settings->batches_in_flight_max, /* so that a push never finds it full half-way */
        .window = {.bytes = (size_t)settings->context_bytes_max,
                   .age_ms = settings->context_minutes * MINUTE_MS,
                   .messages = context_max},
        .across_bytes = (size_t)settings->across_bytes_max,
        .suspects = pipeline->suspects,
        .flood = reload_flood(pipeline->reload),
        .shadow = tally_sink(pipeline->tally),
    };
    return worker_pool_start(&workers, reload_slot(pipeline->reload), pipeline->metrics,
                             committer_sink(pipeline->committer), &pipeline->workers);
}

static enum status start_ingest(struct pipeline *pipeline, struct error *error)
{
    const struct settings *settings = pipeline->settings;
    const struct settings_source *from = settings->sources.items;
    struct ingest_source *sources = arena_array(pipeline->arena, settings->sources.count, sizeof *sources);
    if (!sources) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < settings->sources.count; i++) {
        sources[i] = (struct ingest_source){
            .kind = (enum ingest_source_kind)from[i].kind, .endpoint = from[i].endpoint, .connect = from[i].mode == 1};
    }
    struct ingest_settings ingest = {
        .sources = sources,
        .source_count = settings->sources.count,
        .frame_bytes_max = (uint32_t)settings->frame_bytes_max,
        .batch_messages_max = (uint32_t)settings->batch_messages_max,
        .text_bytes_max = (uint32_t)settings->text_bytes_max,
        .batches_in_flight_max = (uint32_t)settings->batches_in_flight_max,
        .bytes_in_flight_max = (uint64_t)settings->bytes_in_flight_max,
        .retry_after_ms = (uint32_t)settings->retry_after_ms,
        .drain_ms = (uint32_t)settings->drain_ms,
    };
    struct ingest *started;
    enum status status =
        ingest_start(&ingest, NULL, pipeline->metrics, worker_pool_sink(pipeline->workers), error, &started);
    if (status == STATUS_OK) {
        atomic_store(&pipeline->ingest, started);
        ingest_set_accepting(started, atomic_load(&pipeline->store_well));
    }
    return status;
}

static enum status start_stages(struct pipeline *pipeline, struct findings *findings, struct error *error)
{
    const struct settings *settings = pipeline->settings;
    uint32_t context_max = 0;
    enum status status = selftest_run(SELFTEST_SHORT, error);
    if (status == STATUS_OK) { /* first: what the rules keep lies in the data folder too */
        status = store_lock(settings->data, error, &pipeline->lock_fd);
    }
    if (status == STATUS_OK) {
        status = start_rules(pipeline, findings, error);
    }
    if (status == STATUS_OK) {
        status = start_alerts(pipeline, &context_max, error);
    }
    if (status == STATUS_OK) {
        status = start_tally(pipeline, error);
    }
    if (status == STATUS_OK) {
        status = start_suspects(pipeline, error);
    }
    if (status == STATUS_OK) {
        status = start_workers(pipeline, context_max);
    }
    if (status == STATUS_OK && settings->api_enabled) {
        struct api_probes probes = {.healthy = is_healthy, .ready = is_ready, .context = pipeline};
        status = api_start(settings->api_listen, pipeline->metrics, probes, error, &pipeline->api);
    }
    if (status == STATUS_OK) {
        status = start_ingest(pipeline, error);
    }
    if (status == STATUS_OK) {
        status = reload_start(pipeline->reload);
    }
    return status;
}

enum status pipeline_start(const struct settings *settings, struct findings *findings, struct error *error,
                           struct pipeline **ret_pipeline)
{
    struct pipeline *pipeline = calloc(1, sizeof *pipeline);
    if (!pipeline) {
        return STATUS_NO_MEMORY;
    }
    pipeline->settings = settings;
    pipeline->lock_fd = -1;
    atomic_init(&pipeline->ready, false);
    atomic_init(&pipeline->store_well, true);
    enum status status = arena_new(4096, ARENA_MAX, &pipeline->arena);
    if (status == STATUS_OK) {
        status = metrics_new(&pipeline->metrics);
    }
    if (status == STATUS_OK) {
        status = start_stages(pipeline, findings, error);
    }
    if (status != STATUS_OK) {
        (void)pipeline_stop(&pipeline);
        return status;
    }
    atomic_store(&pipeline->ready, true);
    log_event(LOG_INFO, "ready", LOG_TEXT("listen", ingest_endpoint(atomic_load(&pipeline->ingest), 0)),
              LOG_INTEGER("sources", settings->sources.count),
              LOG_TEXT("api", pipeline->api ? api_address(pipeline->api) : ""), LOG_TEXT("data", settings->data),
              LOG_INTEGER("workers", worker_count(settings)), LOG_INTEGER("pid", getpid()));
    *ret_pipeline = pipeline;
    return STATUS_OK;
}

void pipeline_reload(struct pipeline *pipeline)
{
    reload_ask(pipeline->reload);
}

/* In the order of the data: nothing new comes in, what is in flight is scanned, stored and acknowledged. */
uint32_t pipeline_stop(struct pipeline **pipeline)
{
    struct pipeline *ending = *pipeline;
    uint32_t unsettled = 0, unsafe = 0;
    if (!ending) {
        return 0;
    }
    atomic_store(&ending->ready, false);
    struct ingest *ingest = atomic_load(&ending->ingest);
    if (ingest) {
        ingest_stop(ingest, &unsettled);
    }
    if (ending->committer) { /* workers may wait for room in front of a store that cannot write */
        committer_hurry(ending->committer, (uint32_t)ending->settings->drain_ms);
    }
    worker_pool_stop(&ending->workers);
    suspects_close(&ending->suspects);
    tally_stop(&ending->tally);
    if (ending->committer) {
        unsafe = committer_stop(ending->committer, (uint32_t)ending->settings->drain_ms);
        committer_free(&ending->committer);
    }
    if (unsafe > 0) {
        log_event(LOG_WARNING, "verdicts_not_stored", LOG_INTEGER("count", unsafe));
    }
    api_stop(&ending->api); /* its probes look at ingest */
    atomic_store(&ending->ingest, NULL);
    ingest_free(&ingest);
    if (ending->store) {
        store_sqlite.close(&ending->store);
    }
    if (!reload_stop(&ending->reload, (uint32_t)ending->settings->drain_ms)) {
        /* Rules are being compiled, which cannot be stopped. The process is about to end: what they use stays. */
        log_event(LOG_WARNING, "reload_given_up");
        *pipeline = NULL;
        return unsettled;
    }
    store_unlock(&ending->lock_fd);
    metrics_free(&ending->metrics);
    arena_free(&ending->arena);
    free(ending);
    *pipeline = NULL;
    return unsettled;
}
