/*
 * Tells when something may have changed under a set of paths: inotify on every folder that leads to them, through
 * symbolic links too, so that saves in place, renames over a file, swapped links (a folder of links to `..data/`, say),
 * files that appear and folders that go away and come back are all noticed.
 *
 * It tells that something happened, not what: the caller looks. A file that is open for writing and was written to is
 * waited for until it is closed, within limits. Time is an argument. One thread.
 */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

struct watch;

#define WATCH_FOLDERS_MAX 4096u
#define WATCH_WRITING_MAX_MS 2000 /* so long a file that is being written is waited for */

/* `settle_ms`: so long nothing may happen before watch_is_due; ten times as long is the most that it waits. */
enum status watch_new(uint32_t settle_ms, struct watch **ret_watch) MUST_USE;
void watch_free(struct watch **watch);

/* Polls readable when there is something for watch_read. -1: the system has no watch to give. */
int watch_fd(const struct watch *watch);

/*
 * Watches these paths (ends with NULL) instead of those before. STATUS_LIMIT, STATUS_SYSTEM, STATUS_NO_MEMORY: not all
 * could be watched; the caller should look by itself now and then. What happened before a path was watched is not told.
 */
enum status watch_set(struct watch *watch, const char *const *paths) MUST_USE;

/* Takes in what happened. Never waits. */
void watch_read(struct watch *watch, int64_t now_ms);

/* The folders that lead to the paths have changed: call watch_set again. */
bool watch_is_stale(const struct watch *watch);

/*
 * Milliseconds until watch_is_due can become true without anything else happening; -1: nothing happened, 0: it is.
 */
int64_t watch_due_in(const struct watch *watch, int64_t now_ms);

/* It is time to look. Forgets what happened. */
void watch_take(struct watch *watch);

#endif
