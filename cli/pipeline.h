/*
 * All stages wired together in one process: ingest -> scanner -> alerts, and the HTTP server. The only place that knows
 * every stage.
 */
#ifndef CLI_PIPELINE_H
#define CLI_PIPELINE_H

#include <stdint.h>

#include "base/error.h"
#include "base/findings.h"
#include "base/status.h"
#include "cli/settings.h"

struct pipeline;

/*
 * Tests the engine, loads the rules, opens the store, starts every stage and logs `ready`. `settings` must outlive it.
 * STATUS_INVALID: the rules have errors (in findings). Otherwise words in error.
 */
enum status pipeline_start(const struct settings *settings, struct findings *findings, struct error *error,
                           struct pipeline **ret_pipeline) MUST_USE;

/* Has the rules loaded again beside the live ones and swapped in (cli/reload.h); does not wait for it. */
void pipeline_reload(struct pipeline *pipeline);

/* Drains and ends every stage; returns how many batches were still in flight (they will be sent again). */
uint32_t pipeline_stop(struct pipeline **pipeline);

/* One log event for each finding. */
void pipeline_log_findings(const struct findings *findings);

#endif
