/* Rules that flood: demoted by the scanner, written down and restored here. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/demotions.h"
#include "cli/reload_set.h"

/* A worker saw a rule go over its limit: the one alarm. */
void reload_flood_on_demoted(void *context, const char *rule, uint32_t max_per_minute, int64_t now_ms)
{
    struct reload *reload = context;
    log_event(LOG_ERROR, "rule_demoted", LOG_TEXT("rule", rule), LOG_INTEGER("max_per_minute", max_per_minute),
              LOG_TEXT("reason", "more hits within a minute than it may have: it only counts in shadow now"));
    metric_add(metrics_counter(reload->metrics, "weir_rule_demotions_total",
                               "Times that a rule was demoted to shadow for flooding.", "rule", rule),
               1);
    (void)pthread_mutex_lock(&reload->lock);
    if (reload->fallen_count < RELOAD_FALLEN_MAX) {
        struct reload_fallen *fallen = &reload->fallen[reload->fallen_count++];
        (void)snprintf(fallen->rule, sizeof fallen->rule, "%s", rule);
        fallen->max_per_minute = max_per_minute;
        fallen->at_ms = now_ms;
    }
    (void)pthread_mutex_unlock(&reload->lock);
    reload_wake(reload);
}

/* The rule's pack in the set; NULL: there is no such rule, or it is not live. */
static const struct pack *pack_of(const struct ruleset *ruleset, const char *rule)
{
    uint32_t count;
    const struct pack *const *packs = ruleset_packs(ruleset, &count);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < packs[i]->rule_count; k++) {
            if (packs[i]->rules[k].status == RULE_LIVE && strcmp(packs[i]->rules[k].id, rule) == 0) {
                return packs[i];
            }
        }
    }
    return NULL;
}

static void digest_text(const struct pack *pack, char text[33])
{
    (void)snprintf(text, 33, "%016llx%016llx", (unsigned long long)(pack ? pack->digest[0] : 0),
                   (unsigned long long)(pack ? pack->digest[1] : 0));
}

void reload_flood_keep(struct reload *reload)
{
    struct reload_fallen fallen[RELOAD_FALLEN_MAX];
    (void)pthread_mutex_lock(&reload->lock);
    uint32_t count = reload->fallen_count;
    memcpy(fallen, reload->fallen, count * sizeof *fallen);
    reload->fallen_count = 0;
    (void)pthread_mutex_unlock(&reload->lock);
    struct ruleset *live = count > 0 ? slot_take(reload->slot) : NULL;
    for (uint32_t i = 0; i < count; i++) {
        struct error error = {0};
        struct demotion demotion = {
            .rule = fallen[i].rule, .since_ms = fallen[i].at_ms, .max_per_minute = fallen[i].max_per_minute};
        digest_text(pack_of(live, fallen[i].rule), demotion.pack);
        if (demotions_add(generations_folder(reload->generations), &demotion, &error) != STATUS_OK) {
            log_event(LOG_WARNING, "demotion_not_kept", LOG_TEXT("rule", fallen[i].rule),
                      LOG_TEXT("reason", error.text));
        }
        reload->unread = true;
    }
    ruleset_let_go(&live);
}

static void restore(struct reload *reload, const char *rule, const char *reason)
{
    if (flood_restore(reload->flood, rule)) {
        log_event(LOG_INFO, "rule_restored", LOG_TEXT("rule", rule), LOG_TEXT("reason", reason));
        reload->unread = true;
    }
}

/* Restores demoted rules whose pack is another one in `ruleset` than when they were demoted. */
void reload_flood_restore_changed(struct reload *reload, const struct ruleset *ruleset)
{
    struct arena *arena = NULL;
    struct demotion *demotions = NULL;
    uint32_t count = 0;
    struct error error = {0};
    const char *folder = generations_folder(reload->generations);
    if (arena_new(RELOAD_ARENA_CHUNK, RELOAD_ARENA_MAX, &arena) == STATUS_OK &&
        demotions_list(folder, arena, &error, &demotions, &count) == STATUS_OK) {
        for (uint32_t i = 0; i < count; i++) {
            char digest[33];
            const struct pack *pack = pack_of(ruleset, demotions[i].rule);
            digest_text(pack, digest);
            if (pack && strcmp(digest, demotions[i].pack) == 0) {
                continue;
            }
            if (demotions_remove(folder, demotions[i].rule, &error) == STATUS_OK) {
                restore(reload, demotions[i].rule, "its pack has changed");
                reload->unread = true;
            }
        }
    }
    arena_free(&arena);
}

/* Makes the flood limiter agree with the folder: after a start, and when a command removed a file. */
void reload_flood_follow(struct reload *reload, bool first)
{
    struct arena *arena = NULL;
    struct demotion *demotions = NULL;
    uint32_t count = 0;
    struct error error = {0};
    if (arena_new(RELOAD_ARENA_CHUNK, RELOAD_ARENA_MAX, &arena) != STATUS_OK ||
        demotions_list(generations_folder(reload->generations), arena, &error, &demotions, &count) != STATUS_OK) {
        arena_free(&arena);
        return;
    }
    if (first) {
        for (uint32_t i = 0; i < count; i++) {
            if (flood_demote(reload->flood, demotions[i].rule) == STATUS_OK) {
                log_event(LOG_WARNING, "rule_still_demoted", LOG_TEXT("rule", demotions[i].rule));
            }
        }
        arena_free(&arena);
        return;
    }
    char rule[MODEL_ID_SIZE_MAX + 1];
    for (uint32_t number = 0; flood_demoted_name(reload->flood, number, rule, sizeof rule);) {
        bool listed = false;
        for (uint32_t i = 0; i < count && !listed; i++) {
            listed = strcmp(demotions[i].rule, rule) == 0;
        }
        if (listed) {
            number++;
        } else {
            restore(reload, rule, "by command");
        }
    }
    arena_free(&arena);
}
