#include "alerts/tally.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uthash.h>

#include "alerts/store_rules.h"
#include "base/clock.h"

#define TALLY_KEY_MAX 512 /* of a rule's id and a generation, with NULs */

/* A sample in one block, with what it points to. */
struct tally_sample {
    struct store_sample sample;
    size_t size;
};

struct tally_rule {
    UT_hash_handle hh;
    uint64_t shadow_hits, demoted_hits;
    int64_t last_at_ms;
    struct tally_sample **samples;
    uint32_t sample_count;
    uint64_t seen; /* hits since the samples were last stored: each has the same chance to be one */
    size_t key_size;
    const char *rule, *generation; /* in the key */
    char key[];                    /* the rule's id and the generation, each with its NUL */
};

struct tally {
    struct tally_settings settings;
    const struct store_ops *ops;
    struct store *store; /* of the thread */
    struct metric *failures, *lost;
    pthread_t thread;
    pthread_cond_t ending;
    pthread_mutex_t lock; /* guards what follows */
    bool stop;
    struct tally_rule *rules;
    uint32_t rule_count;
    size_t bytes;
    uint64_t random;
};

static void tally_rule_free(struct tally_rule *rule)
{
    for (uint32_t i = 0; i < rule->sample_count; i++)
        free(rule->samples[i]);
    free(rule->samples);
    free(rule);
}

static void tally_free_all(struct tally_rule **rules)
{
    struct tally_rule *rule, *next;
    HASH_ITER (hh, *rules, rule, next) {
        HASH_DEL(*rules, rule);
        tally_rule_free(rule);
    }
}

/* xorshift64*: which hits become samples need not be secret. */
static uint64_t tally_random(struct tally *tally)
{
    tally->random ^= tally->random >> 12;
    tally->random ^= tally->random << 25;
    tally->random ^= tally->random >> 27;
    return tally->random * 0x2545F4914F6CDD1Du;
}

static struct tally_rule *tally_find(struct tally *tally, const char *rule, const char *generation)
{
    char key[TALLY_KEY_MAX];
    size_t rule_size = strlen(rule) + 1, size = rule_size + strlen(generation) + 1;
    if (size > sizeof key)
        return NULL;
    memcpy(key, rule, rule_size);
    memcpy(key + rule_size, generation, size - rule_size);
    struct tally_rule *found;
    HASH_FIND(hh, tally->rules, key, size, found);
    if (found || tally->rule_count >= TALLY_RULES_MAX)
        return found;
    found = calloc(1, sizeof *found + size);
    if (!found)
        return NULL;
    memcpy(found->key, key, size);
    found->key_size = size;
    found->rule = found->key;
    found->generation = found->key + rule_size;
    HASH_ADD_KEYPTR(hh, tally->rules, found->key, size, found);
    tally->rule_count++;
    return found;
}

static char *tally_put(char *at, struct span from, struct span *ret_copy)
{
    if (from.size > 0)
        memcpy(at, from.data, from.size);
    *ret_copy = span_of(at, from.size);
    return at + from.size;
}

static struct tally_sample *tally_sample_new(const struct shadow_hit *hit, const char *generation, bool with_text)
{
    struct span text = span_of(hit->text.data, with_text ? hit->text.size : 0);
    if (text.size > TALLY_TEXT_MAX)
        text.size = TALLY_TEXT_MAX;
    size_t size = sizeof(struct tally_sample) + hit->message_id.size + hit->conversation_id.size + text.size;
    struct tally_sample *sample = malloc(size);
    if (!sample)
        return NULL;
    *sample = (struct tally_sample){
        .sample = {.generation = generation, .has_text = with_text, .at_ms = hit->received_at_ms}, .size = size};
    char *at = (char *)(sample + 1);
    at = tally_put(at, hit->message_id, &sample->sample.message_id);
    at = tally_put(at, hit->conversation_id, &sample->sample.conversation_id);
    (void)tally_put(at, text, &sample->sample.text);
    return sample;
}

static bool tally_keeps_text(const struct tally *tally, const struct shadow_hit *hit)
{
    struct verdict_hit as_alert = {
        .outcome = OUTCOME_FLAGGED, .severity = (enum severity)hit->severity, .rule = hit->rule, .queue = hit->queue};
    struct route route;
    route_hit(&tally->settings.routes, &as_alert, &route);
    return route.shadow_text;
}

/* Makes the hit a sample of its rule, in the place of another one if there are enough: a reservoir. */
static void tally_sample(struct tally *tally, struct tally_rule *rule, const struct shadow_hit *hit)
{
    uint32_t max = tally->settings.samples_max;
    uint64_t place = rule->seen++;
    if (place >= max) {
        place = tally_random(tally) % rule->seen;
        if (place >= max)
            return;
    }
    if (!rule->samples)
        rule->samples = calloc(max, sizeof(struct tally_sample *));
    struct tally_sample *sample =
        rule->samples ? tally_sample_new(hit, rule->generation, tally_keeps_text(tally, hit)) : NULL;
    if (!sample || tally->bytes + sample->size > TALLY_BYTES_MAX) {
        free(sample);
        return;
    }
    tally->bytes += sample->size;
    if (place < rule->sample_count) {
        tally->bytes -= rule->samples[place]->size;
        free(rule->samples[place]);
        rule->samples[place] = sample;
    } else {
        rule->samples[rule->sample_count++] = sample;
    }
}

static void tally_take(void *context, const struct shadow_hit *hit)
{
    struct tally *tally = context;
    pthread_mutex_lock(&tally->lock);
    struct tally_rule *rule = tally_find(tally, hit->rule, hit->generation);
    if (rule) {
        rule->shadow_hits++;
        rule->demoted_hits += hit->demoted;
        if (hit->received_at_ms > rule->last_at_ms)
            rule->last_at_ms = hit->received_at_ms;
        if (tally->settings.samples_max > 0)
            tally_sample(tally, rule, hit);
    } else {
        metric_add(tally->lost, 1);
    }
    pthread_mutex_unlock(&tally->lock);
}

struct shadow_sink tally_sink(struct tally *tally)
{
    return (struct shadow_sink){.take = tally_take, .context = tally};
}

/* Stores rules that were taken off the tally. */
static enum status tally_store(struct tally *tally, const struct tally_rule *rules, uint32_t count)
{
    struct error ignored = {0};
    size_t samples = 0, next = 0;
    uint32_t i = 0;
    for (const struct tally_rule *rule = rules; rule; rule = rule->hh.next)
        samples += rule->sample_count;
    struct store_tally *tallies = calloc(count, sizeof *tallies);
    struct store_sample *copies = calloc(samples + 1, sizeof *copies);
    enum status status = tallies && copies ? STATUS_OK : STATUS_NO_MEMORY;
    for (const struct tally_rule *rule = rules; status == STATUS_OK && rule && i < count; rule = rule->hh.next, i++) {
        tallies[i] = (struct store_tally){.rule = rule->rule,
                                          .generation = rule->generation,
                                          .shadow_hits = rule->shadow_hits,
                                          .demoted_hits = rule->demoted_hits,
                                          .last_at_ms = rule->last_at_ms,
                                          .samples = copies + next,
                                          .sample_count = rule->sample_count};
        for (uint32_t k = 0; k < rule->sample_count; k++)
            copies[next++] = rule->samples[k]->sample;
    }
    if (status == STATUS_OK)
        status = tally->ops->tally(tally->store, tallies, count, tally->settings.samples_max, &ignored);
    free(copies);
    free(tallies);
    return status;
}

/* What could not be stored goes back: the counts are added to those of meanwhile, the samples are given up. */
static void tally_put_back(struct tally *tally, struct tally_rule *rules)
{
    pthread_mutex_lock(&tally->lock);
    for (const struct tally_rule *rule = rules; rule; rule = rule->hh.next) {
        struct tally_rule *again = tally_find(tally, rule->rule, rule->generation);
        if (!again) {
            metric_add(tally->lost, rule->shadow_hits);
            continue;
        }
        again->shadow_hits += rule->shadow_hits;
        again->demoted_hits += rule->demoted_hits;
        if (rule->last_at_ms > again->last_at_ms)
            again->last_at_ms = rule->last_at_ms;
    }
    pthread_mutex_unlock(&tally->lock);
}

static void tally_flush(struct tally *tally)
{
    pthread_mutex_lock(&tally->lock);
    struct tally_rule *rules = tally->rules;
    uint32_t count = tally->rule_count;
    tally->rules = NULL;
    tally->rule_count = 0;
    tally->bytes = 0;
    pthread_mutex_unlock(&tally->lock);
    if (count > 0 && tally_store(tally, rules, count) != STATUS_OK) {
        metric_add(tally->failures, 1);
        tally_put_back(tally, rules);
    }
    tally_free_all(&rules);
}

/* Waits for the next time, or for the end. False: it ends. */
static bool tally_wait(struct tally *tally)
{
    int64_t end_ms = clock_ticks_ms() + tally->settings.every_ms;
    struct timespec end = {.tv_sec = end_ms / 1000, .tv_nsec = end_ms % 1000 * 1000000};
    pthread_mutex_lock(&tally->lock);
    while (!tally->stop && clock_ticks_ms() < end_ms)
        (void)pthread_cond_timedwait(&tally->ending, &tally->lock, &end);
    bool stop = tally->stop;
    pthread_mutex_unlock(&tally->lock);
    return !stop;
}

static void *tally_main(void *context)
{
    struct tally *tally = context;
    while (tally_wait(tally))
        tally_flush(tally);
    tally_flush(tally);
    return NULL;
}

static enum status tally_make_locks(struct tally *tally)
{
    pthread_condattr_t monotonic;
    if (pthread_mutex_init(&tally->lock, NULL) != 0)
        return STATUS_NO_MEMORY;
    if (pthread_condattr_init(&monotonic) != 0) {
        pthread_mutex_destroy(&tally->lock);
        return STATUS_NO_MEMORY;
    }
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    int failed = pthread_cond_init(&tally->ending, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (failed)
        pthread_mutex_destroy(&tally->lock);
    return failed ? STATUS_NO_MEMORY : STATUS_OK;
}

enum status tally_start(const struct tally_settings *settings, const struct store_ops *ops, struct store **store,
                        struct metrics *metrics, struct tally **ret_tally)
{
    if (settings->every_ms == 0)
        return STATUS_INVALID;
    struct tally *tally = calloc(1, sizeof *tally);
    if (!tally)
        return STATUS_NO_MEMORY;
    enum status status = tally_make_locks(tally);
    if (status != STATUS_OK) {
        free(tally);
        return status;
    }
    tally->settings = *settings;
    tally->ops = ops;
    tally->random = (uint64_t)clock_ticks_ns() | 1;
    tally->failures =
        metrics_counter(metrics, "weir_shadow_store_failures_total",
                        "Times that counts of shadow rules could not be stored; they are tried again.", NULL, NULL);
    tally->lost = metrics_counter(metrics, "weir_shadow_hits_lost_total",
                                  "Hits of shadow rules that were in no count that is stored.", NULL, NULL);
    tally->store = *store;
    if (pthread_create(&tally->thread, NULL, tally_main, tally) != 0) {
        pthread_cond_destroy(&tally->ending);
        pthread_mutex_destroy(&tally->lock);
        free(tally);
        return STATUS_SYSTEM;
    }
    *store = NULL;
    *ret_tally = tally;
    return STATUS_OK;
}

void tally_stop(struct tally **tally)
{
    struct tally *ending = *tally;
    if (!ending)
        return;
    pthread_mutex_lock(&ending->lock);
    ending->stop = true;
    pthread_cond_broadcast(&ending->ending);
    pthread_mutex_unlock(&ending->lock);
    pthread_join(ending->thread, NULL);
    tally_free_all(&ending->rules);
    ending->ops->close(&ending->store);
    pthread_cond_destroy(&ending->ending);
    pthread_mutex_destroy(&ending->lock);
    free(ending);
    *tally = NULL;
}
