/* Makes a case that shows a difference as small as it gets within some seconds. */
#ifndef TESTS_FUZZ_SCAN_SHRINK_H
#define TESTS_FUZZ_SCAN_SHRINK_H

#include "tests/fuzz/scan_compare.h"

/* `it` is replaced by a smaller case that differs too; `difference` is that of the smaller case. */
void scan_shrink(struct comparer *comparer, struct arena *arena, double seconds, struct scan_case *it,
                 struct difference *difference);

#endif
