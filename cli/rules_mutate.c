#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/buffer.h"
#include "base/findings.h"
#include "cli/columns.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/rules.h"
#include "rules/model.h"
#include "scanner/mutate.h"
#include "scanner/ruleset.h"

enum { OPTION_RULE = RULES_LONG_OPTION, OPTION_MIN_SCORE, OPTION_ALL, OPTION_JOBS };

#define PIECES_SHOWN_MAX 4u /* of the entries or alternatives of one pattern that no test needs */
#define JOBS_MAX 64

static const char mutate_help[] = "usage: weir rules mutate [OPTION]... [PATH]...\n"
                                  "\n"
                                  "Tests the tests: makes small changes to each rule and runs the rule's own tests.\n"
                                  "A change that no test notices survives and is shown with its place: either the\n"
                                  "rule does not need that part, or a test is missing. Tried are rules without a\n"
                                  "pattern, a phrase, an alternative, a \\b or a look-around, with other repeats,\n"
                                  "and with other words in the condition. The score of a rule is the share of\n"
                                  "changes that its tests notice. A PATH is a pack or a folder of packs; without\n"
                                  "one, the packs that come with Weir.\n"
                                  "\n"
                                  "Options:\n"
                                  "      --rule ID      only this rule, with every survivor on a line of its own\n"
                                  "      --all          every survivor of every rule on a line of its own\n"
                                  "      --min-score N  exit with 1 if a rule scores below N percent (0 to 100)\n"
                                  "      --jobs N       threads; without it one for each processor\n"
                                  "      --rules PATH   the same as PATH; may be given several times\n"
                                  "      --json         one JSON object instead: scores and survivors\n"
                                  "  -h, --help         this help\n"
                                  "\n"
                                  "Examples:\n"
                                  "  weir rules mutate scams.yaml\n"
                                  "  weir rules mutate --rule scams.gift-card --min-score 60\n"
                                  "  weir rules mutate --json my-packs/ | jq '.rules[] | select(.score < 50).rule'\n"
                                  "\n"
                                  "Exit status: 0 done, 1 a rule is below --min-score, a pack has errors or a test\n"
                                  "fails as things are, 2 wrong usage, 3 the environment failed.\n";

struct mutate {
    struct rules_arguments arguments;
    const char *rule;
    long long min_score, jobs;
    bool all;
    struct progress progress;
    struct mutation mutation;
};

static bool take(void *context, int option, const char *value)
{
    struct mutate *mutate = context;
    switch (option) {
    case OPTION_RULE:
        mutate->rule = value;
        return true;
    case OPTION_MIN_SCORE:
        return command_number("rules mutate", "--min-score", value, 0, 100, &mutate->min_score);
    case OPTION_JOBS:
        return command_number("rules mutate", "--jobs", value, 1, JOBS_MAX, &mutate->jobs);
    default:
        mutate->all = true;
        return true;
    }
}

static void on_progress(void *context, uint32_t done, uint32_t total)
{
    struct mutate *mutate = context;
    (void)total;
    progress_update(&mutate->progress, done);
}

/* Percent; a rule that nothing could be changed of is as well tested as can be. */
static double score_of(const struct mutate_score *score)
{
    return score->tried > 0 ? 100.0 * score->noticed / score->tried : 100;
}

static void total_of(const struct mutation *mutation, struct mutate_score *ret_total)
{
    *ret_total = (struct mutate_score){0};
    for (uint32_t i = 0; i < mutation->score_count; i++) {
        ret_total->tried += mutation->scores[i].tried;
        ret_total->noticed += mutation->scores[i].noticed;
    }
}

static uint32_t count_below(const struct mutate *mutate)
{
    uint32_t below = 0;
    for (uint32_t i = 0; i < mutate->mutation.score_count; i++) {
        below += score_of(&mutate->mutation.scores[i]) < (double)mutate->min_score;
    }
    return below;
}

/* Entries and alternatives of one pattern are many, and one line tells of them all. */
static bool is_grouped(const struct mutate *mutate, const struct mutate_survivor *survivor)
{
    return !mutate->all && !mutate->rule && (survivor->kind == MUTATE_ENTRY || survivor->kind == MUTATE_BRANCH);
}

static void print_place(const struct mutate_survivor *survivor, bool colour)
{
    printf("%s%s:%u:%u:%s ", colour ? "\033[1m" : "", survivor->place.file, survivor->place.line,
           survivor->place.column, colour ? "\033[0m" : "");
}

/* One line for all survivors of this kind and pattern, at the place of the first; false if it was not the first. */
static bool print_group(const struct mutate *mutate, uint32_t first, bool colour)
{
    const struct mutate_survivor *survivors = mutate->mutation.survivors, *survivor = &survivors[first];
    uint32_t count = 0, total = 0;
    for (uint32_t i = first; i-- > 0 && survivors[i].rule == survivor->rule;) {
        if (survivors[i].pattern == survivor->pattern && survivors[i].kind == survivor->kind) {
            return false;
        }
    }
    for (uint32_t i = first; i < mutate->mutation.survivor_count && survivors[i].rule == survivor->rule; i++) {
        total += survivors[i].pattern == survivor->pattern && survivors[i].kind == survivor->kind;
    }
    print_place(survivor, colour);
    printf("'%s' ", survivor->pattern->name);
    if (total == 1) {
        printf("%s\n", survivor->change);
        return true;
    }
    printf("without any one of these %s:", survivor->kind == MUTATE_ENTRY ? "entries" : "alternatives");
    for (uint32_t i = first; i < mutate->mutation.survivor_count && count < PIECES_SHOWN_MAX; i++) {
        if (survivors[i].pattern == survivor->pattern && survivors[i].kind == survivor->kind) {
            printf("%s '%s'", count++ > 0 ? "," : "", survivors[i].piece);
        }
    }
    if (total > count) {
        printf(" and %u more", total - count);
    }
    putchar('\n');
    return true;
}

static void print_survivors(const struct mutate *mutate, const struct rule *rule, uint32_t *at, bool colour)
{
    const struct mutation *mutation = &mutate->mutation;
    for (; *at < mutation->survivor_count && mutation->survivors[*at].rule == rule; ++*at) {
        const struct mutate_survivor *survivor = &mutation->survivors[*at];
        if (is_grouped(mutate, survivor)) {
            (void)print_group(mutate, *at, colour);
            continue;
        }
        print_place(survivor, colour);
        if (survivor->pattern && survivor->kind != MUTATE_PATTERN) {
            printf("'%s' ", survivor->pattern->name);
        }
        printf("%s\n", survivor->change);
    }
}

static int print_words(const struct mutate *mutate)
{
    const struct mutation *mutation = &mutate->mutation;
    bool colour = command_colour(stdout);
    struct mutate_score total;
    uint32_t at = 0;
    for (uint32_t i = 0; i < mutation->score_count; i++) {
        const struct mutate_score *score = &mutation->scores[i];
        double percent = score_of(score);
        bool below = percent < (double)mutate->min_score;
        printf("%s%s%3.0f%%%s  %s  %u of %u changes noticed\n", i > 0 && at > 0 ? "\n" : "",
               !colour        ? ""
               : below        ? "\033[31m"
               : percent < 50 ? "\033[33m"
                              : "\033[32m",
               percent, colour ? "\033[0m" : "", score->rule->id, score->noticed, score->tried);
        print_survivors(mutate, score->rule, &at, colour);
    }
    total_of(mutation, &total);
    fflush(stdout);
    fprintf(stderr, "%u rule%s: %u of %u changes noticed (%.0f%%)", mutation->score_count,
            command_plural(mutation->score_count), total.noticed, total.tried, score_of(&total));
    if (mutation->untested_count > 0) {
        fprintf(stderr, "; %u rule%s without tests", mutation->untested_count,
                command_plural(mutation->untested_count));
    }
    if (mutation->left_out_count > 0) {
        fprintf(stderr, "; %u test%s with a phrase cut in two left out", mutation->left_out_count,
                command_plural(mutation->left_out_count));
    }
    if (mutation->left_out_rule_count > 0) {
        fprintf(stderr, "; %u rule%s with no others", mutation->left_out_rule_count,
                command_plural(mutation->left_out_rule_count));
    }
    if (mutate->min_score > 0) {
        uint32_t below = count_below(mutate);
        fprintf(stderr, "; %u below %lld%%", below, mutate->min_score);
    }
    fputc('\n', stderr);
    return EXIT_DONE;
}

static json_t *survivor_json(const struct mutate_survivor *survivor)
{
    return json_pack("{s:s, s:s?, s:s, s:s, s:I, s:I, s:s}", "rule", survivor->rule->id, "pattern",
                     survivor->pattern ? survivor->pattern->name : NULL, "kind", mutate_kind_names[survivor->kind],
                     "file", survivor->place.file, "line", (json_int_t)survivor->place.line, "column",
                     (json_int_t)survivor->place.column, "change", survivor->change);
}

static int print_object(const struct mutate *mutate, int exit_code)
{
    const struct mutation *mutation = &mutate->mutation;
    json_t *rules = json_array(), *survivors = json_array();
    struct mutate_score total;
    total_of(mutation, &total);
    for (uint32_t i = 0; i < mutation->score_count; i++) {
        const struct mutate_score *score = &mutation->scores[i];
        json_array_append_new(rules, json_pack("{s:s, s:I, s:I, s:f}", "rule", score->rule->id, "tried",
                                               (json_int_t)score->tried, "noticed", (json_int_t)score->noticed, "score",
                                               score_of(score)));
    }
    for (uint32_t i = 0; i < mutation->survivor_count; i++) {
        json_array_append_new(survivors, survivor_json(&mutation->survivors[i]));
    }
    return rules_print_json("rules mutate",
                            json_pack("{s:b, s:I, s:I, s:f, s:I, s:I, s:o, s:o}", "ok", exit_code == EXIT_DONE, "tried",
                                      (json_int_t)total.tried, "noticed", (json_int_t)total.noticed, "score",
                                      score_of(&total), "untested", (json_int_t)mutation->untested_count, "left_out",
                                      (json_int_t)mutation->left_out_count, "rules", rules, "survivors", survivors),
                            exit_code);
}

static int run_on(struct mutate *mutate, struct ruleset *set, struct findings *findings)
{
    const struct rule *only = NULL;
    if (mutate->rule && !rules_find(set, mutate->rule, "rules mutate", &only)) {
        return EXIT_FOUND_FAULT;
    }
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned threads = mutate->jobs > 0 ? (unsigned)mutate->jobs : processors > 0 ? (unsigned)processors : 1;
    progress_start(&mutate->progress, "changing rules", "rules", only ? 1 : ruleset_rule_count(set));
    enum status status = mutate_rules(set, only, threads, on_progress, mutate, findings, &mutate->mutation);
    progress_end(&mutate->progress);
    if (status != STATUS_OK) {
        findings_print(findings, stderr, command_colour(stderr));
        return command_fail("rules mutate", EXIT_ENVIRONMENT, "cannot try the changes: %s", status_text(status));
    }
    int exit_code = count_below(mutate) > 0 ? EXIT_FOUND_FAULT : EXIT_DONE;
    if (mutate->arguments.json) {
        return print_object(mutate, exit_code);
    }
    int printed = print_words(mutate);
    return printed == EXIT_DONE ? exit_code : printed;
}

static int run(struct mutate *mutate)
{
    struct findings findings = {0};
    struct ruleset *set = NULL;
    command_busy("loading the rules...");
    enum status status = ruleset_load(mutate->arguments.paths, mutate->arguments.path_count, NULL, &findings, &set);
    command_busy(NULL);
    int exit_code = rules_exit_code(status, &findings);
    if (status == STATUS_OK) {
        findings_clear(&findings); /* warnings are for 'rules check' */
        exit_code = run_on(mutate, set, &findings);
    } else {
        findings_sort(&findings);
        findings_print(&findings, stderr, command_colour(stderr));
    }
    mutation_free(&mutate->mutation);
    ruleset_free(&set);
    findings_clear(&findings);
    return exit_code;
}

int rules_mutate(int argc, char **argv)
{
    static const struct option options[] = {
        {"rule", required_argument, NULL, OPTION_RULE},
        {"min-score", required_argument, NULL, OPTION_MIN_SCORE},
        {"all", no_argument, NULL, OPTION_ALL},
        {"jobs", required_argument, NULL, OPTION_JOBS},
        {NULL, 0, NULL, 0},
    };
    struct mutate mutate = {
        .arguments = {.command = "rules mutate", .help = mutate_help, .options = options, .take = take}};
    int exit_code = EXIT_ENVIRONMENT;
    mutate.arguments.context = &mutate;
    if (rules_arguments_read(&mutate.arguments, argc, argv, &exit_code)) {
        exit_code = run(&mutate);
    }
    rules_arguments_free(&mutate.arguments);
    return exit_code;
}
