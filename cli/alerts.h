/* What the files of `weir alerts` share. */
#ifndef CLI_ALERTS_H
#define CLI_ALERTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "alerts/store.h"
#include "base/arena.h"

/* One run of `weir alerts ACTION`. */
struct alerts_call {
    const char *command;    /* "alerts list", for words on stderr */
    const char *data;       /* the data folder */
    bool data_given;        /* with --data */
    const char *queue;      /* NULL: any */
    const char *who;        /* --as, else $WEIR_ANALYST, else the login name */
    bool who_given;         /* with --as */
    const char *reason;     /* why a case is read */
    const char *note;       /* of a decision */
    enum decision decision; /* --decision */
    bool decision_given;
    int64_t case_id; /* 0: none given */
    int64_t token;   /* 0: none given */
    int64_t lease_minutes;
    uint32_t limit;
    bool all, json;

    const struct store_ops *ops;
    struct store *store;
    struct arena *arena;
    int64_t now_ms;
};

/* The actions; each returns the program's exit code. The store is open. */
int alerts_list(struct alerts_call *call);
int alerts_show(struct alerts_call *call);
int alerts_claim(struct alerts_call *call);
int alerts_decide(struct alerts_call *call);

/* A failed call of the store as an exit code, after the words for people; `hint` says what to do, or is NULL. */
int alerts_failed(enum status status, const struct error *error, const char *hint);

/* A case as JSON; NULL without memory. */
json_t *alerts_case_json(const struct store_case *item, int64_t now_ms);

/* Text of unknown origin as JSON: bytes that are no UTF-8 are made visible. `text` NULL gives null. */
json_t *alerts_json_text(const char *text);

/* Prints one line of JSON and frees it; an exit code. */
int alerts_print_json(json_t *json);

/* Prints text of unknown origin on one line, safe for a terminal. `text` NULL prints "-". */
void alerts_print_text(const char *text);

/* "12m", "3h05m", "4d02h": how far apart two times are. */
#define ALERTS_DURATION_SIZE 24
void alerts_duration(int64_t ms, char text[ALERTS_DURATION_SIZE]);

#endif
