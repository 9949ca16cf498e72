/*
 * Scans all messages of an input with several threads and writes the hits in the order of the messages.
 *
 * The calling thread cuts the input into chunks of whole lines; worker threads read the messages in them, scan them and
 * render the hits; the calling thread writes these chunk by chunk. At most SCAN_CHUNKS_PER_JOB chunks a thread are in
 * memory.
 */
#ifndef CLI_SCAN_JOBS_H
#define CLI_SCAN_JOBS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "base/status.h"
#include "cli/input.h"
#include "scanner/ruleset.h"

#define SCAN_JOBS_MAX 256
#define SCAN_CHUNKS_PER_JOB 4
#define SCAN_CHUNK_BYTES ((size_t)256 << 10)      /* of the input */
#define SCAN_CHUNK_BYTES_FIRST ((size_t)16 << 10) /* as long as nobody knows how many hits they have */
#define SCAN_CHUNK_LINES_BYTES ((size_t)8 << 20)  /* of hits: where each message has many, chunks are smaller */

struct scan_job {
    struct ruleset *ruleset;
    struct input *input;
    uint32_t jobs;       /* threads: 1 to SCAN_JOBS_MAX */
    bool shadow;         /* print hits of shadow rules too */
    bool format_guessed; /* nobody said which format: a first line that looks like JSON and is not read so is told */
    FILE *out;
};

struct scan_totals {
    uint64_t messages, flagged, hits, unscanned, faulty_lines;
};

/* STATUS_SYSTEM if the input cannot be read or the output cannot be written. Faulty lines are told on stderr and
 * counted. */
enum status scan_jobs_run(const struct scan_job *job, struct error *error, struct scan_totals *ret_totals) MUST_USE;

#endif
