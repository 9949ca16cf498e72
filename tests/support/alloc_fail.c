#include "tests/support/alloc_fail.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ALLOC_FAIL_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define ALLOC_FAIL_SANITIZED 1
#endif
#endif

static _Thread_local long alloc_fail_left = LONG_MAX;
static _Thread_local bool alloc_fail_failed;
static _Thread_local long alloc_fail_blocks;

void alloc_fail_after(long count)
{
    alloc_fail_failed = false;
    alloc_fail_left = count;
}

bool alloc_fail_stop(void)
{
    alloc_fail_left = LONG_MAX;
    return alloc_fail_failed;
}

long alloc_fail_held(void)
{
    return alloc_fail_blocks;
}

#if defined(ALLOC_FAIL_SANITIZED) || !defined(__GLIBC__)

bool alloc_fail_available(void)
{
    return false;
}

#else

/* What glibc calls its own allocator by, for programs that put theirs before it. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *data, size_t size);
extern void __libc_free(void *data);

#define ALLOC_FAIL_EXPORT __attribute__((visibility("default")))

bool alloc_fail_available(void)
{
    return true;
}

static bool alloc_fail_now(void)
{
    if (alloc_fail_left == LONG_MAX)
        return false;
    if (alloc_fail_left > 0) {
        alloc_fail_left--;
        return false;
    }
    alloc_fail_failed = true;
    errno = ENOMEM;
    return true;
}

static void *alloc_fail_count(void *data)
{
    if (data)
        alloc_fail_blocks++;
    return data;
}

ALLOC_FAIL_EXPORT void *malloc(size_t size)
{
    return alloc_fail_now() ? NULL : alloc_fail_count(__libc_malloc(size));
}

ALLOC_FAIL_EXPORT void *calloc(size_t count, size_t size)
{
    return alloc_fail_now() ? NULL : alloc_fail_count(__libc_calloc(count, size));
}

ALLOC_FAIL_EXPORT void *realloc(void *data, size_t size)
{
    if (alloc_fail_now())
        return NULL;
    void *moved = __libc_realloc(data, size);
    if (!data)
        return alloc_fail_count(moved);
    if (size == 0 && !moved)
        alloc_fail_blocks--;
    return moved;
}

ALLOC_FAIL_EXPORT void free(void *data)
{
    if (data)
        alloc_fail_blocks--;
    __libc_free(data);
}

#endif
