/* Loading rules: from the disk, or a kept generation. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/pipeline.h"
#include "cli/reload_pin.h"
#include "cli/reload_set.h"

static void replace_kept(struct reload *reload, struct arena **arena, const struct generations_item *item)
{
    arena_free(&reload->kept_arena);
    reload->kept_arena = *arena;
    reload->kept = *item;
    *arena = NULL;
}

/* Notes which files made a set that was read from the disk. */
static enum status describe_generation(struct reload *reload, const struct ruleset *ruleset,
                                       const struct ruleset *previous)
{
    struct arena *arena = NULL;
    struct generations_item item = {0};
    enum status status = arena_new(RELOAD_ARENA_CHUNK, RELOAD_ARENA_MAX, &arena);
    if (status == STATUS_OK) {
        status = capture_describe(reload->capture, ruleset, previous, &reload->kept, arena, &item);
    }
    if (status == STATUS_OK) {
        item.live_at_ms = clock_now_ms();
        replace_kept(reload, &arena, &item);
    }
    arena_free(&arena);
    return status;
}

/* Keeps the set that was described. Not being able to is no reason to not use the set. */
static void keep_generation(struct reload *reload, enum status described)
{
    struct error error = {0};
    const char *fault = capture_fault(reload->capture);
    enum status status = described;
    if (status == STATUS_OK && fault) {
        error_set(&error, "%s", fault);
        status = STATUS_SYSTEM;
    } else if (status == STATUS_OK) {
        status = generations_keep(reload->generations, &reload->kept, NULL, &error);
    }
    if (status != STATUS_OK) {
        log_event(LOG_ERROR, "generation_not_kept", LOG_TEXT("generation", reload->kept.id),
                  LOG_TEXT("reason", error.text[0] ? error.text : status_text(status)));
    }
}

/* Is this pack, or are these packs of a folder, in the set in the version that was read now? */
static void judge_pack(struct reload *reload, const struct generations_item *item, const char *path)
{
    size_t size = strlen(path);
    bool kept = false;
    for (uint32_t i = 0; i < item->pack_count; i++) {
        const struct generations_pack *pack = &item->packs[i];
        bool inside = strncmp(pack->files[0].path, path, size) == 0 && pack->files[0].path[size] == '/';
        if (strcmp(pack->files[0].path, path) == 0) {
            bool same = true;
            for (uint32_t k = 0; k < pack->file_count; k++) {
                same &= capture_holds(reload->capture, pack->files[k].path, pack->files[k].object);
            }
            if (same) {
                return;
            }
            kept = true;
        }
        kept |= inside;
    }
    reload_state_add_refused(&reload->state, path, kept);
}

static void judge_packs(struct reload *reload, const struct generations_item *item)
{
    uint32_t count;
    const char *const *packs = capture_packs(reload->capture, &count);
    reload_state_clear_refused(&reload->state);
    for (uint32_t i = 0; i < count; i++) {
        judge_pack(reload, item, packs[i]);
    }
}

static enum status load_kept(struct reload *reload, const struct generations_item *item, struct findings *findings,
                             struct ruleset **ret_ruleset)
{
    struct generations_source source = {.generations = reload->generations, .item = item};
    struct file_source files = generations_files(&source);
    struct ruleset_options options = {.files = &files, .exact = true};
    const char **paths = calloc((size_t)item->pack_count + 1, sizeof *paths);
    if (!paths) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < item->pack_count; i++) {
        paths[i] = item->packs[i].files[0].path;
    }
    enum status status = ruleset_load(paths, item->pack_count, &options, findings, ret_ruleset);
    free(paths);
    return status;
}

/* `live`: what is live, or NULL at the start. Findings are the caller's to clear. */
static enum status load_files(struct reload *reload, const struct ruleset *previous, struct findings *findings,
                              struct ruleset **ret_ruleset)
{
    const struct reload_settings *settings = reload->settings;
    struct capture *capture = NULL;
    enum status status = capture_new(settings->paths, settings->path_count, reload->generations, &capture);
    if (status != STATUS_OK) {
        return status;
    }
    struct file_source files = capture_files(capture);
    struct ruleset_options options = {.previous = previous, .files = &files};
    status = ruleset_load(settings->paths, settings->path_count, &options, findings, ret_ruleset);
    capture_free(&reload->capture);
    reload->capture = capture;
    return status;
}

static void begin_load(struct reload *reload, enum reload_trigger trigger)
{
    reload->state.trigger = trigger;
    reload->state.error = (struct error){0};
    reload->state.load_ms = clock_ticks_ms();
}

static void end_load(struct reload *reload, struct findings *findings)
{
    reload->state.load_ms = clock_ticks_ms() - reload->state.load_ms;
    reload->state.loaded_at_ms = clock_now_ms();
    findings_clear(&reload->state.findings);
    findings_sort(findings);
    findings_move(findings, &reload->state.findings);
}

/* Takes over the hold on `ruleset`. It is told only once it is true. */
static void go_live(struct reload *reload, struct ruleset *ruleset, const char *event)
{
    reload_flood_restore_changed(reload, ruleset);
    slot_swap(reload->slot, ruleset_hold(ruleset));
    reload_show_ruleset(reload, ruleset);
    reload_show_log(reload, ruleset, event);
    ruleset_let_go(&ruleset);
}

void reload_load_files(struct reload *reload, enum reload_trigger trigger)
{
    struct ruleset *live = slot_take(reload->slot);
    struct findings findings = {0};
    struct ruleset *ruleset = NULL;
    begin_load(reload, trigger);
    enum status status = load_files(reload, live, &findings, &ruleset);
    pipeline_log_findings(&findings);
    end_load(reload, &findings);
    if (status == STATUS_OK) {
        keep_generation(reload, describe_generation(reload, ruleset, live));
        judge_packs(reload, &reload->kept);
        bool partly = reload->state.findings.errors > 0;
        go_live(reload, ruleset, partly ? "rules_partly_reloaded" : "rules_reloaded");
        reload_show_count(reload, partly ? "partly" : "ok");
    } else {
        error_set(&reload->state.error, "%s", status_text(status));
        log_event(LOG_ERROR, "rules_not_reloaded", LOG_TEXT("reason", status_text(status)),
                  LOG_TEXT("generation", ruleset_generation(live)));
        reload_show_count(reload, "failed");
    }
    generations_tidy(reload->generations);
    reload->retry = status == STATUS_NO_MEMORY || status == STATUS_SYSTEM; /* it may be better later */
    ruleset_let_go(&live);
}

/* Reads the generation of the pin from what is kept. */
static enum status load_pinned(struct reload *reload, const char *id, struct findings *findings, struct error *error,
                               struct ruleset **ret_ruleset)
{
    struct arena *arena = NULL;
    struct generations_item item;
    enum status status = arena_new(RELOAD_ARENA_CHUNK, RELOAD_ARENA_MAX, &arena);
    if (status == STATUS_OK) {
        status = generations_read(reload->generations, id, arena, error, &item);
    }
    if (status == STATUS_OK) {
        status = load_kept(reload, &item, findings, ret_ruleset);
        if (status != STATUS_OK) {
            error_set(error, "the files of generation %s do not load any more: %s", id, status_text(status));
        }
    }
    if (status == STATUS_OK) {
        replace_kept(reload, &arena, &item);
    }
    arena_free(&arena);
    return status;
}

static void pin_failed(struct reload *reload, const struct error *error)
{
    reload->state.pin_failed = true;
    reload->state.pin_error = *error;
    log_event(LOG_ERROR, "rollback_failed", LOG_TEXT("generation", reload->state.pinned),
              LOG_TEXT("reason", error->text));
}

static void roll_back(struct reload *reload)
{
    struct findings findings = {0};
    struct error error = {0};
    struct ruleset *ruleset = NULL;
    begin_load(reload, RELOAD_ROLLBACK);
    enum status status = load_pinned(reload, reload->state.pinned, &findings, &error, &ruleset);
    pipeline_log_findings(&findings);
    end_load(reload, &findings);
    if (status == STATUS_OK) {
        reload_state_clear_refused(&reload->state);
        go_live(reload, ruleset, "rules_rolled_back");
        reload_show_count(reload, "ok");
    } else {
        pin_failed(reload, &error);
        reload->state.error = error;
        reload_show_count(reload, "failed");
    }
}

/* Does what the pin says, if it says something new. */
void reload_load_follow_pin(struct reload *reload)
{
    char pin[GENERATIONS_ID_SIZE];
    struct error error = {0};
    struct reload_state *state = &reload->state;
    if (reload_pin_read(generations_folder(reload->generations), pin, &error) != STATUS_OK) {
        log_event(LOG_WARNING, "pin_not_read", LOG_TEXT("reason", error.text));
        return;
    }
    if (strcmp(pin, state->pinned) == 0) {
        return;
    }
    memcpy(state->pinned, pin, sizeof pin);
    state->pin_failed = state->changed_on_disk = false;
    reload->unread = true;
    if (pin[0]) {
        roll_back(reload);
    } else {
        log_event(LOG_INFO, "rules_resumed");
        reload_load_files(reload, RELOAD_RESUME);
    }
}

/* Is the pin obeyed? Then the disk is not. */
bool reload_load_is_pinned(const struct reload *reload)
{
    return reload->state.pinned[0] && !reload->state.pin_failed;
}

/* The start. */

static enum status take_first(struct reload *reload, struct ruleset *ruleset)
{
    reload_show_log(reload, ruleset, "rules_loaded");
    reload_flood_restore_changed(reload, ruleset);
    reload_show_ruleset(reload, ruleset);
    enum status status = slot_new(ruleset, &reload->slot);
    if (status != STATUS_OK) {
        ruleset_let_go(&ruleset);
    }
    return status;
}

/* The newest generation that is kept; NULL if there is none that still loads. */
static struct ruleset *load_newest(struct reload *reload)
{
    struct arena *arena = NULL;
    struct generations_item *items;
    uint32_t count = 0;
    struct findings findings = {0};
    struct error error = {0};
    struct ruleset *ruleset = NULL;
    enum status status = arena_new(RELOAD_ARENA_CHUNK, RELOAD_ARENA_MAX, &arena);
    if (status == STATUS_OK) {
        status = generations_list(reload->generations, arena, &error, &items, &count);
    }
    if (status == STATUS_OK && count > 0 &&
        load_pinned(reload, items[0].id, &findings, &error, &ruleset) != STATUS_OK) {
        ruleset = NULL;
    }
    findings_clear(&findings);
    arena_free(&arena);
    return ruleset;
}

/*
 * The files have errors, but this is not the first start: the last good version of each faulty pack is used, as a reload
 * would. Not if a pack would be left out: somebody must look.
 */
static enum status load_over_newest(struct reload *reload, struct findings *findings, struct ruleset **ret_ruleset)
{
    struct ruleset *base = load_newest(reload);
    struct ruleset *ruleset = NULL;
    struct findings again = {0};
    if (!base) {
        return STATUS_INVALID;
    }
    enum status status = load_files(reload, base, &again, &ruleset);
    if (status == STATUS_OK) {
        status = describe_generation(reload, ruleset, base);
    }
    if (status == STATUS_OK) {
        judge_packs(reload, &reload->kept);
        for (uint32_t i = 0; i < reload->state.refused_count && i < RELOAD_STATE_REFUSED_MAX; i++) {
            status = reload->state.refused[i].kept ? status : STATUS_INVALID;
        }
    }
    if (status == STATUS_OK) {
        keep_generation(reload, STATUS_OK);
        findings_clear(findings);
        findings_move(&again, findings);
        *ret_ruleset = ruleset;
        ruleset = NULL;
    }
    findings_clear(&again);
    ruleset_let_go(&ruleset);
    ruleset_let_go(&base);
    return status;
}

/* The files on the disk, at the start. */
static enum status start_from_disk(struct reload *reload, struct findings *findings)
{
    struct ruleset *ruleset = NULL;
    begin_load(reload, RELOAD_START);
    enum status status = load_files(reload, NULL, findings, &ruleset);
    bool partly = false;
    if (status == STATUS_OK) {
        keep_generation(reload, describe_generation(reload, ruleset, NULL));
    } else if (status == STATUS_INVALID || status == STATUS_SYSTEM) {
        partly = true;
        status = load_over_newest(reload, findings, &ruleset);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct findings copy = {0};
    for (uint32_t i = 0; i < findings->count; i++) {
        const struct finding *item = &findings->items[i];
        findings_add(&copy, item->level, item->file, item->line, item->column, item->remedy, "%s", item->text);
    }
    end_load(reload, &copy);
    reload_show_count(reload, partly ? "partly" : "ok");
    if (partly) {
        log_event(LOG_WARNING, "rules_of_last_time",
                  LOG_TEXT("reason", "packs have errors: their last good versions are used"));
    }
    return take_first(reload, ruleset);
}

enum status reload_load_start(struct reload *reload, struct findings *findings, struct error *error)
{
    const char *folder = generations_folder(reload->generations);
    enum status status = reload_pin_read(folder, reload->state.pinned, error);
    if (status != STATUS_OK) {
        return status;
    }
    if (reload->state.pinned[0]) {
        struct ruleset *ruleset = NULL;
        struct findings faults = {0};
        begin_load(reload, RELOAD_START);
        status = load_pinned(reload, reload->state.pinned, &faults, error, &ruleset);
        end_load(reload, &faults);
        if (status == STATUS_OK) {
            reload_show_count(reload, "ok");
            log_event(LOG_WARNING, "rules_pinned", LOG_TEXT("generation", reload->state.pinned),
                      LOG_TEXT("reason", "a rollback holds them: 'weir rules resume' takes the files on the disk"));
            return take_first(reload, ruleset);
        }
        pin_failed(reload, error);
        *error = (struct error){0};
    }
    return start_from_disk(reload, findings);
}
