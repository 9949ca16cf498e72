#include "cli/reload_state.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/alerts.h"

#define STATE_FORMAT 1

const char *const reload_trigger_names[] = {"start", "files", "signal", "rollback", "resume"};

void reload_state_clear_refused(struct reload_state *state)
{
    for (uint32_t i = 0; i < state->refused_count && i < RELOAD_STATE_REFUSED_MAX; i++) {
        free(state->refused[i].path);
    }
    state->refused_count = 0;
}

void reload_state_add_refused(struct reload_state *state, const char *path, bool kept)
{
    if (state->refused_count < RELOAD_STATE_REFUSED_MAX) {
        char *copy = strdup(path);
        if (!copy) {
            return;
        }
        state->refused[state->refused_count] = (struct reload_refused){.path = copy, .kept = kept};
    }
    state->refused_count++;
}

void reload_state_clear(struct reload_state *state)
{
    reload_state_clear_refused(state);
    findings_clear(&state->findings);
}

static json_t *refused_json(const struct reload_state *state)
{
    json_t *list = json_array();
    for (uint32_t i = 0; list && i < state->refused_count && i < RELOAD_STATE_REFUSED_MAX; i++) {
        json_array_append_new(list, json_pack("{s:o, s:b}", "path", alerts_json_text(state->refused[i].path), "kept",
                                              state->refused[i].kept));
    }
    return list;
}

static json_t *findings_json(const struct findings *findings)
{
    json_t *list = json_array();
    for (uint32_t i = 0; list && i < findings->count && json_array_size(list) < RELOAD_STATE_FINDINGS_MAX; i++) {
        const struct finding *finding = &findings->items[i];
        if (finding->level != FINDING_ERROR) {
            continue;
        }
        json_array_append_new(list,
                              json_pack("{s:o, s:I, s:I, s:o, s:o}", "file", alerts_json_text(finding->file), "line",
                                        (json_int_t)finding->line, "column", (json_int_t)finding->column, "text",
                                        alerts_json_text(finding->text), "remedy", alerts_json_text(finding->remedy)));
    }
    return list;
}

static json_t *demotions_json(const struct demotion *demotions, uint32_t count)
{
    json_t *list = json_array();
    for (uint32_t i = 0; list && i < count; i++) {
        json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "rule", demotions[i].rule, "since_ms",
                                              (json_int_t)demotions[i].since_ms, "max_per_minute",
                                              (json_int_t)demotions[i].max_per_minute));
    }
    return list;
}

static json_t *pin_json(const struct reload_state *state)
{
    if (!state->pinned[0]) {
        return json_null();
    }
    return json_pack("{s:s, s:b, s:b, s:o}", "generation", state->pinned, "live", !state->pin_failed, "changed_on_disk",
                     state->changed_on_disk, "reason",
                     alerts_json_text(state->pin_failed ? state->pin_error.text : NULL));
}

static json_t *state_json(const struct reload_state *state, const struct demotion *demotions, uint32_t demotion_count,
                          int64_t now_ms)
{
    json_t *live = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "generation", state->generation, "since_ms",
                             (json_int_t)state->live_since_ms, "rules", (json_int_t)state->rules, "shadow",
                             (json_int_t)state->shadow, "packs", (json_int_t)state->packs, "patterns",
                             (json_int_t)state->patterns);
    json_t *load = json_pack("{s:s, s:s, s:I, s:I, s:o}", "trigger", reload_trigger_names[state->trigger], "result",
                             state->result ? state->result : "ok", "at_ms", (json_int_t)state->loaded_at_ms,
                             "milliseconds", (json_int_t)state->load_ms, "reason",
                             alerts_json_text(state->error.text[0] ? state->error.text : NULL));
    json_t *counts = json_pack("{s:I, s:I, s:I}", "ok", (json_int_t)state->ok, "partly", (json_int_t)state->partly,
                               "failed", (json_int_t)state->failed);
    const char *watching = !state->watching ? "off" : state->watching_well ? "on" : "slowly";
    return json_pack("{s:i, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:s}", "format", STATE_FORMAT, "pid",
                     (json_int_t)getpid(), "started_at_ms", (json_int_t)state->started_at_ms, "written_at_ms",
                     (json_int_t)now_ms, "live", live, "pinned", pin_json(state), "last_load", load, "reloads", counts,
                     "refused", refused_json(state), "refused_count", (json_int_t)state->refused_count, "findings",
                     findings_json(&state->findings), "demoted", demotions_json(demotions, demotion_count), "watching",
                     watching);
}

enum status reload_state_write(const struct reload_state *state, const char *folder, const struct demotion *demotions,
                               uint32_t demotion_count, int64_t now_ms, struct error *error)
{
    char *path = NULL;
    json_t *root = state_json(state, demotions, demotion_count, now_ms);
    char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
    json_decref(root);
    enum status status = STATUS_NO_MEMORY;
    if (text && asprintf(&path, "%s/status.json", folder) >= 0) {
        status = file_write_atomic(path, span_text(text), 0600, error);
        free(path);
    } else {
        error_set(error, "%s", status_text(STATUS_NO_MEMORY));
    }
    free(text);
    return status;
}
