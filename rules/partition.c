#include "rules/partition.h"

#include <hs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "rules/compile_child.h"
#include "rules/crew.h"
#include "rules/partition_entry.h"

/* Jobs that threads take one after the other. */
struct bench {
    struct partition_job *jobs;
    uint32_t count;
    struct partition_options options;
    atomic_uint next;
    atomic_bool failed; /* nobody begins another job */
    pthread_mutex_t lock;
    struct error *error; /* guarded by lock; the first words stay */
};

/* One thread at its bench. */
struct worker {
    struct bench *bench;
    struct compile_child *child; /* NULL: not started yet, or in-process */
};

/* Items of a job, compiled together or not at all. */
struct group {
    struct partition_job *job;
    uint32_t *items; /* of the job */
    uint32_t count;
};

void partition_free(struct partition **partition)
{
    if (*partition) {
        hs_free_database((*partition)->database);
        free(*partition);
        *partition = NULL;
    }
}

void partition_job_clear(struct partition_job *job)
{
    for (uint32_t i = 0; i < job->ret_part_count; i++) {
        partition_free(&job->ret_parts[i].partition);
        free(job->ret_parts[i].items);
    }
    free(job->ret_parts);
    free(job->ret_verdicts);
    job->ret_parts = NULL;
    job->ret_verdicts = NULL;
    job->ret_part_count = 0;
}

void partition_key(enum compile_kind kind, const struct span *items, uint32_t count,
                   const struct partition_options *options, struct cache_key *ret_key)
{
    char engine[COMPILE_ENGINE_NAME_SIZE];
    struct cache_hash hash;
    uint32_t facts[] = {kind, count, options->time_ms, options->memory_mib, options->in_process};
    compile_engine_name(engine);
    cache_hash_begin(&hash, "weir partition 1");
    cache_hash_bytes(&hash, span_text(engine));
    cache_hash_bytes(&hash, span_of(facts, sizeof facts));
    for (uint32_t i = 0; i < count; i++) {
        cache_hash_bytes(&hash, items[i]);
    }
    cache_hash_end(&hash, ret_key);
}

static void note(struct bench *bench, const struct error *error)
{
    (void)pthread_mutex_lock(&bench->lock);
    if (bench->error && bench->error->text[0] == '\0') {
        *bench->error = *error;
    }
    (void)pthread_mutex_unlock(&bench->lock);
}

/* STATUS_LIMIT: over the limits, or the compiler died of it. */
static enum status attempt(struct worker *worker, enum compile_kind kind, const struct span *items, uint32_t count,
                           uint32_t time_ms, bool *refused, struct buffer *ret_database)
{
    const struct partition_options *options = &worker->bench->options;
    struct error error = {0};
    if (options->in_process) {
        return compile_engine_run(kind, items, count, refused, ret_database);
    }
    if (!worker->child) {
        enum status status = compile_child_new(options->helper, options->memory_mib, &worker->child);
        if (status != STATUS_OK) {
            return status;
        }
    }
    enum status status = compile_child_run(worker->child, kind, items, count, time_ms, refused, ret_database, &error);
    if (status == STATUS_SYSTEM) {
        note(worker->bench, &error);
    }
    return status == STATUS_CLOSED ? STATUS_LIMIT : status;
}

/* Appends a part of the group's items that were not refused. */
static enum status add_part(const struct group *group, const bool *refused, struct span database)
{
    struct partition_job *job = group->job;
    struct partition_part *parts = reallocarray(job->ret_parts, (size_t)job->ret_part_count + 1, sizeof *parts);
    if (!parts) {
        return STATUS_NO_MEMORY;
    }
    job->ret_parts = parts;
    struct partition_part part = {.items = calloc(group->count, sizeof *part.items), .count = group->count};
    enum status status = part.items ? partition_entry_load(database, &part.partition) : STATUS_NO_MEMORY;
    if (status != STATUS_OK) {
        free(part.items);
        return status;
    }
    memcpy(part.items, group->items, group->count * sizeof *part.items);
    for (uint32_t i = 0; i < group->count; i++) {
        if (refused[i]) {
            job->ret_verdicts[group->items[i]] = PARTITION_REFUSED;
        }
    }
    parts[job->ret_part_count++] = part;
    return STATUS_OK;
}

/* STATUS_LIMIT: it cannot be done within the limits. `entry` gets the part as it goes into the cache. */
static enum status compile_group(struct worker *worker, const struct group *group, uint32_t time_ms, bool keep,
                                 struct buffer *entry)
{
    struct partition_job *job = group->job;
    struct buffer database = BUFFER_INIT(COMPILE_DATABASE_MAX);
    struct span *items = calloc(group->count, sizeof *items);
    bool *refused = calloc(group->count, sizeof *refused);
    enum status status = items && refused ? STATUS_OK : STATUS_NO_MEMORY;
    for (uint32_t i = 0; status == STATUS_OK && i < group->count; i++) {
        items[i] = job->items[group->items[i]];
    }
    if (status == STATUS_OK) {
        status = attempt(worker, job->kind, items, group->count, time_ms, refused, &database);
    }
    if (status == STATUS_OK && keep) {
        if (database.size > 0) {
            status = add_part(group, refused, buffer_span(&database));
        } else {
            for (uint32_t i = 0; i < group->count; i++) {
                job->ret_verdicts[group->items[i]] = PARTITION_REFUSED;
            }
        }
        if (status == STATUS_OK && database.size > 0) {
            status = partition_entry_add(entry, group->items, group->count, buffer_span(&database));
        }
    }
    free(items);
    free(refused);
    buffer_free(&database);
    return status;
}

/* Finds the expressions that are over the limits alone, and takes them out of the group. */
static enum status leave_out_heavy(struct worker *worker, struct group *group)
{
    uint32_t time_ms = worker->bench->options.time_ms / PARTITION_ALONE_SHARE, kept = 0;
    for (uint32_t i = 0; i < group->count; i++) {
        struct group alone = {.job = group->job, .items = &group->items[i], .count = 1};
        enum status status = compile_group(worker, &alone, time_ms, false, NULL);
        if (status == STATUS_LIMIT) {
            group->job->ret_verdicts[group->items[i]] = PARTITION_HEAVY;
        } else if (status == STATUS_OK) {
            group->items[kept++] = group->items[i];
        } else {
            return status;
        }
    }
    group->count = kept;
    return STATUS_OK;
}

/* Compiles the group; in halves if it is over the limits. `tried`: each of its expressions was compiled alone. */
static enum status compile_parts(struct worker *worker, struct group group, bool tried, struct buffer *entry)
{
    if (group.count == 0) {
        return STATUS_OK;
    }
    enum status status = compile_group(worker, &group, worker->bench->options.time_ms, true, entry);
    if (status != STATUS_LIMIT || worker->bench->options.in_process) {
        return status;
    }
    if (group.job->kind == COMPILE_EXPRESSIONS && !tried) {
        uint32_t before = group.count;
        status = leave_out_heavy(worker, &group);
        if (status != STATUS_OK || group.count < before) {
            return status == STATUS_OK ? compile_parts(worker, group, true, entry) : status;
        }
    }
    if (group.count == 1) {
        group.job->ret_verdicts[group.items[0]] = PARTITION_HEAVY;
        return group.job->kind == COMPILE_EXPRESSIONS ? STATUS_OK : STATUS_LIMIT;
    }
    struct group half = {.job = group.job, .items = group.items, .count = group.count / 2};
    status = compile_parts(worker, half, true, entry);
    half.items += half.count;
    half.count = group.count - half.count;
    return status == STATUS_OK ? compile_parts(worker, half, true, entry) : status;
}

static enum status compile_job(struct worker *worker, struct partition_job *job)
{
    struct cache *cache = worker->bench->options.cache;
    struct buffer entry = BUFFER_INIT(CACHE_ENTRY_MAX);
    struct group all = {.job = job, .items = calloc(job->count, sizeof *all.items), .count = job->count};
    enum status status = all.items ? partition_entry_begin(&entry, job->count) : STATUS_NO_MEMORY;
    for (uint32_t i = 0; status == STATUS_OK && i < job->count; i++) {
        all.items[i] = i;
    }
    if (status == STATUS_OK) {
        status = compile_parts(worker, all, false, &entry);
    }
    if (status == STATUS_OK && cache) {
        partition_entry_end(&entry, job);
        cache_put(cache, &job->key, buffer_span(&entry));
    }
    free(all.items);
    buffer_free(&entry);
    return status;
}

static enum status do_job(struct worker *worker, struct partition_job *job)
{
    struct cache *cache = worker->bench->options.cache;
    enum status status = STATUS_NOT_FOUND;
    job->ret_verdicts = calloc(job->count, sizeof *job->ret_verdicts);
    if (!job->ret_verdicts) {
        return STATUS_NO_MEMORY;
    }
    if (!job->known) {
        partition_key(job->kind, job->items, job->count, &worker->bench->options, &job->key);
    }
    if (cache) {
        struct buffer entry = BUFFER_INIT(CACHE_ENTRY_MAX);
        status = cache_get(cache, &job->key, &entry);
        if (status == STATUS_OK) {
            status = partition_entry_read(buffer_span(&entry), job);
        }
        buffer_free(&entry);
        job->ret_cached = status == STATUS_OK;
    }
    if (status == STATUS_NOT_FOUND) {
        return job->known ? STATUS_OK : compile_job(worker, job);
    }
    return status;
}

static void *work(void *context)
{
    struct worker worker = {.bench = context};
    struct bench *bench = context;
    for (uint32_t i; !atomic_load(&bench->failed) && (i = atomic_fetch_add(&bench->next, 1)) < bench->count;) {
        bench->jobs[i].ret_status = do_job(&worker, &bench->jobs[i]);
        if (bench->jobs[i].ret_status != STATUS_OK) {
            atomic_store(&bench->failed, true);
        }
    }
    compile_child_free(&worker.child);
    return NULL;
}

enum status partition_compile(struct partition_job *jobs, uint32_t count, const struct partition_options *options,
                              struct error *error, struct partition_report *ret_report)
{
    struct bench bench = {.jobs = jobs, .count = count, .options = *options, .error = error};
    struct partition_report report = {0};
    enum status status = STATUS_OK;
    char *found = options->helper || options->in_process ? NULL : compile_child_find();
    bench.options.time_ms = options->time_ms ? options->time_ms : PARTITION_TIME_MS;
    bench.options.memory_mib = options->memory_mib ? options->memory_mib : PARTITION_MEMORY_MIB;
    bench.options.helper = options->helper ? options->helper : found;
    report.unlimited = !options->in_process && !bench.options.helper;
    bench.options.in_process = options->in_process || report.unlimited;
    atomic_init(&bench.next, 0);
    atomic_init(&bench.failed, false);
    if (pthread_mutex_init(&bench.lock, NULL) != 0) {
        free(found);
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        jobs[i].ret_status = STATUS_OK;
        jobs[i].ret_cached = false;
    }
    crew_run(work, &bench, count);
    for (uint32_t i = 0; i < count; i++) {
        status = status == STATUS_OK ? jobs[i].ret_status : status;
        report.cached += jobs[i].ret_cached;
        report.compiled += !jobs[i].ret_cached && !jobs[i].known;
    }
    (void)pthread_mutex_destroy(&bench.lock);
    free(found);
    if (status == STATUS_OK) {
        *ret_report = report;
    }
    return status;
}

const char *partition_engine(void)
{
    return hs_version();
}
