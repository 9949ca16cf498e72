/*
 * How this process compiles rules: where compiled parts are kept, and the limits. One for the whole process, because what a
 * rule set means does not depend on it and every tool that loads rules wants the same.
 */
#ifndef SCANNER_COMPILING_H
#define SCANNER_COMPILING_H

#include <stdint.h>

#include "base/findings.h"
#include "base/status.h"
#include "rules/program.h"

struct compiling {
    const char *cache_folder; /* NULL: nothing is kept */
    uint64_t cache_bytes_max;
    uint32_t time_ms;    /* of the processor, for what is compiled together; 0: the default of rules/partition.h */
    uint32_t memory_mib; /* of the helper that compiles; 0: the same */
    uint32_t words_min;  /* from how many words on they are searched by an index of tokens; 0: PLAN_WORDS_MIN */
};

#define COMPILING_CACHE_BYTES_MAX (UINT64_C(1) << 30)

/*
 * To be called before any other thread loads rules; texts are copied. Without it nothing is kept and a missing helper is
 * not worth a warning: that is for tests and for programs that use the library.
 */
enum status compiling_set(const struct compiling *compiling) MUST_USE;

/*
 * What to give to program_build. A cache that cannot be used is a warning. compiling_end closes it, and tells what went
 * wrong with it and which patterns are too much to compile. `program` may be NULL.
 */
struct partition_options compiling_begin(struct findings *findings);
void compiling_end(struct partition_options *options, const struct program *program, struct findings *findings);

#endif
