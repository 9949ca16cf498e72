/* The messages of a benchmark: all of them in memory before anything is measured. Ends the program on any failure. */
#ifndef BENCHMARKS_CORPUS_H
#define BENCHMARKS_CORPUS_H

#include <stddef.h>

#include "base/span.h"

struct corpus {
    struct span *texts;
    size_t count, capacity;
    size_t bytes;
};

/* JSON lines with `text`; or lines with tabs: the last column. In a file *.lines each line as it is is a message. */
void corpus_read(const char *path, struct corpus *corpus);

/* Keeps `count` messages, spread evenly over all, if there are more. */
void corpus_thin(struct corpus *corpus, size_t count);

/* Takes over `text`, which free() must be able to free. */
void corpus_replace(struct corpus *corpus, size_t i, struct span text);
void corpus_free(struct corpus *corpus);

/* "program: what: name" and exit status 3. */
_Noreturn void corpus_die(const char *what, const char *name);
void *corpus_grow(void *items, size_t count, size_t size);

#endif
