/*
 * A part of the search that is compiled on its own: the Hyperscan back end of the planner.
 *
 * Databases are block-mode and byte-wise, made for buffers that hold the views of many messages with a newline between
 * them. Matches are reported at their ends only, as often as they occur.
 */
#ifndef RULES_PARTITION_H
#define RULES_PARTITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/span.h"
#include "base/status.h"

struct hs_database;

struct partition {
    struct hs_database *database;
    size_t size; /* bytes */
};

/* Literals of any bytes but none empty; literal i reports the id i. Case counts.
 */
enum status partition_compile_literals(const struct span *literals, uint32_t count, struct error *error,
                                       struct partition **ret_partition) MUST_USE;

/*
 * One partition of NUL-terminated expressions to be compiled; expression i reports the id i. What Hyperscan refuses is
 * left out, and refused[i] is set for it; its owner must be searched in another way.
 */
struct partition_job {
    const char *const *expressions;
    uint32_t count;
    bool *refused;
    struct partition *ret_partition; /* NULL if nothing is left */
    enum status ret_status;
};

/* Compiles all jobs, on as many threads as there are cores. STATUS_OK if each is; otherwise the status of one that is
 * not. */
enum status partition_compile_expressions(struct partition_job *jobs, uint32_t count) MUST_USE;

void partition_free(struct partition **partition);

/* Hyperscan's version and the CPU features it is used with, for generation ids and `weir doctor`. */
const char *partition_engine(void);

#endif
