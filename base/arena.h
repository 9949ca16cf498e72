/*
 * Memory that is given back all at once: one arena a batch, a pack or a rule set.
 *
 * Not thread-safe: one thread uses an arena at a time. Nothing is freed alone; arena_reset keeps the chunks for reuse.
 * Under the address sanitizer, touching what was not allocated, or was before a reset, ends the program.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/span.h"
#include "base/status.h"

struct arena;

/* A new arena that grows by chunks of at least `chunk_size` bytes up to `size_max` bytes in all. */
enum status arena_new(size_t chunk_size, size_t size_max, struct arena **ret_arena) MUST_USE;

/* Accepts NULL inside; clears the pointer. */
void arena_free(struct arena **arena);

/* Forgets everything allocated, keeps the memory. */
void arena_reset(struct arena *arena);

/* `size` bytes, aligned for any type, not initialised; NULL over size_max or without memory. Size 0 is allowed. */
void *arena_allocate(struct arena *arena, size_t size) MUST_USE;

/* The same, zeroed, for `count` items of `size` bytes; checks the multiplication. */
void *arena_array(struct arena *arena, size_t count, size_t size) MUST_USE;

/* A NUL-terminated copy of the bytes; NULL as above. */
char *arena_copy(struct arena *arena, struct span bytes) MUST_USE;

/* printf into the arena; NULL as above. */
char *arena_print(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3))) MUST_USE;

/* Bytes held from the system, for metrics. */
size_t arena_size(const struct arena *arena);

#endif
