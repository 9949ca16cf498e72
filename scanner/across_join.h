/*
 * Phrases that are cut in two by the border between two messages. Only for scanner/across.c.
 *
 * A cheap look at the last and the first word of messages tells which need a closer look at all.
 */
#ifndef SCANNER_ACROSS_JOIN_H
#define SCANNER_ACROSS_JOIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "base/status.h"
#include "rules/model.h"

struct across_join;

enum status across_join_new(struct across_join **ret_join) MUST_USE;
void across_join_free(struct across_join **join);

/* Adds the phrases of more than one piece of the rule's patterns. `number` is what across_join_find tells. */
enum status across_join_add(struct across_join *join, const struct rule *rule, uint32_t number) MUST_USE;
bool across_join_is_empty(const struct across_join *join);

/* May the text be the first, or the second, half of a phrase? */
void across_join_look(struct across_join *join, struct span text, bool *ret_first, bool *ret_second);

/*
 * Tells each (rule number, pattern) of which a phrase begins in `first` and ends in `second`; the same may be told several
 * times. STATUS_NO_MEMORY.
 */
typedef void (*across_join_found)(void *context, uint32_t number, uint32_t pattern);
enum status across_join_find(struct across_join *join, struct span first, struct span second, across_join_found found,
                             void *context) MUST_USE;

#endif
