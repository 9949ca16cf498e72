#include "rules/regex_known.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "rules/regex.h"

#define PURPOSE "weir regex 1" /* changes with the options that rules/regex.c compiles with */
#define SLOTS_MIN 1024u

struct id {
    uint64_t words[2]; /* not both 0 */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static struct id *slots;                                 /* open addressing; 0, 0: empty */
static uint32_t slot_count, used;
static bool changed;

static struct id id_of(struct span pattern)
{
    struct cache_hash hash;
    struct cache_key key;
    struct id id;
    cache_hash_begin(&hash, PURPOSE);
    cache_hash_bytes(&hash, span_text(regex_version()));
    cache_hash_bytes(&hash, pattern);
    cache_hash_end(&hash, &key);
    memcpy(&id, key.bytes, sizeof id);
    id.words[0] |= 1;
    return id;
}

static struct cache_key file_key(void)
{
    struct cache_hash hash;
    struct cache_key key;
    cache_hash_begin(&hash, PURPOSE " file");
    cache_hash_bytes(&hash, span_text(regex_version()));
    cache_hash_end(&hash, &key);
    return key;
}

/* The slot of the id, or the empty one where it belongs. Call with the lock, and with slots. */
static struct id *find(struct id id)
{
    uint32_t at = (uint32_t)(id.words[0] >> 1) & (slot_count - 1);
    while (slots[at].words[0] != 0 && memcmp(&slots[at], &id, sizeof id) != 0) {
        at = (at + 1) & (slot_count - 1);
    }
    return &slots[at];
}

/* Call with the lock. */
static void add(struct id id)
{
    if (used == REGEX_KNOWN_MAX) {
        memset(slots, 0, slot_count * sizeof *slots);
        used = 0;
    }
    if (used * 2 >= slot_count) {
        struct id *before = slots;
        uint32_t count = slot_count;
        struct id *grown = calloc(count ? (size_t)count * 2 : SLOTS_MIN, sizeof *grown);
        if (!grown) {
            return;
        }
        slots = grown;
        slot_count = count ? count * 2 : SLOTS_MIN;
        for (uint32_t i = 0; i < count; i++) {
            if (before[i].words[0] != 0) {
                *find(before[i]) = before[i];
            }
        }
        free(before);
    }
    struct id *slot = find(id);
    used += slot->words[0] == 0;
    changed = changed || slot->words[0] == 0;
    *slot = id;
}

bool regex_known(struct span pattern)
{
    struct id id = id_of(pattern);
    (void)pthread_mutex_lock(&lock);
    bool known = slots && find(id)->words[0] != 0;
    (void)pthread_mutex_unlock(&lock);
    return known;
}

void regex_known_add(struct span pattern)
{
    struct id id = id_of(pattern);
    (void)pthread_mutex_lock(&lock);
    add(id);
    (void)pthread_mutex_unlock(&lock);
}

void regex_known_read(struct cache *cache)
{
    struct buffer bytes = BUFFER_INIT(CACHE_ENTRY_MAX);
    struct cache_key key = file_key();
    if (cache_get(cache, &key, &bytes) == STATUS_OK) {
        (void)pthread_mutex_lock(&lock);
        bool before = changed;
        for (size_t at = 0; bytes.size - at >= sizeof(struct id) && used < REGEX_KNOWN_MAX; at += sizeof(struct id)) {
            struct id id;
            memcpy(&id, bytes.data + at, sizeof id);
            if (id.words[0] != 0) {
                add(id);
            }
        }
        changed = before;
        (void)pthread_mutex_unlock(&lock);
    }
    buffer_free(&bytes);
}

void regex_known_keep(struct cache *cache)
{
    struct buffer bytes = BUFFER_INIT(CACHE_ENTRY_MAX);
    enum status status = STATUS_OK;
    (void)pthread_mutex_lock(&lock);
    bool write = changed;
    for (uint32_t i = 0; write && status == STATUS_OK && i < slot_count; i++) {
        if (slots[i].words[0] != 0) {
            status = buffer_append(&bytes, &slots[i], sizeof slots[i]);
        }
    }
    changed = false;
    (void)pthread_mutex_unlock(&lock);
    if (write && status == STATUS_OK) {
        struct cache_key key = file_key();
        cache_put(cache, &key, buffer_span(&bytes));
    }
    buffer_free(&bytes);
}
