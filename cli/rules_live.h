/* What `weir rules status`, `rollback`, `resume` and `restore` share: they look at and act on a `weir run`'s rules. */
#ifndef CLI_RULES_LIVE_H
#define CLI_RULES_LIVE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "cli/generations.h"
#include "cli/rules.h"

struct rules_live {
    struct rules_arguments arguments;
    const char *data;
    bool data_given;
    bool all; /* --all, where it is an option */
    struct arena *arena;
    struct generations *generations;
    bool running;                  /* a weir run has the data folder */
    json_t *state;                 /* DATA/rules/status.json; NULL: there is none */
    struct generations_item *kept; /* newest first */
    uint32_t kept_count;
};

/*
 * Reads options and everything there is. `words_max`: how many words are allowed after the options. False: stop with
 * *ret_exit. Always followed by rules_live_close.
 */
bool rules_live_open(struct rules_live *live, const char *command, const char *help, bool takes_all, uint32_t words_max,
                     int argc, char **argv, int *ret_exit);
void rules_live_close(struct rules_live *live);

/* Reads the state again. */
void rules_live_refresh(struct rules_live *live);

/* The generation that is live, as far as is known; "" if it is not. */
const char *rules_live_generation(const struct rules_live *live);

/* Waits until `done` says so or `patience_ms` are over; refreshes the state before each try. False: it never did. */
bool rules_live_wait(struct rules_live *live, int64_t patience_ms, bool (*done)(struct rules_live *live, void *context),
                     void *context);

#define RULES_LIVE_PATIENCE_MS 60000 /* compiling may take long */

#endif
