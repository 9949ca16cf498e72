#include "corpus.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void corpus_die(const char *what, const char *name)
{
    (void)fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, name);
    exit(3);
}

void *corpus_grow(void *items, size_t count, size_t size)
{
    void *grown = reallocarray(items, count, size);
    if (!grown) {
        corpus_die("out of memory", "");
    }
    return grown;
}

static void add(struct corpus *corpus, const char *text, size_t size)
{
    if (corpus->count == corpus->capacity) {
        corpus->capacity = corpus->capacity ? 2 * corpus->capacity : 4096;
        corpus->texts = corpus_grow(corpus->texts, corpus->capacity, sizeof *corpus->texts);
    }
    char *copy = corpus_grow(NULL, size + 1, 1);
    memcpy(copy, text, size);
    corpus->texts[corpus->count++] = span_of(copy, size);
    corpus->bytes += size;
}

static void add_line(struct corpus *corpus, const char *line, size_t size, bool plain)
{
    if (plain) {
        add(corpus, line, size);
        return;
    }
    if (line[0] == '{') {
        json_t *object = json_loadb(line, size, JSON_ALLOW_NUL, NULL);
        json_t *text = json_object_get(object, "text");
        if (json_is_string(text)) {
            add(corpus, json_string_value(text), json_string_length(text));
        }
        json_decref(object);
        return;
    }
    const char *tab = memrchr(line, '\t', size);
    const char *text = tab ? tab + 1 : line;
    add(corpus, text, (size_t)(line + size - text));
}

void corpus_read(const char *path, struct corpus *corpus)
{
    FILE *in = fopen(path, "re");
    char *line = NULL;
    size_t capacity = 0;
    const char *dot = strrchr(path, '.');
    bool plain = dot && strcmp(dot, ".lines") == 0;
    if (!in) {
        corpus_die("cannot read", path);
    }
    for (ssize_t size; (size = getline(&line, &capacity, in)) > 0;) {
        add_line(corpus, line, (size_t)size - (line[size - 1] == '\n'), plain);
    }
    free(line);
    (void)fclose(in);
    if (corpus->count == 0) {
        corpus_die("no messages", path);
    }
}

static void free_text(struct span text)
{
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): only to shed the const that spans have. */
    free((void *)(uintptr_t)text.data);
}

void corpus_replace(struct corpus *corpus, size_t i, struct span text)
{
    corpus->bytes += text.size - corpus->texts[i].size;
    free_text(corpus->texts[i]);
    corpus->texts[i] = text;
}

void corpus_thin(struct corpus *corpus, size_t count)
{
    size_t kept = 0;
    if (count >= corpus->count) {
        return;
    }
    corpus->bytes = 0;
    for (size_t i = 0; i < corpus->count; i++) {
        if (i * count / corpus->count == kept && kept < count) {
            corpus->bytes += corpus->texts[i].size;
            corpus->texts[kept++] = corpus->texts[i];
        } else {
            free_text(corpus->texts[i]);
        }
    }
    corpus->count = kept;
}

void corpus_free(struct corpus *corpus)
{
    for (size_t i = 0; i < corpus->count; i++) {
        free_text(corpus->texts[i]);
    }
    free(corpus->texts);
    *corpus = (struct corpus){0};
}
