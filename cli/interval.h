/* Confidence intervals of proportions. Pure. */
#ifndef CLI_INTERVAL_H
#define CLI_INTERVAL_H

#include <stdint.h>

struct interval {
    double low, high; /* 0 to 1 */
};

/*
 * Wilson's score interval at 95%: where the true share of "yes" lies when `yes` of `count` were. It is honest for few
 * cases and for shares near 0 and 1. A count of 0 gives 0 to 1. `yes` is at most `count`.
 */
struct interval interval_wilson(uint64_t yes, uint64_t count);

#endif
