#include "base/metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Without memory an item is left out of its table, which its hh.tbl then shows. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/json_text.h"
#include "base/number_text.h"

#define METRICS_POWER_MAX 63

enum metrics_type { METRICS_COUNTER, METRICS_GAUGE, METRICS_HISTOGRAM };

struct metric {
    enum metrics_type type;
    int first; /* histograms: the power of two of the first bucket */
    int last;
    double unit;
    _Atomic uint64_t value;    /* counters and gauges (two's complement); histograms: the sum */
    _Atomic uint64_t *buckets; /* histograms: from first to last and one for what is over; not cumulative */
    char *label;               /* the value of the label, "" without one */
    UT_hash_handle hh;
};

/* All metrics of one name. */
struct metrics_family {
    char *name;
    char *help;
    char *label; /* the name of the label, or NULL */
    enum metrics_type type;
    struct metric *metrics; /* by label value */
    UT_hash_handle hh;
};

struct metrics {
    pthread_mutex_t lock;            /* guards everything below but the values */
    struct metrics_family *families; /* by name */
    uint32_t count;
    bool sorted;
    struct metric spare;
};

enum status metrics_new(struct metrics **ret_metrics)
{
    struct metrics *metrics = calloc(1, sizeof *metrics);
    if (!metrics)
        return STATUS_NO_MEMORY;
    if (pthread_mutex_init(&metrics->lock, NULL) != 0) {
        free(metrics);
        return STATUS_SYSTEM;
    }
    *ret_metrics = metrics;
    return STATUS_OK;
}

static void metrics_free_metric(struct metric *metric)
{
    if (!metric)
        return;
    free(metric->buckets);
    free(metric->label);
    free(metric);
}

static void metrics_free_family(struct metrics_family *family)
{
    if (!family)
        return;
    struct metric *metric, *next;
    HASH_ITER (hh, family->metrics, metric, next) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): HASH_ITER reads the next one before this one is freed. */
        HASH_DEL(family->metrics, metric);
        metrics_free_metric(metric);
    }
    free(family->name);
    free(family->help);
    free(family->label);
    free(family);
}

void metrics_free(struct metrics **metrics)
{
    if (!metrics || !*metrics)
        return;
    struct metrics_family *family, *next;
    HASH_ITER (hh, (*metrics)->families, family, next) {
        HASH_DEL((*metrics)->families, family);
        metrics_free_family(family);
    }
    pthread_mutex_destroy(&(*metrics)->lock);
    free(*metrics);
    *metrics = NULL;
}

/* Letters, digits and underscores, not beginning with a digit. */
static bool metrics_is_name(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return length > 0 && name[length] == '\0' && strspn(name, "0123456789") == 0;
}

static struct metrics_family *metrics_family_new(const struct metric *kind, const char *name, const char *help,
                                                 const char *label)
{
    struct metrics_family *family = calloc(1, sizeof *family);
    if (!family)
        return NULL;
    family->type = kind->type;
    family->name = strdup(name);
    family->help = strdup(help ? help : "");
    family->label = label ? strdup(label) : NULL;
    if (!family->name || !family->help || (label && !family->label)) {
        metrics_free_family(family);
        return NULL;
    }
    return family;
}

/* Under the lock. NULL without memory, or where the name is already used for something else. */
static struct metrics_family *metrics_family(struct metrics *metrics, const struct metric *kind, const char *name,
                                             const char *help, const char *label)
{
    struct metrics_family *family;

    HASH_FIND_STR(metrics->families, name, family);
    if (family) {
        bool same_label = label ? family->label && strcmp(family->label, label) == 0 : !family->label;
        return family->type == kind->type && same_label ? family : NULL;
    }
    if (!metrics_is_name(name) || (label && !metrics_is_name(label)))
        return NULL;
    family = metrics_family_new(kind, name, help, label);
    if (!family)
        return NULL;
    HASH_ADD_KEYPTR(hh, metrics->families, family->name, strlen(family->name), family);
    if (!family->hh.tbl) {
        metrics_free_family(family);
        return NULL;
    }
    metrics->sorted = false;
    return family;
}

static struct metric *metrics_metric_new(const struct metric *kind, const char *value)
{
    struct metric *metric = calloc(1, sizeof *metric);
    if (!metric)
        return NULL;
    metric->type = kind->type;
    metric->first = kind->first;
    metric->last = kind->last;
    metric->unit = kind->unit;
    metric->label = strdup(value);
    if (kind->type == METRICS_HISTOGRAM)
        metric->buckets = calloc((size_t)(kind->last - kind->first) + 2, sizeof *metric->buckets);
    if (!metric->label || (kind->type == METRICS_HISTOGRAM && !metric->buckets)) {
        metrics_free_metric(metric);
        return NULL;
    }
    return metric;
}

static struct metric *metrics_find_or_add(struct metrics *metrics, struct metrics_family *family,
                                          const struct metric *kind, const char *value)
{
    struct metric *metric;

    HASH_FIND_STR(family->metrics, value, metric);
    if (metric)
        return metric;
    if (metrics->count >= METRICS_MAX)
        return NULL;
    metric = metrics_metric_new(kind, value);
    if (!metric)
        return NULL;
    HASH_ADD_KEYPTR(hh, family->metrics, metric->label, strlen(metric->label), metric);
    if (!metric->hh.tbl) {
        metrics_free_metric(metric);
        return NULL;
    }
    metrics->count++;
    metrics->sorted = false;
    return metric;
}

static struct metric *metrics_get(struct metrics *metrics, const struct metric *kind, const char *name,
                                  const char *help, const char *label, const char *value)
{
    struct metric *metric = NULL;

    if (!label || !value)
        label = value = NULL;
    pthread_mutex_lock(&metrics->lock);
    struct metrics_family *family = metrics_family(metrics, kind, name, help, label);
    if (family)
        metric = metrics_find_or_add(metrics, family, kind, value ? value : "");
    pthread_mutex_unlock(&metrics->lock);
    return metric ? metric : &metrics->spare;
}

struct metric *metrics_counter(struct metrics *metrics, const char *name, const char *help, const char *label,
                               const char *value)
{
    return metrics_get(metrics, &(struct metric){.type = METRICS_COUNTER}, name, help, label, value);
}

struct metric *metrics_gauge(struct metrics *metrics, const char *name, const char *help, const char *label,
                             const char *value)
{
    return metrics_get(metrics, &(struct metric){.type = METRICS_GAUGE}, name, help, label, value);
}

static int metrics_power(int power)
{
    return power < 0 ? 0 : power > METRICS_POWER_MAX ? METRICS_POWER_MAX : power;
}

struct metric *metrics_histogram(struct metrics *metrics, const char *name, const char *help, double unit, int first,
                                 int last)
{
    struct metric kind = {.type = METRICS_HISTOGRAM, .unit = unit, .first = metrics_power(first)};

    kind.last = metrics_power(last) < kind.first ? kind.first : metrics_power(last);
    return metrics_get(metrics, &kind, name, help, NULL, NULL);
}

void metric_add(struct metric *metric, uint64_t count)
{
    if (metric->type != METRICS_HISTOGRAM)
        atomic_fetch_add_explicit(&metric->value, count, memory_order_relaxed);
}

void metric_set(struct metric *metric, int64_t value)
{
    if (metric->type != METRICS_HISTOGRAM)
        atomic_store_explicit(&metric->value, (uint64_t)value, memory_order_relaxed);
}

void metric_observe(struct metric *metric, uint64_t value)
{
    if (metric->type != METRICS_HISTOGRAM)
        return;
    int power = value <= 1 ? 0 : 64 - __builtin_clzll(value - 1); /* the smallest with value <= 2^power */
    int bucket = power <= metric->first ? 0
                 : power > metric->last ? metric->last + 1 - metric->first
                                        : power - metric->first;
    atomic_fetch_add_explicit(&metric->buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&metric->value, value, memory_order_relaxed);
}

int64_t metric_value(const struct metric *metric)
{
    if (metric->type != METRICS_HISTOGRAM)
        return (int64_t)atomic_load_explicit(&metric->value, memory_order_relaxed);
    uint64_t count = 0;
    for (int i = 0; i <= metric->last + 1 - metric->first; i++)
        count += atomic_load_explicit(&metric->buckets[i], memory_order_relaxed);
    return (int64_t)count;
}

/* Escaped as the format asks for; what is not UTF-8 becomes U+FFFD, since a reader would refuse the whole page. */
static enum status metrics_render_text(struct buffer *out, const char *text, bool is_label)
{
    size_t size = strlen(text);
    enum status status = STATUS_OK;

    for (size_t position = 0; position < size && status == STATUS_OK;) {
        const char *character = text + position;
        uint32_t code_point;
        size_t length = json_text_character((const uint8_t *)character, size - position, &code_point);

        position += length > 0 ? length : 1;
        if (length == 0)
            status = buffer_append_text(out, "\xef\xbf\xbd");
        else if (*character == '\\')
            status = buffer_append_text(out, "\\\\");
        else if (*character == '\n')
            status = buffer_append_text(out, "\\n");
        else if (*character == '"' && is_label)
            status = buffer_append_text(out, "\\\"");
        else
            status = buffer_append(out, character, length);
    }
    return status;
}

static enum status metrics_render_histogram(struct buffer *out, const struct metrics_family *family,
                                            const struct metric *metric)
{
    char number[NUMBER_TEXT_SIZE];
    uint64_t count = 0;
    enum status status = STATUS_OK;
    int buckets = metric->last - metric->first + 1;
    uint64_t sum = atomic_load_explicit(&metric->value, memory_order_relaxed);

    for (int i = 0; i < buckets && status == STATUS_OK; i++) {
        count += atomic_load_explicit(&metric->buckets[i], memory_order_relaxed);
        number_text((double)(UINT64_C(1) << (metric->first + i)) * metric->unit, number);
        status = buffer_print(out, "%s_bucket{le=\"%s\"} %" PRIu64 "\n", family->name, number, count);
    }
    if (status != STATUS_OK)
        return status;
    count += atomic_load_explicit(&metric->buckets[buckets], memory_order_relaxed);
    number_text((double)sum * metric->unit, number);
    return buffer_print(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum %s\n%s_count %" PRIu64 "\n", family->name,
                        count, family->name, number, family->name, count);
}

static enum status metrics_render_metric(struct buffer *out, const struct metrics_family *family,
                                         const struct metric *metric)
{
    enum status status;

    if (metric->type == METRICS_HISTOGRAM)
        return metrics_render_histogram(out, family, metric);
    status = buffer_append_text(out, family->name);
    if (family->label) {
        if (status == STATUS_OK)
            status = buffer_print(out, "{%s=\"", family->label);
        if (status == STATUS_OK)
            status = metrics_render_text(out, metric->label, true);
        if (status == STATUS_OK)
            status = buffer_append_text(out, "\"}");
    }
    if (status != STATUS_OK)
        return status;
    uint64_t value = atomic_load_explicit(&metric->value, memory_order_relaxed);
    if (metric->type == METRICS_COUNTER)
        return buffer_print(out, " %" PRIu64 "\n", value);
    return buffer_print(out, " %" PRId64 "\n", (int64_t)value);
}

static enum status metrics_render_family(struct buffer *out, const struct metrics_family *family)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};

    enum status status = buffer_print(out, "# HELP %s ", family->name);
    if (status == STATUS_OK)
        status = metrics_render_text(out, family->help, false);
    if (status == STATUS_OK)
        status = buffer_print(out, "\n# TYPE %s %s\n", family->name, types[family->type]);
    for (const struct metric *metric = family->metrics; metric && status == STATUS_OK; metric = metric->hh.next)
        status = metrics_render_metric(out, family, metric);
    return status;
}

static int metrics_compare_families(const struct metrics_family *a, const struct metrics_family *b)
{
    return strcmp(a->name, b->name);
}

static int metrics_compare_metrics(const struct metric *a, const struct metric *b)
{
    return strcmp(a->label, b->label);
}

static void metrics_sort(struct metrics *metrics)
{
    HASH_SORT(metrics->families, metrics_compare_families);
    for (struct metrics_family *family = metrics->families; family; family = family->hh.next)
        HASH_SORT(family->metrics, metrics_compare_metrics);
    metrics->sorted = true;
}

enum status metrics_render(struct metrics *metrics, struct buffer *out)
{
    size_t start = out->size;
    enum status status = STATUS_OK;

    pthread_mutex_lock(&metrics->lock);
    if (!metrics->sorted)
        metrics_sort(metrics);
    for (struct metrics_family *family = metrics->families; family && status == STATUS_OK; family = family->hh.next) {
        if (family->metrics)
            status = metrics_render_family(out, family);
    }
    pthread_mutex_unlock(&metrics->lock);
    if (status != STATUS_OK)
        out->size = start;
    return status;
}
