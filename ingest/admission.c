#include "ingest/admission.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

#define ONES 0x0101010101010101u
#define TOPS 0x8080808080808080u

const char *const admission_reason_texts[ADMISSION_REASON_COUNT] = {
#define X(name, text) [ADMISSION_##name] = (text),
    ADMISSION_REASONS(X)
#undef X
};

struct slot {
    uint32_t round; /* of the batch that filled it: others count as empty, so that nothing needs clearing */
    uint32_t hash;
    struct span id;
};

struct admission {
    uint32_t batch_messages_max;
    uint32_t text_bytes_max;
    uint32_t round;
    uint64_t seed; /* so that nobody can choose ids that collide */
    struct slot *slots;
    size_t slot_count;
    size_t slot_mask; /* a batch uses only as many slots as it needs: a small part of the table stays in the cache */
    struct admission_rejection *rejections;
};

enum status admission_new(uint32_t batch_messages_max, uint32_t text_bytes_max, struct admission **ret_admission)
{
    struct admission *admission = calloc(1, sizeof *admission);
    if (admission == NULL) {
        return STATUS_NO_MEMORY;
    }
    size_t slots = 16;
    while (slots < (size_t)batch_messages_max * 2) {
        slots *= 2;
    }
    admission->batch_messages_max = batch_messages_max;
    admission->text_bytes_max = text_bytes_max;
    admission->slot_count = slots;
    admission->slots = calloc(slots, sizeof *admission->slots);
    admission->rejections = calloc((size_t)batch_messages_max + 1, sizeof *admission->rejections);
    if (admission->slots == NULL || admission->rejections == NULL) {
        admission_free(&admission);
        return STATUS_NO_MEMORY;
    }
    if (getrandom(&admission->seed, sizeof admission->seed, 0) != (ssize_t)sizeof admission->seed) {
        admission_free(&admission);
        return STATUS_SYSTEM;
    }
    *ret_admission = admission;
    return STATUS_OK;
}

void admission_free(struct admission **admission)
{
    if (admission == NULL || *admission == NULL) {
        return;
    }
    free((*admission)->slots);
    free((*admission)->rejections);
    free(*admission);
    *admission = NULL;
}

/* Whether one of eight bytes is below 0x20 or is 0x7f. */
static bool admission_has_control_in(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    uint64_t delete = word ^ ONES * 0x7f;
    return ((((word - ONES * 0x20) & ~word) | ((delete - ONES) & ~delete)) & TOPS) != 0;
}

static bool admission_has_control(struct span id)
{
    if (id.size >= 8) {
        for (size_t i = 0; i + 8 <= id.size; i += 8) {
            if (admission_has_control_in(id.data + i)) {
                return true;
            }
        }
        return admission_has_control_in(id.data + id.size - 8);
    }
    for (size_t i = 0; i < id.size; i++) {
        if (id.data[i] < 0x20 || id.data[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

/* As many slots as keep the table of a batch at most half full. */
static void admission_start_round(struct admission *admission, uint32_t count)
{
    size_t slots = 16;
    while (slots < (size_t)count * 2) {
        slots *= 2;
    }
    admission->slot_mask = slots - 1;
    if (++admission->round == 0) { /* all numbers are used up: old slots would count as filled */
        memset(admission->slots, 0, admission->slot_count * sizeof *admission->slots);
        admission->round = 1;
    }
}

/* Enters an id; false if it is there already. */
static bool admission_enter(struct admission *admission, struct span id)
{
    uint64_t wide = XXH3_64bits_withSeed(id.data, id.size, admission->seed);
    uint32_t hash = (uint32_t)(wide >> 32);
    for (size_t i = wide & admission->slot_mask;; i = (i + 1) & admission->slot_mask) {
        struct slot *slot = &admission->slots[i];
        if (slot->round != admission->round) {
            *slot = (struct slot){.round = admission->round, .hash = hash, .id = id};
            return true;
        }
        if (slot->hash == hash && span_equal(slot->id, id)) {
            return false;
        }
    }
}

static bool admission_rejects(struct admission *admission, const struct message *message,
                              enum admission_reason *ret_reason)
{
    if (message->message_id.size == 0) {
        *ret_reason = ADMISSION_MISSING_MESSAGE_ID;
    } else if (message->message_id.size > DECODE_ID_SIZE_MAX || message->conversation_id.size > DECODE_ID_SIZE_MAX ||
               message->sender_id.size > DECODE_ID_SIZE_MAX) {
        *ret_reason = ADMISSION_ID_TOO_LONG;
    } else if (admission_has_control(message->message_id) || admission_has_control(message->conversation_id) ||
               admission_has_control(message->sender_id)) {
        *ret_reason = ADMISSION_INVALID_ID;
    } else if (!admission_enter(admission, message->message_id)) {
        *ret_reason = ADMISSION_DUPLICATE_MESSAGE_ID;
    } else if (message->conversation_id.size == 0) {
        *ret_reason = ADMISSION_MISSING_CONVERSATION_ID;
    } else if (message->text.size > admission->text_bytes_max) {
        *ret_reason = ADMISSION_TEXT_TOO_LONG;
    } else {
        return false;
    }
    return true;
}

struct admission_result admission_judge(struct admission *admission, struct message *messages, uint32_t count)
{
    struct admission_result result = {.rejections = admission->rejections};
    if (count > admission->batch_messages_max) {
        abort(); /* the decoder stops there: the table would never end */
    }
    admission_start_round(admission, count);
    for (uint32_t i = 0; i < count; i++) {
        enum admission_reason reason;
        if (admission_rejects(admission, &messages[i], &reason)) {
            admission->rejections[result.rejected++] =
                (struct admission_rejection){.index = messages[i].index, .reason = reason};
        } else {
            if (result.accepted != i) {
                messages[result.accepted] = messages[i];
            }
            result.accepted++;
        }
    }
    return result;
}

const char *admission_batch_id_fault(struct span batch_id)
{
    if (batch_id.size == 0) {
        return "missing_batch_id";
    }
    if (batch_id.size > DECODE_ID_SIZE_MAX) {
        return "batch_id_too_long";
    }
    return admission_has_control(batch_id) ? "invalid_batch_id" : NULL;
}
