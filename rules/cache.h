/*
 * A folder of what was computed before, each entry under a key that says everything it depends on.
 *
 * An entry is a file that is written aside, synced and renamed, so that any number of processes may use one folder, and
 * carries a checksum: a damaged one is as good as none, and is replaced. The checksum finds damage, not forgery: whoever
 * can write to the folder decides what is searched for, so a folder or file that is not this user's, or that others may
 * write to, is not used. Keys are cryptographic hashes, because rule files are less trusted than the folder: nobody can
 * write a rule that is taken for another one.
 *
 * Any thread.
 */
#ifndef RULES_CACHE_H
#define RULES_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/span.h"
#include "base/status.h"

struct cache;

struct cache_key {
    uint8_t bytes[32];
};

#define CACHE_ENTRY_MAX ((size_t)1 << 30)

/*
 * Makes the folder, and folders above it, if it is not there: for this user alone. STATUS_SYSTEM (it cannot be made or
 * opened), STATUS_CONFLICT (it is somebody else's, or others may write to it), with words; STATUS_NO_MEMORY.
 */
enum status cache_open(const char *folder, uint64_t size_max, struct error *error, struct cache **ret_cache) MUST_USE;

/* Removes what was not used for longest, if all is larger than size_max. */
void cache_close(struct cache **cache);

/* Appends the entry to `ret_bytes`. STATUS_NOT_FOUND: there is none that can be used. STATUS_NO_MEMORY. */
enum status cache_get(struct cache *cache, const struct cache_key *key, struct buffer *ret_bytes) MUST_USE;

/* A failure costs time in the next load, nothing else: cache_fault has the words for the first one. */
void cache_put(struct cache *cache, const struct cache_key *key, struct span bytes);

struct cache_counts {
    uint32_t found, missing, damaged, written, failed;
};
struct cache_counts cache_counts(struct cache *cache);

/* Why the first write failed, or NULL. Lives as long as the cache; to be asked when nobody writes any more. */
const char *cache_fault(struct cache *cache);

/*
 * The folder that tools use where no setting names one: $XDG_CACHE_HOME/weir, or ~/.cache/weir. On the heap; NULL if
 * there is none or without memory.
 */
char *cache_default_folder(void);

/* Hashes what a key depends on. Begin with a text that no other use of keys begins with. */
struct cache_hash {
    _Alignas(64) uint8_t state[384];
};
void cache_hash_begin(struct cache_hash *hash, const char *purpose);
void cache_hash_bytes(struct cache_hash *hash,
                      struct span bytes); /* with their number: ("a", "bc") is not ("ab", "c") */
void cache_hash_end(struct cache_hash *hash, struct cache_key *ret_key);

#endif
