/* Reads `allow`: findings that a rule is allowed to have, each with the reason. Only for rules/reader*.c. */
#ifndef RULES_READER_ALLOW_H
#define RULES_READER_ALLOW_H

#include <stdint.h>

#include "rules/model.h"
#include "rules/reader_node.h"

/* `node` may be NULL. Faults become findings. */
void reader_allow_read(struct reader_context *context, const struct yaml *node, struct rule *rule);

/* Takes out the findings from `first` on that the rule allows itself. */
void reader_allow_apply(struct reader_context *context, struct rule *rule, uint32_t first);

/* Does the rule allow itself this one? It then counts as used. */
bool reader_allow_has(struct rule *rule, const char *name);

#endif
