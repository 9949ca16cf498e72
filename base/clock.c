#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* The years 0000 to 9999, which is what four digits can show. */
#define CLOCK_TEXT_MIN_MS INT64_C(-62167219200000)
#define CLOCK_TEXT_MAX_MS INT64_C(253402300799999)

static struct timespec clock_read(clockid_t id)
{
    struct timespec time;

    if (clock_gettime(id, &time) != 0)
        abort(); /* these clocks exist wherever this builds */
    return time;
}

int64_t clock_now_ms(void)
{
    struct timespec time = clock_read(CLOCK_REALTIME);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

int64_t clock_ticks_ms(void)
{
    struct timespec time = clock_read(CLOCK_MONOTONIC);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

int64_t clock_ticks_ns(void)
{
    struct timespec time = clock_read(CLOCK_MONOTONIC);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t clock_thread_ns(void)
{
    struct timespec time = clock_read(CLOCK_THREAD_CPUTIME_ID);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

void clock_text(int64_t unix_ms, char text[CLOCK_TEXT_SIZE])
{
    if (unix_ms < CLOCK_TEXT_MIN_MS)
        unix_ms = CLOCK_TEXT_MIN_MS;
    if (unix_ms > CLOCK_TEXT_MAX_MS)
        unix_ms = CLOCK_TEXT_MAX_MS;
    int64_t milliseconds = unix_ms % 1000;
    if (milliseconds < 0)
        milliseconds += 1000;

    time_t seconds = (time_t)((unix_ms - milliseconds) / 1000);
    struct tm parts;
    if (!gmtime_r(&seconds, &parts))
        abort(); /* cannot happen within the years above */
    /* The remainders change nothing; they let the compiler see that the text fits. */
    snprintf(text, CLOCK_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)(parts.tm_year + 1900) % 10000,
             (unsigned)(parts.tm_mon + 1) % 100, (unsigned)parts.tm_mday % 100, (unsigned)parts.tm_hour % 100,
             (unsigned)parts.tm_min % 100, (unsigned)parts.tm_sec % 100, (unsigned)milliseconds % 1000);
}
