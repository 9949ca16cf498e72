/*
 * Patterns by themselves: which of them are found in which texts. A scan stops looking as soon as a condition is decided;
 * here each pattern is made a rule of its own and scanned by the same engine.
 */
#ifndef SCANNER_PATTERNS_H
#define SCANNER_PATTERNS_H

#include <stdint.h>

#include "base/findings.h"
#include "base/span.h"
#include "base/status.h"
#include "proto/verdict.h"
#include "rules/condition.h"
#include "rules/model.h"

#define PATTERNS_MAX MODEL_RULES_MAX
#define PATTERNS_ALL UINT32_MAX

/*
 * Pattern `pattern` is in text `text` (TRUTH_TRUE, with its places), or nobody knows (TRUTH_UNKNOWN: a match limit).
 * PATTERNS_ALL: nothing is known of this text. Spans are valid only during the call.
 */
typedef enum status (*patterns_report)(void *context, uint32_t pattern, uint32_t text, enum truth found,
                                       const struct verdict_span *spans, uint32_t span_count);

/*
 * Looks for `patterns` in `texts` and reports by text what is there or unknown. STATUS_LIMIT: over PATTERNS_MAX;
 * STATUS_SYSTEM, STATUS_NO_MEMORY: with a finding where the engine said why. Else what `report` returned.
 */
enum status patterns_find(const struct pattern *patterns, uint32_t count, const struct span *texts, uint32_t text_count,
                          struct findings *findings, patterns_report report, void *context) MUST_USE;

#endif
