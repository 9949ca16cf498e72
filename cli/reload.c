#include "cli/reload.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/demotions.h"
#include "cli/reload_pin.h"
#include "cli/reload_set.h"

#define LOOK_MS 10000     /* how often files are looked at although the system told nothing: network folders */
#define LOOK_POOR_MS 1000 /* the same where the system cannot watch them */
#define REAP_MS 100
#define FORGET_MS 60000

void reload_wake(struct reload *reload)
{
    uint64_t one = 1;
    if (write(reload->wake_fd, &one, sizeof one) < 0) {
        return; /* the counter is full: it will wake anyway */
    }
}

/* The thread. */

static void watch_all(struct reload *reload)
{
    const char **paths = reload->capture ? capture_watched(reload->capture) : NULL;
    size_t count = 0;
    while (paths && paths[count]) {
        count++;
    }
    const char **all = calloc(count + 3 + reload->settings->path_count, sizeof *all);
    char *pin = reload_pin_path(generations_folder(reload->generations));
    char *demoted = demotions_folder(generations_folder(reload->generations));
    enum status status = STATUS_NO_MEMORY;
    if (all && pin && demoted) {
        size_t used = 0;
        all[used++] = pin;
        all[used++] = demoted;
        for (uint32_t i = 0; reload->settings->watch && !paths && i < reload->settings->path_count; i++) {
            all[used++] = reload->settings->paths[i];
        }
        for (size_t i = 0; reload->settings->watch && i < count; i++) {
            all[used++] = paths[i];
        }
        status = watch_set(reload->watch, all);
    }
    bool well = status == STATUS_OK;
    if (!well && reload->state.watching_well) {
        log_event(
            LOG_WARNING, "rules_watched_slowly", LOG_TEXT("reason", status_text(status)),
            LOG_TEXT("remedy", "raise fs.inotify.max_user_watches and max_user_instances, or watch fewer folders"));
    }
    reload->unread |= reload->state.watching_well != well;
    reload->state.watching_well = well;
    free(demoted);
    free(pin);
    free(all);
    free(paths);
}

/* Looks at everything that may have changed, and acts. */
static void look_around(struct reload *reload)
{
    reload_load_follow_pin(reload);
    reload_flood_follow(reload, false);
    if (!reload->settings->watch) {
        return;
    }
    bool stale = !reload->capture || capture_is_stale(reload->capture);
    if (reload_load_is_pinned(reload)) {
        reload->unread |= reload->state.changed_on_disk != stale;
        reload->state.changed_on_disk = stale;
        return;
    }
    if (stale || reload->retry) {
        reload_load_files(reload, RELOAD_FILES);
    }
}

static void answer_request(struct reload *reload)
{
    reload_load_follow_pin(reload);
    if (reload_load_is_pinned(reload)) {
        log_event(LOG_WARNING, "rules_pinned", LOG_TEXT("generation", reload->state.pinned),
                  LOG_TEXT("reason", "a rollback holds them: 'weir rules resume' takes the files on the disk again"));
        return;
    }
    reload_load_files(reload, RELOAD_SIGNAL);
}

/* Times of the thread, in ticks. */
struct rounds {
    int64_t look_ms, forget_ms;
    uint32_t retired;
};

static int wait_ms(const struct reload *reload, const struct rounds *rounds, int64_t now_ms)
{
    int64_t due = watch_due_in(reload->watch, now_ms);
    int64_t wait = due >= 0 ? due : rounds->look_ms - now_ms; /* while files change nobody looks */
    wait = rounds->retired > 0 && wait > REAP_MS ? REAP_MS : wait;
    return wait < 0 ? 0 : (int)wait;
}

static void turn(struct reload *reload, struct rounds *rounds)
{
    struct pollfd fds[] = {{.fd = reload->wake_fd, .events = POLLIN},
                           {.fd = watch_fd(reload->watch), .events = POLLIN}};
    (void)poll(fds, 2, wait_ms(reload, rounds, clock_ticks_ms()));
    uint64_t woken;
    if (read(reload->wake_fd, &woken, sizeof woken) < 0 && errno != EAGAIN && errno != EINTR) {
        return;
    }
    int64_t now_ms = clock_ticks_ms();
    watch_read(reload->watch, now_ms);
    reload_flood_keep(reload);
    int64_t due_ms = watch_due_in(reload->watch, now_ms);
    if (atomic_exchange(&reload->asked, false)) {
        answer_request(reload);
    } else if (due_ms == 0 || (due_ms < 0 && now_ms >= rounds->look_ms)) {
        watch_take(reload->watch);
        look_around(reload);
        rounds->look_ms = now_ms + (reload->state.watching_well ? LOOK_MS : LOOK_POOR_MS);
    }
    if (reload->unread || watch_is_stale(reload->watch)) {
        watch_all(reload);
        /* What changed before it was watched was not told: look again soon. */
        rounds->look_ms = clock_ticks_ms();
    }
    if (reload->unread) {
        reload_show_write(reload);
    }
    if (now_ms >= rounds->forget_ms) {
        flood_forget(reload->flood, clock_now_ms());
        rounds->forget_ms = now_ms + FORGET_MS;
    }
    rounds->retired = slot_reap(reload->slot);
    reload_show_gauge(reload, "weir_rules_retired_sets", "Replaced rule sets that a worker still holds.",
                      rounds->retired);
}

static void *reload_main(void *context)
{
    struct reload *reload = context;
    struct rounds rounds = {.forget_ms = clock_ticks_ms() + FORGET_MS};
    watch_all(reload);
    reload->unread = true;
    while (!atomic_load(&reload->stopping)) {
        turn(reload, &rounds);
    }
    return NULL;
}

/* Start and end. */

static enum status open_parts(struct reload *reload, struct findings *findings, struct error *error)
{
    const struct reload_settings *settings = reload->settings;
    struct flood_settings flood = {
        .max_per_minute = settings->max_per_minute, .on_demoted = reload_flood_on_demoted, .context = reload};
    enum status status = generations_open(settings->data, true, error, &reload->generations);
    if (status == STATUS_OK) {
        status = demotions_prepare(generations_folder(reload->generations), error);
    }
    if (status == STATUS_OK) {
        status = flood_new(&flood, &reload->flood);
    }
    if (status == STATUS_OK) {
        status = watch_new(settings->settle_ms, &reload->watch);
    }
    if (status == STATUS_OK) {
        status = reload_load_start(reload, findings, error);
    }
    if (status == STATUS_OK) {
        reload_flood_follow(reload, true);
    }
    return status;
}

static void reload_free(struct reload **reload)
{
    struct reload *ending = *reload;
    slot_free(&ending->slot);
    flood_free(&ending->flood);
    capture_free(&ending->capture);
    watch_free(&ending->watch);
    generations_free(&ending->generations);
    arena_free(&ending->kept_arena);
    reload_state_clear(&ending->state);
    if (ending->wake_fd >= 0) {
        close(ending->wake_fd);
    }
    (void)pthread_mutex_destroy(&ending->lock);
    free(ending);
    *reload = NULL;
}

enum status reload_open(const struct reload_settings *settings, struct metrics *metrics, struct findings *findings,
                        struct error *error, struct reload **ret_reload)
{
    struct reload *reload = calloc(1, sizeof *reload);
    if (!reload) {
        return STATUS_NO_MEMORY;
    }
    if (pthread_mutex_init(&reload->lock, NULL) != 0) {
        free(reload);
        return STATUS_SYSTEM;
    }
    reload->settings = settings;
    reload->metrics = metrics;
    reload->state.started_at_ms = clock_now_ms();
    reload->state.watching = settings->watch;
    reload->state.watching_well = true;
    atomic_init(&reload->stopping, false);
    atomic_init(&reload->asked, false);
    reload->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum status status = reload->wake_fd >= 0 ? open_parts(reload, findings, error) : STATUS_SYSTEM;
    if (status != STATUS_OK) {
        reload_free(&reload);
        return status;
    }
    *ret_reload = reload;
    return STATUS_OK;
}

struct slot *reload_slot(struct reload *reload)
{
    return reload->slot;
}

struct flood *reload_flood(struct reload *reload)
{
    return reload->flood;
}

enum status reload_start(struct reload *reload)
{
    reload_show_write(reload);
    if (pthread_create(&reload->thread, NULL, reload_main, reload) != 0) {
        return STATUS_SYSTEM;
    }
    (void)pthread_setname_np(reload->thread, "rules");
    reload->started = true;
    return STATUS_OK;
}

void reload_ask(struct reload *reload)
{
    atomic_store(&reload->asked, true);
    reload_wake(reload);
}

bool reload_stop(struct reload **reload, uint32_t wait_ms)
{
    if (!*reload) {
        return true;
    }
    if ((*reload)->started) {
        struct timespec until;
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += wait_ms / 1000;
        until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        atomic_store(&(*reload)->stopping, true);
        reload_wake(*reload);
        if (pthread_timedjoin_np((*reload)->thread, NULL, &until) != 0) {
            return false;
        }
    }
    reload_free(reload);
    return true;
}
