/* Reads `across:` of a rule. Only for rules/reader*.c. */
#ifndef RULES_READER_ACROSS_H
#define RULES_READER_ACROSS_H

#include "rules/model.h"
#include "rules/reader_node.h"

/* `map` is the rule. Without the key nothing changes. Faults become findings. Call when the patterns are known. */
void reader_across_read(struct reader_context *context, const struct yaml *map, struct rule *rule);

#endif
