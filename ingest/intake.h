/*
 * What happens to a frame: decoded, judged, entered, handed on, answered. Everything here runs in ingest's thread; how
 * frames and settled batches reach it is ingest.c's business.
 */
#ifndef INGEST_INTAKE_H
#define INGEST_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/metrics.h"
#include "base/status.h"
#include "ingest/ingest.h"
#include "ingest/ledger.h"
#include "ingest/source.h"
#include "proto/batch.h"

struct intake;

/* `settled` is called in whatever thread settles a batch; the entry must come back through intake_settle. */
enum status intake_new(const struct ingest_settings *settings, struct metrics *metrics, struct batch_sink sink,
                       void (*settled)(struct batch *batch, void *context), void *context,
                       struct intake **ret_intake) MUST_USE;

/* No other thread may know a batch any more. */
void intake_free(struct intake **intake);

/* Whether to wait for this source to be readable. One that cannot answer is held back instead of being refused. */
bool intake_wants(const struct intake *intake, const struct source *source, const char *refusal);

/*
 * Takes a round of frames; `refusal` NULL or why batches are not taken now ("draining", ...), which goes into the
 * receipts. Returns how many frames it saw; STATUS_SYSTEM: the transport is gone.
 */
enum status intake_read(struct intake *intake, struct source *source, const char *refusal,
                        uint32_t *ret_frames) MUST_USE;

/* Answers a batch that all have let go of, and frees its frame. */
void intake_settle(struct intake *intake, struct ledger_entry *entry);

/* Tries again what could not be done: batches of a silent source for a full sink, receipts for producers that don't
 * read. */
void intake_retry(struct intake *intake);

/* Whether intake_retry has something to do: call it again within INTAKE_RETRY_MS. */
#define INTAKE_RETRY_MS 3
bool intake_must_retry(const struct intake *intake);

/* Batches that are not answered yet. */
uint32_t intake_in_flight(const struct intake *intake);

#endif
