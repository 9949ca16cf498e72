#include "cli/feeder.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "proto/encode.h"
#include "proto/fields.h"

#define FEEDER_IDLE_MS 50 /* a pipe that is silent for so long: send what there is */
#define FEEDER_PREFIX_SIZE 16

/* What the thread works with. */
struct feeding {
    struct feeder *feeder;
    struct input *input;
    struct parcel *parcel; /* being filled, or NULL */
    struct buffer id;      /* one with a prefix */
    char prefix[FEEDER_PREFIX_SIZE];
    size_t prefix_size;
    uint64_t position_before; /* bytes of earlier rounds */
};

void feeder_say(const char *format, ...)
{
    static atomic_uint said;
    unsigned before = atomic_fetch_add(&said, 1);
    if (before > SAY_MAX) {
        return;
    }
    char text[640] = "more like these are only counted";
    if (before < SAY_MAX) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(text, sizeof text, format, arguments);
        va_end(arguments);
    }
    for (char *at = text; *at != '\0'; at++) { /* ids come from the input: nothing of them may steer a terminal */
        if ((unsigned char)*at < 0x20 || *at == 0x7f) {
            *at = '?';
        }
    }
    (void)fprintf(stderr, "%sweir send: %s\n", isatty(STDERR_FILENO) == 1 ? "\r\x1b[K" : "", text);
}

/* Room for the line of one more message. */
static enum status parcel_reserve_line(struct parcel *parcel)
{
    if (parcel->count < parcel->lines_capacity) {
        return STATUS_OK;
    }
    uint32_t capacity = parcel->lines_capacity == 0 ? 256 : parcel->lines_capacity * 2;
    uint64_t *lines = reallocarray(parcel->lines, capacity, sizeof *lines);
    if (lines == NULL) {
        return STATUS_NO_MEMORY;
    }
    parcel->lines = lines;
    parcel->lines_capacity = capacity;
    return STATUS_OK;
}

enum status parcel_add(struct parcel *parcel, struct span record, uint64_t line)
{
    size_t size = parcel->frame.size;
    enum status status = parcel_reserve_line(parcel);
    if (status == STATUS_OK) {
        status = encode_bytes(&parcel->frame, FIELDS_BATCH_MESSAGES, record);
    }
    if (status != STATUS_OK) {
        parcel->frame.size = size;
        return status;
    }
    parcel->lines[parcel->count++] = line;
    return STATUS_OK;
}

static enum status parcel_add_message(struct parcel *parcel, const struct encode_message *message, uint64_t line)
{
    enum status status = parcel_reserve_line(parcel);
    if (status == STATUS_OK) {
        status = encode_message(&parcel->frame, FIELDS_BATCH_MESSAGES, message);
    }
    if (status == STATUS_OK) {
        parcel->lines[parcel->count++] = line;
    }
    return status;
}

static void parcel_free(struct parcel *parcel)
{
    if (parcel != NULL) {
        buffer_free(&parcel->frame);
        free(parcel->lines);
        free(parcel);
    }
}

struct parcel *feeder_new_parcel(struct feeder *feeder)
{
    char id[32];
    void *item = NULL;
    if (queue_pop(feeder->spare, 0, &item) != STATUS_OK) {
        item = calloc(1, sizeof(struct parcel));
    }
    struct parcel *parcel = item;
    if (parcel == NULL) {
        return NULL;
    }
    parcel->frame.size_max = PARCEL_SIZE_MAX;
    buffer_clear(&parcel->frame);
    parcel->number = atomic_fetch_add(&feeder->next_number, 1);
    parcel->count = 0;
    parcel->sent = parcel->resend = false;
    parcel->due_ms = 0;
    (void)snprintf(id, sizeof id, "%s-%" PRIu64, feeder->run, parcel->number);
    if (encode_bytes(&parcel->frame, FIELDS_BATCH_ID, span_text(id)) != STATUS_OK) {
        parcel_free(parcel);
        return NULL;
    }
    return parcel;
}

void feeder_free_parcel(struct feeder *feeder, struct parcel *parcel)
{
    if (parcel != NULL && queue_try_push(feeder->spare, parcel) != STATUS_OK) {
        parcel_free(parcel);
    }
}

/* The message as it goes out in this round. */
static enum status feeder_prepare(struct feeding *feeding, const struct input_message *from, struct encode_message *to)
{
    *to = (struct encode_message){
        .message_id = from->message_id,
        .conversation_id = from->conversation_id,
        .sender_id = from->sender_id,
        .text = from->text,
        .locale = from->locale,
        .recipient_ids = from->recipient_ids,
        .recipient_count = from->recipient_count,
        .attributes = from->attributes,
        .attribute_count = from->attribute_count,
        .sent_at_ms = from->sent_at_ms,
    };
    if (feeding->prefix_size == 0) {
        return STATUS_OK;
    }
    buffer_clear(&feeding->id);
    enum status status = buffer_append(&feeding->id, feeding->prefix, feeding->prefix_size);
    if (status == STATUS_OK) {
        status = buffer_append(&feeding->id, from->message_id.data, from->message_id.size);
    }
    to->message_id = buffer_span(&feeding->id);
    if (from->conversation_made) {
        to->conversation_id = to->message_id;
    }
    return status;
}

/* Hands on the parcel that is being filled. STATUS_CLOSED: stop. */
static enum status feeder_flush(struct feeding *feeding)
{
    struct parcel *parcel = feeding->parcel;
    if (parcel == NULL) {
        return STATUS_OK;
    }
    feeding->parcel = NULL;
    if (queue_push(feeding->feeder->ready, parcel) != STATUS_OK) {
        parcel_free(parcel);
        return STATUS_CLOSED;
    }
    return STATUS_OK;
}

/* Counters have one writer, the thread: others may be a moment late. */
static void feeder_count(atomic_ullong *counter, uint64_t value)
{
    atomic_store_explicit(counter, value, memory_order_relaxed);
}

static enum status feeder_message(struct feeding *feeding, const struct input_message *message)
{
    struct feeder *feeder = feeding->feeder;
    struct encode_message record;
    enum status status = feeder_prepare(feeding, message, &record);
    feeder_count(&feeder->messages, atomic_load_explicit(&feeder->messages, memory_order_relaxed) + 1);
    if (status == STATUS_OK && feeding->parcel != NULL && feeding->parcel->count > 0 &&
        feeding->parcel->frame.size + encode_message_size(FIELDS_BATCH_MESSAGES, &record) > PARCEL_SIZE_CLOSE) {
        status = feeder_flush(feeding);
    }
    if (status == STATUS_OK && feeding->parcel == NULL) {
        feeding->parcel = feeder_new_parcel(feeder);
        status = feeding->parcel != NULL ? STATUS_OK : STATUS_NO_MEMORY;
    }
    if (status == STATUS_OK) {
        status = parcel_add_message(feeding->parcel, &record, message->line);
    }
    if (status == STATUS_LIMIT) {
        atomic_fetch_add(&feeder->refused, 1);
        feeder_say("line %" PRIu64 ": too large to be sent", message->line);
        return STATUS_OK;
    }
    if (status == STATUS_OK && feeding->parcel->count >= feeder->options.batch_messages) {
        status = feeder_flush(feeding);
    }
    return status;
}

/* One reading of the input. STATUS_OK at its end. */
static enum status feeder_round(struct feeding *feeding)
{
    struct feeder *feeder = feeding->feeder;
    for (;;) {
        struct error error = {0};
        struct input_message message;
        while (!input_ready(feeding->input, FEEDER_IDLE_MS)) {
            if (atomic_load(&feeder->stopping) || feeder_flush(feeding) != STATUS_OK) {
                return STATUS_CLOSED;
            }
        }
        if (atomic_load_explicit(&feeder->stopping, memory_order_relaxed)) {
            return STATUS_CLOSED;
        }
        enum status status = input_next(feeding->input, &error, &message);
        feeder_count(&feeder->position, feeding->position_before + input_position(feeding->input));
        if (status == STATUS_CLOSED) {
            return STATUS_OK;
        }
        if (status == STATUS_OK) {
            status = feeder_message(feeding, &message);
        } else if (status == STATUS_INVALID || status == STATUS_LIMIT) {
            atomic_fetch_add(&feeder->faulty, 1);
            feeder_say("%s", error.text);
            status = STATUS_OK;
        } else {
            feeder_say("%s", error.text);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
}

static enum status feeder_rounds(struct feeding *feeding)
{
    struct feeder *feeder = feeding->feeder;
    enum status status = STATUS_OK;
    for (uint32_t round = 1; status == STATUS_OK && round <= feeder->options.repeat; round++) {
        if (round > 1) {
            struct error error = {0};
            feeding->position_before += input_position(feeding->input);
            input_close(&feeding->input);
            status = input_open(feeder->options.path, &feeder->options.input, &error, &feeding->input);
            if (status != STATUS_OK) {
                feeder_say("%s", error.text);
                return status;
            }
            feeding->prefix_size = (size_t)snprintf(feeding->prefix, sizeof feeding->prefix, "r%u-", round);
        }
        status = feeder_round(feeding);
    }
    return status == STATUS_OK ? feeder_flush(feeding) : status;
}

static void *feeder_run(void *argument)
{
    struct feeding *feeding = argument;
    struct feeder *feeder = feeding->feeder;
    enum status status = feeder_rounds(feeding);
    if (status != STATUS_OK && status != STATUS_CLOSED) {
        if (status == STATUS_NO_MEMORY) {
            feeder_say("out of memory");
        }
        atomic_store(&feeder->failed, true);
    }
    queue_close(feeder->ready);
    parcel_free(feeding->parcel);
    input_close(&feeding->input);
    buffer_free(&feeding->id);
    free(feeding);
    return NULL;
}

static enum status feeder_start_thread(struct feeder *feeder, struct feeding *feeding)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the thread that sends */
    int result = pthread_create(&feeder->thread, NULL, feeder_run, feeding);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    feeder->started = result == 0;
    return result == 0 ? STATUS_OK : STATUS_SYSTEM;
}

enum status feeder_start(struct feeder *feeder, const struct feeder_options *options, struct error *error)
{
    uint32_t random = 0;
    memset(feeder, 0, sizeof *feeder);
    feeder->options = *options;
    struct feeding *feeding = calloc(1, sizeof *feeding);
    if (feeding == NULL) {
        return STATUS_NO_MEMORY;
    }
    feeding->feeder = feeder;
    feeding->id = BUFFER_INIT(PARCEL_SIZE_MAX);
    enum status status = input_open(options->path, &options->input, error, &feeding->input);
    if (status == STATUS_OK && getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random) {
        status = STATUS_SYSTEM;
        error_set(error, "cannot get random bytes");
    }
    if (status == STATUS_OK) {
        status = queue_new(options->queue_size, &feeder->ready);
    }
    if (status == STATUS_OK) {
        status = queue_new(options->queue_size, &feeder->spare);
    }
    if (status == STATUS_OK) {
        (void)snprintf(feeder->run, sizeof feeder->run, "%08" PRIx32, random);
        feeder->size = input_size(feeding->input) * options->repeat;
        status = feeder_start_thread(feeder, feeding);
    }
    if (status != STATUS_OK) {
        input_close(&feeding->input);
        free(feeding);
        feeder_stop(feeder);
    }
    return status;
}

static void feeder_empty(struct queue **queue)
{
    void *item;
    while (*queue != NULL && queue_pop(*queue, 0, &item) == STATUS_OK) {
        parcel_free(item);
    }
    queue_free(queue);
}

void feeder_stop(struct feeder *feeder)
{
    atomic_store(&feeder->stopping, true);
    if (feeder->started) {
        queue_close(feeder->ready);
        pthread_join(feeder->thread, NULL);
        feeder->started = false;
    }
    feeder_empty(&feeder->ready);
    feeder_empty(&feeder->spare);
}
