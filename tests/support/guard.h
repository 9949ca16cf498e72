/* Inputs that end at a page that may not be touched, so that reading one byte too many ends the test. */
#ifndef TESTS_SUPPORT_GUARD_H
#define TESTS_SUPPORT_GUARD_H

#include <stddef.h>
#include <stdint.h>

struct guard {
    uint8_t *data; /* the copy; data + size is the first byte that may not be touched */
    size_t size;
    void *mapping;
    size_t mapping_size;
};

/* A copy of the bytes before a guard page. Aborts if it cannot. */
struct guard guard_copy(const void *data, size_t size);
void guard_free(struct guard *guard);

#endif
