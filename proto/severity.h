/* How bad a hit is. Ordered: a case has the highest severity of its hits. */
#ifndef PROTO_SEVERITY_H
#define PROTO_SEVERITY_H

#include "base/status.h"

enum severity { SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH, SEVERITY_CRITICAL };
#define SEVERITY_COUNT 4

/* "low", "medium", "high", "critical", NULL: for look-ups and settings. */
extern const char *const severity_names[SEVERITY_COUNT + 1];

const char *severity_text(enum severity severity);
enum status severity_parse(const char *text, enum severity *ret_severity) MUST_USE;

#endif
