/* What `weir demo` prints on stdout: each case as it appears, and the summary. Fits 80 columns; plain when piped. */
#ifndef CLI_DEMO_SHOW_H
#define CLI_DEMO_SHOW_H

#include <stdbool.h>
#include <stdint.h>

#include "alerts/store.h"

#define DEMO_QUEUES_MAX 32

/* A case with what to show of it: its worst hit and the message of that hit. */
struct demo_sight {
    const struct store_case *item;
    const struct store_case_message *message;
    const struct store_case_hit *hit;
    bool evasive; /* known to be disguised */
};

void demo_show_case(const struct demo_sight *sight, bool colour);

struct demo_tally {
    uint64_t messages, acked, rejected, faulty_lines;
    double seconds;
    uint64_t cases, hits, unscanned;
    uint64_t severities[SEVERITY_COUNT];
    struct {
        const char *name;
        uint64_t cases;
    } queues[DEMO_QUEUES_MAX];
    uint32_t queue_count;
    uint64_t queues_left_out;                                             /* cases of queues beyond DEMO_QUEUES_MAX */
    bool generated;                                                       /* the next five are known */
    uint64_t planted, planted_found, evasive, evasive_found, other_found; /* conversations */
    bool interrupted;
};

void demo_tally_case(struct demo_tally *tally, const struct store_case *item);

/* `program` and `data` as a person would type them. */
void demo_show_summary(const struct demo_tally *tally, const char *program, const char *data, const char *log,
                       bool colour);

#endif
