/*
 * weir-compile: compiles searches for Weir in a process of its own, so that what a rule makes Hyperscan do can be stopped.
 * Started by Weir, never by people; speaks rules/compile_wire.h on its standard input and output.
 *
 *     weir-compile MEMORY_MIB
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "rules/compile_wire.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1 /* their shadow memory is larger than any limit */
#else
#define SANITIZED 0
#endif

#define FILES_OPEN_MAX 16
#define NICER 5 /* scanning goes first */

/* Ends the process when there is no more, as Weir tells by closing its end, or has ended. */
static void take(void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = read(STDIN_FILENO, (char *)data + done, size - done);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            _exit(0);
        }
        done += (size_t)got;
    }
}

static void give(const void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t put = write(STDOUT_FILENO, (const char *)data + done, size - done);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            _exit(0);
        }
        done += (size_t)put;
    }
}

static void set_limits(unsigned long memory_mib)
{
    struct rlimit memory = {.rlim_cur = (rlim_t)memory_mib << 20, .rlim_max = (rlim_t)memory_mib << 20};
    struct rlimit none = {0};
    struct rlimit files = {.rlim_cur = FILES_OPEN_MAX, .rlim_max = FILES_OPEN_MAX};
    bool failed = setrlimit(RLIMIT_CORE, &none) != 0 || setrlimit(RLIMIT_NOFILE, &files) != 0;
    failed = (!SANITIZED && setrlimit(RLIMIT_AS, &memory) != 0) || failed;
    /* It never gains rights, writes no file, and ends with the thread that started it. */
    failed = setrlimit(RLIMIT_FSIZE, &none) != 0 || failed;
    failed = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || failed;
    failed = prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || failed;
    if (failed) {
        _exit(3);
    }
    (void)setpriority(PRIO_PROCESS, 0, NICER); /* if that fails, it only competes more */
}

static void set_time(uint32_t time_ms)
{
    struct itimerval timer = {.it_value = {.tv_sec = time_ms / 1000, .tv_usec = (suseconds_t)(time_ms % 1000) * 1000}};
    if (setitimer(ITIMER_PROF, &timer, NULL) != 0) {
        _exit(3);
    }
}

static void answer(enum status status, const bool *refused, uint32_t count, const struct buffer *database)
{
    struct compile_answer head = {.magic = COMPILE_WIRE_MAGIC, .status = status, .size = database->size};
    give(&head, sizeof head);
    give(refused, count * sizeof *refused);
    give(database->data, database->size);
}

/* Limits on the items are checked by Weir; here they only keep a broken peer from doing harm. */
static void serve(const struct compile_request *request)
{
    struct buffer database = BUFFER_INIT(COMPILE_DATABASE_MAX);
    if (request->magic != COMPILE_WIRE_MAGIC || request->count == 0 || request->count > COMPILE_ITEMS_MAX ||
        request->bytes > COMPILE_BYTES_MAX) {
        _exit(3);
    }
    uint32_t *sizes = calloc(request->count, sizeof *sizes);
    struct span *items = calloc(request->count, sizeof *items);
    bool *refused = calloc(request->count, sizeof *refused);
    uint8_t *bytes = malloc(request->bytes + 1);
    if (!sizes || !items || !refused || !bytes) {
        _exit(4);
    }
    take(sizes, request->count * sizeof *sizes);
    take(bytes, request->bytes);
    uint64_t at = 0;
    for (uint32_t i = 0; i < request->count; i++) {
        if (sizes[i] >= request->bytes - at || bytes[at + sizes[i]] != '\0') {
            _exit(3);
        }
        items[i] = span_of(bytes + at, sizes[i]);
        at += (uint64_t)sizes[i] + 1;
    }
    set_time(request->time_ms);
    enum status status =
        compile_engine_run((enum compile_kind)request->kind, items, request->count, refused, &database);
    set_time(0);
    answer(status, refused, request->count, &database);
    free(sizes);
    free(items);
    free(refused);
    free(bytes);
    buffer_free(&database);
}

int main(int argc, char **argv)
{
    unsigned long memory_mib = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    if (memory_mib == 0 || memory_mib > UINT32_MAX) {
        (void)fputs("weir-compile is started by weir and is of no use alone.\n", stderr);
        return 2;
    }
    set_limits(memory_mib);
    struct compile_greeting greeting = {.magic = COMPILE_WIRE_MAGIC};
    compile_engine_name(greeting.engine);
    give(&greeting, sizeof greeting);
    for (;;) {
        struct compile_request request;
        take(&request, sizeof request);
        serve(&request);
    }
}
