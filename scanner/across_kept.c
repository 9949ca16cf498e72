#include "scanner/across_kept.h"

#include <stdlib.h>
#include <string.h>

#define ALLOCATOR_BYTES 16u

struct kept *kept_new(const struct message *message, int64_t received_at_ms, uint32_t text_max)
{
    size_t text_size = message->text.size;
    if (text_size > text_max) {
        for (text_size = text_max; text_size > 0 && (message->text.data[text_size] & 0xC0) == 0x80;) {
            text_size--;
        }
    }
    const struct span parts[] = {message->message_id, message->sender_id, span_of(message->text.data, text_size)};
    size_t size = sizeof(struct kept) + parts[0].size + parts[1].size + parts[2].size;
    struct kept *kept = size < UINT32_MAX / 2 ? malloc(size) : NULL;
    if (!kept) {
        return NULL;
    }
    *kept = (struct kept){.size = (uint32_t)size + ALLOCATOR_BYTES,
                          .message_size = (uint32_t)parts[0].size,
                          .sender_size = (uint32_t)parts[1].size,
                          .text_size = (uint32_t)parts[2].size,
                          .sent_at_ms = message->sent_at_ms,
                          .received_at_ms = received_at_ms};
    uint8_t *to = kept->bytes;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].size > 0) {
            memcpy(to, parts[i].data, parts[i].size);
            to += parts[i].size;
        }
    }
    return kept;
}

void kept_free(struct kept **kept)
{
    if (*kept) {
        free((*kept)->found);
        free(*kept);
        *kept = NULL;
    }
}

struct kept_found *kept_find(const struct kept *kept, uint64_t rule)
{
    for (uint32_t i = 0; i < kept->found_count; i++) {
        if (kept->found[i].rule == rule) {
            return &kept->found[i];
        }
    }
    return NULL;
}

struct kept_found *kept_need(struct kept *kept, uint64_t rule)
{
    struct kept_found *found = kept_find(kept, rule);
    if (found) {
        return found;
    }
    found = reallocarray(kept->found, (size_t)kept->found_count + 1, sizeof *found);
    if (!found) {
        return NULL;
    }
    kept->size += (uint32_t)sizeof *found + (kept->found ? 0 : ALLOCATOR_BYTES);
    kept->found = found;
    found += kept->found_count++;
    *found = (struct kept_found){.rule = rule};
    return found;
}

struct span kept_text(const struct kept *kept)
{
    return span_of(kept->bytes + kept->message_size + kept->sender_size, kept->text_size);
}

struct verdict_context kept_context(const struct kept *kept)
{
    return (struct verdict_context){
        .message_id = span_of(kept->bytes, kept->message_size),
        .sender_id = span_of(kept->bytes + kept->message_size, kept->sender_size),
        .text = kept_text(kept),
        .sent_at_ms = kept->sent_at_ms,
        .received_at_ms = kept->received_at_ms,
    };
}
