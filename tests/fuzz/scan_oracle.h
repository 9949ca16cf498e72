/*
 * What a rule set should find, without Weir: PCRE2 for regexes, a slow and literal reading of text/phrase.h and
 * text/domain.h for words and domains.
 *
 * Only the folded view and its map are taken from Weir (text/view.h has its own tests); the raw view is made with ICU.
 */
#ifndef TESTS_FUZZ_SCAN_ORACLE_H
#define TESTS_FUZZ_SCAN_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/fuzz/scan_case.h"

struct oracle;

struct oracle *oracle_new(void);
void oracle_free(struct oracle **oracle);

/* Compiles every pattern; the case must stay as it is until it is forgotten, or another is set. */
void oracle_set_case(struct oracle *oracle, const struct scan_case *it);
void oracle_forget_case(struct oracle *oracle);

/* Does PCRE2, in Weir's dialect as rules/regex.h describes it, take the regex? */
bool oracle_takes(struct span regex);

/* The text that is asked about from now on. */
void oracle_set_text(struct oracle *oracle, struct span text);

/* `limited`: with Weir's match limits. `sure`: with far larger ones; TRUTH_UNKNOWN is then not compared at all. */
struct oracle_answer {
    enum truth limited, sure;
    bool slow; /* a long text in which the regex takes so much time that Weir may give up */
};
struct oracle_answer oracle_match(struct oracle *oracle, uint32_t rule, uint32_t pattern);

/*
 * Weir tries a long text some places at a time. PCRE2's machine code keeps notes from one place to the next, so begun in the
 * middle it can hit a limit that it does not hit in one go. Does it, from any place at which Weir might begin?
 */
bool oracle_hits_limit_in_parts(struct oracle *oracle, uint32_t rule, uint32_t pattern);

struct oracle_span {
    uint32_t start, end; /* bytes of the text as sent */
};
#define ORACLE_SPANS_MAX 4096

/*
 * Of a regex: its matches one after the other, up to `limit` and to the first empty one, as a scan must report them. Of
 * words and domains: every place where an entry can be said to stand. False if they could not all be found.
 */
bool oracle_spans(struct oracle *oracle, uint32_t rule, uint32_t pattern, uint32_t limit,
                  struct oracle_span ret_spans[ORACLE_SPANS_MAX], uint32_t *ret_count);

#endif
