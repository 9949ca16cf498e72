#include "rules/model.h"

#include <xxhash.h>

const char *const rule_status_names[4] = {"live", "shadow", "off", NULL};

void pack_free(struct pack **pack)
{
    if (*pack) {
        struct arena *arena = (*pack)->arena; /* the pack itself lies in it */
        *pack = NULL;
        arena_free(&arena);
    }
}

const char *model_quote(struct span text, char quote[MODEL_QUOTE_SIZE])
{
    size_t size = text.size;
    if (size > 40) {
        size = 40;
        while (size > 0 && (text.data[size] & 0xC0u) == 0x80u) { /* not inside a character */
            size--;
        }
    }
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = text.data[i];
        quote[i] = byte < 0x20 || byte == 0x7F ? '?' : (char)byte;
    }
    if (size < text.size) {
        memcpy(quote + size, "...", 3);
        size += 3;
    }
    quote[size] = '\0';
    return quote;
}

void model_digest(struct span bytes, uint64_t ret_digest[2])
{
    XXH128_hash_t hash = XXH3_128bits(bytes.data, bytes.size);
    ret_digest[0] = hash.low64;
    ret_digest[1] = hash.high64;
}
