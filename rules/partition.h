/*
 * Parts of the search that are compiled each on its own: the Hyperscan back end of the planner.
 *
 * A job is a group of items that are compiled together (rules/compile_engine.h). It gives one partition, or several if
 * compiling the group took too long: then each expression is tried alone, those that are over the limits by themselves
 * are left out, and what still takes too long together is cut in halves. What a job gave is kept in the cache under a key
 * made of its items, the engine and the limits.
 */
#ifndef RULES_PARTITION_H
#define RULES_PARTITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/span.h"
#include "base/status.h"
#include "rules/cache.h"
#include "rules/compile_engine.h"

struct hs_database;

struct partition {
    struct hs_database *database;
    size_t size; /* bytes */
};

/* How compiling is done. Zeroed: with the limits below and without a cache. */
struct partition_options {
    const char *helper;  /* path of weir-compile; NULL: where rules/compile_child.h looks for it */
    bool in_process;     /* do without the helper, and so without limits */
    struct cache *cache; /* NULL: nothing is kept */
    uint32_t time_ms;    /* of the processor, for one group; 0: PARTITION_TIME_MS */
    uint32_t memory_mib; /* of a helper; 0: PARTITION_MEMORY_MIB */
    uint32_t words_min;  /* from how many words on they are searched without a partition; 0: PLAN_WORDS_MIN */
};

#define PARTITION_TIME_MS 20000u
#define PARTITION_MEMORY_MIB 2048u
#define PARTITION_ALONE_SHARE 10u /* an expression alone gets this part of a group's time */

enum partition_verdict {
    PARTITION_SEARCHED,
    PARTITION_REFUSED, /* Hyperscan does not take it */
    PARTITION_HEAVY,   /* compiling it takes more than the limits, or kills the compiler */
};

/* Id i of the database is item items[i] of the job. */
struct partition_part {
    struct partition *partition;
    uint32_t *items;
    uint32_t count;
};

struct partition_job {
    enum compile_kind kind;
    const struct span *items; /* expressions are NUL-terminated; must outlive the job's work */
    uint32_t count;
    bool known; /* only `key` is given, not items: what the cache does not have stays without results */

    /* What came of it; the caller may take partitions over by setting them to NULL. */
    struct cache_key key;  /* given if it is known */
    uint8_t *ret_verdicts; /* enum partition_verdict of each item */
    struct partition_part *ret_parts;
    uint32_t ret_part_count;
    bool ret_cached;
    enum status ret_status;
};

/* What a set of jobs was done with. */
struct partition_report {
    uint32_t cached, compiled;
    bool unlimited; /* compiled without a helper because none was found */
};

/* The key of a job. */
void partition_key(enum compile_kind kind, const struct span *items, uint32_t count,
                   const struct partition_options *options, struct cache_key *ret_key);

/*
 * Does all jobs, on as many threads as there are cores, each with a helper of its own. STATUS_OK if each is done;
 * otherwise the status of one that is not: STATUS_SYSTEM with words, STATUS_LIMIT (literals over the limits; cannot
 * happen with sensible limits), STATUS_NO_MEMORY.
 */
enum status partition_compile(struct partition_job *jobs, uint32_t count, const struct partition_options *options,
                              struct error *error, struct partition_report *ret_report) MUST_USE;

/* Frees what came of it. */
void partition_job_clear(struct partition_job *job);
void partition_free(struct partition **partition);

/* Hyperscan's version, for generation ids and `weir doctor`. */
const char *partition_engine(void);

#endif
