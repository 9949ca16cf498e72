/*
 * The regexes of a rule set, weighed ahead of the planner on all cores: it then takes the rules one after the other, so
 * that the plan is the same however many threads there were. Private to the planner (rules/program.c); one thread.
 */
#ifndef RULES_WEIGHED_H
#define RULES_WEIGHED_H

#include <stdint.h>

#include "base/span.h"
#include "base/status.h"
#include "rules/model.h"
#include "rules/regex_weigh.h"
#include "rules/traffic_profile.h"

struct weighed;

/* `packs` must outlive it; `traffic` as for regex_weigh. STATUS_NO_MEMORY. */
enum status weighed_new(const struct pack *const *packs, uint32_t pack_count, const struct traffic_profile *traffic,
                        struct weighed **ret_weighed) MUST_USE;
void weighed_free(struct weighed **weighed);

/* The next rule of all packs, NULL after the last. Its regexes are weighed, unless it is off. STATUS_NO_MEMORY. */
enum status weighed_next(struct weighed *weighed, const struct rule **ret_rule) MUST_USE;

/*
 * What was found out about a regex of the last rule that weighed_next gave: `pattern` as it lies in the rule. NULL: it was
 * not weighed. `ret_status` is what regex_weigh gave. Lives until the next call of weighed_next; of its search.rest only
 * whether there is one.
 */
const struct regex_choice *weighed_find(const struct weighed *weighed, struct span pattern, enum view view,
                                        enum status *ret_status);

#endif
