/*
 * PCRE2, the authority on what a rule means. The only file that includes pcre2.h.
 *
 * Weir's dialect: PCRE2 with UTF, UCP, CASELESS and DOTALL unless changed inline, newline is LF; `(*...)` verbs at the
 * start, \C and callouts are refused. A compiled regex is immutable and may be used by any thread, each with its own
 * scratch. Confirming allocates nothing, but for the first use of a regex.
 */
#ifndef RULES_REGEX_H
#define RULES_REGEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "base/status.h"

struct regex;
struct regex_scratch;

struct regex_fault {
    uint32_t offset; /* byte offset in the pattern */
    char text[160];
};

/*
 * STATUS_INVALID with ret_fault filled (may be NULL), STATUS_NO_MEMORY. Machine code is made at the first match, where the
 * machine can.
 */
enum status regex_compile(struct span pattern, struct regex_fault *ret_fault, struct regex **ret_regex) MUST_USE;

/*
 * The same of a pattern that was checked before: it is compiled when it is first used. If that fails after all, each match
 * is a limit hit: nobody knows. STATUS_NO_MEMORY.
 */
enum status regex_defer(struct span pattern, struct regex **ret_regex) MUST_USE;
void regex_free(struct regex **regex);

bool regex_matches_empty(const struct regex *regex); /* it can match the empty string */
size_t regex_size(const struct regex *regex);        /* bytes held, with its machine code, which this makes */

#define REGEX_MATCH_LIMIT 100000u /* steps: about 1.3 ms of `(a+)+$` with JIT, against 130 ms at the default limit */
#define REGEX_DEPTH_LIMIT 10000u
#define REGEX_HEAP_LIMIT_KIB 4096u

/*
 * PCRE2 counts steps from each place where a match may begin, so in a long text a pattern that looks far ahead from many
 * places takes time that its limits do not see. Long texts are therefore tried a few places at a time, and what is not
 * decided after so much processor time is a limit hit too.
 */
#define REGEX_BUDGET_MS 100

enum status regex_scratch_new(struct regex_scratch **ret_scratch) MUST_USE;
void regex_scratch_free(struct regex_scratch **scratch);

/* Another budget than REGEX_BUDGET_MS, for tests. */
void regex_scratch_set_budget(struct regex_scratch *scratch, uint32_t budget_ms);

/*
 * The first match at or after `from` in `text`, which must be valid UTF-8: it is not checked again. STATUS_OK with the
 * range, STATUS_NOT_FOUND, or STATUS_LIMIT when a limit was hit and nobody knows.
 */
enum status regex_match(const struct regex *regex, struct regex_scratch *scratch, struct span text, uint32_t from,
                        uint32_t *ret_start, uint32_t *ret_end) MUST_USE;

/*
 * The same for a match that begins at `from` to `last`, wherever it ends. Trying few places is what makes confirming
 * cheap.
 */
enum status regex_match_between(const struct regex *regex, struct regex_scratch *scratch, struct span text,
                                uint32_t from, uint32_t last, uint32_t *ret_start, uint32_t *ret_end) MUST_USE;

/* The linked library's version, for generation ids and `weir doctor`. */
const char *regex_version(void);

#endif
