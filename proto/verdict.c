#include "proto/verdict.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/*
 * A copy is laid out as: the struct, then everything aligned (hits, context, spans), then the bytes. The same walk runs
 * twice, first with block == NULL to add up the size, then to fill.
 */
struct verdict_writer {
    uint8_t *block; /* NULL while measuring */
    size_t used;
    bool overflow;
};

static void *verdict_take(struct verdict_writer *writer, size_t count, size_t size, size_t alignment)
{
    size_t bytes;
    size_t start = (writer->used + alignment - 1) / alignment * alignment;
    if (__builtin_mul_overflow(count, size, &bytes) || start < writer->used ||
        __builtin_add_overflow(start, bytes, &writer->used)) {
        writer->overflow = true;
        return NULL;
    }
    return writer->block != NULL ? writer->block + start : NULL;
}

static struct span verdict_take_span(struct verdict_writer *writer, struct span from)
{
    uint8_t *copy = verdict_take(writer, from.size, 1, 1);
    if (copy != NULL && from.size > 0) {
        memcpy(copy, from.data, from.size);
    }
    return span_of(from.size > 0 ? copy : NULL, from.size);
}

static const char *verdict_take_text(struct verdict_writer *writer, const char *from)
{
    if (from == NULL) {
        return NULL;
    }
    size_t size = strlen(from) + 1;
    char *copy = verdict_take(writer, size, 1, 1);
    if (copy != NULL) {
        memcpy(copy, from, size);
    }
    return copy;
}

/* The text that was copied last, because spans of one pattern come together. */
struct verdict_last_text {
    const char *from, *copy;
};

static const char *verdict_take_again(struct verdict_writer *writer, const char *from, struct verdict_last_text *last)
{
    if (from != last->from) {
        last->copy = verdict_take_text(writer, from);
        last->from = from;
    }
    return last->copy;
}

static void verdict_write_hits(struct verdict_writer *writer, const struct verdict *from, struct verdict *to)
{
    struct verdict_hit *hits =
        verdict_take(writer, from->hit_count, sizeof(struct verdict_hit), _Alignof(struct verdict_hit));
    struct verdict_last_text pattern = {0}, view = {0}, queue = {0};
    for (uint32_t i = 0; i < from->hit_count; i++) {
        const struct verdict_hit *hit = &from->hits[i];
        struct verdict_hit copy = *hit;
        struct verdict_span *spans =
            verdict_take(writer, hit->span_count, sizeof(struct verdict_span), _Alignof(struct verdict_span));
        for (uint32_t s = 0; s < hit->span_count; s++) {
            struct verdict_span span = hit->spans[s];
            span.pattern = verdict_take_again(writer, span.pattern, &pattern);
            span.view = verdict_take_again(writer, span.view, &view);
            if (spans != NULL) {
                spans[s] = span;
            }
        }
        copy.spans = hit->span_count > 0 ? spans : NULL;
        copy.rule = verdict_take_text(writer, hit->rule);
        copy.title = verdict_take_text(writer, hit->title);
        copy.queue = verdict_take_again(writer, hit->queue, &queue);
        copy.reason = verdict_take_text(writer, hit->reason);
        if (hits != NULL) {
            hits[i] = copy;
        }
    }
    to->hits = from->hit_count > 0 ? hits : NULL;
}

static void verdict_write_context(struct verdict_writer *writer, const struct verdict *from, struct verdict *to)
{
    struct verdict_context *context =
        verdict_take(writer, from->context_count, sizeof(struct verdict_context), _Alignof(struct verdict_context));
    for (uint32_t i = 0; i < from->context_count; i++) {
        struct verdict_context copy = from->context[i];
        copy.message_id = verdict_take_span(writer, copy.message_id);
        copy.sender_id = verdict_take_span(writer, copy.sender_id);
        copy.text = verdict_take_span(writer, copy.text);
        if (context != NULL) {
            context[i] = copy;
        }
    }
    to->context = from->context_count > 0 ? context : NULL;
}

static void verdict_write(struct verdict_writer *writer, const struct verdict *from)
{
    struct verdict copy = *from;
    struct verdict *to = verdict_take(writer, 1, sizeof *to, _Alignof(struct verdict));
    verdict_write_hits(writer, from, &copy);
    verdict_write_context(writer, from, &copy);
    copy.message_id = verdict_take_span(writer, from->message_id);
    copy.conversation_id = verdict_take_span(writer, from->conversation_id);
    copy.sender_id = verdict_take_span(writer, from->sender_id);
    copy.text = verdict_take_span(writer, from->text);
    copy.locale = verdict_take_span(writer, from->locale);
    copy.record = verdict_take_span(writer, from->record);
    copy.generation = verdict_take_text(writer, from->generation);
    if (to != NULL) {
        *to = copy;
    }
}

enum status verdict_copy(const struct verdict *verdict, struct verdict **ret_copy)
{
    struct verdict_writer writer = {0};
    verdict_write(&writer, verdict);
    if (writer.overflow) {
        return STATUS_NO_MEMORY;
    }
    size_t size = writer.used;
    writer = (struct verdict_writer){.block = malloc(size)};
    if (writer.block == NULL) {
        return STATUS_NO_MEMORY;
    }
    verdict_write(&writer, verdict);
    if (writer.used != size) {
        abort(); /* somebody changed the verdict while it was being copied: memory is already spoilt */
    }
    struct verdict *copy = (struct verdict *)(void *)writer.block;
    copy->size = size;
    if (copy->batch != NULL) {
        batch_hold(copy->batch);
    }
    *ret_copy = copy;
    return STATUS_OK;
}

void verdict_settle(struct verdict **verdict, bool safe)
{
    if (verdict == NULL || *verdict == NULL) {
        return;
    }
    struct batch *batch = (*verdict)->batch;
    free(*verdict);
    *verdict = NULL;
    if (batch != NULL) {
        batch_let_go(batch, safe);
    }
}
