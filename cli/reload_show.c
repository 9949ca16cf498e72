/* What the operator sees of the live rules: log, metrics, status. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/demotions.h"
#include "cli/reload_set.h"

void reload_show_gauge(struct reload *reload, const char *name, const char *help, int64_t value)
{
    metric_set(metrics_gauge(reload->metrics, name, help, NULL, NULL), value);
}

void reload_show_ruleset(struct reload *reload, struct ruleset *ruleset)
{
    const struct program *program = ruleset_program(ruleset);
    struct reload_state *state = &reload->state;
    uint32_t packs;
    (void)ruleset_packs(ruleset, &packs);
    reload_show_gauge(reload, "weir_rules", "Rules that are live or in shadow.", ruleset_rule_count(ruleset));
    reload_show_gauge(reload, "weir_rules_refused_packs", "Packs of the last load that had errors.",
                      ruleset_refused(ruleset));
    reload_show_gauge(reload, "weir_rules_database_bytes", "Size of the compiled search databases.",
                      (int64_t)program->facts.database_bytes);
    if (strcmp(state->generation, ruleset_generation(ruleset)) != 0) {
        (void)snprintf(state->generation, sizeof state->generation, "%s", ruleset_generation(ruleset));
        state->live_since_ms = clock_now_ms();
    }
    state->rules = ruleset_rule_count(ruleset);
    state->shadow = ruleset_shadow_count(ruleset);
    state->packs = packs;
    state->patterns = program->facts.patterns;
}

void reload_show_log(const struct reload *reload, struct ruleset *ruleset, const char *event)
{
    const struct program *program = ruleset_program(ruleset);
    log_event(LOG_INFO, event, LOG_TEXT("generation", ruleset_generation(ruleset)),
              LOG_TEXT("trigger", reload_trigger_names[reload->state.trigger]),
              LOG_INTEGER("rules", ruleset_rule_count(ruleset)), LOG_INTEGER("shadow", ruleset_shadow_count(ruleset)),
              LOG_INTEGER("tests", ruleset_test_count(ruleset)), LOG_INTEGER("patterns", program->facts.patterns),
              LOG_INTEGER("always_confirmed", program->facts.always),
              LOG_INTEGER("refused_packs", ruleset_refused(ruleset)),
              LOG_INTEGER("milliseconds", reload->state.load_ms));
}

void reload_show_write(struct reload *reload)
{
    struct arena *arena = NULL;
    struct demotion *demotions = NULL;
    uint32_t count = 0;
    struct error error = {0};
    const char *folder = generations_folder(reload->generations);
    enum status status = arena_new(RELOAD_ARENA_CHUNK, RELOAD_ARENA_MAX, &arena);
    if (status == STATUS_OK) {
        status = demotions_list(folder, arena, &error, &demotions, &count);
    }
    if (status == STATUS_OK) {
        status = reload_state_write(&reload->state, folder, demotions, count, clock_now_ms(), &error);
    }
    if (status != STATUS_OK) {
        log_event(LOG_WARNING, "rules_status_not_written", LOG_TEXT("reason", error.text));
    }
    reload_show_gauge(reload, "weir_rules_demoted", "Rules that were demoted to shadow for flooding.",
                      flood_demoted_count(reload->flood));
    reload_show_gauge(reload, "weir_rules_pinned", "1 while a rollback holds the rules.",
                      reload->state.pinned[0] != '\0');
    arena_free(&arena);
    reload->unread = false;
}

void reload_show_count(struct reload *reload, const char *result)
{
    struct reload_state *state = &reload->state;
    state->result = result;
    state->ok += strcmp(result, "ok") == 0;
    state->partly += strcmp(result, "partly") == 0;
    state->failed += strcmp(result, "failed") == 0;
    reload->unread = true;
    if (state->trigger == RELOAD_START) {
        return;
    }
    metric_add(metrics_counter(reload->metrics, "weir_rules_reloads_total",
                               "Reloads: ok, partly (packs with errors kept their last good version) or failed.",
                               "result", result),
               1);
    if (state->refused_count > 0) {
        metric_add(metrics_counter(reload->metrics, "weir_rules_refusals_total",
                                   "Packs that were refused by a reload because of their errors.", NULL, NULL),
                   state->refused_count);
    }
}
