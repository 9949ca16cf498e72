#include "cli/progress.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"

#define PROGRESS_INTERVAL_MS 100
#define PROGRESS_BAR_WIDTH 30
#define PROGRESS_LINE_SIZE 256

void progress_start(struct progress *progress, const char *label, const char *unit, uint64_t total)
{
    const char *terminal = getenv("TERM");
    bool dumb = terminal != NULL && strcmp(terminal, "dumb") == 0;
    *progress = (struct progress){.label = label, .unit = unit, .total = total, .started_ms = clock_ticks_ms()};
    progress->active = !dumb && isatty(STDERR_FILENO) == 1;
}

static int progress_columns(void)
{
    struct winsize window;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0) {
        return 80;
    }
    return window.ws_col;
}

static void progress_draw(const struct progress *progress, uint64_t done, double seconds)
{
    char bar[PROGRESS_BAR_WIDTH + 16] = "";
    char line[PROGRESS_LINE_SIZE];
    char left[48] = "";
    double rate = seconds > 0 ? (double)done / seconds : 0;
    if (progress->total > 0) {
        double part = done >= progress->total ? 1 : (double)done / (double)progress->total;
        int filled = (int)(part * PROGRESS_BAR_WIDTH);
        char cells[PROGRESS_BAR_WIDTH + 1];
        memset(cells, '.', PROGRESS_BAR_WIDTH);
        memset(cells, '#', (size_t)filled);
        cells[PROGRESS_BAR_WIDTH] = '\0';
        snprintf(bar, sizeof bar, " [%s] %3d%%", cells, (int)(part * 100));
        if (rate > 0 && done < progress->total) {
            snprintf(left, sizeof left, ", %.0f s left", (double)(progress->total - done) / rate);
        }
    }
    bool bytes = strcmp(progress->unit, "bytes") == 0; /* in MB, or the line gets too long for a terminal */
    int size = bytes ? snprintf(line, sizeof line, "%s%s %.1f MB, %.1f MB/s%s", progress->label, bar,
                                (double)done / 1e6, rate / 1e6, left)
                     : snprintf(line, sizeof line, "%s%s %" PRIu64 " %s, %.0f/s%s", progress->label, bar, done,
                                progress->unit, rate, left);
    int columns = progress_columns();
    int width = size < columns ? size : columns - 1;
    fprintf(stderr, "\r%.*s\x1b[K", width < (int)sizeof line ? width : (int)sizeof line - 1, line);
    fflush(stderr);
}

void progress_update(struct progress *progress, uint64_t done)
{
    if (!progress->active) {
        return;
    }
    int64_t now_ms = clock_ticks_ms();
    if (progress->drawn_ms != 0 && now_ms - progress->drawn_ms < PROGRESS_INTERVAL_MS) {
        return;
    }
    progress->drawn_ms = now_ms;
    progress_draw(progress, done, (double)(now_ms - progress->started_ms) / 1000);
}

void progress_end(struct progress *progress)
{
    if (progress->active && progress->drawn_ms != 0) {
        fputs("\r\x1b[K", stderr);
        fflush(stderr);
    }
    progress->active = 0;
}
