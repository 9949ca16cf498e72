/*
 * A rule set: packs that were read, checked, compiled and tested together. Immutable and reference-counted; swapped
 * whole.
 */
#ifndef SCANNER_RULESET_H
#define SCANNER_RULESET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/findings.h"
#include "base/status.h"
#include "rules/program.h"

struct ruleset;
struct file_source;

struct ruleset_options {
    /*
     * For a reload: a pack with an error is replaced by its last good version in this set, or left out if there is
     * none, and the others load. NULL: any error refuses the whole set.
     */
    const struct ruleset *previous;
    bool skip_tests; /* for tools that run them apart */

    /*
     * Where packs and lists are read from (base/file.h); NULL: the disk. `exact`: the paths are those of packs, in
     * order, and nothing is looked for on the disk.
     */
    const struct file_source *files;
    bool exact;
};

/*
 * Reads every pack that `paths` stand for (files or folders), compiles them, and runs the inline tests. `options` may
 * be NULL. All findings of all packs are collected, warnings too.
 *
 * Without `previous`: STATUS_INVALID if any pack has an error. With it: STATUS_OK as long as the set could be built;
 * what was refused is in the findings and counted by ruleset_refused. STATUS_NO_MEMORY, STATUS_SYSTEM: with a finding.
 */
enum status ruleset_load(const char *const *paths, uint32_t path_count, const struct ruleset_options *options,
                         struct findings *findings, struct ruleset **ret_ruleset) MUST_USE;

/* The same from the text of one pack, for tests and for the library. */
enum status ruleset_parse(struct span text, const char *name, struct findings *findings,
                          struct ruleset **ret_ruleset) MUST_USE;

/*
 * A set of one pack that was made in memory; its inline tests are not run. Takes the pack over, also on failure. What the
 * pack points to outside its own arena must outlive the set.
 */
enum status ruleset_of_pack(struct pack *pack, struct findings *findings, struct ruleset **ret_ruleset) MUST_USE;

/* Any thread. */
struct ruleset *ruleset_hold(struct ruleset *ruleset);
void ruleset_let_go(struct ruleset **ruleset);
uint32_t ruleset_holds(const struct ruleset *ruleset); /* 1: nobody but the caller, and nobody can come to it */
static inline void ruleset_free(struct ruleset **ruleset)
{
    ruleset_let_go(ruleset);
}

/* 16 hexadecimal digits: a hash of all that decides what the set means. */
const char *ruleset_generation(const struct ruleset *ruleset);
const struct program *ruleset_program(const struct ruleset *ruleset);
const struct pack *const *ruleset_packs(const struct ruleset *ruleset, uint32_t *ret_count);
uint32_t ruleset_rule_count(const struct ruleset *ruleset);   /* live and shadow */
uint32_t ruleset_shadow_count(const struct ruleset *ruleset); /* only shadow */
uint32_t ruleset_test_count(const struct ruleset *ruleset);   /* inline tests that were run */
uint32_t ruleset_refused(const struct ruleset *ruleset);      /* packs that were replaced or left out */

#endif
