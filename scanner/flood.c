#include "scanner/flood.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define SECONDS 60
#define SECOND_MS 1000

/* The hits of one rule by second, over a minute. */
struct flood_rule {
    UT_hash_handle hh;
    bool demoted;
    uint32_t counts[SECONDS]; /* of the seconds (newest - 59) to newest, at second % 60 */
    uint32_t total;           /* of all of them */
    int64_t newest;           /* second */
    char id[];
};

struct flood {
    struct flood_settings settings;
    pthread_mutex_t lock; /* guards what follows */
    struct flood_rule *rules;
    uint32_t rule_count;
    uint32_t demoted_count;
};

enum status flood_new(const struct flood_settings *settings, struct flood **ret_flood)
{
    struct flood *flood = calloc(1, sizeof *flood);
    if (!flood) {
        return STATUS_NO_MEMORY;
    }
    if (pthread_mutex_init(&flood->lock, NULL) != 0) {
        free(flood);
        return STATUS_SYSTEM;
    }
    flood->settings = *settings;
    *ret_flood = flood;
    return STATUS_OK;
}

static void remove_rule(struct flood *flood, struct flood_rule *rule)
{
    HASH_DEL(flood->rules, rule);
    flood->rule_count--;
    free(rule);
}

void flood_free(struct flood **flood)
{
    if (!*flood) {
        return;
    }
    struct flood_rule *rule = (*flood)->rules;
    HASH_CLEAR(hh, (*flood)->rules); /* the table alone: the rules still hang together */
    for (struct flood_rule *next; rule; rule = next) {
        next = rule->hh.next;
        free(rule);
    }
    (void)pthread_mutex_destroy(&(*flood)->lock);
    free(*flood);
    *flood = NULL;
}

static struct flood_rule *find(struct flood *flood, const char *id)
{
    struct flood_rule *rule;
    HASH_FIND_STR(flood->rules, id, rule);
    return rule;
}

/* The rule's entry, made if it is missing; NULL without room or memory. */
static struct flood_rule *find_or_add(struct flood *flood, const char *id)
{
    struct flood_rule *rule = find(flood, id);
    if (rule || flood->rule_count >= FLOOD_RULES_MAX) {
        return rule;
    }
    size_t size = strlen(id) + 1;
    rule = calloc(1, sizeof *rule + size);
    if (rule) {
        memcpy(rule->id, id, size);
        rule->newest = INT64_MIN;
        HASH_ADD_STR(flood->rules, id, rule);
        flood->rule_count++;
    }
    return rule;
}

static void empty(struct flood_rule *rule)
{
    memset(rule->counts, 0, sizeof rule->counts);
    rule->total = 0;
    rule->newest = INT64_MIN;
}

/* Moves the minute on, so that it ends with `second`. */
static void move_on(struct flood_rule *rule, int64_t second)
{
    if (rule->newest == INT64_MIN || second - rule->newest >= SECONDS) {
        empty(rule);
        rule->newest = second;
        return;
    }
    while (rule->newest < second) {
        uint32_t *oldest = &rule->counts[++rule->newest % SECONDS];
        rule->total -= *oldest;
        *oldest = 0;
    }
}

/* A hit at `second`, which may be before the newest one: then it counts as one of now. */
static void count(struct flood_rule *rule, int64_t second)
{
    move_on(rule, second);
    if (rule->total < UINT32_MAX) {
        rule->counts[rule->newest % SECONDS]++;
        rule->total++;
    }
}

bool flood_admit(struct flood *flood, const struct rule *rule, int64_t now_ms)
{
    uint32_t limit = rule->max_per_minute ? rule->max_per_minute : flood->settings.max_per_minute;
    int64_t second = now_ms < 0 ? 0 : now_ms / SECOND_MS;
    bool demoted = false, now_demoted = false;
    (void)pthread_mutex_lock(&flood->lock);
    struct flood_rule *entry = limit ? find_or_add(flood, rule->id) : find(flood, rule->id);
    if (entry && !entry->demoted && limit) {
        count(entry, second);
        now_demoted = entry->total > limit;
        entry->demoted = now_demoted;
        flood->demoted_count += now_demoted;
    }
    demoted = entry && entry->demoted;
    (void)pthread_mutex_unlock(&flood->lock);
    if (now_demoted && flood->settings.on_demoted) {
        flood->settings.on_demoted(flood->settings.context, rule->id, limit, now_ms);
    }
    return !demoted;
}

enum status flood_demote(struct flood *flood, const char *rule)
{
    (void)pthread_mutex_lock(&flood->lock);
    struct flood_rule *entry = find_or_add(flood, rule);
    if (entry && !entry->demoted) {
        entry->demoted = true;
        flood->demoted_count++;
    }
    (void)pthread_mutex_unlock(&flood->lock);
    return entry ? STATUS_OK : STATUS_NO_MEMORY;
}

bool flood_restore(struct flood *flood, const char *rule)
{
    (void)pthread_mutex_lock(&flood->lock);
    struct flood_rule *entry = find(flood, rule);
    bool was = entry && entry->demoted;
    if (was) {
        remove_rule(flood, entry);
        flood->demoted_count--;
    }
    (void)pthread_mutex_unlock(&flood->lock);
    return was;
}

bool flood_is_demoted(struct flood *flood, const char *rule)
{
    (void)pthread_mutex_lock(&flood->lock);
    struct flood_rule *entry = find(flood, rule);
    bool demoted = entry && entry->demoted;
    (void)pthread_mutex_unlock(&flood->lock);
    return demoted;
}

uint32_t flood_demoted_count(struct flood *flood)
{
    (void)pthread_mutex_lock(&flood->lock);
    uint32_t demoted = flood->demoted_count;
    (void)pthread_mutex_unlock(&flood->lock);
    return demoted;
}

bool flood_demoted_name(struct flood *flood, uint32_t number, char *ret_rule, size_t size)
{
    bool found = false;
    (void)pthread_mutex_lock(&flood->lock);
    for (const struct flood_rule *rule = flood->rules; rule && !found; rule = rule->hh.next) {
        if (rule->demoted && number-- == 0) {
            (void)snprintf(ret_rule, size, "%s", rule->id);
            found = true;
        }
    }
    (void)pthread_mutex_unlock(&flood->lock);
    return found;
}

void flood_forget(struct flood *flood, int64_t now_ms)
{
    int64_t second = now_ms < 0 ? 0 : now_ms / SECOND_MS;
    (void)pthread_mutex_lock(&flood->lock);
    for (struct flood_rule *rule = flood->rules, *next; rule; rule = next) {
        next = rule->hh.next;
        if (!rule->demoted && (rule->newest == INT64_MIN || second - rule->newest >= SECONDS)) {
            remove_rule(flood, rule);
        }
    }
    (void)pthread_mutex_unlock(&flood->lock);
}
