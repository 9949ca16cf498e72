#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Under the address sanitizer, what the arena has not handed out (or has taken back) may not be touched. */
#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISON 1
#endif
#endif
#ifdef ARENA_POISON
#include <sanitizer/asan_interface.h>
#define arena_poison(data, size) ASAN_POISON_MEMORY_REGION(data, size)
#define arena_unpoison(data, size) ASAN_UNPOISON_MEMORY_REGION(data, size)
#else
#define arena_poison(data, size) ((void)(data), (void)(size))
#define arena_unpoison(data, size) ((void)(data), (void)(size))
#endif

#define ARENA_ALIGNMENT _Alignof(max_align_t)

struct arena_chunk {
    struct arena_chunk *next;
    size_t capacity;
    size_t used;
    _Alignas(max_align_t) unsigned char data[];
};

struct arena {
    struct arena_chunk *first;
    struct arena_chunk *current; /* what comes after it is unused; NULL only while there is no chunk */
    size_t chunk_size;
    size_t size_max;
    size_t size; /* sum of the chunks' capacities, at most size_max */
};

enum status arena_new(size_t chunk_size, size_t size_max, struct arena **ret_arena)
{
    struct arena *arena = calloc(1, sizeof *arena);
    if (!arena)
        return STATUS_NO_MEMORY;
    arena->chunk_size = chunk_size;
    arena->size_max = size_max;
    *ret_arena = arena;
    return STATUS_OK;
}

static void arena_free_chunks(struct arena *arena, struct arena_chunk *chunk)
{
    while (chunk) {
        struct arena_chunk *next = chunk->next;
        arena->size -= chunk->capacity;
        arena_unpoison(chunk->data, chunk->capacity);
        free(chunk);
        chunk = next;
    }
}

void arena_free(struct arena **arena)
{
    if (!arena || !*arena)
        return;
    arena_free_chunks(*arena, (*arena)->first);
    free(*arena);
    *arena = NULL;
}

void arena_reset(struct arena *arena)
{
    for (struct arena_chunk *chunk = arena->first; chunk; chunk = chunk->next) {
        arena_poison(chunk->data, chunk->capacity);
        chunk->used = 0;
    }
    arena->current = arena->first;
}

/* The unused chunks, from the one after the current chunk. */
static struct arena_chunk **arena_unused(struct arena *arena)
{
    return arena->current ? &arena->current->next : &arena->first;
}

/*
 * Makes a kept, unused chunk of enough room the current one: the first of ordinary size, else the smallest, so that
 * chunks made for something large are there when it comes again.
 */
static struct arena_chunk *arena_reuse(struct arena *arena, size_t size)
{
    struct arena_chunk **unused = arena_unused(arena);
    struct arena_chunk **best = NULL;

    for (struct arena_chunk **link = unused; *link; link = &(*link)->next) {
        if ((*link)->capacity < size || (best && (*link)->capacity >= (*best)->capacity))
            continue;
        best = link;
        if ((*best)->capacity <= arena->chunk_size)
            break;
    }
    if (!best)
        return NULL;
    struct arena_chunk *chunk = *best;
    *best = chunk->next;
    chunk->next = *unused;
    *unused = chunk;
    arena->current = chunk;
    return chunk;
}

static struct arena_chunk *arena_grow(struct arena *arena, size_t size)
{
    struct arena_chunk **unused = arena_unused(arena);

    /* Kept chunks that are too small for this must not stand in its way. */
    if (size > arena->size_max - arena->size) {
        arena_free_chunks(arena, *unused);
        *unused = NULL;
    }
    size_t room = arena->size_max - arena->size;
    if (size > room)
        return NULL;
    size_t capacity = size > arena->chunk_size ? size : arena->chunk_size;
    if (capacity > room)
        capacity = room;
    if (capacity > SIZE_MAX - sizeof(struct arena_chunk))
        return NULL;

    struct arena_chunk *chunk = malloc(sizeof *chunk + capacity);
    if (!chunk)
        return NULL;
    chunk->capacity = capacity;
    chunk->used = 0;
    chunk->next = *unused;
    *unused = chunk;
    arena->current = chunk;
    arena->size += capacity;
    arena_poison(chunk->data, capacity);
    return chunk;
}

void *arena_allocate(struct arena *arena, size_t size)
{
    struct arena_chunk *chunk = arena->current;
    size_t start = 0;

    if (size == 0)
        size = 1; /* so that every result is a pointer of its own */
    if (chunk) {
        size_t padding = (ARENA_ALIGNMENT - chunk->used % ARENA_ALIGNMENT) % ARENA_ALIGNMENT;
        if (padding > chunk->capacity - chunk->used || size > chunk->capacity - chunk->used - padding)
            chunk = NULL;
        else
            start = chunk->used + padding;
    }
    if (!chunk)
        chunk = arena_reuse(arena, size);
    if (!chunk)
        chunk = arena_grow(arena, size);
    if (!chunk)
        return NULL;

    chunk->used = start + size;
    arena_unpoison(chunk->data + start, size);
    return chunk->data + start;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    void *items = arena_allocate(arena, total);
    if (items)
        memset(items, 0, total);
    return items;
}

char *arena_copy(struct arena *arena, struct span bytes)
{
    if (bytes.size == SIZE_MAX)
        return NULL;
    char *text = arena_allocate(arena, bytes.size + 1);
    if (!text)
        return NULL;
    if (bytes.size > 0)
        memcpy(text, bytes.data, bytes.size);
    text[bytes.size] = '\0';
    return text;
}

char *arena_print(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    char *text = NULL;

    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        return NULL;

    text = arena_allocate(arena, (size_t)length + 1);
    if (!text)
        return NULL;
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}

size_t arena_size(const struct arena *arena)
{
    return arena->size;
}
