/*
 * Work that is shared among the cores: the calling thread does it, together with as many others as there are cores.
 */
#ifndef RULES_CREW_H
#define RULES_CREW_H

#include <stdint.h>

/*
 * Calls `work` with the context in this thread and, at the same time, in others: as many as there are cores, at most
 * `threads_max` in all. Returns when all have returned. Each call is to take pieces of the work, by a counter in the
 * context, until there are none left; then a thread that cannot be started only costs time.
 */
void crew_run(void *(*work)(void *context), void *context, uint32_t threads_max);

#endif
