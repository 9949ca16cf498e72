/* Reads the `tests` of a rule. Only for rules/reader_rule.c. */
#ifndef RULES_READER_TEST_H
#define RULES_READER_TEST_H

#include "rules/reader_node.h"

/* What is not valid becomes a finding, and is left out. */
void reader_test_read(struct reader_context *context, const struct yaml *node, struct rule *rule);

#endif
