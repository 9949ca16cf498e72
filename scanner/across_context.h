/* The messages that took part in hits of rules with `across`, among the context of a verdict. */
#ifndef SCANNER_ACROSS_CONTEXT_H
#define SCANNER_ACROSS_CONTEXT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "proto/verdict.h"
#include "scanner/scanner.h"

/*
 * Appends the parts of `hits` to verdict->context, each message once and none that stands there before, and counts them in
 * verdict->part_count. The new context lies in the arena; the texts stay where they are. STATUS_NO_MEMORY leaves the
 * verdict as it was.
 */
enum status across_context_add(const struct scan_hit *const *hits, uint32_t hit_count, struct arena *arena,
                               struct verdict *verdict) MUST_USE;

#endif
