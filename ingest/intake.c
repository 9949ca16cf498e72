#include "ingest/intake.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "ingest/admission.h"
#include "ingest/outbox.h"
#include "ingest/receipt.h"

/* Frames taken from one source before the others and the settled batches get their turn. */
#define INTAKE_ROUND 64
#define INTAKE_RECEIPT_SIZE_MAX (256u << 20) /* never reached: a receipt is smaller than its batch */

struct counters {
    struct metrics *metrics;
    struct metric *ok, *retry_later, *malformed, *duplicate, *lost;
    struct metric *messages, *bytes, *rejected[ADMISSION_REASON_COUNT];
    struct metric *in_flight, *bytes_in_flight;
    struct metric *undeliverable;
    struct metric *seconds;
};

struct intake {
    struct ingest_settings settings;
    struct batch_sink sink;
    void (*settled)(struct batch *batch, void *context);
    void *context;
    struct ledger *ledger;
    struct admission *admission;
    struct outbox *outbox;
    int64_t next_flush_ms;    /* ticks */
    struct message *messages; /* of the frame being judged */
    struct buffer receipt;
    struct ledger_entry *spare;   /* what the next frame is received into */
    struct ledger_entry *stalled; /* of sources that cannot answer: at most one each, the sink was full */
    struct counters counters;
};

static struct metric *intake_batches(struct metrics *metrics, const char *status)
{
    return metrics_counter(metrics, "weir_ingest_batches_total", "Batches received, by how they were answered.",
                           "status", status);
}

static void intake_open_counters(struct counters *counters, struct metrics *metrics)
{
    counters->metrics = metrics;
    counters->ok = intake_batches(metrics, "ok");
    counters->retry_later = intake_batches(metrics, "retry_later");
    counters->malformed = intake_batches(metrics, "malformed");
    counters->duplicate = intake_batches(metrics, "duplicate");
    counters->lost = intake_batches(metrics, "lost");
    counters->messages =
        metrics_counter(metrics, "weir_ingest_messages_total", "Messages handed on to the scanner.", NULL, NULL);
    counters->bytes = metrics_counter(metrics, "weir_ingest_bytes_total", "Bytes of frames received.", NULL, NULL);
    for (int i = 0; i < ADMISSION_REASON_COUNT; i++) {
        counters->rejected[i] = metrics_counter(metrics, "weir_ingest_rejected_total",
                                                "Messages that were not taken though their batch was.", "reason",
                                                admission_reason_texts[i]);
    }
    counters->in_flight =
        metrics_gauge(metrics, "weir_ingest_batches_in_flight", "Batches handed on and not answered yet.", NULL, NULL);
    counters->bytes_in_flight = metrics_gauge(metrics, "weir_ingest_bytes_in_flight",
                                              "Memory held by batches that are not answered yet.", NULL, NULL);
    counters->undeliverable = metrics_counter(metrics, "weir_ingest_receipts_undeliverable_total",
                                              "Receipts whose producer was gone or did not read.", NULL, NULL);
    counters->seconds = metrics_histogram(metrics, "weir_ingest_batch_seconds",
                                          "From the arrival of a batch to its receipt.", 1e-9, 17, 34);
}

enum status intake_new(const struct ingest_settings *settings, struct metrics *metrics, struct batch_sink sink,
                       void (*settled)(struct batch *batch, void *context), void *context, struct intake **ret_intake)
{
    struct intake *intake = calloc(1, sizeof *intake);
    if (intake == NULL) {
        return STATUS_NO_MEMORY;
    }
    intake->settings = *settings;
    intake->sink = sink;
    intake->settled = settled;
    intake->context = context;
    intake->receipt = BUFFER_INIT(INTAKE_RECEIPT_SIZE_MAX);
    enum status status = ledger_new(settings->batches_in_flight_max, settings->bytes_in_flight_max, &intake->ledger);
    if (status == STATUS_OK) {
        status = admission_new(settings->batch_messages_max, settings->text_bytes_max, &intake->admission);
    }
    if (status == STATUS_OK) {
        status = outbox_new(&intake->outbox);
    }
    intake->messages = calloc((size_t)settings->batch_messages_max + 1, sizeof *intake->messages);
    if (status == STATUS_OK && intake->messages == NULL) {
        status = STATUS_NO_MEMORY;
    }
    if (status != STATUS_OK) {
        intake_free(&intake);
        return status;
    }
    intake_open_counters(&intake->counters, metrics);
    *ret_intake = intake;
    return STATUS_OK;
}

void intake_free(struct intake **intake)
{
    if (intake == NULL || *intake == NULL) {
        return;
    }
    ledger_free(&(*intake)->ledger);
    admission_free(&(*intake)->admission);
    outbox_free(&(*intake)->outbox);
    buffer_free(&(*intake)->receipt);
    free((*intake)->messages);
    free(*intake);
    *intake = NULL;
}

static void intake_show_in_flight(struct intake *intake)
{
    metric_set(intake->counters.in_flight, ledger_count(intake->ledger));
    metric_set(intake->counters.bytes_in_flight, (int64_t)ledger_bytes(intake->ledger));
}

/* Sends a receipt. A producer that gets none sends its batch again, so a lost one is only counted. */
static void intake_answer(struct intake *intake, struct source *source, const struct source_peer *peer,
                          const struct receipt *receipt)
{
    if (!source->ops->answers || peer->size == 0) {
        return;
    }
    enum status status = receipt_encode(receipt, &intake->receipt);
    if (status == STATUS_OK) {
        status = source->ops->reply(source, peer, buffer_span(&intake->receipt));
    }
    /* Only what stands for finished work is worth memory: "later" can be said again. */
    if (status == STATUS_FULL && receipt->status == RECEIPT_OK) {
        status = outbox_add(intake->outbox, source, peer, buffer_span(&intake->receipt), clock_ticks_ms());
    }
    if (status != STATUS_OK) {
        metric_add(intake->counters.undeliverable, 1);
    }
}

static void intake_malformed(struct intake *intake, struct source *source, const struct source_peer *peer,
                             struct span batch_id, const char *reason)
{
    metric_add(intake->counters.malformed, 1);
    metric_add(metrics_counter(intake->counters.metrics, "weir_ingest_malformed_total",
                               "Frames that are no batch or break a limit, by what is wrong.", "reason", reason),
               1);
    struct receipt receipt = {.status = RECEIPT_MALFORMED, .reason = reason};
    if (admission_batch_id_fault(batch_id) == NULL) {
        receipt.batch_id = batch_id;
    }
    intake_answer(intake, source, peer, &receipt);
}

static void intake_retry_later(struct intake *intake, struct source *source, const struct source_peer *peer,
                               struct span batch_id, const char *reason)
{
    metric_add(intake->counters.retry_later, 1);
    struct receipt receipt = {.batch_id = batch_id,
                              .status = RECEIPT_RETRY_LATER,
                              .retry_after_ms = intake->settings.retry_after_ms,
                              .reason = reason};
    intake_answer(intake, source, peer, &receipt);
}

/* A batch with nothing in it for the scanner, or all of it done. */
static void intake_done(struct intake *intake, struct source *source, const struct source_peer *peer,
                        struct span batch_id, const struct admission_result *result)
{
    metric_add(intake->counters.ok, 1);
    for (uint32_t i = 0; i < result->rejected; i++) {
        metric_add(intake->counters.rejected[result->rejections[i].reason], 1);
    }
    struct receipt receipt = {.batch_id = batch_id,
                              .status = RECEIPT_OK,
                              .accepted = result->accepted,
                              .rejections = result->rejections,
                              .rejected = result->rejected};
    intake_answer(intake, source, peer, &receipt);
}

/* The sink was full, or there was no memory: says so, or keeps the batch where nobody could be told. */
static void intake_not_handed_on(struct intake *intake, struct ledger_entry **entry)
{
    struct ledger_entry *waiting = *entry;
    if (waiting->source->ops->answers) {
        intake_retry_later(intake, waiting->source, &waiting->frame.peer, waiting->batch.batch_id, "overloaded");
        ledger_put(intake->ledger, entry);
        return;
    }
    waiting->next_settled = intake->stalled;
    intake->stalled = waiting;
    *entry = NULL;
}

/* Takes over the entry, whatever happens. */
static void intake_hand_on(struct intake *intake, struct ledger_entry **entry)
{
    struct batch *batch = &(*entry)->batch;
    uint32_t count = batch->message_count; /* once the batch is pushed it may be settled at any moment */
    if (intake->sink.push(intake->sink.context, batch) == STATUS_OK) {
        metric_add(intake->counters.messages, count);
        *entry = NULL;
    } else {
        intake_not_handed_on(intake, entry);
    }
}

/* The spare entry holds a decoded batch under a usable id. It is used up if the batch is handed on. */
static void intake_admit(struct intake *intake, struct source *source, const struct decode_header *header)
{
    struct ledger_entry *entry = intake->spare;
    struct admission_result result = admission_judge(intake->admission, intake->messages, header->message_count);
    if (result.accepted == 0) {
        intake_done(intake, source, &entry->frame.peer, header->batch_id, &result);
        return;
    }
    batch_open(&entry->batch, intake->settled, intake->context);
    entry->source = source;
    entry->batch.batch_id = header->batch_id;
    entry->batch.received_at_ms = clock_now_ms();
    entry->received_ns = clock_ticks_ns();
    if (ledger_fill(intake->ledger, entry, intake->messages, &result) != STATUS_OK) {
        if (source->ops->answers) {
            intake_retry_later(intake, source, &entry->frame.peer, header->batch_id, "no_memory");
        } else {
            metric_add(intake->counters.lost, 1);
        }
        ledger_put(intake->ledger, &intake->spare);
        return;
    }
    ledger_enter(intake->ledger, entry);
    intake_hand_on(intake, &intake->spare);
}

/*
 * A batch under an id that is in flight already. The same bytes: the receipt of the first one answers both. Other bytes
 * are another batch (a producer that counts from one again after a restart), which nobody has scanned: the receipt must
 * not say that what goes by this id is safe, so whoever sent either sends it again.
 */
static void intake_repeated(struct intake *intake, struct ledger_entry *first)
{
    metric_add(intake->counters.duplicate, 1);
    if (!span_equal(source_frame_body(&first->frame), source_frame_body(&intake->spare->frame))) {
        atomic_store(&first->batch.failed, true);
    }
}

/* The frame is not going to be taken now: only its id is read. */
static void intake_refuse(struct intake *intake, struct source *source, const char *refusal)
{
    struct source_frame *frame = &intake->spare->frame;
    struct span batch_id;
    if (decode_batch_id(source_frame_body(frame), &batch_id) != STATUS_OK) {
        intake_malformed(intake, source, &frame->peer, span_of(NULL, 0), "not_a_batch");
        return;
    }
    const char *fault = admission_batch_id_fault(batch_id);
    struct ledger_entry *first = fault == NULL ? ledger_find(intake->ledger, source, &frame->peer, batch_id) : NULL;
    if (fault != NULL) {
        intake_malformed(intake, source, &frame->peer, span_of(NULL, 0), fault);
    } else if (first != NULL) {
        intake_repeated(intake, first);
    } else {
        intake_retry_later(intake, source, &frame->peer, batch_id, refusal);
    }
}

static void intake_frame(struct intake *intake, struct source *source, const char *refusal)
{
    struct source_frame *frame = &intake->spare->frame;
    struct span body = source_frame_body(frame);
    struct decode_header header = {0};
    metric_add(intake->counters.bytes, body.size);
    if (body.size > intake->settings.frame_bytes_max) {
        struct span batch_id = {0};
        bool known = decode_batch_id(body, &batch_id) == STATUS_OK;
        intake_malformed(intake, source, &frame->peer, known ? batch_id : span_of(NULL, 0), "frame_too_large");
        return;
    }
    if (refusal == NULL && !ledger_has_room(intake->ledger, body.size)) {
        refusal = "overloaded";
    }
    if (refusal != NULL && source->ops->answers) {
        intake_refuse(intake, source, refusal);
        return;
    }
    enum status status = decode_batch(body, intake->messages, intake->settings.batch_messages_max, &header);
    if (status == STATUS_LIMIT) {
        intake_malformed(intake, source, &frame->peer, header.batch_id, "too_many_messages");
        return;
    }
    if (status != STATUS_OK) { /* the fault may lie in a message: then the batch can still be named */
        struct span batch_id = {0};
        bool known = decode_batch_id(body, &batch_id) == STATUS_OK;
        intake_malformed(intake, source, &frame->peer, known ? batch_id : span_of(NULL, 0), "not_a_batch");
        return;
    }
    const char *fault = source->ops->answers ? admission_batch_id_fault(header.batch_id) : NULL;
    struct ledger_entry *first = source->ops->answers && fault == NULL
                                     ? ledger_find(intake->ledger, source, &frame->peer, header.batch_id)
                                     : NULL;
    if (fault != NULL) {
        intake_malformed(intake, source, &frame->peer, header.batch_id, fault);
    } else if (first != NULL) {
        intake_repeated(intake, first);
    } else {
        intake_admit(intake, source, &header);
    }
}

bool intake_wants(const struct intake *intake, const struct source *source, const char *refusal)
{
    if (source->ops->answers) {
        return true;
    }
    for (const struct ledger_entry *entry = intake->stalled; entry != NULL; entry = entry->next_settled) {
        if (entry->source == source) {
            return false;
        }
    }
    return refusal == NULL && ledger_has_room(intake->ledger, intake->settings.frame_bytes_max);
}

enum status intake_read(struct intake *intake, struct source *source, const char *refusal, uint32_t *ret_frames)
{
    uint32_t frames = 0;
    enum status status = STATUS_OK;
    /* A refusal may be taken back at any moment: it counts for one frame, and is asked for again. */
    uint32_t round = refusal == NULL ? INTAKE_ROUND : 1;
    while (frames < round && intake_wants(intake, source, refusal)) {
        if (intake->spare == NULL) {
            status = ledger_take(intake->ledger, &intake->spare);
            if (status != STATUS_OK) {
                status = STATUS_OK; /* no memory: leave the frames where they are */
                break;
            }
        }
        status = source->ops->receive(source, &intake->spare->frame);
        if (status == STATUS_OK) {
            intake_frame(intake, source, refusal);
        } else if (status == STATUS_INVALID) {
            intake_malformed(intake, source, &intake->spare->frame.peer, span_of(NULL, 0), "unexpected_frames");
        } else {
            break;
        }
        frames++;
        if (intake->spare != NULL) {
            source_frame_release(&intake->spare->frame);
        }
    }
    intake_show_in_flight(intake);
    *ret_frames = frames;
    return status == STATUS_SYSTEM ? STATUS_SYSTEM : STATUS_OK;
}

void intake_settle(struct intake *intake, struct ledger_entry *entry)
{
    bool failed = atomic_load(&entry->batch.failed);
    struct span batch_id = entry->batch.batch_id;
    metric_observe(intake->counters.seconds, (uint64_t)(clock_ticks_ns() - entry->received_ns));
    if (!failed) {
        struct admission_result result = {
            .accepted = entry->batch.message_count, .rejected = entry->rejected, .rejections = entry->rejections};
        intake_done(intake, entry->source, &entry->frame.peer, batch_id, &result);
    } else if (entry->source->ops->answers) {
        intake_retry_later(intake, entry->source, &entry->frame.peer, batch_id, "not_stored");
    } else {
        metric_add(intake->counters.lost, 1);
    }
    ledger_put(intake->ledger, &entry);
    intake_show_in_flight(intake);
}

void intake_retry(struct intake *intake)
{
    struct ledger_entry *entry = intake->stalled;
    intake->stalled = NULL;
    while (entry != NULL) {
        struct ledger_entry *next = entry->next_settled;
        intake_hand_on(intake, &entry); /* puts it back on the list if the sink is still full */
        entry = next;
    }
    if (outbox_count(intake->outbox) > 0) {
        int64_t now_ms = clock_ticks_ms();
        if (now_ms >= intake->next_flush_ms) { /* turns come more often than a producer starts to read again */
            metric_add(intake->counters.undeliverable, outbox_flush(intake->outbox, now_ms));
            intake->next_flush_ms = now_ms + INTAKE_RETRY_MS;
        }
    }
}

bool intake_must_retry(const struct intake *intake)
{
    return intake->stalled != NULL || outbox_count(intake->outbox) > 0;
}

uint32_t intake_in_flight(const struct intake *intake)
{
    return ledger_count(intake->ledger);
}
