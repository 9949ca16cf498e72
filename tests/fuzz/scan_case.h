/*
 * One case of fuzz_scan: rules and texts as plain data, made by the generator, made smaller by the shrinker.
 *
 * Everything is immutable and lives in one arena, so that a smaller case shares what it keeps with the larger one.
 */
#ifndef TESTS_FUZZ_SCAN_CASE_H
#define TESTS_FUZZ_SCAN_CASE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/span.h"
#include "rules/condition.h"
#include "text/view.h"

#define CASE_PATTERNS_MAX 24
#define CASE_NAME_SIZE 8

enum case_kind { CASE_REGEX, CASE_WORDS, CASE_DOMAINS };

/* A phrase as written; or a domain as written with the names that it stands for. */
struct case_entry {
    struct span text;
    struct span names[2]; /* CASE_DOMAINS: lower case; the second may be empty */
};

struct case_pattern {
    enum case_kind kind;
    enum view view;
    char name[CASE_NAME_SIZE];
    bool as_list; /* CASE_WORDS: written as a list file */
    bool
        no_view; /* CASE_WORDS: none is written. It then finds more than in the folded view, which nobody here can tell */
    const struct case_entry *entries;
    uint32_t count; /* CASE_REGEX: 1 */
};

/* CASE_NODE_COUNT: at least `number` of those in `set`, which is written as `selector`. */
enum case_node_type { CASE_NODE_PATTERN, CASE_NODE_NOT, CASE_NODE_AND, CASE_NODE_OR, CASE_NODE_COUNT };

struct case_node {
    enum case_node_type type;
    uint32_t number; /* of the pattern, or at least so many */
    uint32_t set;    /* bit of each pattern */
    const struct case_node *left, *right;
};

struct case_rule {
    const struct case_pattern *patterns;
    uint32_t count;
    const struct case_node *condition; /* NULL: none is written, which means any of them */
    const char *status;                /* "live", "shadow", "off" */
};

struct scan_case {
    const struct case_rule **rules;
    uint32_t rule_count;
    const struct span *texts;
    uint32_t text_count;
    uint32_t batch; /* texts a call of the scanner */
};

/* Kleene's three values, read off the tree one node after the other. */
enum truth case_evaluate(const struct case_rule *rule, const enum truth *values);

/* A random pattern set as the condition's author would write it: "them", "(a*)", "(a0, b1)". */
void case_print_condition(const struct case_rule *rule, struct buffer *out);

/*
 * The pack. Lists are written to `folder` as <rule>.<pattern>.txt (NULL: are named, not written). Rule i has the id "f.i"; lines[i] is where it begins.
 * What a list of words would take for a comment is written escaped.
 */
void case_print_pack(const struct scan_case *it, const char *folder, struct buffer *out, uint32_t *ret_lines);

/* The case as a row for tests/unit/scanner/test_scan_found.c. `expected` is what a correct scan reports. */
void case_print_test(const struct scan_case *it, const char *expected, FILE *out);

/* Bytes for people: printable ASCII as it is, the rest as \xNN. */
void case_print_bytes(struct span bytes, FILE *out);

/* Memory that a fuzzer cannot go on without. */
void *case_array(struct arena *arena, size_t count, size_t size);
struct span case_copy(struct arena *arena, struct span bytes);

#endif
