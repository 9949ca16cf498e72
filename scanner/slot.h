/*
 * The place where the live rule set lies. A worker takes a hold for each batch it scans, so no message is ever scanned
 * by half of each of two sets. A replaced set is put aside and freed once everybody else has let it go, by whoever calls
 * slot_reap: to take a large set apart takes time, which no worker should spend.
 */
#ifndef SCANNER_SLOT_H
#define SCANNER_SLOT_H

#include "base/status.h"
#include "scanner/ruleset.h"

struct slot;

/* Takes over the caller's hold on `ruleset`. */
enum status slot_new(struct ruleset *ruleset, struct slot **ret_slot) MUST_USE;
void slot_free(struct slot **slot);

/* A hold on the live set; give it back with ruleset_let_go. Any thread. */
struct ruleset *slot_take(struct slot *slot);

/*
 * Makes `ruleset` the live one, taking over the caller's hold, and puts the old one aside. If more than
 * SLOT_RETIRED_MAX lie there, the oldest is let go, and freed by whoever holds it last. Any thread.
 */
#define SLOT_RETIRED_MAX 32u
void slot_swap(struct slot *slot, struct ruleset *ruleset);

/* Frees the sets put aside that nobody holds any more; returns how many are still held. Any thread. */
uint32_t slot_reap(struct slot *slot);

#endif
