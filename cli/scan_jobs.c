#include "cli/scan_jobs.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/queue.h"
#include "cli/hit_json.h"
#include "cli/progress.h"
#include "scanner/scanner.h"

#define ARENA_MAX ((size_t)256 << 20)
#define LINES_MAX ((size_t)4 << 30)
#define FAULTS_SHOWN_MAX 20
#define CHUNKS_MAX ((size_t)SCAN_JOBS_MAX * SCAN_CHUNKS_PER_JOB)

/* Messages that are read, scanned and written together. */
struct chunk {
    uint64_t number; /* from 0, in the order of the input */
    struct arena *arena;
    struct span *ids, *texts;
    uint32_t count;
    struct buffer lines;
    struct scan_totals totals;
    enum status status;
};

struct jobs {
    const struct scan_job *job;
    uint32_t chunk_count;
    struct chunk *chunks;
    struct chunk *done[CHUNKS_MAX]; /* by number modulo CHUNKS_MAX: waiting for its turn to be written */
    uint32_t chunk_messages;        /* how many a chunk takes now: fewer where each has very many hits */
    struct queue *todo, *finished;
    pthread_t threads[SCAN_JOBS_MAX];
    uint32_t thread_count;
};

struct rendering {
    const struct jobs *jobs;
    struct chunk *chunk;
};

static enum status on_hits(void *context, uint32_t message, const struct scan_hit *hits, uint32_t hit_count)
{
    const struct rendering *rendering = context;
    struct scan_totals *totals = &rendering->chunk->totals;
    const char *generation = ruleset_generation(rendering->jobs->job->ruleset);
    bool flagged = false, unscanned = false;
    for (uint32_t i = 0; i < hit_count; i++) {
        bool live = hits[i].rule->status == RULE_LIVE;
        if (!live && !rendering->jobs->job->shadow) {
            continue;
        }
        flagged |= live && hits[i].outcome == OUTCOME_FLAGGED;
        unscanned |= live && hits[i].outcome == OUTCOME_UNSCANNED;
        totals->hits++;
        enum status status =
            hit_json_append(&rendering->chunk->lines, rendering->chunk->ids[message], generation, &hits[i]);
        if (status != STATUS_OK) {
            return status;
        }
    }
    totals->flagged += flagged;
    totals->unscanned += unscanned;
    return STATUS_OK;
}

static void *scan_chunks(void *context)
{
    struct jobs *jobs = context;
    struct scanner *scanner = NULL;
    enum status made = scanner_new(&scanner);
    void *item;
    while (queue_pop(jobs->todo, -1, &item) == STATUS_OK) {
        struct chunk *chunk = item;
        struct rendering rendering = {.jobs = jobs, .chunk = chunk};
        chunk->status = made;
        if (made == STATUS_OK) {
            chunk->status = scanner_scan(scanner, jobs->job->ruleset, chunk->texts, chunk->count, on_hits, &rendering);
        }
        if (queue_push(jobs->finished, chunk) != STATUS_OK) {
            break;
        }
    }
    scanner_free(&scanner);
    return NULL;
}

static void tell_fault(struct scan_totals *totals, const char *words)
{
    totals->faulty_lines++;
    if (totals->faulty_lines <= FAULTS_SHOWN_MAX) {
        (void)fprintf(stderr, "weir scan: %s\n", words);
    } else if (totals->faulty_lines == FAULTS_SHOWN_MAX + 1) {
        (void)fprintf(stderr, "weir scan: more faulty lines are only counted\n");
    }
}

static bool keep(struct chunk *chunk, struct span from, struct span *to)
{
    char *copy = arena_copy(chunk->arena, from);
    *to = span_of(copy, from.size);
    return copy != NULL;
}

/* A file of JSON lines under another name would be scanned as it stands: field names, quotes and escapes. */
static void tell_if_json(const struct input_message *message)
{
    struct span text = message->text;
    if (message->line == 1 && text.size > 1 && text.data[0] == '{' && text.data[text.size - 1] == '}') {
        (void)fprintf(stderr, "weir scan: the first line looks like JSON, but lines are scanned as they stand; "
                              "--format jsonl reads them\n");
    }
}

/* Fills a chunk, as far as the input has something: a pipe that falls silent holds nothing back. STATUS_CLOSED at the
 * end of the input, perhaps with messages in the chunk. */
static enum status read_chunk(const struct jobs *jobs, struct chunk *chunk, struct error *error,
                              struct scan_totals *totals)
{
    const struct scan_job *job = jobs->job;
    size_t bytes = 0;
    arena_reset(chunk->arena);
    buffer_clear(&chunk->lines);
    chunk->count = 0;
    chunk->totals = (struct scan_totals){0};
    while (chunk->count < jobs->chunk_messages && bytes < SCAN_CHUNK_BYTES &&
           (chunk->count == 0 || input_ready(job->input, 0))) {
        struct input_message message;
        enum status status = input_next(job->input, error, &message);
        if (status == STATUS_INVALID || status == STATUS_LIMIT) {
            tell_fault(totals, error->text);
            continue;
        }
        if (status != STATUS_OK) {
            return status;
        }
        if (job->format_guessed && input_format(job->input) == INPUT_LINES) {
            tell_if_json(&message);
        }
        if (!keep(chunk, message.message_id, &chunk->ids[chunk->count]) ||
            !keep(chunk, message.text, &chunk->texts[chunk->count])) {
            return STATUS_NO_MEMORY;
        }
        bytes += message.text.size;
        chunk->count++;
    }
    return STATUS_OK;
}

static void add_totals(struct scan_totals *sum, const struct scan_totals *part)
{
    sum->flagged += part->flagged;
    sum->hits += part->hits;
    sum->unscanned += part->unscanned;
}

/* Rules that hit nearly every message, by the hundred, print gigabytes: then chunks get smaller, and large buffers go. */
static void bound_lines(struct jobs *jobs, struct chunk *chunk)
{
    if (chunk->count > 0) {
        size_t messages = SCAN_CHUNK_LINES_BYTES / (chunk->lines.size / chunk->count + 1);
        jobs->chunk_messages = messages < 1                     ? 1
                               : messages > SCAN_CHUNK_MESSAGES ? SCAN_CHUNK_MESSAGES
                                                                : (uint32_t)messages;
    }
    if (chunk->lines.capacity > SCAN_CHUNK_LINES_BYTES * 2) {
        buffer_free(&chunk->lines);
    }
}

/* Waits for one chunk, then writes every chunk whose turn has come. Returns those to the free list. */
static enum status collect(struct jobs *jobs, uint64_t *next, struct error *error, struct scan_totals *totals,
                           struct chunk **free_list, uint32_t *free_count)
{
    void *item;
    enum status status = queue_pop(jobs->finished, -1, &item);
    if (status != STATUS_OK) {
        return status;
    }
    struct chunk *chunk = item;
    jobs->done[chunk->number % CHUNKS_MAX] = chunk;
    while ((chunk = jobs->done[*next % CHUNKS_MAX]) != NULL) {
        jobs->done[*next % CHUNKS_MAX] = NULL;
        (*next)++;
        if (chunk->status != STATUS_OK) {
            return chunk->status;
        }
        if (chunk->lines.size > 0 &&
            fwrite(chunk->lines.data, 1, chunk->lines.size, jobs->job->out) != chunk->lines.size) {
            error_set(error, "cannot write to standard output: %s", strerror(errno));
            return STATUS_SYSTEM;
        }
        totals->messages += chunk->count;
        add_totals(totals, &chunk->totals);
        bound_lines(jobs, chunk);
        free_list[(*free_count)++] = chunk;
    }
    return STATUS_OK;
}

/* The calling thread's part: reads ahead as long as chunks are free, then collects. */
static enum status read_and_write(struct jobs *jobs, struct error *error, struct scan_totals *totals)
{
    struct chunk *free_list[CHUNKS_MAX];
    uint32_t free_count = 0;
    uint64_t number = 0, next = 0;
    struct progress progress;
    enum status status = STATUS_OK;
    bool ended = false;
    for (uint32_t i = 0; i < jobs->chunk_count; i++) {
        free_list[free_count++] = &jobs->chunks[i];
    }
    progress_start(&progress, "scanning", "bytes", input_size(jobs->job->input));
    while (status == STATUS_OK && (!ended || next < number)) {
        bool silent = !ended && next < number && !input_ready(jobs->job->input, 0);
        if (ended || free_count == 0 || silent) {
            status = collect(jobs, &next, error, totals, free_list, &free_count);
            progress_update(&progress, input_position(jobs->job->input));
            if (status == STATUS_OK && silent && fflush(jobs->job->out) != 0) {
                error_set(error, "cannot write to standard output: %s", strerror(errno));
                status = STATUS_SYSTEM;
            }
            continue;
        }
        struct chunk *chunk = free_list[--free_count];
        status = read_chunk(jobs, chunk, error, totals);
        ended = status == STATUS_CLOSED;
        status = ended ? STATUS_OK : status;
        if (status == STATUS_OK) {
            chunk->number = number++;
            status = queue_push(jobs->todo, chunk);
        }
    }
    progress_end(&progress);
    return status;
}

static enum status make_chunks(struct jobs *jobs)
{
    for (uint32_t i = 0; i < jobs->chunk_count; i++) {
        struct chunk *chunk = &jobs->chunks[i];
        chunk->lines = BUFFER_INIT(LINES_MAX);
        chunk->ids = calloc(SCAN_CHUNK_MESSAGES, sizeof *chunk->ids);
        chunk->texts = calloc(SCAN_CHUNK_MESSAGES, sizeof *chunk->texts);
        if (!chunk->ids || !chunk->texts || arena_new(1u << 18, ARENA_MAX, &chunk->arena) != STATUS_OK) {
            return STATUS_NO_MEMORY;
        }
    }
    return STATUS_OK;
}

static void end_jobs(struct jobs *jobs)
{
    if (jobs->todo) {
        queue_close(jobs->todo);
    }
    if (jobs->finished) {
        queue_close(jobs->finished);
    }
    for (uint32_t i = 0; i < jobs->thread_count; i++) {
        (void)pthread_join(jobs->threads[i], NULL);
    }
    queue_free(&jobs->todo);
    queue_free(&jobs->finished);
    for (uint32_t i = 0; jobs->chunks && i < jobs->chunk_count; i++) {
        arena_free(&jobs->chunks[i].arena);
        buffer_free(&jobs->chunks[i].lines);
        free(jobs->chunks[i].ids);
        free(jobs->chunks[i].texts);
    }
    free(jobs->chunks);
}

enum status scan_jobs_run(const struct scan_job *job, struct error *error, struct scan_totals *ret_totals)
{
    uint32_t threads = job->jobs < 1 ? 1 : job->jobs > SCAN_JOBS_MAX ? SCAN_JOBS_MAX : job->jobs;
    struct jobs jobs = {
        .job = job, .chunk_count = threads * SCAN_CHUNKS_PER_JOB, .chunk_messages = SCAN_CHUNK_MESSAGES_FIRST};
    struct scan_totals totals = {0};
    jobs.chunks = calloc(jobs.chunk_count, sizeof *jobs.chunks);
    enum status status = jobs.chunks ? make_chunks(&jobs) : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        status = queue_new(jobs.chunk_count, &jobs.todo);
    }
    if (status == STATUS_OK) {
        status = queue_new(jobs.chunk_count, &jobs.finished);
    }
    while (status == STATUS_OK && jobs.thread_count < threads) {
        if (pthread_create(&jobs.threads[jobs.thread_count], NULL, scan_chunks, &jobs) != 0) {
            status = jobs.thread_count > 0 ? STATUS_OK : STATUS_SYSTEM;
            break;
        }
        jobs.thread_count++;
    }
    if (status == STATUS_OK) {
        status = read_and_write(&jobs, error, &totals);
    }
    end_jobs(&jobs);
    if (status == STATUS_OK) {
        *ret_totals = totals;
    }
    return status;
}
