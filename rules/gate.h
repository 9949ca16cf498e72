/*
 * Which patterns of a rule have to be searched for. A rule that needs `ask and code` cannot hold where `code` is not
 * found, so only the rarer of the two is searched; the other is looked at in the few messages where that one was found.
 */
#ifndef RULES_GATE_H
#define RULES_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/condition.h"

/*
 * Chooses patterns such that the condition is false wherever none of them is found, with the least sum of rates.
 * rates[i] is how often a search for pattern i is expected to report something, per byte. Where nothing can be left
 * out, all are chosen.
 */
void gate_choose(const struct condition *condition, const double *rates, uint32_t pattern_count, bool *ret_searched);

#endif
