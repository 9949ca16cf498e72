#include "rules/crew.h"

#include <pthread.h>
#include <unistd.h>

#define HELPERS_MAX 15u /* threads besides the caller's */

void crew_run(void *(*work)(void *context), void *context, uint32_t threads_max)
{
    pthread_t helpers[HELPERS_MAX];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t started = 0;
    while (started < HELPERS_MAX && started + 1 < threads_max && started + 1 < cores &&
           pthread_create(&helpers[started], NULL, work, context) == 0) {
        started++;
    }
    (void)work(context);
    for (uint32_t i = 0; i < started; i++) {
        (void)pthread_join(helpers[i], NULL);
    }
}
