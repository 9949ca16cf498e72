#include "rules/compile_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "rules/compile_wire.h"

#define START_MS 20000    /* for the helper to say who it is, on a machine that has much else to do */
#define CLOCK_FACTOR 10   /* what the processor does in a second may take this many by the clock */
#define CLOCK_MIN_MS 5000 /* and never less than this */
#define PATH_SIZE 4096

#ifndef WEIR_COMPILE_INSTALLED
#error "the build says where weir-compile is installed"
#endif

struct compile_child {
    const char *path;
    uint32_t memory_mib;
    pid_t process; /* 0: none */
    int socket;    /* -1: none */
};

static char *runnable(const char *folder, const char *rest)
{
    char *path = NULL;
    if (asprintf(&path, "%s%s", folder, rest) < 0) {
        return NULL;
    }
    if (access(path, X_OK) != 0) {
        free(path);
        return NULL;
    }
    return path;
}

char *compile_child_find(void)
{
    char program[PATH_SIZE];
    char *path = NULL;
    ssize_t size = readlink("/proc/self/exe", program, sizeof program - 1);
    if (size > 0 && (size_t)size < sizeof program - 1) {
        program[size] = '\0';
        char *slash = strrchr(program, '/');
        if (slash) {
            *slash = '\0';
            path = runnable(program, "/weir-compile");
            path = path ? path : runnable(program, "/../libexec/weir/weir-compile");
        }
    }
    return path ? path : runnable(WEIR_COMPILE_INSTALLED, "");
}

enum status compile_child_new(const char *path, uint32_t memory_mib, struct compile_child **ret_child)
{
    struct compile_child *child = calloc(1, sizeof *child);
    if (!child) {
        return STATUS_NO_MEMORY;
    }
    *child = (struct compile_child){.path = path, .memory_mib = memory_mib, .socket = -1};
    *ret_child = child;
    return STATUS_OK;
}

/* Kills it if it still runs. Returns the signal that ended it, or 0. */
static int end(struct compile_child *child)
{
    int how = 0;
    if (child->socket >= 0) {
        (void)close(child->socket);
        child->socket = -1;
    }
    if (child->process > 0) {
        (void)kill(child->process, SIGKILL);
        while (waitpid(child->process, &how, 0) < 0 && errno == EINTR) {
        }
        child->process = 0;
    }
    return WIFSIGNALED(how) ? WTERMSIG(how) : 0;
}

void compile_child_free(struct compile_child **child)
{
    if (*child) {
        (void)end(*child);
        free(*child);
        *child = NULL;
    }
}

int compile_child_process(const struct compile_child *child)
{
    return child->process;
}

/* STATUS_TIMEOUT; STATUS_CLOSED when the other end is gone. */
static enum status wait_for(int socket, short events, int64_t deadline_ms)
{
    for (;;) {
        int64_t left_ms = deadline_ms - clock_ticks_ms();
        struct pollfd ready = {.fd = socket, .events = events};
        int count = left_ms > 0 ? poll(&ready, 1, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms) : 0;
        if (count > 0) {
            return ready.revents & events ? STATUS_OK : STATUS_CLOSED;
        }
        if (count == 0 && clock_ticks_ms() >= deadline_ms) {
            return STATUS_TIMEOUT;
        }
        if (count < 0 && errno != EINTR) {
            return STATUS_CLOSED;
        }
    }
}

static enum status take(int socket, void *data, size_t size, int64_t deadline_ms)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = recv(socket, (char *)data + done, size - done, MSG_DONTWAIT);
        if (got > 0) {
            done += (size_t)got;
            continue;
        }
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            return STATUS_CLOSED;
        }
        enum status status = wait_for(socket, POLLIN, deadline_ms);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

static enum status give(int socket, const void *data, size_t size, int64_t deadline_ms)
{
    for (size_t done = 0; done < size;) {
        ssize_t put = send(socket, (const char *)data + done, size - done, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put > 0) {
            done += (size_t)put;
            continue;
        }
        if (put < 0 && errno != EAGAIN && errno != EINTR) {
            return STATUS_CLOSED;
        }
        enum status status = wait_for(socket, POLLOUT, deadline_ms);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/*
 * The helper gets its end of the socket as standard input and output, nothing else of what is open here, no blocked
 * signals, and a process group of its own, so that Ctrl-C in a terminal is for Weir alone.
 */
static int spawn(struct compile_child *child, int socket)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, ignored;
    char memory[16];
    char program[] = "weir-compile";
    char *arguments[] = {program, memory, NULL};
    char locale[] = "LC_ALL=C";
    char *environment[] = {locale, NULL};
    (void)sigemptyset(&none);
    (void)sigemptyset(&ignored);
    (void)sigaddset(&ignored, SIGPIPE);
    (void)snprintf(memory, sizeof memory, "%u", child->memory_mib);
    int result = posix_spawn_file_actions_init(&actions);
    if (result != 0) {
        return result;
    }
    result = posix_spawnattr_init(&attributes);
    if (result != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return result;
    }
    const int steps[] = {
        posix_spawn_file_actions_adddup2(&actions, socket, STDIN_FILENO),
        posix_spawn_file_actions_adddup2(&actions, socket, STDOUT_FILENO),
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0),
        posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1),
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP),
        posix_spawnattr_setsigmask(&attributes, &none),
        posix_spawnattr_setsigdefault(&attributes, &ignored),
        posix_spawnattr_setpgroup(&attributes, 0),
    };
    for (size_t i = 0; result == 0 && i < sizeof steps / sizeof *steps; i++) {
        result = steps[i];
    }
    if (result == 0) {
        result = posix_spawn(&child->process, child->path, &actions, &attributes, arguments, environment);
    }
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return result;
}

static enum status start(struct compile_child *child, struct error *error)
{
    int ends[2];
    if (child->process > 0) {
        return STATUS_OK;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        error_set(error, "cannot make a socket for %s: %s", child->path, strerror(errno));
        return STATUS_SYSTEM;
    }
    int result = spawn(child, ends[1]);
    (void)close(ends[1]);
    child->socket = ends[0];
    if (result != 0) {
        child->process = 0;
        (void)end(child);
        error_set(error, "cannot start %s: %s", child->path, strerror(result));
        return STATUS_SYSTEM;
    }
    struct compile_greeting greeting;
    char name[COMPILE_ENGINE_NAME_SIZE];
    compile_engine_name(name);
    enum status status = take(child->socket, &greeting, sizeof greeting, clock_ticks_ms() + START_MS);
    if (status != STATUS_OK || greeting.magic != COMPILE_WIRE_MAGIC) {
        (void)end(child);
        error_set(error, "%s does not answer as it should: is it of another version?", child->path);
        return STATUS_SYSTEM;
    }
    if (strncmp(greeting.engine, name, sizeof name) != 0) {
        (void)end(child);
        error_set(error, "%s uses another Hyperscan (%.*s) than this program (%s)", child->path, 40, greeting.engine,
                  name);
        return STATUS_SYSTEM;
    }
    return STATUS_OK;
}

static enum status send_request(struct compile_child *child, enum compile_kind kind, const struct span *items,
                                uint32_t count, uint32_t time_ms, int64_t deadline_ms)
{
    struct buffer bytes = BUFFER_INIT(COMPILE_BYTES_MAX + (size_t)count * sizeof(uint32_t) + 64);
    struct compile_request head = {.magic = COMPILE_WIRE_MAGIC, .kind = kind, .count = count, .time_ms = time_ms};
    enum status status = buffer_append(&bytes, &head, sizeof head);
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        uint32_t size = (uint32_t)items[i].size;
        head.bytes += (uint64_t)size + 1;
        status = items[i].size < UINT32_MAX ? buffer_append(&bytes, &size, sizeof size) : STATUS_LIMIT;
    }
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        status = buffer_append(&bytes, items[i].data, items[i].size);
        if (status == STATUS_OK) {
            status = buffer_append_byte(&bytes, '\0');
        }
    }
    if (status == STATUS_OK) {
        memcpy(bytes.data, &head, sizeof head);
        status = give(child->socket, bytes.data, bytes.size, deadline_ms);
    }
    buffer_free(&bytes);
    return status;
}

static enum status take_answer(struct compile_child *child, uint32_t count, bool *refused, int64_t deadline_ms,
                               enum status *ret_result, struct buffer *ret_database)
{
    struct compile_answer head;
    enum status status = take(child->socket, &head, sizeof head, deadline_ms);
    if (status == STATUS_OK && (head.magic != COMPILE_WIRE_MAGIC || head.size > COMPILE_DATABASE_MAX)) {
        return STATUS_CLOSED;
    }
    uint8_t *flags = calloc(count, sizeof *flags);
    if (!flags) {
        return STATUS_NO_MEMORY;
    }
    if (status == STATUS_OK) {
        status = take(child->socket, flags, count, deadline_ms);
    }
    if (status == STATUS_OK) {
        status = buffer_reserve(ret_database, head.size);
    }
    if (status == STATUS_OK) {
        status = take(child->socket, ret_database->data + ret_database->size, head.size, deadline_ms);
    }
    if (status == STATUS_OK) {
        ret_database->size += head.size;
        for (uint32_t i = 0; i < count; i++) {
            refused[i] = refused[i] || flags[i] != 0;
        }
        *ret_result = (enum status)head.status;
    }
    free(flags);
    return status;
}

enum status compile_child_run(struct compile_child *child, enum compile_kind kind, const struct span *items,
                              uint32_t count, uint32_t time_ms, bool *refused, struct buffer *ret_database,
                              struct error *error)
{
    if (count == 0 || count > COMPILE_ITEMS_MAX) {
        return STATUS_LIMIT;
    }
    enum status status = start(child, error);
    if (status != STATUS_OK) {
        return status;
    }
    int64_t wait_ms = (int64_t)time_ms * CLOCK_FACTOR;
    int64_t deadline_ms = clock_ticks_ms() + (wait_ms < CLOCK_MIN_MS ? CLOCK_MIN_MS : wait_ms);
    enum status result = STATUS_OK;
    status = send_request(child, kind, items, count, time_ms, deadline_ms);
    if (status == STATUS_OK) {
        status = take_answer(child, count, refused, deadline_ms, &result, ret_database);
    }
    switch (status) {
    case STATUS_OK:
        /* The helper's memory has a limit of its own: it says nothing about this process. */
        return result == STATUS_NO_MEMORY ? STATUS_LIMIT : result;
    case STATUS_CLOSED:
        return end(child) == SIGPROF ? STATUS_LIMIT : STATUS_CLOSED;
    case STATUS_TIMEOUT:
        (void)end(child);
        return STATUS_CLOSED;
    default:
        (void)end(child); /* in the middle of an answer */
        return status;
    }
}
