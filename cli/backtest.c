#include "cli/backtest.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/queue.h"
#include "cli/backtest_tally.h"
#include "cli/progress.h"
#include "scanner/across.h"
#include "scanner/scanner.h"

#define BLOCK_BYTES ((size_t)256 << 10)
#define BLOCKS_A_JOB 3u
#define TEXTS_FIRST (1u << 14)
#define FORMATS 4
#define ACROSS_BYTES ((size_t)1 << 30) /* of a side: an evaluation must not forget what a service would know */
#define ARENA_CHUNK ((size_t)64 << 10)
#define ARENA_SIZE_MAX ((size_t)64 << 20)

/* Whole lines of one file, on their way to a thread and back. */
struct block {
    struct input_block lines;
    uint32_t file;
    enum input_format format;
};

/* Texts that were counted already, for `unique`. */
struct text_set {
    pthread_mutex_t lock;
    uint64_t *hashes; /* open addressing; 0 is a free place */
    size_t used, capacity;
};

struct run {
    const struct backtest_options *options;
    struct ruleset *sides[2];
    struct queue *todo, *idle;
    struct text_set texts;
};

struct job {
    struct run *run;
    struct backtest *backtest;
    pthread_t thread;
    bool started;
    enum status status;

    struct scanner *scanners[2];
    struct message_line *readers[FORMATS];
    struct buffer label_copy;
    struct backtest_message *messages; /* of the slice */
    struct span *texts;
    uint32_t count;
    struct backtest_hit *hits[2]; /* by side, in the order of the messages */
    uint32_t *hit_messages[2];
    uint32_t hit_counts[2], hit_capacities[2];
    enum backtest_side side; /* that is being scanned */

    /* Of rules with `across`: there is one thread then, and it has every message, also those that are not counted. */
    struct across *across[2]; /* NULL: that side has no such rule */
    struct message *turns;    /* the messages of the slice, in their conversations; NULL: no side has such a rule */
    bool *repeated;           /* of the slice: left out by `unique`, but part of its conversation */
    struct arena *made;       /* ids of the slice that do not stand in its lines */
    struct arena *decided;
    uint32_t taken; /* messages of the slice that the side's `across` has seen */
};

/* ---- Texts seen before ---- */

static enum status text_set_grow(struct text_set *set)
{
    size_t capacity = set->capacity ? set->capacity * 2 : TEXTS_FIRST;
    uint64_t *hashes = calloc(capacity, sizeof *hashes);
    if (!hashes) {
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < set->capacity; i++) {
        size_t at = set->hashes[i];
        while (set->hashes[i] && hashes[at & (capacity - 1)]) {
            at++;
        }
        if (set->hashes[i]) {
            hashes[at & (capacity - 1)] = set->hashes[i];
        }
    }
    free(set->hashes);
    set->hashes = hashes;
    set->capacity = capacity;
    return STATUS_OK;
}

static enum status text_set_add(struct text_set *set, const struct backtest_message *message, bool *ret_new)
{
    uint64_t digest[2];
    model_digest(message->text, digest);
    uint64_t hash = (digest[0] + (uint64_t)message->label * 0x9E3779B97F4A7C15u) | 1;
    enum status status = STATUS_OK;
    (void)pthread_mutex_lock(&set->lock);
    if (set->used * 4 >= set->capacity * 3) {
        status = text_set_grow(set);
    }
    if (status == STATUS_OK) {
        size_t at = hash;
        while (set->hashes[at & (set->capacity - 1)] && set->hashes[at & (set->capacity - 1)] != hash) {
            at++;
        }
        *ret_new = set->hashes[at & (set->capacity - 1)] == 0;
        set->hashes[at & (set->capacity - 1)] = hash;
        set->used += *ret_new;
    }
    (void)pthread_mutex_unlock(&set->lock);
    return status;
}

/* ---- A thread's work ---- */

static int compare_spans(const void *a, const void *b)
{
    const struct backtest_span *x = a, *y = b;
    return x->start != y->start ? (x->start > y->start) - (x->start < y->start) : (x->end > y->end) - (x->end < y->end);
}

static enum status add_hit(struct job *job, uint32_t message, const struct scan_hit *hit)
{
    enum backtest_side side = job->side;
    if (job->hit_counts[side] == job->hit_capacities[side]) {
        uint32_t capacity = job->hit_capacities[side] ? job->hit_capacities[side] * 2 : 1024;
        struct backtest_hit *hits = reallocarray(job->hits[side], capacity, sizeof *hits);
        if (!hits) {
            return STATUS_NO_MEMORY;
        }
        job->hits[side] = hits;
        uint32_t *messages = reallocarray(job->hit_messages[side], capacity, sizeof *messages);
        if (!messages) {
            return STATUS_NO_MEMORY;
        }
        job->hit_messages[side] = messages;
        job->hit_capacities[side] = capacity;
    }
    struct backtest_hit *added = &job->hits[side][job->hit_counts[side]];
    added->rule = backtest_tally_rule(job->backtest, hit->rule);
    added->live = hit->rule->status == RULE_LIVE;
    added->unscanned = hit->outcome == OUTCOME_UNSCANNED;
    added->span_count = hit->span_count < BACKTEST_SAMPLE_SPANS_MAX ? hit->span_count : BACKTEST_SAMPLE_SPANS_MAX;
    added->span_count = job->run->options->samples > 0 ? added->span_count : 0;
    for (uint32_t i = 0; i < added->span_count; i++) {
        added->spans[i] = (struct backtest_span){.start = hit->spans[i].start, .end = hit->spans[i].end};
    }
    qsort(added->spans, added->span_count, sizeof added->spans[0], compare_spans);
    job->hit_messages[side][job->hit_counts[side]++] = message;
    return STATUS_OK;
}

static enum status add_hits(struct job *job, uint32_t message, const struct scan_hit *hits, uint32_t hit_count)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < hit_count; i++) {
        status = add_hit(job, message, &hits[i]);
    }
    return status;
}

/* Decides the messages before `until`, in which nothing was found, and then `until` itself if it has hits. */
static enum status decide(struct job *job, uint32_t until, const struct scan_hit *hits, uint32_t hit_count)
{
    enum status status = STATUS_OK;
    uint32_t end = until + (hit_count > 0);
    for (; job->taken < end && status == STATUS_OK; job->taken++) {
        uint32_t count = job->taken == until ? hit_count : 0, decided_count = 0;
        struct scan_hit *decided = NULL;
        arena_reset(job->decided);
        status = across_take(job->across[job->side], &job->turns[job->taken], 0, hits, count, job->decided, &decided,
                             &decided_count);
        if (status == STATUS_OK) {
            status = add_hits(job, job->taken, decided, decided_count);
        }
    }
    return status;
}

static enum status on_hits(void *context, uint32_t message, const struct scan_hit *hits, uint32_t hit_count)
{
    struct job *job = context;
    return job->across[job->side] ? decide(job, message, hits, hit_count) : add_hits(job, message, hits, hit_count);
}

static int compare_hits(const void *a, const void *b)
{
    const struct backtest_hit *x = a, *y = b;
    return (x->rule > y->rule) - (x->rule < y->rule);
}

/* The hits of a side in one message, which begin at *at; moves it behind them. */
static uint32_t take_hits(struct job *job, int side, uint32_t message, uint32_t *at,
                          const struct backtest_hit **ret_hits)
{
    uint32_t first = *at;
    if (!job->hits[side]) {
        *ret_hits = NULL;
        return 0;
    }
    while (*at < job->hit_counts[side] && job->hit_messages[side][*at] == message) {
        ++*at;
    }
    *ret_hits = job->hits[side] + first;
    if (*at - first > 1) {
        qsort(job->hits[side] + first, *at - first, sizeof **job->hits, compare_hits);
    }
    return *at - first;
}

static enum status scan_side(struct job *job, int side)
{
    job->side = (enum backtest_side)side;
    job->hit_counts[side] = 0;
    job->taken = 0;
    if (!job->run->sides[side]) {
        return STATUS_OK;
    }
    enum status status = scanner_scan(job->scanners[side], job->run->sides[side], job->texts, job->count, on_hits, job);
    return status == STATUS_OK && job->across[side] ? decide(job, job->count, NULL, 0) : status;
}

static enum status scan_slice(struct job *job)
{
    enum status status = STATUS_OK;
    uint32_t at[2] = {0, 0};
    for (int side = 0; status == STATUS_OK && side < 2; side++) {
        status = scan_side(job, side);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < job->count; i++) {
        const struct backtest_hit *hits[2];
        const uint32_t counts[2] = {take_hits(job, 0, i, &at[0], &hits[0]), take_hits(job, 1, i, &at[1], &hits[1])};
        if (!job->repeated || !job->repeated[i]) {
            status = backtest_tally_message(job->backtest, job->run->options->samples, &job->messages[i], hits, counts);
        }
    }
    job->count = 0;
    if (job->made) {
        arena_reset(job->made);
    }
    return status;
}

static void note_fault(struct backtest *backtest, const char *path, const struct error *error)
{
    if (backtest->faulty_lines++ < BACKTEST_FAULTS_SHOWN_MAX) {
        error_set(&backtest->faults[backtest->faulty_lines - 1], "%s: %s", path, error->text);
    }
}

/*
 * The message's place in its conversation, for rules with `across`. An id that is made of the line's number gets the
 * file's too, so that messages of different files are different.
 */
static enum status take_turn(struct job *job, const struct backtest_message *read, const struct input_message *message)
{
    struct span id = message->message_id;
    if (message->id_made) {
        char *made = arena_print(job->made, "%u:%llu", read->file, (unsigned long long)read->line);
        if (!made) {
            return STATUS_NO_MEMORY;
        }
        id = span_text(made);
    }
    job->backtest->in_conversations += !message->conversation_made;
    job->turns[job->count] = (struct message){
        .message_id = id,
        .conversation_id = message->conversation_made ? id : message->conversation_id,
        .sender_id = message->sender_id,
        .text = message->text,
        .sent_at_ms = message->sent_at_ms,
    };
    return STATUS_OK;
}

/* The next line as a message. STATUS_NOT_FOUND: it holds none, or one that nobody needs again. */
static enum status read_line(struct job *job, struct block *block, struct backtest_message *ret_message)
{
    const struct backtest_options *options = job->run->options;
    struct input_block *lines = &block->lines;
    uint8_t *line = lines->data + lines->at;
    const uint8_t *newline = memchr(line, '\n', lines->size - lines->at);
    size_t size = newline ? (size_t)(newline - line) : lines->size - lines->at;
    struct input_message message;
    struct error error = {0};
    bool is_new = true;
    lines->at += size + (newline != NULL);
    lines->line++;
    if (size > INPUT_LINE_MAX) {
        error_set(&error, "line %llu: longer than %u bytes", (unsigned long long)lines->line, INPUT_LINE_MAX);
        note_fault(job->backtest, options->files[block->file], &error);
        return STATUS_NOT_FOUND;
    }
    *ret_message = (struct backtest_message){.file = block->file, .line = lines->line};
    enum status status =
        backtest_label_of(&options->labels, block->format, span_of(line, size), &job->label_copy, &ret_message->label);
    if (status == STATUS_OK) {
        status = message_line_read(job->readers[block->format], line, size, lines->line, &error, &message);
    }
    if (status == STATUS_INVALID || status == STATUS_LIMIT) {
        note_fault(job->backtest, options->files[block->file], &error);
        return STATUS_NOT_FOUND;
    }
    if (status == STATUS_OK) {
        ret_message->text = message.text;
        if (options->unique) {
            status = text_set_add(&job->run->texts, ret_message, &is_new);
        }
    }
    if (status != STATUS_OK) {
        return status;
    }
    job->backtest->repeated += !is_new;
    if (!job->turns) {
        return is_new ? STATUS_OK : STATUS_NOT_FOUND;
    }
    job->repeated[job->count] = !is_new;
    return take_turn(job, ret_message, &message);
}

static enum status scan_block(struct job *job, struct block *block)
{
    struct message_line **reader = &job->readers[block->format];
    size_t bytes = 0;
    enum status status = STATUS_OK;
    if (!*reader) {
        status = message_line_new(block->format, job->run->options->input.text_column, NULL, reader);
    }
    while (status == STATUS_OK && block->lines.at < block->lines.size) {
        status = read_line(job, block, &job->messages[job->count]);
        if (status == STATUS_OK) {
            job->texts[job->count] = job->messages[job->count].text;
            bytes += job->texts[job->count++].size;
        }
        status = status == STATUS_NOT_FOUND ? STATUS_OK : status;
        if (status == STATUS_OK && (job->count == SCANNER_SLICE_MESSAGES || bytes >= SCANNER_SLICE_BYTES)) {
            status = scan_slice(job);
            bytes = 0;
        }
    }
    return status == STATUS_OK ? scan_slice(job) : status;
}

static void *work(void *context)
{
    struct job *job = context;
    void *item;
    while (queue_pop(job->run->todo, -1, &item) == STATUS_OK) {
        if (job->status == STATUS_OK) {
            job->status = scan_block(job, item);
        }
        if (queue_push(job->run->idle, item) != STATUS_OK) {
            break;
        }
    }
    return NULL;
}

static bool needs_across(const struct ruleset *ruleset)
{
    return ruleset && across_is_needed(ruleset);
}

static enum status make_across(struct job *job, struct ruleset *const sides[2])
{
    if (!needs_across(sides[0]) && !needs_across(sides[1])) {
        return STATUS_OK;
    }
    job->turns = calloc(SCANNER_SLICE_MESSAGES, sizeof *job->turns);
    job->repeated = calloc(SCANNER_SLICE_MESSAGES, sizeof *job->repeated);
    enum status status = job->turns && job->repeated ? STATUS_OK : STATUS_NO_MEMORY;
    status = status == STATUS_OK ? arena_new(ARENA_CHUNK, ARENA_SIZE_MAX, &job->made) : status;
    status = status == STATUS_OK ? arena_new(ARENA_CHUNK, ARENA_SIZE_MAX, &job->decided) : status;
    for (int side = 0; status == STATUS_OK && side < 2; side++) {
        bool needed;
        if (needs_across(sides[side])) {
            status = across_new(ACROSS_BYTES, &job->across[side]);
            status = status == STATUS_OK ? across_use(job->across[side], sides[side], &needed) : status;
            scanner_set_across(job->scanners[side], true);
        }
    }
    return status;
}

static enum status job_make(struct job *job, struct run *run)
{
    job->run = run;
    job->label_copy = BUFFER_INIT((size_t)INPUT_LINE_MAX + 1);
    job->messages = calloc(SCANNER_SLICE_MESSAGES, sizeof *job->messages);
    job->texts = calloc(SCANNER_SLICE_MESSAGES, sizeof *job->texts);
    enum status status = job->messages && job->texts ? STATUS_OK : STATUS_NO_MEMORY;
    for (int side = 0; status == STATUS_OK && side < 2; side++) {
        status = scanner_new(&job->scanners[side]);
    }
    if (status == STATUS_OK) {
        status = make_across(job, run->sides);
    }
    if (status == STATUS_OK) {
        status = backtest_tally_new(run->sides[0], run->sides[1], run->options, &job->backtest);
    }
    return status;
}

static void job_end(struct job *job)
{
    for (int side = 0; side < 2; side++) {
        scanner_free(&job->scanners[side]);
        across_free(&job->across[side]);
        free(job->hits[side]);
        free(job->hit_messages[side]);
    }
    for (int format = 0; format < FORMATS; format++) {
        message_line_free(&job->readers[format]);
    }
    buffer_free(&job->label_copy);
    free(job->messages);
    free(job->texts);
    free(job->turns);
    free(job->repeated);
    arena_free(&job->made);
    arena_free(&job->decided);
    backtest_free(&job->backtest);
}

/* ---- Reading ahead ---- */

static enum status read_file(struct run *run, uint32_t file, struct progress *progress, uint64_t before,
                             struct error *error)
{
    struct input *input;
    enum status status = input_open(run->options->files[file], &run->options->input, error, &input);
    bool ended = false;
    if (status != STATUS_OK) {
        return STATUS_SYSTEM;
    }
    while (status == STATUS_OK && !ended) {
        void *item;
        status = queue_pop(run->idle, -1, &item);
        struct block *block = item;
        if (status == STATUS_OK) {
            block->file = file;
            block->format = input_format(input);
            status = input_block_read(input, BLOCK_BYTES, error, &block->lines);
            ended = status == STATUS_CLOSED;
            status = ended ? queue_push(run->idle, block) : status == STATUS_OK ? queue_push(run->todo, block) : status;
        }
        progress_update(progress, before + input_position(input));
    }
    input_close(&input);
    return status;
}

/* The bytes of a file; 0 if it is none that has a size. Never opened for this: that would disturb a pipe. */
static uint64_t file_size(const char *path)
{
    struct stat facts;
    return strcmp(path, "-") != 0 && stat(path, &facts) == 0 && S_ISREG(facts.st_mode) ? (uint64_t)facts.st_size : 0;
}

static enum status read_files(struct run *run, struct error *error)
{
    const struct backtest_options *options = run->options;
    struct progress progress;
    enum status status = STATUS_OK;
    uint64_t before = 0, total = 0;
    for (uint32_t i = 0; i < options->file_count; i++) {
        total += file_size(options->files[i]);
    }
    progress_start(&progress, "scanning", "bytes", total);
    for (uint32_t i = 0; status == STATUS_OK && i < options->file_count; i++) {
        status = read_file(run, i, &progress, before, error);
        before += file_size(options->files[i]);
    }
    progress_end(&progress);
    return status;
}

static enum status start_jobs(struct job *jobs, uint32_t count, struct run *run)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        status = job_make(&jobs[i], run);
        if (status == STATUS_OK && pthread_create(&jobs[i].thread, NULL, work, &jobs[i]) != 0) {
            status = i > 0 ? STATUS_OK : STATUS_SYSTEM; /* fewer threads do it too */
            break;
        }
        jobs[i].started = status == STATUS_OK;
    }
    return status;
}

/* Ends the threads and adds up what they counted. */
static enum status end_jobs(struct job *jobs, uint32_t count, struct run *run, enum status status,
                            struct backtest *backtest)
{
    queue_close(run->todo);
    for (uint32_t i = 0; i < count; i++) {
        if (jobs[i].started) {
            (void)pthread_join(jobs[i].thread, NULL);
            status = status == STATUS_OK ? jobs[i].status : status;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (jobs[i].backtest && status == STATUS_OK) {
            const struct backtest *part = jobs[i].backtest;
            status = backtest_tally_add(backtest, jobs[i].backtest, run->options->samples);
            for (uint64_t f = 0; f < part->faulty_lines && f < BACKTEST_FAULTS_SHOWN_MAX; f++) {
                if (backtest->faulty_lines + f < BACKTEST_FAULTS_SHOWN_MAX) {
                    backtest->faults[backtest->faulty_lines + f] = part->faults[f];
                }
            }
            backtest->faulty_lines += part->faulty_lines;
            backtest->repeated += part->repeated;
            backtest->in_conversations += part->in_conversations;
        }
        job_end(&jobs[i]);
    }
    return status;
}

/* With the queues made and all blocks idle. */
static enum status run_jobs(struct run *run, uint32_t count, struct error *error, struct backtest *backtest)
{
    struct job *jobs = calloc(count, sizeof *jobs);
    if (!jobs) {
        return STATUS_NO_MEMORY;
    }
    enum status status = start_jobs(jobs, count, run);
    if (status == STATUS_OK) {
        status = read_files(run, error);
    }
    status = end_jobs(jobs, count, run, status, backtest);
    free(jobs);
    return status;
}

enum status backtest_run(struct ruleset *base, struct ruleset *new, const struct backtest_options *options,
                         struct error *error, struct backtest **ret_backtest)
{
    uint32_t count = options->jobs < 1 ? 1 : options->jobs > BACKTEST_JOBS_MAX ? BACKTEST_JOBS_MAX : options->jobs;
    if (needs_across(base) || needs_across(new)) {
        count = 1; /* what a rule with across finds depends on the order of the messages */
    }
    uint32_t block_count = count * BLOCKS_A_JOB;
    struct run run = {.options = options, .sides = {base, new}, .texts = {.lock = PTHREAD_MUTEX_INITIALIZER}};
    struct block *blocks = calloc(block_count, sizeof *blocks);
    struct backtest *backtest = NULL;
    int64_t started_ms = clock_ticks_ms();
    enum status status = blocks ? backtest_tally_new(base, new, options, &backtest) : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        status = queue_new(block_count, &run.todo);
    }
    if (status == STATUS_OK) {
        status = queue_new(block_count, &run.idle);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < block_count; i++) {
        status = queue_push(run.idle, &blocks[i]);
    }
    if (status == STATUS_OK) {
        status = run_jobs(&run, count, error, backtest);
    }
    for (uint32_t i = 0; blocks && i < block_count; i++) {
        input_block_free(&blocks[i].lines);
    }
    free(blocks);
    free(run.texts.hashes);
    queue_free(&run.todo);
    queue_free(&run.idle);
    if (status != STATUS_OK) {
        backtest_free(&backtest);
        return status;
    }
    backtest->seconds = (double)(clock_ticks_ms() - started_ms) / 1e3;
    *ret_backtest = backtest;
    return STATUS_OK;
}
