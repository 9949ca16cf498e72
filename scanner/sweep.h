/*
 * The regexes that nothing is searched for (SEARCH_ALWAYS, rules/program.h): they are looked for in every message that could
 * match at all. Once there was some traffic they are members of automata (rules/automaton.h), several of one, which leave few
 * candidates that do not hold. Which regexes go well together depends on the traffic: the members of an automaton that has
 * too many states are parted in two. One thread.
 */
#ifndef SCANNER_SWEEP_H
#define SCANNER_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "rules/program.h"

struct sweep;
struct view_batch; /* scanner/search.h */

enum status sweep_new(struct sweep **ret_sweep) MUST_USE;
void sweep_free(struct sweep **sweep);

/* Must be called when another program is scanned with from now on. */
void sweep_forget(struct sweep *sweep);

/* Automata are made after so many messages of a view; SWEEP_MESSAGES_FIRST unless set. */
#define SWEEP_MESSAGES_FIRST 256u /* making them takes as long as PCRE2 takes for some hundred */
void sweep_set_first(struct sweep *sweep, uint32_t messages);

/* A message in which the probe may match; `held`: it does. Anything but STATUS_OK ends the sweep. */
typedef enum status (*sweep_found)(void *context, uint32_t message, uint32_t probe, bool held);

/* Over one view. Messages of one probe come in any order. STATUS_NO_MEMORY, or what `found` gave. */
enum status sweep_run(struct sweep *sweep, const struct program *program, enum view view,
                      const struct view_batch *batch, sweep_found found, void *context) MUST_USE;

/* Bytes held in automata. */
size_t sweep_size(const struct sweep *sweep);

#endif
