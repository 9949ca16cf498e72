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

#define FEEDER_IDLE_MS 50 /* a pipe that is silent for so long: send what there is */
#define FEEDER_PREFIX_SIZE 16

/* Field numbers of weir.proto. */
enum { BATCH_ID = 1, BATCH_MESSAGES = 2 };
enum {
    MESSAGE_ID = 1,
    MESSAGE_CONVERSATION_ID = 2,
    MESSAGE_SENDER_ID = 3,
    MESSAGE_RECIPIENT_IDS = 4,
    MESSAGE_SENT_AT_MS = 5,
    MESSAGE_TEXT = 6,
    MESSAGE_LOCALE = 7,
    MESSAGE_ATTRIBUTES = 8
};

/* What the thread works with. */
struct feeding {
    struct feeder *feeder;
    struct input *input;
    struct parcel *parcel; /* being filled, or NULL */
    struct buffer record;
    struct buffer scratch;
    char prefix[FEEDER_PREFIX_SIZE];
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

enum status parcel_add(struct parcel *parcel, struct span record, uint64_t line)
{
    if (parcel->count == parcel->lines_capacity) {
        uint32_t capacity = parcel->lines_capacity == 0 ? 256 : parcel->lines_capacity * 2;
        uint64_t *lines = reallocarray(parcel->lines, capacity, sizeof *lines);
        if (lines == NULL) {
            return STATUS_NO_MEMORY;
        }
        parcel->lines = lines;
        parcel->lines_capacity = capacity;
    }
    size_t size = parcel->frame.size;
    enum status status = encode_bytes(&parcel->frame, BATCH_MESSAGES, record);
    if (status != STATUS_OK) {
        parcel->frame.size = size;
        return status;
    }
    parcel->lines[parcel->count++] = line;
    return STATUS_OK;
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
    if (encode_bytes(&parcel->frame, BATCH_ID, span_text(id)) != STATUS_OK) {
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

static enum status feeder_id(struct feeding *feeding, uint32_t field, struct span id)
{
    if (feeding->prefix[0] == '\0') {
        return encode_bytes(&feeding->record, field, id);
    }
    buffer_clear(&feeding->scratch);
    enum status status = buffer_append_text(&feeding->scratch, feeding->prefix);
    if (status == STATUS_OK) {
        status = buffer_append(&feeding->scratch, id.data, id.size);
    }
    return status == STATUS_OK ? encode_bytes(&feeding->record, field, buffer_span(&feeding->scratch)) : status;
}

static enum status feeder_optional(struct feeding *feeding, uint32_t field, struct span bytes)
{
    return bytes.size > 0 ? encode_bytes(&feeding->record, field, bytes) : STATUS_OK;
}

static enum status feeder_lists(struct feeding *feeding, const struct input_message *message)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < message->recipient_count; i++) {
        status = encode_bytes(&feeding->record, MESSAGE_RECIPIENT_IDS, message->recipient_ids[i]);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < message->attribute_count; i++) {
        buffer_clear(&feeding->scratch);
        status = encode_bytes(&feeding->scratch, 1, message->attributes[i].name);
        if (status == STATUS_OK) {
            status = encode_bytes(&feeding->scratch, 2, message->attributes[i].value);
        }
        if (status == STATUS_OK) {
            status = encode_bytes(&feeding->record, MESSAGE_ATTRIBUTES, buffer_span(&feeding->scratch));
        }
    }
    return status;
}

static enum status feeder_encode(struct feeding *feeding, const struct input_message *message)
{
    bool own_conversation = message->conversation_id.data == message->message_id.data; /* filled in */
    buffer_clear(&feeding->record);
    enum status status = feeder_id(feeding, MESSAGE_ID, message->message_id);
    if (status == STATUS_OK && own_conversation) {
        status = feeder_id(feeding, MESSAGE_CONVERSATION_ID, message->conversation_id);
    } else if (status == STATUS_OK) {
        status = encode_bytes(&feeding->record, MESSAGE_CONVERSATION_ID, message->conversation_id);
    }
    if (status == STATUS_OK) {
        status = feeder_optional(feeding, MESSAGE_SENDER_ID, message->sender_id);
    }
    if (status == STATUS_OK) {
        status = encode_number(&feeding->record, MESSAGE_SENT_AT_MS, (uint64_t)message->sent_at_ms);
    }
    if (status == STATUS_OK) {
        status = feeder_optional(feeding, MESSAGE_TEXT, message->text);
    }
    if (status == STATUS_OK) {
        status = feeder_optional(feeding, MESSAGE_LOCALE, message->locale);
    }
    return status == STATUS_OK ? feeder_lists(feeding, message) : status;
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

static enum status feeder_message(struct feeding *feeding, const struct input_message *message)
{
    struct feeder *feeder = feeding->feeder;
    enum status status = feeder_encode(feeding, message);
    atomic_fetch_add(&feeder->messages, 1);
    if (status == STATUS_OK && feeding->parcel != NULL && feeding->parcel->count > 0 &&
        feeding->parcel->frame.size + feeding->record.size > PARCEL_SIZE_CLOSE) {
        status = feeder_flush(feeding);
    }
    if (status == STATUS_OK && feeding->parcel == NULL) {
        feeding->parcel = feeder_new_parcel(feeder);
        status = feeding->parcel != NULL ? STATUS_OK : STATUS_NO_MEMORY;
    }
    if (status == STATUS_OK) {
        status = parcel_add(feeding->parcel, buffer_span(&feeding->record), message->line);
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
        if (atomic_load(&feeder->stopping)) {
            return STATUS_CLOSED;
        }
        enum status status = input_next(feeding->input, &error, &message);
        atomic_store(&feeder->position, feeding->position_before + input_position(feeding->input));
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
            (void)snprintf(feeding->prefix, sizeof feeding->prefix, "r%u-", round);
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
    buffer_free(&feeding->record);
    buffer_free(&feeding->scratch);
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
    feeding->record = BUFFER_INIT(PARCEL_SIZE_MAX);
    feeding->scratch = BUFFER_INIT(PARCEL_SIZE_MAX);
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
