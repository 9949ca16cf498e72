/*
 * Tells whether a regex matches texts without PCRE2: a deterministic automaton, made while texts go through it.
 *
 * PCRE2 takes a microsecond and more where a regex has hundreds of branches or allows noise between any two letters, nearly
 * always to find nothing. The automaton takes one look at a table for each byte. Its states are made when a text first
 * needs them, from those of the nondeterministic automaton behind it (K. Thompson, CACM 1968; made lazily as in R. Cox,
 * "Regular Expression Matching in the Wild", 2010); real traffic needs few. Several texts go through at once, so that
 * each waits for its table while others go on.
 *
 * Several regexes may be members of one automaton: one look at its table then serves them all. A member that was found is
 * left out of the states that follow.
 *
 * That a member does not match is always certain. A match is certain where the tree of the regex is exact (no look-around, nothing atomic, no
 * back-reference), the view is the folded one and the text is ASCII; else it is for PCRE2 to decide. Where states do not
 * come to an end the answer is that nobody knows, and in the end the automaton gives up.
 *
 * An automaton belongs to one thread.
 */
#ifndef RULES_AUTOMATON_H
#define RULES_AUTOMATON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "base/status.h"
#include "text/view.h"

struct automaton;

#define AUTOMATON_MEMBERS_MAX 8u              /* measured: with more, states become many and tables large */
#define AUTOMATON_BYTES_MAX ((size_t)2 << 20) /* its states; then they are made anew */
#define AUTOMATON_FORMS 2u
#define AUTOMATON_BLOCK 8 /* bytes that are read at once */

/* Bit i of an answer: member i may match. */
typedef uint32_t automaton_answer;
#define AUTOMATON_UNKNOWN (UINT32_C(1) << 31) /* the whole answer: any may match */

/*
 * Of patterns that PCRE2 has accepted. Form 0 is as exact as can be, form 1 is looser where that has more states than are
 * good (for when form 0 gave up). STATUS_UNSUPPORTED: of one it would say nothing but "perhaps"; STATUS_LIMIT: it would be
 * too large; STATUS_NO_MEMORY.
 */
enum status automaton_new(const struct span *patterns, uint32_t count, enum view view, unsigned form,
                          struct automaton **ret_automaton) MUST_USE;
void automaton_free(struct automaton **automaton);

/* Instructions of its largest repeat that is counted: the more, the more states it may have beside other members. */
uint32_t automaton_counting(const struct automaton *automaton);

/* Members that match for certain where an answer names them, if the text is ASCII. */
automaton_answer automaton_certain(const struct automaton *automaton);

/*
 * ret_answers[i] is for text which[i]. `texts` are what is searched of messages (scanner/search.h): the folded view as it
 * is, the raw one without case; each is followed by a newline, and by AUTOMATON_BLOCK bytes more that may be read. Texts of
 * about the same length one after the other go fastest.
 */
void automaton_look(struct automaton *automaton, const struct span *texts, const uint32_t *which, uint32_t count,
                    automaton_answer *ret_answers);

/* The same for one text and several automata, all different and of one view. */
void automaton_look_each(struct automaton *const *automata, uint32_t count, struct span text,
                         automaton_answer *ret_answers);

/* Making states took more than they are worth: it is of no use for this traffic, and every answer is AUTOMATON_UNKNOWN. */
bool automaton_gave_up(const struct automaton *automaton);

/* Bytes held. */
size_t automaton_size(const struct automaton *automaton);

#endif
