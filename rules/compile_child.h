/*
 * The helper process that compiles (rules/compiler/weir_compile.c): what it does to itself harms nobody else.
 *
 * Weir is a library too and has many threads when it reloads, so it can neither fork and go on (only
 * async-signal-safe functions may be called then) nor start its own program again with other arguments. It therefore
 * starts a small program of its own by posix_spawn. A child does one request after the other and is started again when
 * one of them killed it. Used by one thread, which must outlive it.
 */
#ifndef RULES_COMPILE_CHILD_H
#define RULES_COMPILE_CHILD_H

#include "base/error.h"
#include "rules/compile_engine.h"

struct compile_child;

/*
 * Where the helper is: beside the running program, in ../libexec/weir of it, or where it was installed. On the heap;
 * NULL if it is nowhere or without memory.
 */
char *compile_child_find(void);

/* Starts nothing yet. `path` must outlive the child. */
enum status compile_child_new(const char *path, uint32_t memory_mib, struct compile_child **ret_child) MUST_USE;
void compile_child_free(struct compile_child **child); /* kills it */

/*
 * As compile_engine_run, but STATUS_LIMIT also if the work took more memory or more than time_ms of the processor, and
 * STATUS_CLOSED if the helper died otherwise (it crashed, was killed, or took ten times as long by the clock).
 * STATUS_SYSTEM, with words: it cannot be started, or is not of this build.
 */
enum status compile_child_run(struct compile_child *child, enum compile_kind kind, const struct span *items,
                              uint32_t count, uint32_t time_ms, bool *refused, struct buffer *ret_database,
                              struct error *error) MUST_USE;

/* For tests: the process, or 0. */
int compile_child_process(const struct compile_child *child);

#endif
