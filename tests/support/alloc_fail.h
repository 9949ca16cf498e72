/*
 * Allocations that fail on purpose, so that a test can sweep over the 1st, the 2nd, the nth of a call:
 *
 *     for (long n = 0;; n++) {
 *         alloc_fail_after(n);
 *         ... call; it returns its failure, leaks nothing and leaves its outputs alone ...
 *         if (!alloc_fail_stop())
 *             break; // it got by with n allocations
 *     }
 *
 * Counts malloc, calloc and realloc of the calling thread only, those of libraries included. Not under sanitizers,
 * which bring their own malloc.
 */
#ifndef TESTS_SUPPORT_ALLOC_FAIL_H
#define TESTS_SUPPORT_ALLOC_FAIL_H

#include <stdbool.h>

bool alloc_fail_available(void);

/* From now on `count` allocations of this thread succeed and all later ones fail. */
void alloc_fail_after(long count);

/* Back to normal. Whether any failed. */
bool alloc_fail_stop(void);

/* Blocks that this thread allocated minus blocks that it freed: the same before and after a call that leaks nothing. */
long alloc_fail_held(void);

#endif
