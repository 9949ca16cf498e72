/* Time, in milliseconds. Logic takes the time as an argument; only the edges of the program ask the clock. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Unix time. */
int64_t clock_now_ms(void);

/* Monotonic, for durations and timeouts. */
int64_t clock_ticks_ms(void);
int64_t clock_ticks_ns(void);

/* Processor time of the calling thread: what it worked, not how long it waited for a core. Costs a system call. */
int64_t clock_thread_ns(void);

/* Writes "2026-01-31T12:34:56.789Z" and a NUL: 25 bytes. */
#define CLOCK_TEXT_SIZE 25
void clock_text(int64_t unix_ms, char text[CLOCK_TEXT_SIZE]);

#endif
