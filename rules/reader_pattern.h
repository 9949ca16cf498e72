/* Reads one pattern of a rule. Only for rules/reader*.c. */
#ifndef RULES_READER_PATTERN_H
#define RULES_READER_PATTERN_H

#include <stdbool.h>

#include "rules/model.h"
#include "rules/reader_node.h"

/* The value of one key of `patterns:`, whose key node is `node->key`. Faults become findings. */
void reader_pattern_read(struct reader_context *context, const struct yaml *node, enum view default_view,
                         struct pattern *pattern);

/* `view:`; false with an error if it is none. */
bool reader_pattern_read_view(struct reader_context *context, const struct yaml *node, enum view *ret_view);

#endif
