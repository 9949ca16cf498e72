#include "stages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "ingest/admission.h"
#include "ingest/ledger.h"
#include "ingest/receipt.h"
#include "measure.h"
#include "proto/decode.h"
#include "proto/encode.h"
#include "scanner/confirm.h"
#include "scanner/search.h"

#define FRAME_BYTES_MAX ((size_t)512 << 20)
#define ARENA_BYTES_MAX ((size_t)64 << 20)
#define TEXT_BYTES_MAX (1u << 20)
#define CONVERSATION_MESSAGES 20 /* the ids of a conversation repeat */

const char *const stage_names[STAGE_COUNT] = {
#define X(name, text) text,
    STAGES(X)
#undef X
};

/* Everything that a thread of the service would keep. */
struct bench {
    const struct program *program;
    struct searcher *searcher;
    struct confirmer confirmer;
    struct regex_scratch *scratch;
    struct view_batch views[VIEW_COUNT];
    struct admission *admission;
    struct ledger *ledger;
    struct source source;
    struct buffer receipt;
    struct message *messages;
    struct span *texts;
    double ns[STAGE_COUNT]; /* of the round, all messages */
    int64_t started;
};

static void need(enum status status, const char *what)
{
    if (status != STATUS_OK)
        corpus_die(what, status_text(status));
}

static void begin(struct bench *bench)
{
    bench->started = clock_thread_ns();
}

static void end(struct bench *bench, enum stage stage)
{
    bench->ns[stage] += (double)(clock_thread_ns() - bench->started);
}

/* One message as a producer would send it. */
static void write_message(struct span text, size_t number, struct buffer *message)
{
    char id[32], conversation[32], sender[32];
    int id_size = snprintf(id, sizeof id, "message-%08zu", number);
    int conversation_size =
        snprintf(conversation, sizeof conversation, "conversation-%06zu", number / CONVERSATION_MESSAGES);
    int sender_size = snprintf(sender, sizeof sender, "member-%05zu", number % 4096);
    buffer_clear(message);
    need(encode_bytes(message, 1, span_of(id, (size_t)id_size)), "cannot encode");
    need(encode_bytes(message, 2, span_of(conversation, (size_t)conversation_size)), "cannot encode");
    need(encode_bytes(message, 3, span_of(sender, (size_t)sender_size)), "cannot encode");
    need(encode_number(message, 5, 1700000000000u + number), "cannot encode");
    need(encode_bytes(message, 6, text), "cannot encode");
}

/* All batches as frames, one after the other; starts has one more item than there are batches. */
static size_t *write_batches(const struct corpus *corpus, uint32_t batch, struct buffer *frames, size_t *ret_count)
{
    struct buffer message = BUFFER_INIT(FRAME_BYTES_MAX);
    size_t count = (corpus->count + batch - 1) / batch;
    size_t *starts = corpus_grow(NULL, count + 1, sizeof *starts);
    for (size_t b = 0; b < count; b++) {
        char id[32];
        int id_size = snprintf(id, sizeof id, "batch-%08zu", b);
        starts[b] = frames->size;
        need(encode_bytes(frames, 1, span_of(id, (size_t)id_size)), "cannot encode");
        for (size_t i = b * batch; i < (b + 1) * batch && i < corpus->count; i++) {
            write_message(corpus->texts[i], i, &message);
            need(encode_bytes(frames, 2, buffer_span(&message)), "cannot encode");
        }
    }
    starts[count] = frames->size;
    buffer_free(&message);
    *ret_count = count;
    return starts;
}

/* What ingest does with a batch before and after the scan, without its sockets. */
static void ack(struct bench *bench, struct span batch_id, uint32_t count)
{
    static const struct source_peer peer = {.size = 6, .frames = {5, 1, 2, 3, 4, 5}};
    struct ledger_entry *entry = NULL;
    struct admission_result result = admission_judge(bench->admission, bench->messages, count);
    if (ledger_find(bench->ledger, &bench->source, &peer, batch_id))
        corpus_die("a batch is there twice", "");
    need(ledger_take(bench->ledger, &entry), "the ledger");
    entry->source = &bench->source;
    entry->frame.peer = peer;
    need(ledger_fill(bench->ledger, entry, bench->messages, &result), "the ledger");
    entry->batch.batch_id = batch_id;
    ledger_enter(bench->ledger, entry);
    struct receipt receipt = {.batch_id = batch_id,
                              .status = RECEIPT_OK,
                              .accepted = result.accepted,
                              .rejections = entry->rejections,
                              .rejected = entry->rejected};
    need(receipt_encode(&receipt, &bench->receipt), "the receipt");
    ledger_put(bench->ledger, &entry);
}

static void decide(struct bench *bench, const struct candidate *candidates, uint32_t count)
{
    for (uint32_t i = 0, next; i < count; i = next) {
        struct scan_hit *hits;
        uint32_t hit_count;
        for (next = i + 1; next < count && candidates[next].message == candidates[i].message;)
            next++;
        arena_reset(bench->confirmer.arena);
        need(confirmer_decide(&bench->confirmer, candidates + i, next - i, &hits, &hit_count), "cannot decide");
    }
}

static void one_batch(struct bench *bench, struct span frame, uint32_t batch)
{
    struct decode_header header;
    struct candidate *candidates;
    uint32_t count;
    begin(bench);
    need(decode_batch(frame, bench->messages, batch, &header), "cannot decode");
    for (uint32_t i = 0; i < header.message_count; i++)
        bench->texts[i] = bench->messages[i].text;
    end(bench, STAGE_DECODE);
    begin(bench);
    bench->views[VIEW_SKELETON].folded = &bench->views[VIEW_FOLDED];
    bench->views[VIEW_SKELETON].wanted = &bench->program->disguised;
    bool skeleton = (bench->program->views & (1u << VIEW_SKELETON)) != 0; /* it is made from the folded view */
    for (int view = 0; view < VIEW_COUNT; view++)
        if ((bench->program->views & (1u << view)) || (skeleton && view == VIEW_FOLDED))
            need(view_batch_make(&bench->views[view], (enum view)view, bench->texts, header.message_count),
                 "the views");
    end(bench, STAGE_VIEWS);
    begin(bench);
    need(searcher_search(bench->searcher, bench->program, bench->views, &candidates, &count), "the search");
    end(bench, STAGE_SEARCH);
    begin(bench);
    bench->confirmer.program = bench->program;
    bench->confirmer.views = bench->views;
    bench->confirmer.texts = bench->texts;
    need(confirmer_settle(&bench->confirmer, candidates, &count), "cannot confirm");
    end(bench, STAGE_CONFIRM);
    begin(bench);
    decide(bench, candidates, count);
    end(bench, STAGE_DECIDE);
    begin(bench);
    ack(bench, header.batch_id, header.message_count);
    end(bench, STAGE_ACK);
}

static void bench_open(struct bench *bench, struct ruleset *ruleset, uint32_t batch)
{
    bench->program = ruleset_program(ruleset);
    bench->receipt = BUFFER_INIT(TEXT_BYTES_MAX);
    bench->messages = corpus_grow(NULL, batch, sizeof *bench->messages);
    bench->texts = corpus_grow(NULL, batch, sizeof *bench->texts);
    need(searcher_new(&bench->searcher), "cannot start");
    need(searcher_prepare(bench->searcher, bench->program), "cannot start");
    need(regex_scratch_new(&bench->scratch), "cannot start");
    need(regex_scratch_new(&bench->confirmer.scratch), "cannot start");
    bench->confirmer.automata = searcher_automata(bench->searcher);
    need(arena_new(1u << 14, ARENA_BYTES_MAX, &bench->confirmer.arena), "cannot start");
    need(arena_new(1u << 16, ARENA_BYTES_MAX, &bench->confirmer.batch_arena), "cannot start");
    need(admission_new(batch, TEXT_BYTES_MAX, &bench->admission), "cannot start");
    need(ledger_new(64, FRAME_BYTES_MAX, &bench->ledger), "cannot start");
}

static void bench_close(struct bench *bench)
{
    ledger_free(&bench->ledger);
    admission_free(&bench->admission);
    confirmer_free(&bench->confirmer);
    regex_scratch_free(&bench->scratch);
    searcher_free(&bench->searcher);
    for (int view = 0; view < VIEW_COUNT; view++)
        view_batch_free(&bench->views[view]);
    buffer_free(&bench->receipt);
    free(bench->messages);
    free(bench->texts);
}

void stages_measure(const struct measure_plan *plan, const struct corpus *corpus, struct ruleset *ruleset,
                    double ret_ns[STAGE_COUNT])
{
    struct bench bench = {0};
    struct buffer frames = BUFFER_INIT(FRAME_BYTES_MAX);
    double rows[STAGE_COUNT][MEASURE_ROUNDS_MAX];
    size_t count;
    int rounds = 0;
    int64_t begun = clock_ticks_ns();
    size_t *starts = write_batches(corpus, plan->batch, &frames, &count);
    bench_open(&bench, ruleset, plan->batch);
    for (bool warm = false; measure_goes_on(plan, begun, rounds); warm = true) {
        memset(bench.ns, 0, sizeof bench.ns);
        for (size_t b = 0; b < count; b++)
            one_batch(&bench, span_of(frames.data + starts[b], starts[b + 1] - starts[b]), plan->batch);
        /* Deciding confirms what was already confirmed alone; the rest of it is what it adds. */
        bench.ns[STAGE_DECIDE] -= bench.ns[STAGE_CONFIRM] < bench.ns[STAGE_DECIDE] ? bench.ns[STAGE_CONFIRM] : 0;
        for (int stage = 0; warm && stage < STAGE_COUNT; stage++)
            rows[stage][rounds] = bench.ns[stage] / (double)corpus->count;
        rounds += warm; /* the first lets buffers grow and does not count */
    }
    for (int stage = 0; stage < STAGE_COUNT; stage++)
        ret_ns[stage] = measure_at(rows[stage], rounds, 0.5);
    bench_close(&bench);
    buffer_free(&frames);
    free(starts);
}
