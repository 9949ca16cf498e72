/* What the parts of mutation testing share. Only for scanner/mutate*.c. */
#ifndef SCANNER_MUTATE_INTERNAL_H
#define SCANNER_MUTATE_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"
#include "rules/condition.h"
#include "rules/model.h"
#include "scanner/mutate.h"

struct regex_scratch;

/* A test, and which text of the rule's is its first message. */
struct mutate_tested {
    const struct rule_test *test;
    uint32_t first;
};

/* One rule under test. values[p * text_count + t]: what pattern p is in text t as things are. */
struct mutate_rule {
    const struct rule *rule;
    struct mutate_tested *tests;
    uint32_t test_count;
    struct span *texts; /* every message of every test */
    uint32_t text_count;
    enum truth *values;
    bool **entry_found; /* by pattern: [entry * text_count + text]; NULL where entries are not left out one by one */
    struct span source; /* of the pack's file; may be empty */
    struct mutate_score *score;
};

/* What one thread works with. */
struct mutate_worker {
    struct arena *arena; /* keeps what survivors say */
    struct regex_scratch *scratch;
    struct mutate_survivor *survivors;
    uint32_t survivor_count, survivor_capacity;
    enum status status;
};

/*
 * Judges one change. `values` and `condition` are the rule's with the change in them; if a test notices, it is counted as
 * noticed, else the survivor is kept (what it points to must live as long as worker->arena).
 */
void mutate_judge(struct mutate_worker *worker, const struct mutate_rule *tested, const enum truth *values,
                  const struct condition *condition, const struct mutate_survivor *survivor);

/* Does the rule hit in this test? `values` and `condition` are the rule's, perhaps with a change in them. */
enum truth mutate_test(const struct mutate_rule *tested, const struct mutate_tested *test, const enum truth *values,
                       const struct condition *condition);

/* Tries every change of a regex. `row` has room for a copy of all values. */
void mutate_regex(struct mutate_worker *worker, const struct mutate_rule *tested, uint32_t pattern, enum truth *row);

/* Tries every change of the condition. */
void mutate_condition(struct mutate_worker *worker, const struct mutate_rule *tested);

/* A text of a rule file for a message of one line, in the worker's arena. NULL sets the status. */
const char *mutate_quote(struct mutate_worker *worker, struct span text);

#endif
