/*
 * Reads on after a fault of YAML, so that one misplaced quote does not hide what is wrong elsewhere in the file. Only for
 * rules/reader*.c.
 */
#ifndef RULES_READER_RECOVER_H
#define RULES_READER_RECOVER_H

#include "base/status.h"
#include "rules/reader_node.h"

#define READER_RECOVER_ROUNDS_MAX 20u

/*
 * Leaves out the rules in which the findings from `first` on stand, and reads what is left, again and again until it is
 * YAML; faults on the way are added to the findings. The lines of the tree are those of the file. STATUS_INVALID if a
 * fault stands outside of all rules, or nothing is left; STATUS_NO_MEMORY.
 */
enum status reader_recover(struct reader_context *context, uint32_t first, struct yaml **ret_root) MUST_USE;

#endif
