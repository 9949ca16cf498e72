/* The inline tests of rules: each text is scanned with the whole set, and its own rule must hold or must not. */
#ifndef SCANNER_RULETEST_H
#define SCANNER_RULETEST_H

#include "base/findings.h"
#include "scanner/ruleset.h"

/*
 * Runs the tests of every live and shadow rule. A failing test is an error at the test's place, and failed[i] is set
 * for its pack. The texts in the findings come from rule files, never from messages.
 */
enum status ruletest_run(struct ruleset *ruleset, struct findings *findings, bool *failed,
                         uint32_t *ret_count) MUST_USE;

#endif
