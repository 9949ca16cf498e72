/* A progress bar on stderr for long work, drawn at most ten times a second and only if stderr is a terminal. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdint.h>

struct progress {
    const char *label; /* "scanning" */
    const char *unit;  /* "messages" */
    uint64_t total;    /* 0: not known */
    int64_t started_ms, drawn_ms;
    int active;
};

void progress_start(struct progress *progress, const char *label, const char *unit, uint64_t total);
void progress_update(struct progress *progress, uint64_t done);
/* Wipes the bar from the line. */
void progress_end(struct progress *progress);

#endif
