/* Findings as SARIF 2.1.0, which code hosts show beside the lines of a change. */
#ifndef CLI_RULES_SARIF_H
#define CLI_RULES_SARIF_H

#include <jansson.h>

#include "base/findings.h"

/* The whole log; NULL without memory. Findings without a name have the rule "load". */
json_t *rules_sarif(const struct findings *findings);

#endif
