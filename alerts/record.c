#include "alerts/record.h"

#include <jansson.h>
#include <stdlib.h>

#include "proto/weir.pb-c.h"

static void *record_allocate(void *arena, size_t size)
{
    return arena_allocate(arena, size);
}

static void record_free(void *arena, void *memory)
{
    (void)arena; /* goes with the arena */
    (void)memory;
}

/* Takes over `json`, which may be NULL. */
static const char *record_text(json_t *json, struct arena *arena)
{
    if (!json)
        return NULL;
    char *copy = NULL;
    size_t size = json_dumpb(json, NULL, 0, JSON_COMPACT);
    if (size > 0 && size <= RECORD_TEXT_SIZE_MAX) {
        copy = arena_array(arena, size + 1, 1);
        if (copy)
            (void)json_dumpb(json, copy, size, JSON_COMPACT);
    }
    json_decref(json);
    return copy;
}

static json_t *record_recipients(const Weir__V1__DirectMessage *message)
{
    if (message->n_recipient_ids == 0 || message->n_recipient_ids > RECORD_RECIPIENTS_MAX)
        return NULL;
    json_t *list = json_array();
    for (size_t i = 0; list && i < message->n_recipient_ids; i++) {
        if (json_array_append_new(list, json_string(message->recipient_ids[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *record_attributes(const Weir__V1__DirectMessage *message)
{
    if (message->n_attributes == 0 || message->n_attributes > RECORD_ATTRIBUTES_MAX)
        return NULL;
    json_t *object = json_object();
    for (size_t i = 0; object && i < message->n_attributes; i++) {
        const Weir__V1__DirectMessage__AttributesEntry *entry = message->attributes[i];
        if (json_object_set_new(object, entry->key, json_string(entry->value)) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

void record_decode(struct span record, struct arena *arena, struct record_texts *ret_texts)
{
    ProtobufCAllocator allocator = {record_allocate, record_free, arena};
    Weir__V1__DirectMessage *message =
        record.size ? weir__v1__direct_message__unpack(&allocator, record.size, record.data) : NULL;
    struct record_texts texts = {0};
    if (message) {
        texts.recipients = record_text(record_recipients(message), arena);
        texts.attributes = record_text(record_attributes(message), arena);
    }
    *ret_texts = texts;
}
