/* Children of `weir demo`: the program itself, started with other arguments. They end when the demonstration ends. */
#ifndef CLI_DEMO_CHILD_H
#define CLI_DEMO_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/status.h"

/* Descriptors are -1 where there is no pipe. Those that the parent holds don't block. */
struct demo_child {
    pid_t pid; /* 0: not running */
    int in, out, err;
    int exit_code; /* once it has ended: its code, or 128 + the signal */
};

#define DEMO_CHILD_NONE ((struct demo_child){.in = -1, .out = -1, .err = -1})

/*
 * Starts /proc/self/exe with `arguments` (ending with NULL). `with_in` gives it a pipe as stdin, otherwise /dev/null;
 * stdout is a pipe; stderr is `err_fd`, or a pipe if that is -1.
 */
enum status demo_child_start(char *const *arguments, bool with_in, int err_fd, struct error *error,
                             struct demo_child *ret_child) MUST_USE;

/* Looks whether it has ended, without waiting. True if it is not running (any more). */
bool demo_child_ended(struct demo_child *child);

/* SIGTERM, and SIGKILL if it has not ended after `wait_ms`. Accepts one that is not running. */
void demo_child_stop(struct demo_child *child, int64_t wait_ms);

/* Closes a descriptor that is open and sets it to -1. */
void demo_child_close(int *fd);

#endif
