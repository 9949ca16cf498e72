/*
 * What changed in meaning between two versions of a rule, as sentences. Conditions are compared by what they mean where that
 * can be tried out (DIFF_TRUTH_PATTERNS_MAX patterns), and lists by their entries, in whatever order these stand.
 */
#ifndef CLI_DIFF_RULES_H
#define CLI_DIFF_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "rules/model.h"

#define DIFF_TRUTH_PATTERNS_MAX 12u
#define DIFF_ENTRIES_SHOWN_MAX 5u /* of those added, and of those removed */

/* What a change has an effect on. */
enum diff_effect {
    DIFF_FLAGS,  /* which messages are flagged */
    DIFF_ROUTES, /* who gets them, how urgent they are */
    DIFF_WORDS,  /* only what people read, or what is tested */
};
extern const char *const diff_effect_names[4]; /* "flags", "routes", "words", NULL */

/* Texts live in the arena, or in the rules. */
struct diff_change {
    enum diff_effect effect;
    const char *what;           /* "severity", "pattern ask" */
    const char *words;          /* "medium, now high" */
    const char *const *removed; /* lines to show; NULL-terminated, or NULL */
    const char *const *added;
    uint32_t removed_count, added_count; /* in all, also those that are not shown */
};

struct diff_changes {
    struct diff_change *items;
    uint32_t count, capacity;
    struct arena *arena;
};

/* Appends what changed; nothing if the rules mean the same. Needs view_start. STATUS_NO_MEMORY. */
enum status diff_rules(const struct rule *old, const struct rule *new, struct diff_changes *changes) MUST_USE;

#endif
