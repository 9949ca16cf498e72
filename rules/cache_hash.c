/* Keys of the cache: BLAKE2b of libsodium, which ZeroMQ brings anyway. */
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "rules/cache.h"

_Static_assert(sizeof(crypto_generichash_state) <= sizeof(((struct cache_hash *)0)->state), "the state has room");
_Static_assert(_Alignof(crypto_generichash_state) <= _Alignof(struct cache_hash), "the state is aligned");

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start(void)
{
    if (sodium_init() < 0) {
        abort(); /* no source of random numbers: nothing works on such a machine */
    }
}

static crypto_generichash_state *state_of(struct cache_hash *hash)
{
    return (crypto_generichash_state *)(void *)hash->state;
}

void cache_hash_begin(struct cache_hash *hash, const char *purpose)
{
    (void)pthread_once(&once, start);
    if (crypto_generichash_init(state_of(hash), NULL, 0, sizeof(struct cache_key)) != 0) {
        abort();
    }
    cache_hash_bytes(hash, span_text(purpose));
}

void cache_hash_bytes(struct cache_hash *hash, struct span bytes)
{
    uint64_t size = bytes.size;
    (void)crypto_generichash_update(state_of(hash), (const uint8_t *)&size, sizeof size);
    (void)crypto_generichash_update(state_of(hash), bytes.data ? bytes.data : (const uint8_t *)"", bytes.size);
}

void cache_hash_end(struct cache_hash *hash, struct cache_key *ret_key)
{
    (void)crypto_generichash_final(state_of(hash), ret_key->bytes, sizeof ret_key->bytes);
}
