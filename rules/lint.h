/*
 * The linter: what is allowed in a pack and hardly ever meant. Faults without which a pack does not load are the
 * reader's (rules/reader.h), as are a few warnings that come with reading.
 *
 * Every finding has a name of rules/lint_names.h. A rule that carries the name in `allow` has none of that name.
 */
#ifndef RULES_LINT_H
#define RULES_LINT_H

#include <stdint.h>

#include "base/findings.h"
#include "base/status.h"
#include "rules/model.h"

struct program;

/*
 * Looks at every rule of the packs, also those that are off, and at the packs together. `program` is made of the same
 * packs, and tells how each pattern is searched; NULL: nothing is said of that. Files of packs are read again to tell
 * columns inside regexes; where that fails the regex as a whole is the place. Needs view_start. STATUS_NO_MEMORY.
 */
enum status lint_packs(const struct pack *const *packs, uint32_t count, const struct program *program,
                       struct findings *findings) MUST_USE;

#endif
