/*
 * JSON lines on stderr: one object a line, `{"time":..., "level":..., "event":..., fields}`.
 *
 * Only the program logs; libraries return their failures. Each failure is logged once, with ids. There is no function
 * that takes a span, on purpose: message text must never reach a log.
 *
 *     log_event(LOG_INFO, "ready", LOG_TEXT("listen", endpoint), LOG_INTEGER("workers", 4));
 *
 * Any thread; a line is written with one write(2), so that lines of several threads never mix. A line that would be
 * longer than LOG_LINE_MAX is cut: what does not fit is left out, and it ends with "cut":true. Never allocates, keeps
 * errno.
 *
 * LOG_DEBUG, LOG_INFO and LOG_WARNING are also macros of <syslog.h>: do not include both.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

#ifdef LOG_INFO
#error "base/log.h and <syslog.h> use the same names: include only one of them"
#endif

/* What a pipe takes whole (PIPE_BUF). */
#define LOG_LINE_MAX 4096

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

enum log_field_type { LOG_FIELD_END, LOG_FIELD_TEXT, LOG_FIELD_INTEGER, LOG_FIELD_REAL };

struct log_field {
    const char *name;
    enum log_field_type type;
    const char *text;
    int64_t integer;
    double real;
};

#define LOG_TEXT(field, value)                                                                                         \
    {                                                                                                                  \
        .name = (field), .type = LOG_FIELD_TEXT, .text = (value)                                                       \
    }
#define LOG_INTEGER(field, value)                                                                                      \
    {                                                                                                                  \
        .name = (field), .type = LOG_FIELD_INTEGER, .integer = (int64_t)(value)                                        \
    }
#define LOG_REAL(field, value)                                                                                         \
    {                                                                                                                  \
        .name = (field), .type = LOG_FIELD_REAL, .real = (double)(value)                                               \
    }

/* Lines below `level` are dropped; the default is LOG_INFO. Call before threads start. */
void log_set_level(enum log_level level);

/* Where lines go; the default is 2 (stderr). For tests. */
void log_set_fd(int fd);

/* `fields` ends with a field of type LOG_FIELD_END. Use log_event. Text that is not UTF-8 is escaped byte by byte, as
 * \xNN. */
void log_write(enum log_level level, const char *event, const struct log_field *fields);

#define log_event(level, ...) LOG_EVENT_(level, __VA_ARGS__, {.name = 0, .type = LOG_FIELD_END})
#define LOG_EVENT_(level, event, ...) log_write(level, event, (const struct log_field[]){__VA_ARGS__})

#endif
