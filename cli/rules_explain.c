#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/findings.h"
#include "base/json_text.h"
#include "cli/command.h"
#include "cli/rules.h"
#include "proto/severity.h"
#include "rules/model.h"
#include "scanner/explain.h"
#include "scanner/ruleset.h"
#include "text/view.h"

enum { OPTION_RULE = RULES_LONG_OPTION, OPTION_ALL };

#define TEXT_SIZE_MAX (1u << 20)
#define NEAR_MAX 10u       /* rules that came near; --all shows the others too */
#define SPANS_SHOWN_MAX 3u /* of a pattern */
#define QUOTED_BYTES_MAX 44u
#define LITERALS_SHOWN_MAX 2u
#define LITERAL_BYTES_MAX 20u
#define ARENA_SIZE_MAX ((size_t)1 << 30)

static const char explain_help[] = "usage: weir rules explain [OPTION]... TEXT|-\n"
                                   "\n"
                                   "Shows why rules flag a text, or what is missing for it: the text in each view,\n"
                                   "what each pattern finds and where (bytes of the text as sent), whether each\n"
                                   "condition holds, and how the engine looks for each pattern:\n"
                                   "  literals    where a rare text stands that every match needs\n"
                                   "  expression  by an expression that is searched in every message\n"
                                   "  always      not at all: PCRE2 runs where the bytes are that the regex needs\n"
                                   "  deferred    only in messages where a rarer pattern of the rule was found\n"
                                   "Shown are the rules that hold and those of which a pattern is found. '-' reads\n"
                                   "the text from standard input.\n"
                                   "\n"
                                   "Options:\n"
                                   "      --rule ID     only this rule, whatever is found of it\n"
                                   "      --all         every rule that came near, not only the 10 nearest\n"
                                   "      --rules PATH  a pack or a folder of packs; may be given several times.\n"
                                   "                    Without it the packs that come with Weir\n"
                                   "      --json        one JSON object instead\n"
                                   "  -h, --help        this help\n"
                                   "\n"
                                   "Examples:\n"
                                   "  weir rules explain 'buy two gift cards and read me the code on the back'\n"
                                   "  weir rules explain --rules my-packs/ --rule scams.gift-card - < message.txt\n"
                                   "\n"
                                   "Exit status: 0 done, whatever holds, 1 a pack has errors or there is no such\n"
                                   "rule, 2 wrong usage, 3 the environment failed.\n";

struct explain {
    struct rules_arguments arguments;
    const char *rule;
    bool all;
    struct arena *arena;
    struct span text;
    struct explanation explanation;
    bool colour;
};

static const char *const search_names[] = {"literals", "expression", "always", "deferred"};
static const char *const truth_names[] = {"no", "unknown", "yes"};

static bool take(void *context, int option, const char *value)
{
    struct explain *explain = context;
    if (option == OPTION_RULE) {
        explain->rule = value;
    } else {
        explain->all = true;
    }
    return true;
}

/* ---- Words for a terminal ---- */

/* Text of a message, which must neither steer the terminal nor break the line. At most `size_max` bytes of it. */
static void put_text(struct span text, size_t size_max)
{
    for (size_t at = 0; at < text.size;) {
        uint32_t character;
        size_t size = json_text_character(text.data + at, text.size - at, &character);
        if (at > 0 && at + (size ? size : 1) > size_max) {
            fputs("...", stdout);
            return;
        }
        if (size == 0) {
            printf("\\x%02x", text.data[at]);
        } else if (character == '\n') {
            fputs("\\n", stdout);
        } else if (character < 0x20 || (character >= 0x7f && character < 0xa0)) {
            printf("\\x%02x", (unsigned)character);
        } else if ((character >= 0x200b && character <= 0x200f) || (character >= 0x2028 && character <= 0x202e) ||
                   (character >= 0x2060 && character <= 0x206f) || character == 0xfeff || character == 0xad) {
            printf("\\u%04x", (unsigned)character); /* invisible, or a change of direction */
        } else {
            fwrite(text.data + at, 1, size, stdout);
        }
        at += size ? size : 1;
    }
}

static void put_style(const struct explain *explain, const char *style)
{
    if (explain->colour) {
        printf("\033[%sm", style);
    }
}

/* Which bytes of the text a rule that holds has found. */
static void mark_rules(const struct explain *explain, bool *marked)
{
    for (uint32_t r = 0; r < explain->explanation.rule_count; r++) {
        const struct explain_rule *rule = &explain->explanation.rules[r];
        for (uint32_t i = 0; i < rule->rule->pattern_count && rule->holds == TRUTH_TRUE; i++) {
            for (uint32_t s = 0; s < rule->patterns[i].span_count; s++) {
                const struct explain_span *span = &rule->patterns[i].spans[s];
                memset(marked + span->start, 1, span->end - span->start);
            }
        }
    }
}

/* The text as sent, with what was found underlined; without colours it is plain. */
static void print_message(const struct explain *explain)
{
    bool *marked = explain->colour ? calloc(explain->text.size + 1, sizeof *marked) : NULL;
    if (!marked) {
        put_text(explain->text, SIZE_MAX);
        return;
    }
    mark_rules(explain, marked);
    for (size_t at = 0; at < explain->text.size;) {
        size_t end = at;
        while (end < explain->text.size && marked[end] == marked[at]) {
            end++;
        }
        put_style(explain, marked[at] ? "1;4;31" : "0");
        put_text(span_of(explain->text.data + at, end - at), SIZE_MAX);
        at = end;
    }
    put_style(explain, "0");
    free(marked);
}

static void print_views(const struct explain *explain)
{
    printf("%-9s ", "message");
    print_message(explain);
    putchar('\n');
    for (int view = 0; view < VIEW_COUNT; view++) {
        struct span text = span_of(explain->explanation.views[view], explain->explanation.view_sizes[view]);
        printf("%-9s ", view_names[view]);
        if (span_equal(text, explain->text)) {
            put_style(explain, "2");
            fputs("the same", stdout);
            put_style(explain, "0");
        } else {
            put_text(text, SIZE_MAX);
        }
        putchar('\n');
    }
}

/* The same place was shown already, of another view. */
static bool is_repeated(const struct explain_pattern *pattern, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++) {
        if (pattern->spans[i].start == pattern->spans[index].start &&
            pattern->spans[i].end == pattern->spans[index].end) {
            return true;
        }
    }
    return false;
}

static void print_spans(const struct explain *explain, const struct explain_pattern *pattern)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < pattern->span_count; i++) {
        const struct explain_span *span = &pattern->spans[i];
        if (is_repeated(pattern, i) || count++ >= SPANS_SHOWN_MAX) {
            continue;
        }
        fputs(count > 1 ? ", '" : "'", stdout);
        put_style(explain, "4");
        put_text(span_of(explain->text.data + span->start, span->end - span->start), QUOTED_BYTES_MAX);
        put_style(explain, "0");
        printf("' at %u-%u", span->start, span->end);
        if (strcmp(span->view, view_names[VIEW_FOLDED]) != 0) {
            printf(" (%s)", span->view);
        }
    }
    if (count > SPANS_SHOWN_MAX) {
        printf(", and %u more", count - SPANS_SHOWN_MAX);
    }
}

static void print_search(const struct explain *explain, const struct explain_pattern *pattern)
{
    if (!pattern->planned) {
        return;
    }
    put_style(explain, "2");
    printf("  [%s", search_names[pattern->search]);
    for (uint32_t i = 0; i < pattern->literal_count && i < LITERALS_SHOWN_MAX; i++) {
        fputs(i > 0 ? ", '" : pattern->search == SEARCH_EXPRESSION ? " and '" : " '", stdout);
        put_text(pattern->literals[i], LITERAL_BYTES_MAX);
        putchar('\'');
    }
    if (pattern->literal_count > LITERALS_SHOWN_MAX) {
        printf(" and %u more", pattern->literal_count - LITERALS_SHOWN_MAX);
    }
    if (pattern->pattern->kind != PATTERN_REGEX && pattern->search != SEARCH_DEFERRED) {
        printf(" of %u %s", pattern->pattern->entry_count,
               pattern->pattern->kind == PATTERN_WORDS ? "phrases" : "domains");
    }
    putchar(']');
    put_style(explain, "0");
}

static enum status missing_text(const struct explain_rule *rule, struct buffer *out)
{
    enum truth values[MODEL_RULE_PATTERNS_MAX];
    for (uint32_t i = 0; i < rule->rule->pattern_count; i++) {
        values[i] = rule->patterns[i].found;
    }
    buffer_clear(out);
    return explain_missing(rule->rule, values, out);
}

static void print_rule(const struct explain *explain, const struct explain_rule *rule, struct buffer *scratch)
{
    static const char *const words[] = {"does not hold", "cannot be decided: a match limit was hit", "HOLDS"};
    static const char *const styles[] = {"33", "35", "1;31"};
    int width = 4;
    putchar('\n');
    put_style(explain, "1");
    fputs(rule->rule->id, stdout);
    put_style(explain, "0");
    fputs("  ", stdout);
    put_style(explain, styles[rule->holds]);
    fputs(words[rule->holds], stdout);
    put_style(explain, "0");
    printf("  (%s, %s%s%s)\n", severity_text(rule->rule->severity), rule_status_names[rule->rule->status],
           rule->rule->queue ? ", queue " : "", rule->rule->queue ? rule->rule->queue : "");
    if (rule->rule->title != rule->rule->id) {
        printf("  %s\n", rule->rule->title);
    }
    put_style(explain, "2");
    printf("  %s:%u\n", rule->rule->place.file, rule->rule->place.line);
    put_style(explain, "0");
    printf("  condition: %s%s\n", rule->rule->condition_text ? rule->rule->condition_text : "any of them",
           rule->rule->across.messages > 0 ? "  (across messages; here of this one alone)" : "");
    if (rule->holds == TRUTH_FALSE && missing_text(rule, scratch) == STATUS_OK) {
        printf("  missing:   %.*s\n", (int)scratch->size, (const char *)scratch->data);
    }
    for (uint32_t i = 0; i < rule->rule->pattern_count; i++) {
        int size = (int)strlen(rule->patterns[i].pattern->name);
        width = size > width && size <= 16 ? size : width;
    }
    for (uint32_t i = 0; i < rule->rule->pattern_count; i++) {
        const struct explain_pattern *pattern = &rule->patterns[i];
        printf("    %c %-*s  ",
               pattern->found == TRUTH_TRUE    ? '+'
               : pattern->found == TRUTH_FALSE ? '-'
                                               : '?',
               width, pattern->pattern->name);
        if (pattern->found == TRUTH_TRUE) {
            print_spans(explain, pattern);
        } else {
            fputs(pattern->found == TRUTH_FALSE ? "not found" : "nobody knows: a match limit was hit", stdout);
        }
        print_search(explain, pattern);
        putchar('\n');
    }
}

/* ---- What is shown ---- */

/* Does the rule belong into the answer at all? Patterns under `not` alone bring no rule near. */
static bool is_shown(const struct explain *explain, const struct explain_rule *rule)
{
    return explain->rule || rule->holds != TRUTH_FALSE || rule->found_count > 0;
}

/* Those that hold come first, then those of which most is there. */
static int compare_rules(const void *left, const void *right)
{
    const struct explain_rule *a = *(const struct explain_rule *const *)left;
    const struct explain_rule *b = *(const struct explain_rule *const *)right;
    if (a->holds != b->holds) {
        return a->holds > b->holds ? -1 : 1;
    }
    uint64_t of_a = (uint64_t)a->found_count * b->rule->pattern_count;
    uint64_t of_b = (uint64_t)b->found_count * a->rule->pattern_count;
    return of_a != of_b ? (of_a > of_b ? -1 : 1) : (a > b) - (a < b);
}

static int print_words(const struct explain *explain, const struct explain_rule **rules, uint32_t count)
{
    struct buffer scratch = BUFFER_INIT(1u << 20);
    uint32_t holding = 0, shown = 0;
    print_views(explain);
    for (; shown < count; shown++) {
        bool holds = rules[shown]->holds != TRUTH_FALSE;
        if (!holds && shown >= holding + NEAR_MAX && !explain->all) {
            break;
        }
        holding += holds;
        print_rule(explain, rules[shown], &scratch);
    }
    if (count == 0) {
        printf("\nno rule holds, and no pattern of any of the %u rules is found\n", explain->explanation.rule_count);
    } else if (shown < count) {
        printf("\nand %u more rules of which something is found: --all shows them\n", count - shown);
    }
    buffer_free(&scratch);
    return EXIT_DONE;
}

static json_t *pattern_json(const struct explain *explain, const struct explain_pattern *pattern)
{
    json_t *spans = json_array(), *literals = json_array();
    for (uint32_t i = 0; i < pattern->span_count; i++) {
        const struct explain_span *span = &pattern->spans[i];
        const char *data = (const char *)explain->text.data + span->start;
        json_t *text = json_stringn(data, span->end - span->start); /* NULL where it is not UTF-8 */
        json_array_append_new(spans,
                              json_pack("{s:s, s:I, s:I, s:o}", "view", span->view, "start", (json_int_t)span->start,
                                        "end", (json_int_t)span->end, "text", text ? text : json_null()));
    }
    for (uint32_t i = 0; i < pattern->literal_count; i++) {
        json_t *text = json_stringn((const char *)pattern->literals[i].data, pattern->literals[i].size);
        json_array_append_new(literals, text ? text : json_null());
    }
    return json_pack("{s:s, s:s, s:s?, s:o, s:o}", "name", pattern->pattern->name, "found", truth_names[pattern->found],
                     "search", pattern->planned ? search_names[pattern->search] : NULL, "literals", literals, "spans",
                     spans);
}

static json_t *rule_json(const struct explain *explain, const struct explain_rule *rule, struct buffer *scratch)
{
    json_t *patterns = json_array();
    for (uint32_t i = 0; i < rule->rule->pattern_count; i++) {
        json_array_append_new(patterns, pattern_json(explain, &rule->patterns[i]));
    }
    if (missing_text(rule, scratch) != STATUS_OK) {
        buffer_clear(scratch);
    }
    return json_pack("{s:s, s:s, s:s, s:I, s:s, s:s, s:s?, s:s, s:s, s:s%, s:o}", "rule", rule->rule->id, "title",
                     rule->rule->title, "file", rule->rule->place.file, "line", (json_int_t)rule->rule->place.line,
                     "status", rule_status_names[rule->rule->status], "severity", severity_text(rule->rule->severity),
                     "queue", rule->rule->queue, "condition",
                     rule->rule->condition_text ? rule->rule->condition_text : "any of them", "holds",
                     truth_names[rule->holds], "missing", scratch->size ? (const char *)scratch->data : "",
                     scratch->size, "patterns", patterns);
}

static int print_object(const struct explain *explain, const struct explain_rule **rules, uint32_t count)
{
    struct buffer scratch = BUFFER_INIT(1u << 20);
    json_t *views = json_object(), *list = json_array();
    for (int view = 0; view < VIEW_COUNT; view++) {
        json_object_set_new(views, view_names[view],
                            json_stringn(explain->explanation.views[view], explain->explanation.view_sizes[view]));
    }
    for (uint32_t i = 0; i < count; i++) {
        json_array_append_new(list, rule_json(explain, rules[i], &scratch));
    }
    buffer_free(&scratch);
    return rules_print_json("rules explain", json_pack("{s:o, s:o}", "views", views, "rules", list), EXIT_DONE);
}

static int print_answer(const struct explain *explain)
{
    const struct explanation *explanation = &explain->explanation;
    const struct explain_rule **rules = arena_array(explain->arena, (size_t)explanation->rule_count + 1, sizeof *rules);
    uint32_t count = 0;
    if (!rules) {
        return command_fail("rules explain", EXIT_ENVIRONMENT, "%s", status_text(STATUS_NO_MEMORY));
    }
    for (uint32_t i = 0; i < explanation->rule_count; i++) {
        if (is_shown(explain, &explanation->rules[i])) {
            rules[count++] = &explanation->rules[i];
        }
    }
    qsort(rules, count, sizeof *rules, compare_rules);
    return explain->arguments.json ? print_object(explain, rules, count) : print_words(explain, rules, count);
}

static int run_on(struct explain *explain, struct ruleset *set, struct findings *findings)
{
    const struct rule *only = NULL;
    if (explain->rule && !rules_find(set, explain->rule, "rules explain", &only)) {
        return EXIT_FOUND_FAULT;
    }
    enum status status = explain_text(set, only, explain->text, explain->arena, findings, &explain->explanation);
    command_busy(NULL);
    if (status != STATUS_OK) {
        findings_print(findings, stderr, command_colour(stderr));
        return command_fail("rules explain", EXIT_ENVIRONMENT, "cannot scan the text: %s", status_text(status));
    }
    return print_answer(explain);
}

static int run(struct explain *explain)
{
    const struct ruleset_options options = {.skip_tests = true}; /* a rule whose tests fail is to be explained too */
    struct findings findings = {0};
    struct ruleset *set = NULL;
    command_busy("loading the rules...");
    enum status status =
        ruleset_load(explain->arguments.paths, explain->arguments.path_count, &options, &findings, &set);
    int exit_code = rules_exit_code(status, &findings);
    if (status == STATUS_OK) {
        findings_clear(&findings); /* warnings are for 'rules check' */
        exit_code = run_on(explain, set, &findings);
    }
    command_busy(NULL);
    if (status != STATUS_OK) {
        findings_sort(&findings);
        findings_print(&findings, stderr, command_colour(stderr));
    }
    ruleset_free(&set);
    findings_clear(&findings);
    return exit_code;
}

/* The text from the command line, or all of standard input. One line end at its end is not part of the message. */
static bool read_text(struct explain *explain, int *ret_exit)
{
    if (explain->arguments.word_count != 1) {
        *ret_exit = command_usage_error("rules explain", explain->arguments.word_count == 0
                                                             ? "give the text to explain, or - for standard input"
                                                             : "give one text; put it in quotes");
        return false;
    }
    const char *word = explain->arguments.words[0];
    if (strcmp(word, "-") != 0) {
        explain->text = span_text(word);
        return true;
    }
    char *data = arena_allocate(explain->arena, TEXT_SIZE_MAX + 1);
    size_t size = data ? fread(data, 1, TEXT_SIZE_MAX + 1, stdin) : 0;
    if (!data || ferror(stdin)) {
        *ret_exit = command_fail("rules explain", EXIT_ENVIRONMENT, "cannot read standard input: %s",
                                 data ? strerror(errno) : status_text(STATUS_NO_MEMORY));
        return false;
    }
    if (size > TEXT_SIZE_MAX) {
        *ret_exit = command_fail("rules explain", EXIT_FOUND_FAULT, "the text is over %u bytes", TEXT_SIZE_MAX);
        return false;
    }
    explain->text = span_of(data, size > 0 && data[size - 1] == '\n' ? size - 1 : size);
    return true;
}

int rules_explain(int argc, char **argv)
{
    static const struct option options[] = {
        {"rule", required_argument, NULL, OPTION_RULE},
        {"all", no_argument, NULL, OPTION_ALL},
        {NULL, 0, NULL, 0},
    };
    struct explain explain = {
        .arguments =
            {.command = "rules explain", .help = explain_help, .options = options, .take = take, .takes_words = true},
        .colour = command_colour(stdout),
    };
    int exit_code = EXIT_ENVIRONMENT;
    explain.arguments.context = &explain;
    if (rules_arguments_read(&explain.arguments, argc, argv, &exit_code)) {
        if (arena_new(64u << 10, ARENA_SIZE_MAX, &explain.arena) != STATUS_OK) {
            exit_code = command_fail("rules explain", EXIT_ENVIRONMENT, "%s", status_text(STATUS_NO_MEMORY));
        } else if (read_text(&explain, &exit_code)) {
            exit_code = run(&explain);
        }
    }
    arena_free(&explain.arena);
    rules_arguments_free(&explain.arguments);
    return exit_code;
}
