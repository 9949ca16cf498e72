/* Reads one rule of a pack. Only for rules/reader*.c. */
#ifndef RULES_READER_RULE_H
#define RULES_READER_RULE_H

#include <stdbool.h>

#include "rules/model.h"
#include "rules/reader_node.h"

/* What a rule has when it says nothing itself. */
struct reader_defaults {
    const char *queue;
    enum severity severity;
    enum rule_status status;
    uint32_t max_per_minute;
    enum view view;
};

#define READER_DEFAULTS                                                                                                \
    ((struct reader_defaults){.severity = SEVERITY_MEDIUM, .status = RULE_LIVE, .view = VIEW_FOLDED})

/* `defaults:` of a pack. Faults become findings, and what is faulty stays as it was. */
void reader_rule_read_defaults(struct reader_context *context, const struct yaml *node,
                               struct reader_defaults *defaults);

/*
 * Faults become findings; the caller tells by their number whether the rule can be used. `rule->id` is set if the id is
 * valid, whatever else is wrong, so that duplicates are found.
 */
void reader_rule_read(struct reader_context *context, const struct yaml *node, const struct reader_defaults *defaults,
                      struct rule *rule);

/* Rules without tests that are told one by one; reader_rule_finish tells the number of the others. */
#define READER_UNTESTED_MAX 20u
void reader_rule_finish(struct reader_context *context);

#endif
