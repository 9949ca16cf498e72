#include "proto/severity.h"

#include <string.h>

const char *const severity_names[SEVERITY_COUNT + 1] = {"low", "medium", "high", "critical", NULL};

const char *severity_text(enum severity severity)
{
    return (unsigned)severity < SEVERITY_COUNT ? severity_names[severity] : "unknown";
}

enum status severity_parse(const char *text, enum severity *ret_severity)
{
    if (text == NULL) {
        return STATUS_INVALID;
    }
    for (int i = 0; i < SEVERITY_COUNT; i++) {
        if (strcmp(text, severity_names[i]) == 0) {
            *ret_severity = (enum severity)i;
            return STATUS_OK;
        }
    }
    return STATUS_INVALID;
}
