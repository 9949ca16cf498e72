/*
 * The rules of a running pipeline: loads them, watches their files, and loads them again beside the live ones when they
 * change or when it is asked to; the live set is swapped whole. A pack with a fault keeps its last good version. Each
 * generation that goes live is kept (cli/generations.h); a pin (`weir rules rollback`) makes a kept one live instead of
 * the files on the disk until it is taken away. Rules that flood are demoted (scanner/flood.h).
 *
 * The data folder is how commands reach it, and what it remembers over restarts:
 *
 *   DATA/rules/pin           the generation that must be live
 *   DATA/rules/demoted/ID    a rule that was demoted
 *   DATA/rules/status.json   what `weir rules status` shows
 */
#ifndef CLI_RELOAD_H
#define CLI_RELOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/findings.h"
#include "base/metrics.h"
#include "base/status.h"
#include "scanner/flood.h"
#include "scanner/slot.h"

struct reload;

struct reload_settings {
    const char *const *paths; /* packs and folders of packs */
    uint32_t path_count;
    const char *data; /* the data folder, which is there and locked by this process */
    bool watch;
    uint32_t settle_ms;
    uint32_t max_per_minute; /* of rules that name none; 0: no limit */
};

/*
 * Loads the rules: those of the pin if there is one, else those of `paths`. If packs have errors, and each of them is
 * among those that were live last, the last good ones are used; else STATUS_INVALID with findings. Other failures with
 * words. `settings` and `metrics` must outlive it.
 */
enum status reload_open(const struct reload_settings *settings, struct metrics *metrics, struct findings *findings,
                        struct error *error, struct reload **ret_reload) MUST_USE;

/* Where the live set lies, and who may alert; they belong to the reload. */
struct slot *reload_slot(struct reload *reload);
struct flood *reload_flood(struct reload *reload);

/* Starts its thread: from now on changes are taken. */
enum status reload_start(struct reload *reload) MUST_USE;

/* Loads the rules again even if nothing seems to have changed. Any thread. */
void reload_ask(struct reload *reload);

/*
 * Ends the thread, waiting at most `wait_ms`: a compilation cannot be stopped half-way. False: it is still at it, nothing
 * was freed, and whatever it uses must stay until the process ends.
 */
bool reload_stop(struct reload **reload, uint32_t wait_ms) MUST_USE;

#endif
