/*
 * What the files of the reload share; only for cli/reload*.c. The thread of the reload owns it all, but for what is said
 * otherwise. At the start, before there is a thread, the caller of reload_open does.
 */
#ifndef CLI_RELOAD_SET_H
#define CLI_RELOAD_SET_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/capture.h"
#include "cli/generations.h"
#include "cli/reload.h"
#include "cli/reload_state.h"
#include "cli/watch.h"
#include "rules/model.h"

#define RELOAD_ARENA_CHUNK ((size_t)16 << 10)
#define RELOAD_ARENA_MAX ((size_t)1 << 30)
#define RELOAD_FALLEN_MAX 64 /* that wait for the thread; more are demoted all the same, but not over a restart */

/* A rule that a worker saw demoted. */
struct reload_fallen {
    char rule[MODEL_ID_SIZE_MAX + 1];
    uint32_t max_per_minute;
    int64_t at_ms;
};

struct reload {
    const struct reload_settings *settings;
    struct metrics *metrics;
    struct generations *generations;
    struct slot *slot;
    struct flood *flood;
    struct capture *capture; /* of the last load from the disk; NULL: none yet */
    struct watch *watch;
    struct generations_item kept; /* the live set's files */
    struct arena *kept_arena;
    struct reload_state state;
    bool retry;  /* the last load failed for want of memory or the like */
    bool unread; /* the state was not written yet */

    pthread_t thread;
    bool started;
    int wake_fd;
    atomic_bool stopping, asked;
    pthread_mutex_t lock; /* guards what follows */
    struct reload_fallen fallen[RELOAD_FALLEN_MAX];
    uint32_t fallen_count;
};

void reload_wake(struct reload *reload);

/* cli/reload_show.c: what the operator sees */
void reload_show_gauge(struct reload *reload, const char *name, const char *help, int64_t value);
void reload_show_ruleset(struct reload *reload, struct ruleset *ruleset);
void reload_show_log(const struct reload *reload, struct ruleset *ruleset, const char *event);
void reload_show_write(struct reload *reload); /* the state, for `weir rules status` */
void reload_show_count(struct reload *reload, const char *result);

/* cli/reload_flood.c: demoted rules */
void reload_flood_on_demoted(void *context, const char *rule, uint32_t max_per_minute, int64_t now_ms);
void reload_flood_keep(struct reload *reload); /* writes down those that workers saw demoted */
void reload_flood_restore_changed(struct reload *reload, const struct ruleset *ruleset);
void reload_flood_follow(struct reload *reload, bool first);

/* cli/reload_load.c */
enum status reload_load_start(struct reload *reload, struct findings *findings, struct error *error) MUST_USE;
void reload_load_files(struct reload *reload, enum reload_trigger trigger);
void reload_load_follow_pin(struct reload *reload);
bool reload_load_is_pinned(const struct reload *reload);

#endif
