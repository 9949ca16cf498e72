/*
 * The sorts of findings that `weir rules check` knows. A name is a promise: rule files carry it in `allow`, and scripts
 * read it in --json. docs/rules/linter.md explains each with an example, and a test runs the examples.
 *
 * Faults without which a pack loads nothing are errors: no rule can allow itself one.
 */
#ifndef RULES_LINT_NAMES_H
#define RULES_LINT_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/findings.h"

struct lint_name {
    const char *name;
    enum finding_level level;
    const char *summary; /* what it says of a rule, in at most 60 columns */
};

extern const struct lint_name lint_names[];
extern const uint32_t lint_name_count;

/* NULL: there is no such name. */
const struct lint_name *lint_name_find(const char *name);

/* The name nearest to `word` that a rule can allow itself, or NULL. */
const char *lint_name_nearest(const char *word);

#endif
