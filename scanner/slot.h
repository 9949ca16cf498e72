/*
 * The place where the live rule set lies. A worker takes a hold for each batch it scans, so no message is ever scanned
 * by half of each of two sets; a replaced set is freed when the last worker has let it go.
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

/* Makes `ruleset` the live one, taking over the caller's hold, and lets the old one go. Any thread. */
void slot_swap(struct slot *slot, struct ruleset *ruleset);

#endif
