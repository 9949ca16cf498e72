/* weir rules diff: what changed in meaning between two versions of rules, in words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/findings.h"
#include "cli/columns.h"
#include "cli/command.h"
#include "cli/diff_rules.h"
#include "cli/rules.h"
#include "proto/severity.h"
#include "rules/model.h"
#include "rules/reader.h"
#include "text/view.h"

#define COMMAND "rules diff"
#define ARENA_MAX ((size_t)4 << 30)
#define LINE_MAX_BYTES ((size_t)1 << 20)
#define RENAMED_COMPARED_MAX 100000u /* pairs of rules; beyond it a renamed rule is told as removed and added */
#define SHOWN_COLUMNS 200u           /* of a line of a list or of a regex, where the width is not known */

enum { OPTION_EXIT_CODE = RULES_LONG_OPTION };

static const char diff_help[] = "usage: weir rules diff [OPTION]... OLD NEW\n"
                                "\n"
                                "Says in words what changed in meaning between two versions of rules: rules that\n"
                                "were added, removed or renamed, and of the others what changed in their status,\n"
                                "severity, queue, condition, patterns, lists and tests. Comments, formatting and\n"
                                "the order of things mean nothing. OLD and NEW are packs or folders of packs.\n"
                                "What a change does to messages: 'weir rules backtest'.\n"
                                "\n"
                                "Options:\n"
                                "      --exit-code  exit 1 if anything changed in meaning\n"
                                "      --json       one JSON object on standard output instead\n"
                                "  -h, --help       this help\n"
                                "\n"
                                "Example:\n"
                                "  weir rules diff live/ mine/\n"
                                "\n"
                                "Exit status: 0 done, 1 a pack has errors (or see --exit-code), 2 wrong usage,\n"
                                "3 the environment failed.\n";

static const struct option diff_options[] = {
    {"exit-code", no_argument, NULL, OPTION_EXIT_CODE},
    {NULL, 0, NULL, 0},
};

/* The rules of one side, by id. */
struct side {
    struct pack **packs;
    uint32_t pack_count;
    const struct rule **rules;
    uint32_t rule_count;
};

enum kind { RULE_SAME, RULE_CHANGED, RULE_RENAMED, RULE_ADDED, RULE_REMOVED };
static const char *const kind_names[] = {"same", "changed", "renamed", "added", "removed"};

struct difference {
    enum kind kind;
    const struct rule *old, *new; /* NULL where it is missing */
    struct diff_changes changes;  /* RULE_CHANGED, RULE_RENAMED */
};

struct diff {
    struct rules_arguments arguments;
    bool exit_code;
    struct arena *arena;
    struct findings findings;
    struct side sides[2];
    struct difference *items;
    uint32_t count;
    uint32_t counts[5]; /* by kind */
    uint32_t flagging;  /* changed rules of which some change decides what is flagged */
};

static bool take(void *context, int option, const char *value)
{
    (void)option;
    (void)value;
    ((struct diff *)context)->exit_code = true;
    return true;
}

static int compare_rules(const void *a, const void *b)
{
    return strcmp((*(const struct rule *const *)a)->id, (*(const struct rule *const *)b)->id);
}

static enum status read_side(struct diff *diff, const char *path, struct side *side)
{
    const char *paths[] = {path};
    struct rules_arguments arguments = {.paths = paths, .path_count = 1};
    enum status status = rules_read_packs(&arguments, diff->arena, &diff->findings, &side->packs, &side->pack_count);
    if (status != STATUS_OK) {
        return status;
    }
    reader_check_together((const struct pack *const *)side->packs, side->pack_count, &diff->findings);
    uint32_t capacity = 0;
    for (uint32_t p = 0; p < side->pack_count; p++) {
        capacity += side->packs[p]->rule_count;
    }
    side->rules = arena_array(diff->arena, (size_t)capacity + 1, sizeof(struct rule *));
    if (!side->rules) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t p = 0; p < side->pack_count; p++) {
        for (uint32_t r = 0; r < side->packs[p]->rule_count; r++) {
            side->rules[side->rule_count++] = &side->packs[p]->rules[r];
        }
    }
    qsort(side->rules, side->rule_count, sizeof(struct rule *), compare_rules);
    return STATUS_OK;
}

static struct difference *add_difference(struct diff *diff, enum kind kind, const struct rule *old,
                                         const struct rule *new)
{
    struct difference *item = &diff->items[diff->count++]; /* room for all rules of both sides */
    *item = (struct difference){.kind = kind, .old = old, .new = new, .changes = {.arena = diff->arena}};
    return item;
}

/* Rules of both sides side by side, in the order of their ids. */
static enum status pair_rules(struct diff *diff)
{
    const struct side *old = &diff->sides[0], *new = &diff->sides[1];
    enum status status = STATUS_OK;
    for (uint32_t o = 0, n = 0; status == STATUS_OK && (o < old->rule_count || n < new->rule_count);) {
        int order = o == old->rule_count ? 1 : n == new->rule_count ? -1 : strcmp(old->rules[o]->id, new->rules[n]->id);
        if (order < 0) {
            (void)add_difference(diff, RULE_REMOVED, old->rules[o++], NULL);
        } else if (order > 0) {
            (void)add_difference(diff, RULE_ADDED, NULL, new->rules[n++]);
        } else {
            struct difference *item = add_difference(diff, RULE_SAME, old->rules[o++], new->rules[n++]);
            status = diff_rules(item->old, item->new, &item->changes);
            item->kind = item->changes.count > 0 ? RULE_CHANGED : RULE_SAME;
        }
    }
    return status;
}

/* A rule that went and one that came and flags the same was renamed; its title may be another one. */
static enum status find_renamed(struct diff *diff)
{
    enum status status = STATUS_OK;
    uint32_t compared = 0;
    for (uint32_t o = 0; o < diff->count && compared < RENAMED_COMPARED_MAX; o++) {
        struct difference *old = &diff->items[o];
        for (uint32_t n = 0; status == STATUS_OK && old->kind == RULE_REMOVED && n < diff->count; n++) {
            struct difference *new = &diff->items[n];
            struct diff_changes changes = {.arena = diff->arena};
            bool possible = new->kind == RULE_ADDED &&new->new->pattern_count == old->old->pattern_count;
            compared += possible;
            status = possible ? diff_rules(old->old, new->new, &changes) : STATUS_OK;
            for (uint32_t i = 0; i < changes.count; i++) {
                possible &= changes.items[i].effect != DIFF_FLAGS;
            }
            if (status == STATUS_OK && possible) {
                *new = (struct difference){.kind = RULE_RENAMED, .old = old->old, .new = new->new, .changes = changes};
                old->kind = RULE_SAME; /* told with the new one */
                old->new = NULL;
            }
        }
    }
    return status;
}

static void count_kinds(struct diff *diff)
{
    for (uint32_t i = 0; i < diff->count; i++) {
        const struct difference *item = &diff->items[i];
        bool flags = false;
        for (uint32_t c = 0; c < item->changes.count; c++) {
            flags |= item->changes.items[c].effect == DIFF_FLAGS;
        }
        diff->flagging += flags;
        diff->counts[item->kind] += item->kind != RULE_SAME || item->new;
    }
}

static bool changed(const struct diff *diff)
{
    return diff->counts[RULE_CHANGED] + diff->counts[RULE_RENAMED] + diff->counts[RULE_ADDED] +
               diff->counts[RULE_REMOVED] >
           0;
}

/* Whether the packs are the same to the byte, and so have the same generation. */
static bool same_text(const struct diff *diff)
{
    const struct side *old = &diff->sides[0], *new = &diff->sides[1];
    bool same = old->pack_count == new->pack_count;
    for (uint32_t i = 0; same && i < old->pack_count; i++) {
        same = memcmp(old->packs[i]->digest, new->packs[i]->digest, sizeof old->packs[i]->digest) == 0;
    }
    return same;
}

/* ---- Words ---- */

static enum status print_line(const char *indent, const char *sign, const char *text, unsigned columns, bool colour,
                              const char *code)
{
    struct buffer out = BUFFER_INIT(LINE_MAX_BYTES);
    uint32_t width = columns > 12 ? columns - 8 : SHOWN_COLUMNS;
    enum status status = columns_append(text, width, false, &out);
    if (status == STATUS_OK) {
        printf("%s%s%s %.*s%s\n", indent, colour ? code : "", sign, (int)out.size, (const char *)out.data,
               colour ? "\x1b[0m" : "");
    }
    buffer_free(&out);
    return status;
}

static enum status print_lines(const char *const *lines, uint32_t count, const char *sign, const char *code,
                               unsigned columns, bool colour)
{
    enum status status = STATUS_OK;
    uint32_t shown = 0;
    for (; lines && lines[shown] && status == STATUS_OK; shown++) {
        status = print_line("      ", sign, lines[shown], columns, colour, code);
    }
    if (lines && count > shown) {
        printf("      %s and %u more\n", sign, count - shown);
    }
    return status;
}

static enum status print_changes(const struct diff_changes *changes, unsigned columns, bool colour)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < changes->count; i++) {
        const struct diff_change *change = &changes->items[i];
        char *line = arena_print(changes->arena, "%s: %s", change->what, change->words);
        status = line ? print_line("   ", "", line, columns ? columns + 4 : 0, false, "") : STATUS_NO_MEMORY;
        if (status == STATUS_OK) {
            status = print_lines(change->removed, change->removed_count, "-", "\x1b[31m", columns, colour);
        }
        if (status == STATUS_OK) {
            status = print_lines(change->added, change->added_count, "+", "\x1b[32m", columns, colour);
        }
    }
    return status;
}

static enum status print_difference(const struct difference *item, unsigned columns, bool colour)
{
    static const char *const codes[] = {"", "\x1b[33m", "\x1b[36m", "\x1b[32m", "\x1b[31m"};
    const struct rule *rule = item->new ? item->new : item->old;
    printf("%s%-8s%s %s%s%s", colour ? codes[item->kind] : "", kind_names[item->kind], colour ? "\x1b[0m" : "",
           item->kind == RULE_RENAMED ? item->old->id : "", item->kind == RULE_RENAMED ? " is now " : "", rule->id);
    if (item->kind == RULE_ADDED || item->kind == RULE_REMOVED) {
        printf(" (%s, %s)", rule_status_names[rule->status], severity_text(rule->severity));
    }
    printf("\n");
    return print_changes(&item->changes, columns, colour);
}

static int print_words(const struct diff *diff)
{
    unsigned columns = rules_terminal_width();
    bool colour = command_colour(stdout);
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < diff->count; i++) {
        if (diff->items[i].kind != RULE_SAME) {
            status = print_difference(&diff->items[i], columns, colour);
        }
    }
    if (status != STATUS_OK) {
        return command_fail(COMMAND, EXIT_ENVIRONMENT, "%s", status_text(status));
    }
    if (changed(diff)) {
        printf("\n%u added, %u removed, %u renamed, %u changed (%u in what they flag), %u the same\n",
               diff->counts[RULE_ADDED], diff->counts[RULE_REMOVED], diff->counts[RULE_RENAMED],
               diff->counts[RULE_CHANGED], diff->flagging, diff->counts[RULE_SAME]);
    } else if (same_text(diff)) {
        printf("nothing changed\n");
    } else {
        printf("nothing changed in meaning: only text that means nothing, such as comments\n");
    }
    return EXIT_DONE;
}

/* ---- JSON ---- */

static json_t *lines_json(const char *const *lines)
{
    json_t *list = json_array();
    for (uint32_t i = 0; lines && lines[i]; i++) {
        json_t *line = json_string(lines[i]);
        json_array_append_new(list, line ? line : json_null()); /* no UTF-8: cannot be, in a pack */
    }
    return list;
}

static json_t *difference_json(const struct difference *item)
{
    json_t *changes = json_array();
    for (uint32_t i = 0; i < item->changes.count; i++) {
        const struct diff_change *change = &item->changes.items[i];
        json_t *object = json_pack("{s:s, s:s, s:s}", "what", change->what, "effect", diff_effect_names[change->effect],
                                   "words", change->words);
        if (change->removed || change->added) {
            json_object_set_new(object, "removed", lines_json(change->removed));
            json_object_set_new(object, "removed_count", json_integer(change->removed_count));
            json_object_set_new(object, "added", lines_json(change->added));
            json_object_set_new(object, "added_count", json_integer(change->added_count));
        }
        json_array_append_new(changes, object);
    }
    return json_pack("{s:s, s:s, s:s?, s:o}", "rule", item->new ? item->new->id : item->old->id, "kind",
                     kind_names[item->kind], "was", item->kind == RULE_RENAMED ? item->old->id : NULL, "changes",
                     changes);
}

static int print_object(const struct diff *diff)
{
    json_t *rules = json_array();
    for (uint32_t i = 0; i < diff->count; i++) {
        if (diff->items[i].kind != RULE_SAME) {
            json_array_append_new(rules, difference_json(&diff->items[i]));
        }
    }
    json_t *object =
        json_pack("{s:b, s:b, s:I, s:I, s:o}", "changed", changed(diff), "same_text", same_text(diff), "flagging",
                  (json_int_t)diff->flagging, "same", (json_int_t)diff->counts[RULE_SAME], "rules", rules);
    return rules_print_json(COMMAND, object, EXIT_DONE);
}

static int run(struct diff *diff)
{
    if (diff->arguments.path_count != 2) {
        return command_usage_error(COMMAND, "name two versions: OLD and NEW");
    }
    enum status status = view_start();
    if (status == STATUS_OK) {
        status = arena_new(1u << 16, ARENA_MAX, &diff->arena);
    }
    for (int side = 0; status == STATUS_OK && side < 2; side++) {
        status = read_side(diff, diff->arguments.paths[side], &diff->sides[side]);
    }
    if (status == STATUS_OK && diff->findings.errors > 0) {
        for (uint32_t i = diff->findings.count; i-- > 0;) { /* the rest is for 'rules check' */
            if (diff->findings.items[i].level != FINDING_ERROR) {
                findings_remove(&diff->findings, i);
            }
        }
        findings_sort(&diff->findings);
        findings_print(&diff->findings, stderr, command_colour(stderr));
        return EXIT_FOUND_FAULT;
    }
    if (status == STATUS_OK) {
        diff->items = arena_array(diff->arena, (size_t)diff->sides[0].rule_count + diff->sides[1].rule_count + 1,
                                  sizeof *diff->items);
        status = diff->items ? pair_rules(diff) : STATUS_NO_MEMORY;
    }
    if (status == STATUS_OK) {
        status = find_renamed(diff);
    }
    if (status != STATUS_OK) {
        return command_fail(COMMAND, EXIT_ENVIRONMENT, "%s", status_text(status));
    }
    count_kinds(diff);
    int exit_code = diff->arguments.json ? print_object(diff) : print_words(diff);
    return exit_code == EXIT_DONE && diff->exit_code && changed(diff) ? EXIT_FOUND_FAULT : exit_code;
}

int rules_diff(int argc, char **argv)
{
    struct diff diff = {
        .arguments = {
            .command = COMMAND, .help = diff_help, .options = diff_options, .take = take, .may_lack_packs = true}};
    int exit_code = EXIT_ENVIRONMENT;
    diff.arguments.context = &diff;
    if (rules_arguments_read(&diff.arguments, argc, argv, &exit_code)) {
        exit_code = run(&diff);
    }
    for (int side = 0; side < 2; side++) {
        for (uint32_t i = 0; i < diff.sides[side].pack_count; i++) {
            pack_free(&diff.sides[side].packs[i]);
        }
    }
    findings_clear(&diff.findings);
    arena_free(&diff.arena);
    rules_arguments_free(&diff.arguments);
    return exit_code;
}
