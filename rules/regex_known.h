/*
 * Regexes that PCRE2 is known to take, by a hash of their text: loading rules again need not compile each of them to check
 * it. Only those that cannot match the empty string are remembered, so that nothing is left to be said about them.
 *
 * One for the whole process; any thread.
 */
#ifndef RULES_REGEX_KNOWN_H
#define RULES_REGEX_KNOWN_H

#include <stdbool.h>

#include "base/span.h"
#include "rules/cache.h"

#define REGEX_KNOWN_MAX (1u << 20) /* then it forgets all */

bool regex_known(struct span pattern);

/* Without memory it is not remembered. */
void regex_known_add(struct span pattern);

/* Takes over what the cache remembers of this version of PCRE2; keeps there what was added since. */
void regex_known_read(struct cache *cache);
void regex_known_keep(struct cache *cache);

#endif
