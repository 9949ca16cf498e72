#include "scanner/window.h"

#include <stdlib.h>
#include <string.h>

#define RING_BYTES_MIN ((size_t)64 << 10)
#define TABLE_WAYS 8u             /* places where a conversation may stand in the table */
#define BYTES_A_CONVERSATION 512u /* the table has a place for each so many bytes of ring */
#define WALK_MAX 64u              /* messages looked at when collecting, repetitions included */
#define NONE UINT64_MAX

/* One message in the ring, followed by its ids and its text. Positions count all bytes ever written. */
struct entry {
    uint64_t previous; /* position of the conversation's message before it, or NONE */
    uint64_t conversation_hash;
    int64_t sent_at_ms, received_at_ms;
    uint32_t size; /* of the entry, whole */
    uint32_t conversation_size, message_size, sender_size, text_size;
};

struct place {
    uint64_t hash;
    uint64_t last; /* position of the conversation's last message */
};

struct window {
    struct window_settings settings;
    uint8_t *ring;
    uint64_t head; /* where the next entry goes */
    uint64_t tail; /* nothing before it is left */
    struct place *table;
    uint64_t table_mask;
};

enum status window_new(const struct window_settings *settings, struct window **ret_window)
{
    struct window *window = calloc(1, sizeof *window);
    if (!window) {
        return STATUS_NO_MEMORY;
    }
    window->settings = *settings;
    size_t bytes = settings->bytes < RING_BYTES_MIN ? RING_BYTES_MIN : settings->bytes;
    window->settings.bytes = bytes & ~(size_t)7;
    if (window->settings.messages > WINDOW_MESSAGES_MAX) {
        window->settings.messages = WINDOW_MESSAGES_MAX;
    }
    uint64_t places = TABLE_WAYS;
    while (places < bytes / BYTES_A_CONVERSATION) {
        places *= 2;
    }
    window->table_mask = places - 1;
    window->ring = malloc(window->settings.bytes);
    window->table = malloc(places * sizeof *window->table);
    if (!window->ring || !window->table) {
        window_free(&window);
        return STATUS_NO_MEMORY;
    }
    for (uint64_t i = 0; i < places; i++) {
        window->table[i] = (struct place){.last = NONE};
    }
    *ret_window = window;
    return STATUS_OK;
}

void window_free(struct window **window)
{
    if (*window) {
        free((*window)->ring);
        free((*window)->table);
        free(*window);
        *window = NULL;
    }
}

static const struct entry *entry_at(const struct window *window, uint64_t position)
{
    return (const struct entry *)(const void *)(window->ring + position % window->settings.bytes);
}

static struct span part(const struct entry *entry, size_t offset, uint32_t size)
{
    return span_of((const uint8_t *)(entry + 1) + offset, size);
}

static struct span entry_conversation(const struct entry *entry)
{
    return part(entry, 0, entry->conversation_size);
}

static struct span entry_message(const struct entry *entry)
{
    return part(entry, entry->conversation_size, entry->message_size);
}

/* Is there still an entry of this conversation at the position? */
static bool is_alive(const struct window *window, uint64_t position)
{
    return position != NONE && position >= window->tail && position < window->head;
}

/* The conversation's place in the table, or the one to give it: an empty or dead one, else the longest unused. */
static struct place *find_place(const struct window *window, uint64_t hash)
{
    struct place *worst = NULL;
    for (uint64_t i = 0; i < TABLE_WAYS; i++) {
        struct place *place = &window->table[(hash + i) & window->table_mask];
        bool alive = is_alive(window, place->last);
        if (alive && place->hash == hash) {
            return place;
        }
        if (!alive) {
            place->last = NONE;
        }
        if (!worst || (worst->last != NONE && (place->last == NONE || place->last < worst->last))) {
            worst = place;
        }
    }
    return worst;
}

/* Room for `size` bytes in one piece at the head; pushes out what lies there. */
static uint64_t make_room(struct window *window, size_t size)
{
    size_t ring = window->settings.bytes;
    uint64_t at = window->head;
    if (at % ring + size > ring) {
        at += ring - at % ring; /* the piece before the end of the ring is too short */
    }
    while (window->tail + ring < at + size) {
        /* the tail always stands at an entry, or at a gap before the end of the ring */
        const struct entry *entry = entry_at(window, window->tail);
        bool gap = ring - window->tail % ring < sizeof *entry || entry->size == 0;
        window->tail += gap ? ring - window->tail % ring : entry->size;
    }
    if (at > window->head && ring - window->head % ring >= sizeof(struct entry)) {
        memset(window->ring + window->head % ring, 0, sizeof(struct entry)); /* marks the gap */
    }
    return at;
}

void window_add(struct window *window, const struct message *message, int64_t received_at_ms)
{
    size_t size = sizeof(struct entry) + message->conversation_id.size + message->message_id.size +
                  message->sender_id.size + message->text.size;
    size = (size + 7) & ~(size_t)7;
    if (size > window->settings.bytes / 4) {
        return;
    }
    struct place *place = find_place(window, message->conversation_hash);
    bool known = is_alive(window, place->last) && place->hash == message->conversation_hash;
    if (known && span_equal(entry_message(entry_at(window, place->last)), message->message_id)) {
        return;
    }
    uint64_t at = make_room(window, size);
    struct entry *entry = (struct entry *)(void *)(window->ring + at % window->settings.bytes);
    *entry = (struct entry){
        .previous = known ? place->last : NONE,
        .conversation_hash = message->conversation_hash,
        .sent_at_ms = message->sent_at_ms,
        .received_at_ms = received_at_ms,
        .size = (uint32_t)size,
        .conversation_size = (uint32_t)message->conversation_id.size,
        .message_size = (uint32_t)message->message_id.size,
        .sender_size = (uint32_t)message->sender_id.size,
        .text_size = (uint32_t)message->text.size,
    };
    uint8_t *to = (uint8_t *)(entry + 1);
    const struct span parts[] = {message->conversation_id, message->message_id, message->sender_id, message->text};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].size) {
            memcpy(to, parts[i].data, parts[i].size);
            to += parts[i].size;
        }
    }
    window->head = at + size;
    *place = (struct place){.hash = message->conversation_hash, .last = at};
}

static enum status copy_entry(const struct entry *entry, struct arena *arena, struct verdict_context *ret_context)
{
    size_t ids = (size_t)entry->message_size + entry->sender_size;
    char *copy = arena_copy(arena, part(entry, entry->conversation_size, (uint32_t)ids + entry->text_size));
    if (!copy) {
        return STATUS_NO_MEMORY;
    }
    *ret_context = (struct verdict_context){
        .message_id = span_of(copy, entry->message_size),
        .sender_id = span_of(copy + entry->message_size, entry->sender_size),
        .text = span_of(copy + ids, entry->text_size),
        .sent_at_ms = entry->sent_at_ms,
        .received_at_ms = entry->received_at_ms,
    };
    return STATUS_OK;
}

static bool is_listed(const struct entry *const *found, uint32_t count, struct span message_id)
{
    for (uint32_t i = 0; i < count; i++) {
        if (span_equal(entry_message(found[i]), message_id)) {
            return true;
        }
    }
    return false;
}

/* The messages before `message`, newest first; returns how many, at most `max`. */
static uint32_t find_earlier(struct window *window, const struct message *message, int64_t now_ms, uint32_t max,
                             const struct entry **found)
{
    const struct place *place = find_place(window, message->conversation_hash);
    uint64_t at = place->hash == message->conversation_hash ? place->last : NONE;
    uint32_t count = 0;
    for (uint32_t steps = 0; steps < WALK_MAX && is_alive(window, at); steps++) {
        const struct entry *entry = entry_at(window, at);
        at = entry->previous;
        if (!span_equal(entry_conversation(entry), message->conversation_id)) {
            break; /* two conversations with one hash: say nothing rather than something wrong */
        }
        if (now_ms - entry->received_at_ms > window->settings.age_ms) {
            break;
        }
        struct span id = entry_message(entry);
        if (span_equal(id, message->message_id)) {
            count = 0; /* its batch was sent again: what was found so far came after it, or stands here once more */
        } else if (count < max && !is_listed(found, count, id)) {
            found[count++] = entry;
        }
    }
    return count;
}

enum status window_find(struct window *window, const struct message *message, int64_t now_ms, struct arena *arena,
                        struct verdict_context **ret_context, uint32_t *ret_count)
{
    uint32_t max = window->settings.messages;
    struct verdict_context *context = arena_array(arena, max ? max : 1, sizeof *context);
    if (!context) {
        return STATUS_NO_MEMORY;
    }
    const struct entry *found[WINDOW_MESSAGES_MAX];
    uint32_t count = find_earlier(window, message, now_ms, max, found);
    uint32_t first = max; /* filled from the end: the newest was found first */
    for (uint32_t i = 0; i < count; i++) {
        if (copy_entry(found[i], arena, &context[first - 1]) != STATUS_OK) {
            break; /* no room for older ones: a flagged message must not wait for its context */
        }
        first--;
    }
    *ret_context = context + first;
    *ret_count = max - first;
    return STATUS_OK;
}
