#include "tests/support/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guard guard_copy(const void *data, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct guard guard = {.size = size, .mapping_size = (size + page - 1) / page * page + page};

    guard.mapping = mmap(NULL, guard.mapping_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (guard.mapping == MAP_FAILED) {
        perror("mmap");
        abort();
    }
    uint8_t *end = (uint8_t *)guard.mapping + guard.mapping_size - page;
    if (mprotect(end, page, PROT_NONE) != 0) {
        perror("mprotect");
        abort();
    }
    guard.data = end - size;
    if (size > 0)
        memcpy(guard.data, data, size);
    return guard;
}

void guard_free(struct guard *guard)
{
    if (guard->mapping)
        munmap(guard->mapping, guard->mapping_size);
    *guard = (struct guard){0};
}
