/* Compiled baselines, kept in a folder of the build under a hash of all that decides what they are. */
#ifndef BENCHMARKS_BASELINE_CACHE_H
#define BENCHMARKS_BASELINE_CACHE_H

#include "baseline.h"

/* Fills database, refused and compile_seconds. False if it is not there. */
bool baseline_cache_load(const char *folder, unsigned flags, struct baseline *baseline);
void baseline_cache_store(const char *folder, unsigned flags, const struct baseline *baseline);

#endif
