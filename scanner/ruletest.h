/*
 * The inline tests of rules: each text is scanned with the whole set, and its own rule must hold or must not. A test of
 * several messages is a conversation of its own: the rule must hit with one of them, or with none (scanner/across.h).
 */
#ifndef SCANNER_RULETEST_H
#define SCANNER_RULETEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/findings.h"
#include "rules/model.h"
#include "scanner/ruleset.h"

/*
 * Runs the tests of every live and shadow rule. A failing test is an error at the test's place, and failed[i] is set
 * for its pack. The texts in the findings come from rule files, never from messages.
 */
enum status ruletest_run(struct ruleset *ruleset, struct findings *findings, bool *failed,
                         uint32_t *ret_count) MUST_USE;

/* The same without the packs for which `passed` says that they need no test; NULL: all. */
enum status ruletest_run_some(struct ruleset *ruleset, const bool *passed, struct findings *findings, bool *failed,
                              uint32_t *ret_count) MUST_USE;

/* One test that was run. `problem` is NULL if it passed, else what is wrong in words without the text. */
struct ruletest_outcome {
    const struct rule *rule;
    const struct rule_test *test;
    const char *problem;
};

/* Runs all tests and tells of each, in the order of the packs. */
enum status ruletest_run_each(struct ruleset *ruleset, void (*report)(void *, const struct ruletest_outcome *),
                              void *context, uint32_t *ret_count) MUST_USE;

#endif
