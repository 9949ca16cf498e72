/*
 * Tests the engine that the program is linked with against PCRE2: some builds of it miss matches, and a scanner that
 * misses is worse than none. Patterns and texts are made up (a fixed sequence), among them the shapes that a faulty
 * engine is known to miss. It goes the whole way of a scan: views, search, confirmation.
 */
#ifndef SCANNER_SELFTEST_H
#define SCANNER_SELFTEST_H

#include "base/error.h"
#include "base/status.h"

#define SELFTEST_FULL_PATTERNS 2500
#define SELFTEST_FULL_TEXTS 1500

enum selftest_size {
    SELFTEST_SHORT, /* at each start: some tens of milliseconds */
    SELFTEST_FULL,  /* `weir doctor`: some seconds */
};

/* STATUS_OK; STATUS_CONFLICT with words if the engine and PCRE2 disagree; STATUS_SYSTEM or STATUS_NO_MEMORY. */
enum status selftest_run(enum selftest_size size, struct error *error) MUST_USE;

#endif
