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
#include "scanner/across.h"
#include "scanner/scanner.h"

#define IDS_MAX ((size_t)64 << 20)
#define ACROSS_BYTES                                                                                                   \
    ((size_t)1 << 30) /* of rules with across: an evaluation must not forget what a service would know */
#define LINES_MAX ((size_t)4 << 30)
#define FAULTS_SHOWN_MAX 20
#define FAULTS_BYTES_MAX ((size_t)FAULTS_SHOWN_MAX * sizeof(struct error))
#define CHUNKS_MAX ((size_t)SCAN_JOBS_MAX * SCAN_CHUNKS_PER_JOB)

/* Lines that are read, scanned and written together. */
struct chunk {
    uint64_t number; /* from 0, in the order of the input */
    struct input_block block;
    struct buffer lines;
    struct buffer faults; /* words about faulty lines, the first FAULTS_SHOWN_MAX of the chunk */
    bool looks_like_json;
    struct scan_totals totals;
    enum status status;
    struct error error; /* STATUS_SYSTEM */
};

struct jobs {
    const struct scan_job *job;
    uint32_t chunk_count;
    struct chunk *chunks;
    struct chunk *done[CHUNKS_MAX]; /* by number modulo CHUNKS_MAX: waiting for its turn to be written */
    size_t chunk_bytes;             /* how much a chunk takes now: less where its messages have very many hits */
    struct queue *todo, *finished;
    pthread_t threads[SCAN_JOBS_MAX];
    uint32_t thread_count;
};

/* What a thread works with: it takes a chunk apart slice by slice. */
struct slicer {
    const struct jobs *jobs;
    struct chunk *chunk;
    struct scanner *scanner;
    struct message_line *reader;
    struct arena *made; /* ids of the slice that do not stand in its lines */
    struct span *ids, *texts;
    uint32_t count;
    struct across *across; /* of rules that look at several messages; NULL: there are none */
    struct message *messages;
    struct arena *decided;
    uint32_t taken; /* messages of the slice that `across` has seen */
};

static enum status write_hits(const struct slicer *slicer, uint32_t message, const struct scan_hit *hits,
                              uint32_t hit_count)
{
    const struct scan_job *job = slicer->jobs->job;
    struct chunk *chunk = slicer->chunk;
    const char *generation = ruleset_generation(job->ruleset);
    bool flagged = false, unscanned = false;
    for (uint32_t i = 0; i < hit_count; i++) {
        bool live = hits[i].rule->status == RULE_LIVE;
        if (!live && !job->shadow) {
            continue;
        }
        flagged |= live && hits[i].outcome == OUTCOME_FLAGGED;
        unscanned |= live && hits[i].outcome == OUTCOME_UNSCANNED;
        chunk->totals.hits++;
        enum status status = hit_json_append(&chunk->lines, slicer->ids[message], generation, &hits[i]);
        if (status != STATUS_OK) {
            return status;
        }
    }
    chunk->totals.flagged += flagged;
    chunk->totals.unscanned += unscanned;
    return STATUS_OK;
}

/* Decides the messages before `until`, in which nothing was found, and then `until` itself if it has hits. */
static enum status decide(struct slicer *slicer, uint32_t until, const struct scan_hit *hits, uint32_t hit_count)
{
    enum status status = STATUS_OK;
    uint32_t end = until + (hit_count > 0);
    for (; slicer->across && slicer->taken < end && status == STATUS_OK; slicer->taken++) {
        uint32_t message = slicer->taken, count = message == until ? hit_count : 0, decided_count = 0;
        struct scan_hit *decided = NULL;
        arena_reset(slicer->decided);
        status = across_take(slicer->across, &slicer->messages[message], 0, hits, count, slicer->decided, &decided,
                             &decided_count);
        if (status == STATUS_OK) {
            status = write_hits(slicer, message, decided, decided_count);
        }
    }
    return slicer->across ? status : write_hits(slicer, until, hits, hit_count);
}

static enum status on_hits(void *context, uint32_t message, const struct scan_hit *hits, uint32_t hit_count)
{
    return decide(context, message, hits, hit_count);
}

/* A file of JSON lines under another name would be scanned as it stands: field names, quotes and escapes. */
static bool looks_like_json(const struct scan_job *job, const struct input_message *message)
{
    struct span text = message->text;
    return job->format_guessed && message->line == 1 && input_format(job->input) == INPUT_LINES && text.size > 1 &&
           text.data[0] == '{' && text.data[text.size - 1] == '}';
}

static enum status note_fault(struct chunk *chunk, const struct error *error)
{
    return chunk->totals.faulty_lines++ < FAULTS_SHOWN_MAX
               ? buffer_append(&chunk->faults, error->text, strlen(error->text) + 1)
               : STATUS_OK;
}

/* The chunk's next messages. STATUS_CLOSED at its end, perhaps with messages. */
static enum status fill_slice(struct slicer *slicer)
{
    struct chunk *chunk = slicer->chunk;
    size_t bytes = 0;
    slicer->count = 0;
    arena_reset(slicer->made);
    while (slicer->count < SCANNER_SLICE_MESSAGES && bytes < SCANNER_SLICE_BYTES) {
        struct input_message message;
        struct error error = {0};
        enum status status = input_block_next(&chunk->block, slicer->reader, &error, &message);
        if (status == STATUS_INVALID || status == STATUS_LIMIT) {
            status = note_fault(chunk, &error);
            if (status == STATUS_OK) {
                continue;
            }
        }
        if (status != STATUS_OK) {
            chunk->error = error;
            return status;
        }
        chunk->looks_like_json |= looks_like_json(slicer->jobs->job, &message);
        if (message.id_made) {
            size_t size = message.message_id.size;
            message.message_id = span_of(arena_copy(slicer->made, message.message_id), size);
        }
        if (!message.message_id.data) {
            return STATUS_NO_MEMORY;
        }
        if (slicer->across) {
            slicer->messages[slicer->count] = (struct message){
                .message_id = message.message_id,
                .conversation_id = message.conversation_made ? message.message_id : message.conversation_id,
                .sender_id = message.sender_id,
                .text = message.text,
                .sent_at_ms = message.sent_at_ms,
            };
        }
        slicer->ids[slicer->count] = message.message_id;
        slicer->texts[slicer->count++] = message.text;
        bytes += message.text.size;
    }
    return STATUS_OK;
}

static enum status scan_chunk(struct slicer *slicer)
{
    struct chunk *chunk = slicer->chunk;
    for (;;) {
        enum status filled = fill_slice(slicer);
        if (filled != STATUS_OK && filled != STATUS_CLOSED) {
            return filled;
        }
        chunk->totals.messages += slicer->count;
        slicer->taken = 0;
        enum status status =
            scanner_scan(slicer->scanner, slicer->jobs->job->ruleset, slicer->texts, slicer->count, on_hits, slicer);
        if (status == STATUS_OK && slicer->across) {
            status = decide(slicer, slicer->count, NULL, 0);
        }
        if (status != STATUS_OK || filled == STATUS_CLOSED) {
            return status;
        }
    }
}

/* One thread has them all: it sees every conversation in the order of the input. */
static enum status make_across(struct slicer *slicer)
{
    bool needed;
    if (!across_is_needed(slicer->jobs->job->ruleset)) {
        return STATUS_OK;
    }
    slicer->messages = calloc(SCANNER_SLICE_MESSAGES, sizeof *slicer->messages);
    enum status status = slicer->messages ? across_new(ACROSS_BYTES, &slicer->across) : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        status = arena_new(1u << 16, IDS_MAX, &slicer->decided);
    }
    if (status == STATUS_OK) {
        status = across_use(slicer->across, slicer->jobs->job->ruleset, &needed);
    }
    scanner_set_across(slicer->scanner, true);
    return status;
}

static enum status slicer_make(struct slicer *slicer)
{
    slicer->ids = calloc(SCANNER_SLICE_MESSAGES, sizeof *slicer->ids);
    slicer->texts = calloc(SCANNER_SLICE_MESSAGES, sizeof *slicer->texts);
    enum status status = slicer->ids && slicer->texts ? scanner_new(&slicer->scanner) : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        status = arena_new(1u << 16, IDS_MAX, &slicer->made);
    }
    if (status == STATUS_OK) {
        status = make_across(slicer);
    }
    return status == STATUS_OK ? input_line_reader(slicer->jobs->job->input, &slicer->reader) : status;
}

static void slicer_end(struct slicer *slicer)
{
    scanner_free(&slicer->scanner);
    message_line_free(&slicer->reader);
    arena_free(&slicer->made);
    across_free(&slicer->across);
    arena_free(&slicer->decided);
    free(slicer->messages);
    free(slicer->ids);
    free(slicer->texts);
}

static void *scan_chunks(void *context)
{
    struct jobs *jobs = context;
    struct slicer slicer = {.jobs = jobs};
    enum status made = slicer_make(&slicer);
    void *item;
    while (queue_pop(jobs->todo, -1, &item) == STATUS_OK) {
        struct chunk *chunk = item;
        slicer.chunk = chunk;
        chunk->status = made == STATUS_OK ? scan_chunk(&slicer) : made;
        if (queue_push(jobs->finished, chunk) != STATUS_OK) {
            break;
        }
    }
    slicer_end(&slicer);
    return NULL;
}

/* Words about what was read, when the chunk's turn has come: those about faulty lines only up to a number. */
static void tell(const struct chunk *chunk, const struct scan_totals *totals)
{
    if (chunk->looks_like_json) {
        (void)fprintf(stderr, "weir scan: the first line looks like JSON, but lines are scanned as they stand; "
                              "--format jsonl reads them\n");
    }
    uint64_t told = totals->faulty_lines;
    size_t at = 0;
    for (; at < chunk->faults.size && told < FAULTS_SHOWN_MAX; told++) {
        const char *words = (const char *)chunk->faults.data + at;
        (void)fprintf(stderr, "weir scan: %s\n", words);
        at += strlen(words) + 1;
    }
    if (totals->faulty_lines <= FAULTS_SHOWN_MAX && totals->faulty_lines + chunk->totals.faulty_lines > told) {
        (void)fprintf(stderr, "weir scan: more faulty lines are only counted\n");
    }
}

static void add_totals(struct scan_totals *sum, const struct scan_totals *part)
{
    sum->messages += part->messages;
    sum->flagged += part->flagged;
    sum->hits += part->hits;
    sum->unscanned += part->unscanned;
    sum->faulty_lines += part->faulty_lines;
}

/* Rules that hit nearly every message, by the hundred, print gigabytes: then chunks get smaller, and large buffers go. */
static void bound_lines(struct jobs *jobs, struct chunk *chunk)
{
    if (chunk->block.size > 0) {
        size_t bytes = SCAN_CHUNK_LINES_BYTES / (chunk->lines.size / chunk->block.size + 1);
        jobs->chunk_bytes = bytes > SCAN_CHUNK_BYTES ? SCAN_CHUNK_BYTES : bytes;
    }
    if (chunk->lines.capacity > SCAN_CHUNK_LINES_BYTES * 2) {
        buffer_free(&chunk->lines);
    }
}

static enum status read_chunk(const struct jobs *jobs, struct chunk *chunk, struct error *error)
{
    buffer_clear(&chunk->lines);
    buffer_clear(&chunk->faults);
    chunk->looks_like_json = false;
    chunk->totals = (struct scan_totals){0};
    return input_block_read(jobs->job->input, jobs->chunk_bytes, error, &chunk->block);
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
            *error = chunk->error;
            return chunk->status;
        }
        tell(chunk, totals);
        if (chunk->lines.size > 0 &&
            fwrite(chunk->lines.data, 1, chunk->lines.size, jobs->job->out) != chunk->lines.size) {
            error_set(error, "cannot write to standard output: %s", strerror(errno));
            return STATUS_SYSTEM;
        }
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
        status = read_chunk(jobs, chunk, error);
        if (status == STATUS_CLOSED) {
            free_list[free_count++] = chunk;
            ended = true;
            status = STATUS_OK;
        } else if (status == STATUS_OK) {
            chunk->number = number++;
            status = queue_push(jobs->todo, chunk);
        }
    }
    progress_end(&progress);
    return status;
}

static void make_chunks(struct jobs *jobs)
{
    for (uint32_t i = 0; i < jobs->chunk_count; i++) {
        struct chunk *chunk = &jobs->chunks[i];
        chunk->lines = BUFFER_INIT(LINES_MAX);
        chunk->faults = BUFFER_INIT(FAULTS_BYTES_MAX);
    }
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
        input_block_free(&jobs->chunks[i].block);
        buffer_free(&jobs->chunks[i].lines);
        buffer_free(&jobs->chunks[i].faults);
    }
    free(jobs->chunks);
}

enum status scan_jobs_run(const struct scan_job *job, struct error *error, struct scan_totals *ret_totals)
{
    uint32_t threads = job->jobs < 1 ? 1 : job->jobs > SCAN_JOBS_MAX ? SCAN_JOBS_MAX : job->jobs;
    if (across_is_needed(job->ruleset)) {
        threads = 1; /* what a rule with across finds depends on the order of the messages */
    }
    struct jobs jobs = {
        .job = job, .chunk_count = threads * SCAN_CHUNKS_PER_JOB, .chunk_bytes = SCAN_CHUNK_BYTES_FIRST};
    struct scan_totals totals = {0};
    jobs.chunks = calloc(jobs.chunk_count, sizeof *jobs.chunks);
    enum status status = jobs.chunks ? STATUS_OK : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        make_chunks(&jobs);
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
