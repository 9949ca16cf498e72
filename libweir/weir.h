/*
 * libweir: scan messages inside your own program.
 *
 *     weir_rules *rules;
 *     weir_scanner *scanner;
 *     char error[WEIR_ERROR_SIZE];
 *     const char *packs[] = {"/usr/share/weir/packs"};
 *     if (weir_rules_load(packs, 1, &rules, error, sizeof error) != WEIR_OK ||
 *         weir_scanner_new(&scanner) != WEIR_OK) ...
 *     weir_text text = {message, message_size};
 *     weir_scan(scanner, rules, &text, 1, on_hit, NULL);
 *
 * The same rules, views and exactness as `weir run`; no sockets, no store, no threads of its own. Nothing is logged,
 * and no text is kept after a call.
 *
 * Rules are immutable: any number of threads may scan with the same ones. A scanner belongs to one thread at a time;
 * make one for each. Scanning many texts in one call is faster than one at a time.
 */
#ifndef WEIR_H
#define WEIR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define WEIR_API __attribute__((visibility("default")))
#else
#define WEIR_API
#endif

typedef enum weir_result {
    WEIR_OK = 0,
    WEIR_NO_MEMORY = 1,
    WEIR_BAD_RULES = 2,   /* the words in `error` say which file, line and column */
    WEIR_ENVIRONMENT = 3, /* a library or file could not be used */
    WEIR_STOPPED = 4,     /* the call-back asked to stop */
} weir_result;

typedef struct weir_rules weir_rules;
typedef struct weir_scanner weir_scanner;

/* One message: any bytes, UTF-8 expected. Not NUL-terminated. */
typedef struct weir_text {
    const void *data;
    size_t size;
} weir_text;

/* Bytes [start, end) of the text as given. */
typedef struct weir_span {
    const char *pattern; /* its name in the rule */
    const char *view;    /* "raw", "folded" */
    uint32_t start, end;
} weir_span;

typedef struct weir_hit {
    size_t text;          /* index of the text in the call */
    const char *rule;     /* id */
    const char *title;    /* for people */
    const char *severity; /* "low", "medium", "high", "critical" */
    const char *queue;    /* or NULL */
    int shadow;           /* 1: the rule is on trial and must not have consequences */
    const char
        *unscanned; /* NULL: the rule holds. Otherwise it could not be decided, and this is why: show it to a person */
    const weir_span *spans;
    size_t span_count;
} weir_hit;

/* Called for each hit, in the order of the texts. What it points to is valid during the call. Return 0 to go on. */
typedef int (*weir_on_hit)(void *context, const weir_hit *hit);

#define WEIR_ERROR_SIZE 1024

/* "0.1.0" */
WEIR_API const char *weir_version(void);

/*
 * Reads, checks, compiles and tests packs. Each path is a .yaml file or a folder of them. `error` may be NULL; it gets
 * the first errors in words, NUL-terminated. *ret_rules is untouched on failure.
 */
WEIR_API weir_result weir_rules_load(const char *const *paths, size_t count, weir_rules **ret_rules, char *error,
                                     size_t error_size);

/* A pack from memory. `name` stands for the file in errors; lists are looked for beside it. */
WEIR_API weir_result weir_rules_parse(const char *yaml, size_t size, const char *name, weir_rules **ret_rules,
                                      char *error, size_t error_size);

/* 16 hexadecimal digits that change whenever the meaning of the rules does; lives as long as the rules. */
WEIR_API const char *weir_rules_generation(const weir_rules *rules);

/* Accepts NULL inside; clears the pointer. A scanner that used the rules may live on. */
WEIR_API void weir_rules_free(weir_rules **rules);

WEIR_API weir_result weir_scanner_new(weir_scanner **ret_scanner);
WEIR_API void weir_scanner_free(weir_scanner **scanner);

/*
 * Scans `count` texts. What cannot be decided is reported as unscanned, never left out: no hit means clean. WEIR_OK, or
 * WEIR_STOPPED if `on_hit` returned something else than 0.
 */
WEIR_API weir_result weir_scan(weir_scanner *scanner, const weir_rules *rules, const weir_text *texts, size_t count,
                               weir_on_hit on_hit, void *context);

#ifdef __cplusplus
}
#endif

#endif
