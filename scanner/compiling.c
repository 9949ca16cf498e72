#include "scanner/compiling.h"

#include <stdlib.h>
#include <string.h>

#include "rules/regex_known.h"

#define HEAVY_SHOWN 20u

/* Written by compiling_set before there are threads that read it. */
static struct compiling chosen;
static char *chosen_folder; /* what chosen.cache_folder points to */
static bool was_set;

enum status compiling_set(const struct compiling *compiling)
{
    char *folder = compiling->cache_folder ? strdup(compiling->cache_folder) : NULL;
    if (compiling->cache_folder && !folder) {
        return STATUS_NO_MEMORY;
    }
    free(chosen_folder);
    chosen = *compiling;
    chosen.cache_folder = chosen_folder = folder;
    was_set = true;
    return STATUS_OK;
}

struct partition_options compiling_begin(struct findings *findings)
{
    struct partition_options options = {
        .time_ms = chosen.time_ms, .memory_mib = chosen.memory_mib, .words_min = chosen.words_min};
    struct error error = {0};
    if (chosen.cache_folder &&
        cache_open(chosen.cache_folder, chosen.cache_bytes_max, &error, &options.cache) != STATUS_OK) {
        findings_add(findings, FINDING_WARNING, "rules", 0, 0, "rules load as they should, but slowly", "%s",
                     error.text[0] ? error.text : status_text(STATUS_NO_MEMORY));
    }
    if (options.cache) {
        regex_known_read(options.cache);
    }
    return options;
}

static void tell_heavy(const struct program *program, struct findings *findings)
{
    for (uint32_t i = 0; i < program->heavy_count && i < HEAVY_SHOWN; i++) {
        const struct program_probe *probe = &program->probes[program->heavy[i]];
        const struct pattern *pattern = &program->rules[probe->rule].rule->patterns[probe->pattern];
        findings_add(findings, FINDING_WARNING, pattern->place.file, pattern->place.line, pattern->place.column,
                     "make its repeats shorter, or give it a word that must be there",
                     "compiling this pattern takes too much time or memory: it is tried on every message instead, "
                     "which is exact but slow");
    }
    if (program->heavy_count > HEAVY_SHOWN) {
        findings_add(findings, FINDING_WARNING, "rules", 0, 0, NULL,
                     "%u more patterns take too much time or memory to compile", program->heavy_count - HEAVY_SHOWN);
    }
}

void compiling_end(struct partition_options *options, const struct program *program, struct findings *findings)
{
    if (options->cache) {
        regex_known_keep(options->cache);
    }
    const char *fault = options->cache ? cache_fault(options->cache) : NULL;
    if (fault) {
        findings_add(findings, FINDING_WARNING, "rules", 0, 0, "rules load as they should, but slowly",
                     "compiled rules cannot be kept in %s: %s", chosen.cache_folder, fault);
    }
    if (program) {
        tell_heavy(program, findings);
        if (program->facts.unlimited && was_set) {
            findings_add(findings, FINDING_WARNING, "rules", 0, 0,
                         "install weir-compile beside weir, or where it belongs",
                         "the helper weir-compile was not found: rules are compiled without limits on time and memory");
        }
    }
    cache_close(&options->cache);
}
