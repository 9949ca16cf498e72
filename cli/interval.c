#include "cli/interval.h"

#include <math.h>

#define Z 1.959963984540054 /* 95% of a normal distribution lie within so many standard deviations */

struct interval interval_wilson(uint64_t yes, uint64_t count)
{
    if (count == 0) {
        return (struct interval){0, 1};
    }
    double n = (double)count, p = (double)yes / n;
    double centre = (p + Z * Z / (2 * n)) / (1 + Z * Z / n);
    double reach = Z / (1 + Z * Z / n) * sqrt(p * (1 - p) / n + Z * Z / (4 * n * n));
    double low = centre - reach, high = centre + reach;
    return (struct interval){yes == 0 || low < 0 ? 0 : low, yes >= count || high > 1 ? 1 : high};
}
