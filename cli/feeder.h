/*
 * The reading half of `weir send`: a thread that reads messages, encodes them into batches and puts these on a bounded
 * queue, so that reading and waiting for receipts overlap.
 *
 * With `repeat` over 1 the file is read that many times; from the second round on message ids (and the conversation ids
 * that were filled in from them) get the prefix "rN-", N being the round, so that they stay distinct.
 */
#ifndef CLI_FEEDER_H
#define CLI_FEEDER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/queue.h"
#include "base/span.h"
#include "base/status.h"
#include "cli/input.h"

/* A batch is closed before it grows beyond this: half of what a server takes by default. */
#define PARCEL_SIZE_CLOSE (512u << 10)
/* Servers drop connections that send frames over 4 MiB, if not sooner: a message that would be one is not sent. */
#define PARCEL_SIZE_MAX ((4u << 20) - 4096)

/* A batch on its way. Owned by whoever holds it. */
struct parcel {
    struct buffer frame;
    uint64_t number; /* in its id, "RUN-NUMBER" */
    uint32_t count;  /* messages */
    uint64_t *lines; /* where each came from */
    uint32_t lines_capacity;

    /* the courier's */
    struct parcel *next, *prev;
    int64_t due_ms;           /* ticks: when to send it, or when to stop waiting for its receipt */
    bool sent;                /* waits for a receipt; else waits to be sent */
    bool resend;              /* the next sending is because of a timeout or a reconnect */
    struct parcel *by_number; /* in the courier's table */
};

struct feeder_options {
    const char *path;
    struct input_options input;
    uint32_t batch_messages;
    uint32_t repeat;
    uint32_t queue_size;
};

struct feeder {
    struct feeder_options options;
    char run[9];         /* random, so that batches of two runs differ */
    struct queue *ready; /* struct parcel *; closed at the end */
    struct queue *spare; /* parcels to be used again */
    pthread_t thread;
    bool started;

    atomic_bool stopping;
    atomic_bool failed; /* the input could not be read to its end */
    atomic_ullong next_number;
    atomic_ullong messages; /* read */
    atomic_ullong faulty;   /* lines that hold no message */
    atomic_ullong refused;  /* messages too large to be sent */
    atomic_ullong position; /* bytes read, all rounds */
    uint64_t size;          /* bytes of all rounds, 0: not known */
};

/* Opens the input and starts the thread. Words on stderr are its own; the results are those of input_open. */
enum status feeder_start(struct feeder *feeder, const struct feeder_options *options, struct error *error) MUST_USE;

/* Stops the thread and frees what is left. Accepts a feeder that was zeroed and never started. */
void feeder_stop(struct feeder *feeder);

/* An empty parcel with a number of its own and its id written; NULL without memory. Any thread. */
struct parcel *feeder_new_parcel(struct feeder *feeder);
void feeder_free_parcel(struct feeder *feeder, struct parcel *parcel);

/* Adds one encoded DirectMessage. Leaves the parcel as it was if it fails. */
enum status parcel_add(struct parcel *parcel, struct span record, uint64_t line) MUST_USE;

/* "weir send: ..." on stderr, at most SAY_MAX times; what comes after is only counted. Any thread. */
#define SAY_MAX 20
void feeder_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
