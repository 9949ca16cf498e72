#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/number_text.h"

#define LOG_CUT ",\"cut\":true"
#define LOG_END "}\n"

/* A line is put together here without the heap, so that a log line still comes out when memory does not. */
struct log_line {
    char data[LOG_LINE_MAX];
    size_t size;
    bool cut;
};

static _Atomic int log_level_now = LOG_INFO;
static _Atomic int log_fd = STDERR_FILENO;

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&log_level_now, (int)level, memory_order_relaxed);
}

void log_set_fd(int fd)
{
    atomic_store_explicit(&log_fd, fd, memory_order_relaxed);
}

/* Leaves room for the end of the line, and for the closing quote of a text: that may take the size to room + 1. */
static bool log_put(struct log_line *line, const char *text, size_t size)
{
    size_t room = sizeof line->data - (sizeof LOG_CUT - 1) - (sizeof LOG_END - 1) - 1;

    if (line->size >= room || size > room - line->size) {
        line->cut = true;
        return false;
    }
    memcpy(line->data + line->size, text, size);
    line->size += size;
    return true;
}

static void log_put_text(struct log_line *line, const char *text)
{
    size_t size = strlen(text);

    if (!log_put(line, "\"", 1))
        return;
    for (size_t position = 0; position < size;) {
        char unit[JSON_TEXT_UNIT_MAX];
        size_t length = json_text_escape(text, size, &position, unit);
        if (!log_put(line, unit, length))
            break;
    }
    line->data[line->size++] = '"'; /* log_put keeps room for it */
}

static void log_put_value(struct log_line *line, const struct log_field *field)
{
    char number[NUMBER_TEXT_SIZE] = "null";

    switch (field->type) {
    case LOG_FIELD_TEXT:
        if (field->text) {
            log_put_text(line, field->text);
            return;
        }
        break;
    case LOG_FIELD_INTEGER:
        snprintf(number, sizeof number, "%" PRId64, field->integer);
        break;
    case LOG_FIELD_REAL:
        if (isfinite(field->real))
            number_text(field->real, number);
        break;
    case LOG_FIELD_END:
        break;
    }
    log_put(line, number, strlen(number));
}

/* All of the name and at least the beginning of the value, or nothing. */
static void log_put_field(struct log_line *line, const struct log_field *field)
{
    size_t start = line->size;
    bool cut = line->cut;

    line->cut = false;
    log_put(line, ",", 1);
    log_put_text(line, field->name);
    log_put(line, ":", 1);
    size_t value = line->size;
    if (!line->cut)
        log_put_value(line, field);
    if (line->cut && line->size <= value + 1)
        line->size = start;
    line->cut |= cut;
}

static void log_send(const struct log_line *line)
{
    int fd = atomic_load_explicit(&log_fd, memory_order_relaxed);
    const char *data = line->data;
    size_t size = line->size;

    while (size > 0) {
        ssize_t done = write(fd, data, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return; /* there is nobody left to tell */
        data += done;
        size -= (size_t)done;
    }
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    struct log_line line;
    char time[CLOCK_TEXT_SIZE];
    int saved = errno;

    if ((int)level < atomic_load_explicit(&log_level_now, memory_order_relaxed))
        return;
    clock_text(clock_now_ms(), time);
    line.size = (size_t)snprintf(line.data, sizeof line.data, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":", time,
                                 names[level <= LOG_ERROR ? level : LOG_ERROR]);
    line.cut = false;
    log_put_text(&line, event);
    for (; fields && fields->type != LOG_FIELD_END; fields++)
        log_put_field(&line, fields);

    if (line.cut) {
        memcpy(line.data + line.size, LOG_CUT, sizeof LOG_CUT - 1);
        line.size += sizeof LOG_CUT - 1;
    }
    memcpy(line.data + line.size, LOG_END, sizeof LOG_END - 1);
    line.size += sizeof LOG_END - 1;
    log_send(&line);
    errno = saved;
}
