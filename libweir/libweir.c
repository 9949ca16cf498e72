#include "weir.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/findings.h"
#include "scanner/ruleset.h"
#include "scanner/scanner.h"

#define SLICE_TEXTS 1024u

/* What a caller holds. weir_rules is a rule set itself, under its public name. */
struct weir_scanner {
    struct scanner *scanner;
    struct span texts[SLICE_TEXTS];
};

struct reporting {
    weir_on_hit on_hit;
    void *context;
    size_t first; /* index of the slice's first text in the call */
    weir_span spans[SCANNER_HIT_SPANS_MAX];
};

const char *weir_version(void)
{
    return WEIR_VERSION;
}

static struct ruleset *ruleset_of(const weir_rules *rules)
{
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): only to shed the const; the count of holds inside is atomic. */
    return (struct ruleset *)(uintptr_t)rules;
}

/* The first errors as lines of text, as many as fit. */
static void tell(struct findings *findings, char *error, size_t size)
{
    size_t used = 0;
    if (!error || size == 0) {
        return;
    }
    error[0] = '\0';
    findings_sort(findings);
    for (uint32_t i = 0; i < findings->count && used < size; i++) {
        const struct finding *finding = &findings->items[i];
        if (finding->level != FINDING_ERROR) {
            continue;
        }
        int written = snprintf(error + used, size - used, "%s%s:%u:%u: %s", used ? "\n" : "", finding->file,
                               finding->line, finding->column, finding->text);
        used += written > 0 ? (size_t)written : 0;
    }
}

static weir_result finish(enum status status, struct findings *findings, struct ruleset *ruleset,
                          weir_rules **ret_rules, char *error, size_t error_size)
{
    if (status == STATUS_OK) {
        *ret_rules = (weir_rules *)(void *)ruleset;
    } else {
        tell(findings, error, error_size);
    }
    findings_clear(findings);
    switch (status) {
    case STATUS_OK:
        return WEIR_OK;
    case STATUS_NO_MEMORY:
        return WEIR_NO_MEMORY;
    case STATUS_INVALID:
        return WEIR_BAD_RULES;
    default:
        return WEIR_ENVIRONMENT;
    }
}

weir_result weir_rules_load(const char *const *paths, size_t count, weir_rules **ret_rules, char *error,
                            size_t error_size)
{
    struct findings findings = {0};
    struct ruleset *ruleset = NULL;
    enum status status =
        count <= UINT32_MAX ? ruleset_load(paths, (uint32_t)count, NULL, &findings, &ruleset) : STATUS_INVALID;
    return finish(status, &findings, ruleset, ret_rules, error, error_size);
}

weir_result weir_rules_parse(const char *yaml, size_t size, const char *name, weir_rules **ret_rules, char *error,
                             size_t error_size)
{
    struct findings findings = {0};
    struct ruleset *ruleset = NULL;
    enum status status = ruleset_parse(span_of(yaml, size), name, &findings, &ruleset);
    return finish(status, &findings, ruleset, ret_rules, error, error_size);
}

const char *weir_rules_generation(const weir_rules *rules)
{
    return ruleset_generation(ruleset_of(rules));
}

void weir_rules_free(weir_rules **rules)
{
    struct ruleset *ruleset = ruleset_of(*rules);
    ruleset_let_go(&ruleset);
    *rules = NULL;
}

weir_result weir_scanner_new(weir_scanner **ret_scanner)
{
    weir_scanner *scanner = calloc(1, sizeof *scanner);
    if (!scanner || scanner_new(&scanner->scanner) != STATUS_OK) {
        free(scanner);
        return WEIR_NO_MEMORY;
    }
    *ret_scanner = scanner;
    return WEIR_OK;
}

void weir_scanner_free(weir_scanner **scanner)
{
    if (*scanner) {
        scanner_free(&(*scanner)->scanner);
        free(*scanner);
        *scanner = NULL;
    }
}

static enum status on_hits(void *context, uint32_t message, const struct scan_hit *hits, uint32_t hit_count)
{
    struct reporting *reporting = context;
    for (uint32_t i = 0; i < hit_count; i++) {
        const struct rule *rule = hits[i].rule;
        for (uint32_t s = 0; s < hits[i].span_count; s++) {
            const struct verdict_span *span = &hits[i].spans[s];
            reporting->spans[s] =
                (weir_span){.pattern = span->pattern, .view = span->view, .start = span->start, .end = span->end};
        }
        weir_hit hit = {
            .text = reporting->first + message,
            .rule = rule->id,
            .title = rule->title,
            .severity = severity_text(rule->severity),
            .queue = rule->queue,
            .shadow = rule->status == RULE_SHADOW,
            .unscanned = hits[i].outcome == OUTCOME_UNSCANNED ? hits[i].reason : NULL,
            .spans = reporting->spans,
            .span_count = hits[i].span_count,
        };
        if (reporting->on_hit(reporting->context, &hit) != 0) {
            return STATUS_CLOSED;
        }
    }
    return STATUS_OK;
}

weir_result weir_scan(weir_scanner *scanner, const weir_rules *rules, const weir_text *texts, size_t count,
                      weir_on_hit on_hit, void *context)
{
    struct reporting reporting = {.on_hit = on_hit, .context = context};
    for (size_t first = 0; first < count; first += SLICE_TEXTS) {
        uint32_t part = count - first < SLICE_TEXTS ? (uint32_t)(count - first) : SLICE_TEXTS;
        for (uint32_t i = 0; i < part; i++) {
            scanner->texts[i] = span_of(texts[first + i].data, texts[first + i].size);
        }
        reporting.first = first;
        if (scanner_scan(scanner->scanner, ruleset_of(rules), scanner->texts, part, on_hits, &reporting) != STATUS_OK) {
            return WEIR_STOPPED;
        }
    }
    return WEIR_OK;
}
