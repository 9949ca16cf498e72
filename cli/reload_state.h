/*
 * What the live rules are and how they came to be: kept by the reload thread, written to DATA/rules/status.json for
 * `weir rules status`. Never holds message text.
 */
#ifndef CLI_RELOAD_STATE_H
#define CLI_RELOAD_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/findings.h"
#include "base/status.h"
#include "cli/demotions.h"
#include "cli/generations.h"

#define RELOAD_STATE_FINDINGS_MAX 50
#define RELOAD_STATE_REFUSED_MAX 100

enum reload_trigger { RELOAD_START, RELOAD_FILES, RELOAD_SIGNAL, RELOAD_ROLLBACK, RELOAD_RESUME };
extern const char *const reload_trigger_names[]; /* "start", "files", "signal", "rollback", "resume" */

/* A pack whose version on the disk was not taken. */
struct reload_refused {
    char *path;
    bool kept; /* its last good version is live; false: it is left out */
};

struct reload_state {
    int64_t started_at_ms;

    char generation[GENERATIONS_ID_SIZE]; /* live */
    int64_t live_since_ms;
    uint32_t rules, shadow, packs, patterns;

    char pinned[GENERATIONS_ID_SIZE]; /* as the pin says; "": none */
    bool pin_failed;                  /* it could not be made live */
    bool changed_on_disk;             /* while pinned: the files are not what was read last */
    struct error pin_error;

    enum reload_trigger trigger; /* of the last load */
    const char *result;          /* "ok", "partly", "failed" */
    int64_t loaded_at_ms, load_ms;
    struct error error; /* why it failed, if findings do not say */
    uint64_t ok, partly, failed;

    struct reload_refused refused[RELOAD_STATE_REFUSED_MAX];
    uint32_t refused_count; /* may be more than are in the array */
    struct findings findings;

    bool watching;      /* changes of files are looked for */
    bool watching_well; /* and the system tells about all of them at once */
};

void reload_state_clear_refused(struct reload_state *state);
void reload_state_add_refused(struct reload_state *state, const char *path, bool kept);
void reload_state_clear(struct reload_state *state);

/* `folder` is DATA/rules. */
enum status reload_state_write(const struct reload_state *state, const char *folder, const struct demotion *demotions,
                               uint32_t demotion_count, int64_t now_ms, struct error *error) MUST_USE;

#endif
