#include "scanner/patterns.h"

#include "base/arena.h"
#include "scanner/ruleset.h"
#include "scanner/scanner.h"

#define ARENA_CHUNK (64u << 10)
#define ARENA_SIZE_MAX ((size_t)1 << 30)

struct finder {
    const struct rule *rules; /* one a pattern, in their order */
    patterns_report report;
    void *context;
};

static const struct condition only_pattern = {.type = CONDITION_PATTERN, .pattern = 0};

static enum status make_pack(const struct pattern *patterns, uint32_t count, struct pack **ret_pack)
{
    struct arena *arena = NULL;
    enum status status = arena_new(ARENA_CHUNK, ARENA_SIZE_MAX, &arena);
    if (status != STATUS_OK) {
        return status;
    }
    struct pack *pack = arena_array(arena, 1, sizeof *pack);
    struct rule *rules = arena_array(arena, (size_t)count + 1, sizeof *rules);
    bool complete = pack && rules;
    for (uint32_t i = 0; i < count && complete; i++) {
        const char *id = arena_print(arena, "%u", i);
        rules[i] = (struct rule){.id = id,
                                 .title = id,
                                 .status = RULE_LIVE,
                                 .patterns = &patterns[i],
                                 .pattern_count = 1,
                                 .condition = &only_pattern};
        complete = id != NULL;
    }
    if (!complete) {
        arena_free(&arena);
        return STATUS_NO_MEMORY;
    }
    *pack = (struct pack){.name = "patterns", .path = "patterns", .rules = rules, .rule_count = count, .arena = arena};
    *ret_pack = pack;
    return STATUS_OK;
}

static enum status on_message(void *context, uint32_t message, const struct scan_hit *hits, uint32_t hit_count)
{
    const struct finder *finder = context;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < hit_count && status == STATUS_OK; i++) {
        const struct scan_hit *hit = &hits[i];
        bool all = hit->rule == &scanner_unscanned_rule;
        status =
            finder->report(finder->context, all ? PATTERNS_ALL : (uint32_t)(hit->rule - finder->rules), message,
                           hit->outcome == OUTCOME_FLAGGED ? TRUTH_TRUE : TRUTH_UNKNOWN, hit->spans, hit->span_count);
    }
    return status;
}

enum status patterns_find(const struct pattern *patterns, uint32_t count, const struct span *texts, uint32_t text_count,
                          struct findings *findings, patterns_report report, void *context)
{
    struct finder finder = {.report = report, .context = context};
    struct pack *pack = NULL;
    struct ruleset *set = NULL;
    struct scanner *scanner = NULL;
    enum status status = count <= PATTERNS_MAX ? make_pack(patterns, count, &pack) : STATUS_LIMIT;
    if (status == STATUS_OK) {
        finder.rules = pack->rules;
        status = ruleset_of_pack(pack, findings, &set); /* takes the pack over */
    }
    if (status == STATUS_OK) {
        status = scanner_new(&scanner);
    }
    if (status == STATUS_OK) {
        status = scanner_scan(scanner, set, texts, text_count, on_message, &finder);
    }
    scanner_free(&scanner);
    ruleset_free(&set);
    return status;
}
