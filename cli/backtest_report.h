/* What a back-test found, as words for a terminal or a pipe, as JSON, and as a page of HTML. */
#ifndef CLI_BACKTEST_REPORT_H
#define CLI_BACKTEST_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "base/buffer.h"
#include "base/status.h"
#include "cli/backtest.h"

struct backtest_report {
    const struct backtest *backtest;
    const char *base_path, *new_path; /* as given; base_path may be NULL */
    const struct backtest_labels *labels;
    bool all; /* show also rules that flag the same as before */
};

/* cli/backtest_text.c: on stdout, for `columns` columns (0: no limit), with colours if asked for. STATUS_NO_MEMORY. */
enum status backtest_print(const struct backtest_report *report, unsigned columns, bool colour) MUST_USE;

/* cli/backtest_json.c: one object; NULL without memory. */
json_t *backtest_json(const struct backtest_report *report);

/* cli/backtest_html.c: one page that needs nothing else. STATUS_NO_MEMORY, STATUS_LIMIT. */
enum status backtest_html(const struct backtest_report *report, struct buffer *out) MUST_USE;

#endif
