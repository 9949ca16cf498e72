/*
 * Counts the hits of shadow rules and keeps a few samples of each, in memory that is bounded, and stores both every few
 * seconds in a thread of its own. What was counted since the last time is lost if the process is killed: shadow hits
 * are statistics, not alerts. A message that is sent again counts again, but is sampled once.
 *
 * Whether the text of a sample is kept is the policy of the queue that the hit would have gone to (route_queue).
 */
#ifndef ALERTS_TALLY_H
#define ALERTS_TALLY_H

#include <stdint.h>

#include "alerts/route.h"
#include "alerts/store.h"
#include "base/metrics.h"
#include "base/status.h"
#include "proto/shadow.h"

struct tally;

#define TALLY_RULES_MAX 65536u             /* (rule, generation) that wait to be stored */
#define TALLY_TEXT_MAX 4096u               /* bytes of a sample's text; the rest is cut off */
#define TALLY_BYTES_MAX ((size_t)16 << 20) /* of samples that wait to be stored; what comes then is only counted */

struct tally_settings {
    struct route_table routes; /* what it points to must outlive the tally */
    uint32_t samples_max;      /* of a rule; 0: none are kept */
    uint32_t every_ms;
};

/* Takes over `store`. */
enum status tally_start(const struct tally_settings *settings, const struct store_ops *ops, struct store **store,
                        struct metrics *metrics, struct tally **ret_tally) MUST_USE;

/* For the scanner. Any thread; never waits for the store. */
struct shadow_sink tally_sink(struct tally *tally);

/* Stores what was counted, if it can be stored at once, and ends. Nobody may use the sink any more. */
void tally_stop(struct tally **tally);

#endif
