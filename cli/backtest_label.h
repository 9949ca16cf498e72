/* The label of a line in a file of labelled messages: what people have said that it is. */
#ifndef CLI_BACKTEST_LABEL_H
#define CLI_BACKTEST_LABEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"
#include "base/status.h"
#include "cli/message_line.h"

#define BACKTEST_LABELS_MAX 64u

enum backtest_label { BACKTEST_UNLABELLED, BACKTEST_NEGATIVE, BACKTEST_POSITIVE };

struct backtest_labels {
    const char *positive[BACKTEST_LABELS_MAX + 1]; /* labels of harm; ends with NULL; none: labels are not read */
    const char *negative[BACKTEST_LABELS_MAX + 1]; /* labels of no harm; none: every other label */
    const char *field;                             /* jsonl: the name of the field */
    uint32_t column;                               /* tsv: from 1 */
    bool unlabelled_negative;                      /* a line without a label counts as harmless */
};

/*
 * The label of a line, before the line is read by anything that changes it. `copy` is room for the time of the call. A line
 * that cannot be read has none. STATUS_NO_MEMORY, STATUS_LIMIT.
 */
enum status backtest_label_of(const struct backtest_labels *labels, enum input_format format, struct span line,
                              struct buffer *copy, enum backtest_label *ret_label) MUST_USE;

#endif
