#include "ingest/ingest.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

#include "base/clock.h"
#include "ingest/intake.h"
#include "ingest/ledger.h"
#include "ingest/source.h"

#define INGEST_POLL_MS 1000
/*
 * After the last receipt the thread goes on answering until no frame came for so long, but not longer than the second:
 * closing a TCP connection with unread bytes in it resets it, and a receipt could be lost on the way.
 */
#define INGEST_QUIET_MS 50
#define INGEST_QUIET_MAX_MS 1000
/* How long closed sockets may take to deliver the last receipts. */
#define INGEST_LINGER_MS 2000

struct ingest {
    struct ingest_settings settings;
    struct ingest_source *source_settings; /* what settings.sources is, and its texts: copies */
    char **endpoints;
    struct source *sources;
    zmq_pollitem_t *polled; /* the wake-up first, then one for each source */
    void *zmq_context;
    bool own_context;
    struct intake *intake;
    int wake_fd;
    pthread_t thread;
    bool started; /* the thread is there to be joined */
    uint32_t unsettled;

    /* any thread */
    atomic_bool running;
    atomic_bool accepting;
    atomic_bool stopping;
    _Atomic(struct ledger_entry *) settled; /* newest first; whoever makes it non-empty wakes the thread */
};

static void ingest_wake(struct ingest *ingest)
{
    uint64_t one = 1;
    ssize_t written;
    do {
        written = write(ingest->wake_fd, &one, sizeof one);
    } while (written < 0 && errno == EINTR);
    /* EAGAIN: the counter is at its end, so the thread is awake anyway. */
}

/* Any thread: the last hold on a batch was let go. */
static void ingest_on_settled(struct batch *batch, void *context)
{
    struct ingest *ingest = context;
    struct ledger_entry *entry = (struct ledger_entry *)(void *)batch; /* the batch is its first member */
    struct ledger_entry *head = atomic_load_explicit(&ingest->settled, memory_order_relaxed);
    do {
        entry->next_settled = head;
    } while (!atomic_compare_exchange_weak_explicit(&ingest->settled, &head, entry, memory_order_acq_rel,
                                                    memory_order_relaxed));
    if (head == NULL) {
        ingest_wake(ingest);
    }
}

static void ingest_collect(struct ingest *ingest)
{
    uint64_t count;
    while (read(ingest->wake_fd, &count, sizeof count) < 0 && errno == EINTR) {
    }
    struct ledger_entry *newest = atomic_exchange_explicit(&ingest->settled, NULL, memory_order_acq_rel);
    struct ledger_entry *oldest = NULL;
    while (newest != NULL) { /* turned round: receipts go out in the order in which batches were settled */
        struct ledger_entry *next = newest->next_settled;
        newest->next_settled = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest != NULL) {
        struct ledger_entry *next = oldest->next_settled;
        intake_settle(ingest->intake, oldest);
        oldest = next;
    }
}

static const char *ingest_refusal(struct ingest *ingest)
{
    if (atomic_load(&ingest->stopping)) {
        return "draining";
    }
    return atomic_load(&ingest->accepting) ? NULL : "not_accepting";
}

/* One turn: waits up to `timeout_ms`, settles, reads. Returns the frames seen; STATUS_SYSTEM: libzmq is gone. */
static enum status ingest_turn(struct ingest *ingest, long timeout_ms, uint32_t *ret_frames)
{
    const char *refusal = ingest_refusal(ingest);
    uint32_t seen = 0;
    if (intake_must_retry(ingest->intake) && timeout_ms > INTAKE_RETRY_MS) {
        timeout_ms = INTAKE_RETRY_MS;
    }
    for (uint32_t i = 0; i < ingest->settings.source_count; i++) {
        bool wanted = intake_wants(ingest->intake, &ingest->sources[i], refusal);
        ingest->polled[i + 1].events = wanted ? ZMQ_POLLIN : 0;
        ingest->polled[i + 1].revents = 0;
    }
    if (zmq_poll(ingest->polled, (int)ingest->settings.source_count + 1, timeout_ms) < 0 && zmq_errno() != EINTR) {
        return STATUS_SYSTEM;
    }
    ingest_collect(ingest);
    intake_retry(ingest->intake);
    refusal = ingest_refusal(ingest); /* it may have changed during the wait */
    for (uint32_t i = 0; i < ingest->settings.source_count; i++) {
        uint32_t frames = 0;
        if ((ingest->polled[i + 1].revents & ZMQ_POLLIN) != 0 &&
            intake_read(ingest->intake, &ingest->sources[i], refusal, &frames) != STATUS_OK) {
            return STATUS_SYSTEM;
        }
        seen += frames;
    }
    *ret_frames = seen;
    return STATUS_OK;
}

/* From the request to stop until nothing is in flight or the time is over. */
static void ingest_drain(struct ingest *ingest)
{
    int64_t now_ms = clock_ticks_ms();
    int64_t deadline_ms = now_ms + ingest->settings.drain_ms;
    while (intake_in_flight(ingest->intake) > 0 && now_ms < deadline_ms) {
        uint32_t frames;
        if (ingest_turn(ingest, deadline_ms - now_ms, &frames) != STATUS_OK) {
            return;
        }
        now_ms = clock_ticks_ms();
    }
    int64_t quiet_since_ms = now_ms;
    deadline_ms = now_ms + INGEST_QUIET_MAX_MS;
    while (now_ms < deadline_ms && (now_ms < quiet_since_ms + INGEST_QUIET_MS || intake_must_retry(ingest->intake))) {
        uint32_t frames = 0;
        if (ingest_turn(ingest, INGEST_QUIET_MS, &frames) != STATUS_OK) {
            return;
        }
        now_ms = clock_ticks_ms();
        quiet_since_ms = frames > 0 ? now_ms : quiet_since_ms;
    }
}

static void *ingest_run(void *argument)
{
    struct ingest *ingest = argument;
    bool alive = true;
    while (alive && !atomic_load(&ingest->stopping)) {
        uint32_t frames;
        alive = ingest_turn(ingest, INGEST_POLL_MS, &frames) == STATUS_OK;
    }
    if (alive) {
        ingest_drain(ingest);
    }
    atomic_store(&ingest->running, false);
    ingest->unsettled = intake_in_flight(ingest->intake);
    for (uint32_t i = 0; i < ingest->settings.source_count; i++) {
        ingest->sources[i].ops->close(&ingest->sources[i], INGEST_LINGER_MS);
    }
    if (ingest->own_context) {
        while (zmq_ctx_term(ingest->zmq_context) != 0 && zmq_errno() == EINTR) { /* waits for the last receipts */
        }
        ingest->zmq_context = NULL;
    }
    return NULL;
}

/* Copies the settings, so that the caller may free its own. */
static enum status ingest_copy_settings(struct ingest *ingest, const struct ingest_settings *settings)
{
    uint32_t count = settings->source_count;
    ingest->settings = *settings;
    ingest->settings.source_count = 0;
    ingest->source_settings = calloc((size_t)count + 1, sizeof *ingest->source_settings);
    ingest->settings.sources = ingest->source_settings;
    ingest->endpoints = calloc((size_t)count + 1, sizeof(char *));
    ingest->sources = calloc((size_t)count + 1, sizeof *ingest->sources);
    ingest->polled = calloc((size_t)count + 1, sizeof *ingest->polled);
    if (ingest->source_settings == NULL || ingest->endpoints == NULL || ingest->sources == NULL ||
        ingest->polled == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        ingest->endpoints[i] = strdup(settings->sources[i].endpoint);
        if (ingest->endpoints[i] == NULL) {
            return STATUS_NO_MEMORY;
        }
        ingest->source_settings[i] = settings->sources[i];
        ingest->source_settings[i].endpoint = ingest->endpoints[i];
        ingest->sources[i].ops = settings->sources[i].kind == INGEST_PULL ? &source_pull_ops : &source_router_ops;
        ingest->settings.source_count++;
    }
    return STATUS_OK;
}

static enum status ingest_open_sources(struct ingest *ingest, struct error *error)
{
    ingest->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (ingest->wake_fd < 0) {
        error_set(error, "cannot make an event descriptor: %s", strerror(errno));
        return STATUS_SYSTEM;
    }
    if (ingest->own_context) {
        ingest->zmq_context = zmq_ctx_new();
        if (ingest->zmq_context == NULL) {
            error_set(error, "cannot start ZeroMQ: %s", zmq_strerror(zmq_errno()));
            return STATUS_SYSTEM;
        }
    }
    ingest->polled[0] = (zmq_pollitem_t){.fd = ingest->wake_fd, .events = ZMQ_POLLIN};
    for (uint32_t i = 0; i < ingest->settings.source_count; i++) {
        struct source *source = &ingest->sources[i];
        enum status status = source->ops->open(source, ingest->zmq_context, &ingest->settings.sources[i],
                                               ingest->settings.frame_bytes_max, error);
        if (status != STATUS_OK) {
            return status;
        }
        ingest->polled[i + 1] = (zmq_pollitem_t){.socket = source->socket};
    }
    return STATUS_OK;
}

/* Signals are for the program's own threads. */
static enum status ingest_start_thread(struct ingest *ingest, struct error *error)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    atomic_store(&ingest->running, true);
    int result = pthread_create(&ingest->thread, NULL, ingest_run, ingest);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result != 0) {
        error_set(error, "cannot start a thread: %s", strerror(result));
        return STATUS_SYSTEM;
    }
    ingest->started = true;
    return STATUS_OK;
}

enum status ingest_start(const struct ingest_settings *settings, void *zmq_context, struct metrics *metrics,
                         struct batch_sink sink, struct error *error, struct ingest **ret_ingest)
{
    struct ingest *ingest = calloc(1, sizeof *ingest);
    if (ingest == NULL) {
        return STATUS_NO_MEMORY;
    }
    ingest->wake_fd = -1;
    ingest->zmq_context = zmq_context;
    ingest->own_context = zmq_context == NULL;
    atomic_init(&ingest->running, false);
    atomic_init(&ingest->accepting, false);
    atomic_init(&ingest->stopping, false);
    atomic_init(&ingest->settled, NULL);
    enum status status = ingest_copy_settings(ingest, settings);
    if (status == STATUS_OK) {
        status = intake_new(&ingest->settings, metrics, sink, ingest_on_settled, ingest, &ingest->intake);
    }
    if (status == STATUS_OK) {
        status = ingest_open_sources(ingest, error);
    }
    if (status == STATUS_OK) {
        status = ingest_start_thread(ingest, error);
    }
    if (status != STATUS_OK) {
        if (status == STATUS_NO_MEMORY) {
            error_set(error, "not enough memory for ingest");
        }
        ingest_free(&ingest);
        return status;
    }
    *ret_ingest = ingest;
    return STATUS_OK;
}

const char *ingest_endpoint(const struct ingest *ingest, uint32_t source)
{
    return source < ingest->settings.source_count ? ingest->sources[source].endpoint : NULL;
}

bool ingest_is_running(const struct ingest *ingest)
{
    return atomic_load(&ingest->running);
}

void ingest_set_accepting(struct ingest *ingest, bool accepting)
{
    atomic_store(&ingest->accepting, accepting);
    ingest_wake(ingest);
}

void ingest_stop(struct ingest *ingest, uint32_t *ret_unsettled)
{
    if (ingest->started) {
        atomic_store(&ingest->stopping, true);
        ingest_wake(ingest);
        pthread_join(ingest->thread, NULL);
        ingest->started = false;
    }
    if (ret_unsettled != NULL) {
        *ret_unsettled = ingest->unsettled;
    }
}

void ingest_free(struct ingest **ingest)
{
    if (ingest == NULL || *ingest == NULL) {
        return;
    }
    struct ingest *old = *ingest;
    *ingest = NULL;
    ingest_stop(old, NULL);
    for (uint32_t i = 0; i < old->settings.source_count; i++) {
        old->sources[i].ops->close(&old->sources[i], 0);
        free(old->endpoints[i]);
    }
    intake_free(&old->intake);
    if (old->own_context && old->zmq_context != NULL) {
        zmq_ctx_term(old->zmq_context);
    }
    if (old->wake_fd >= 0) {
        close(old->wake_fd);
    }
    free(old->source_settings);
    free(old->endpoints);
    free(old->sources);
    free(old->polled);
    free(old);
}
