#include "cli/rule_cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/cache.h"
#include "scanner/compiling.h"

#define VARIABLE "WEIR_CACHE"
#define OFF "off"

static const char *from_environment(void)
{
    const char *value = getenv(VARIABLE);
    return value && value[0] ? value : NULL;
}

static enum status set(const char *folder, struct compiling compiling)
{
    compiling.cache_folder = folder && strcmp(folder, OFF) != 0 ? folder : NULL;
    return compiling_set(&compiling);
}

void rule_cache_start(void)
{
    const char *given = from_environment();
    char *usual = given ? NULL : cache_default_folder();
    struct compiling compiling = {.cache_bytes_max = COMPILING_CACHE_BYTES_MAX};
    if (set(given ? given : usual, compiling) != STATUS_OK) {
        abort(); /* no memory for a path, as the first thing that is done */
    }
    free(usual);
}

enum status rule_cache_settings(const struct settings *settings)
{
    const char *given = from_environment();
    struct compiling compiling = {
        .cache_bytes_max = (uint64_t)settings->compile_cache_bytes_max,
        .time_ms = (uint32_t)settings->compile_time_ms_max,
        .memory_mib = (uint32_t)settings->compile_memory_mib_max,
    };
    if (given || !settings->compile_cache) {
        return set(given, compiling);
    }
    if (settings->compile_cache_folder && settings->compile_cache_folder[0]) {
        return set(settings->compile_cache_folder, compiling);
    }
    char *folder = NULL;
    if (asprintf(&folder, "%s/compiled-rules", settings->data) < 0) {
        return STATUS_NO_MEMORY;
    }
    enum status status = set(folder, compiling);
    free(folder);
    return status;
}
