/*
 * Keeps one bad rule from flooding the review queues: counts the hits of each live rule over the last minute, and
 * demotes a rule that goes over its limit. A demoted rule counts as a shadow rule until it is restored; the others are
 * untouched.
 *
 * Time is an argument: the Unix time at which the batch arrived. It may go back a little between workers. Any thread may
 * call anything.
 */
#ifndef SCANNER_FLOOD_H
#define SCANNER_FLOOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "rules/model.h"

struct flood;

#define FLOOD_RULES_MAX 262144u /* that had a hit lately, or are demoted; others are not limited */

struct flood_settings {
    uint32_t max_per_minute; /* of rules that name none; 0: no limit */

    /* A rule was demoted: once, in the thread whose hit was one too many, which waits for it. May be NULL. */
    void (*on_demoted)(void *context, const char *rule, uint32_t max_per_minute, int64_t now_ms);
    void *context;
};

enum status flood_new(const struct flood_settings *settings, struct flood **ret_flood) MUST_USE;
void flood_free(struct flood **flood);

/* One more hit of a live rule. False: the rule is demoted, this hit must not alert. */
bool flood_admit(struct flood *flood, const struct rule *rule, int64_t now_ms) MUST_USE;

/* Demotes a rule because it was demoted before, in another run of the program. No call-back. */
enum status flood_demote(struct flood *flood, const char *rule) MUST_USE;

/* Lets a rule alert again, with an empty minute. False: it was not demoted. */
bool flood_restore(struct flood *flood, const char *rule);

bool flood_is_demoted(struct flood *flood, const char *rule);
uint32_t flood_demoted_count(struct flood *flood);

/* The id of the demoted rule of that number, from 0, in the order in which they were first hit. False: none. */
bool flood_demoted_name(struct flood *flood, uint32_t number, char *ret_rule, size_t size);

/* Forgets rules without a hit in the minute before `now_ms`; demoted ones stay. Call now and then. */
void flood_forget(struct flood *flood, int64_t now_ms);

#endif
