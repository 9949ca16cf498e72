#include "cli/traffic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/settings.h"
#include "rules/traffic_profile.h"

#define VARIABLE "WEIR_PROFILE"

static const char *from_environment(void)
{
    const char *path = getenv(VARIABLE);
    return path && path[0] ? path : NULL;
}

static enum status use(const char *path, struct error *error)
{
    struct traffic_profile *profile = NULL;
    enum status status = traffic_profile_read(path, error, &profile);
    if (status == STATUS_OK) {
        traffic_profile_use(profile);
    }
    return status;
}

void traffic_start(const char *command)
{
    const char *path = from_environment();
    struct error error = {0};
    if (command && strcmp(command, "run") == 0) {
        return; /* it logs what is wrong: traffic_settings */
    }
    if (path && use(path, &error) != STATUS_OK) {
        (void)fprintf(stderr, "weir: %s: %s; the profile that is built in is used\n", VARIABLE, error.text);
    }
}

void traffic_settings(const struct settings *settings)
{
    const char *path = from_environment() ? from_environment() : settings->traffic_profile;
    struct error error = {0};
    if (path && path[0] && use(path, &error) != STATUS_OK) {
        log_event(LOG_WARNING, "traffic_profile_unusable", LOG_TEXT("reason", error.text));
    }
}
