/*
 * Counters, gauges and histograms, rendered in the Prometheus text format.
 *
 * Asking for a metric with the same name and label value again returns the same one, so that code that sees a new rule
 * or queue can just ask. Metrics live as long as their registry. Any thread may call anything; updates are atomic and
 * take no lock, look-ups take the registry's lock: keep the pointer where it is hot.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/status.h"

struct metrics;
struct metric;

enum status metrics_new(struct metrics **ret_metrics) MUST_USE;
void metrics_free(struct metrics **metrics);

/*
 * `name` like weir_messages_total; `help` one sentence; `label` and `value` both NULL or one label pair, whose value is
 * escaped when rendered. Never NULL: without memory, or over METRICS_MAX, a shared spare metric that is not rendered.
 */
#define METRICS_MAX 65536
struct metric *metrics_counter(struct metrics *metrics, const char *name, const char *help, const char *label,
                               const char *value);
struct metric *metrics_gauge(struct metrics *metrics, const char *name, const char *help, const char *label,
                             const char *value);
/* Buckets of powers of two from 2^first to 2^last of `unit` (the value of one count in the exported unit, e.g. 1e-9).
 */
struct metric *metrics_histogram(struct metrics *metrics, const char *name, const char *help, double unit, int first,
                                 int last);

void metric_add(struct metric *metric, uint64_t count);
void metric_set(struct metric *metric, int64_t value);
void metric_observe(struct metric *metric, uint64_t value);
int64_t metric_value(const struct metric *metric);

/* Appends the whole exposition: # HELP, # TYPE and samples, grouped by name, names sorted. */
enum status metrics_render(struct metrics *metrics, struct buffer *out) MUST_USE;

#endif
