#include "cli/demo_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

void demo_child_close(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

/* In the child, after fork: only calls that are safe there. */
static void child_become(char *const *arguments, pid_t parent, int in, int out, int err)
{
    static const int reset[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    for (size_t i = 0; i < sizeof reset / sizeof *reset; i++) {
        (void)signal(reset[i], SIG_DFL);
    }
    /* A group of its own: Ctrl-C reaches the demonstration alone, which ends its children in order. */
    if (setpgid(0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent) {
        _exit(127);
    }
    if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0) {
        _exit(127);
    }
    (void)execv("/proc/self/exe", arguments);
    _exit(127);
}

static void close_pair(int pair[2])
{
    demo_child_close(&pair[0]);
    demo_child_close(&pair[1]);
}

enum status demo_child_start(char *const *arguments, bool with_in, int err_fd, struct error *error,
                             struct demo_child *ret_child)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1};
    bool ok = pipe2(out, O_CLOEXEC) == 0 && (err_fd >= 0 || pipe2(err, O_CLOEXEC) == 0);
    if (ok && with_in) {
        ok = pipe2(in, O_CLOEXEC) == 0;
    } else if (ok) {
        in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        ok = in[0] >= 0;
    }
    const int mine[] = {in[1], out[0], err[0]};
    for (size_t i = 0; ok && i < sizeof mine / sizeof *mine; i++) {
        ok = mine[i] < 0 || fcntl(mine[i], F_SETFL, O_NONBLOCK) == 0;
    }
    pid_t parent = getpid();
    pid_t pid = ok ? fork() : -1;
    if (pid == 0) {
        child_become(arguments, parent, in[0], out[1], err_fd >= 0 ? err_fd : err[1]);
    }
    if (pid < 0) {
        error_set(error, "cannot start a process: %s", strerror(errno));
        close_pair(in);
        close_pair(out);
        close_pair(err);
        return STATUS_SYSTEM;
    }
    demo_child_close(&in[0]);
    demo_child_close(&out[1]);
    demo_child_close(&err[1]);
    *ret_child = (struct demo_child){.pid = pid, .in = in[1], .out = out[0], .err = err[0]};
    return STATUS_OK;
}

static bool child_reap(struct demo_child *child, int options)
{
    int state;
    pid_t pid;
    do {
        pid = waitpid(child->pid, &state, options);
    } while (pid < 0 && errno == EINTR);
    if (pid == 0) {
        return false;
    }
    child->exit_code = pid < 0 ? 127 : WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
    child->pid = 0;
    return true;
}

bool demo_child_ended(struct demo_child *child)
{
    return child->pid <= 0 || child_reap(child, WNOHANG);
}

void demo_child_stop(struct demo_child *child, int64_t wait_ms)
{
    demo_child_close(&child->in);
    if (child->pid > 0) {
        (void)kill(child->pid, SIGTERM);
    }
    int64_t until = clock_ticks_ms() + wait_ms;
    while (!demo_child_ended(child)) {
        char bytes[4096];
        /* Its pipes are emptied so that it cannot hang on a full one. */
        struct pollfd pipes[] = {{.fd = child->out, .events = POLLIN}, {.fd = child->err, .events = POLLIN}};
        (void)poll(pipes, 2, 20);
        for (size_t i = 0; i < 2; i++) {
            if (pipes[i].revents && read(pipes[i].fd, bytes, sizeof bytes) == 0) {
                demo_child_close(i == 0 ? &child->out : &child->err);
            }
        }
        if (clock_ticks_ms() > until) {
            (void)kill(child->pid, SIGKILL);
            (void)child_reap(child, 0);
        }
    }
    demo_child_close(&child->out);
    demo_child_close(&child->err);
}
