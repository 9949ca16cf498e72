#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/findings.h"
#include "cli/columns.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/rules_profile.h"
#include "rules/model.h"
#include "scanner/profile.h"
#include "scanner/ruleset.h"

#define SAMPLE_BYTES_MAX ((size_t)2 << 30)
#define OFFENDERS_MAX 5u
#define LINE_SIZE_MAX (1u << 16)
#define NAME_SIZE (2 * MODEL_ID_SIZE_MAX + 4)

static const char *const search_names[] = {"literals", "expression", "always", "deferred"};

struct sample {
    struct arena *arena;
    struct span *texts;
    uint32_t count, capacity;
    uint64_t max; /* 0: all */
};

struct measure {
    const struct rules_profile_options *options;
    struct ruleset *ruleset;
    struct sample sample;
    struct profile *profile;
    uint64_t faulty;
    uint32_t *order; /* of patterns */
};

static enum status keep_message(void *context, const struct input_message *message)
{
    struct sample *sample = context;
    if (sample->max > 0 && sample->count >= sample->max) {
        return STATUS_OK;
    }
    if (sample->count == sample->capacity) {
        uint32_t capacity = sample->capacity ? sample->capacity * 2 : 4096;
        struct span *texts = capacity > sample->capacity ? reallocarray(sample->texts, capacity, sizeof *texts) : NULL;
        if (!texts) {
            return STATUS_NO_MEMORY;
        }
        sample->texts = texts;
        sample->capacity = capacity;
    }
    char *copy = arena_copy(sample->arena, message->text);
    if (!copy) {
        return STATUS_LIMIT; /* over SAMPLE_BYTES_MAX */
    }
    sample->texts[sample->count++] = span_of(copy, message->text.size);
    return STATUS_OK;
}

static double pattern_ns(const struct profile *profile, const struct profile_pattern *pattern)
{
    return (pattern->search_ns + pattern->confirm_ns) / (double)profile->messages;
}

static double rule_ns(const struct profile *profile, const struct profile_rule *rule)
{
    double sum = 0;
    for (uint32_t i = 0; i < rule->rule->pattern_count; i++) {
        sum += pattern_ns(profile, &profile->patterns[rule->first_pattern + i]);
    }
    return sum;
}

/* ---- The order ---- */

static double sort_value(const struct measure *measure, const struct profile_pattern *pattern)
{
    switch (measure->options->sort) {
    case PROFILE_BY_TIME:
        return pattern_ns(measure->profile, pattern);
    case PROFILE_BY_CANDIDATES:
        return (double)pattern->candidates;
    case PROFILE_BY_CONFIRMATIONS:
        return (double)pattern->confirmations;
    case PROFILE_BY_HITS:
        return (double)pattern->matches;
    case PROFILE_BY_COMPILE:
        return pattern->compile_ms;
    case PROFILE_BY_BYTES:
        return (double)pattern->bytes;
    case PROFILE_BY_RULE:
        return 0;
    }
    return 0;
}

static int compare_patterns(const void *a, const void *b, void *context)
{
    const struct measure *measure = context;
    const struct profile_pattern *x = &measure->profile->patterns[*(const uint32_t *)a];
    const struct profile_pattern *y = &measure->profile->patterns[*(const uint32_t *)b];
    double x_value = sort_value(measure, x), y_value = sort_value(measure, y);
    if (x_value > y_value || x_value < y_value) {
        return x_value > y_value ? -1 : 1;
    }
    int order = strcmp(x->rule->id, y->rule->id);
    return order ? order : (x->pattern > y->pattern) - (x->pattern < y->pattern);
}

static enum status sort_patterns(struct measure *measure)
{
    uint32_t count = measure->profile->pattern_count;
    measure->order = calloc((size_t)count + 1, sizeof *measure->order);
    if (!measure->order) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        measure->order[i] = i;
    }
    qsort_r(measure->order, count, sizeof *measure->order, compare_patterns, measure);
    return STATUS_OK;
}

/* ---- Printing ---- */

static const char *pattern_name(const struct profile_pattern *pattern, char name[NAME_SIZE])
{
    (void)snprintf(name, NAME_SIZE, "%s %s", pattern->rule->id, pattern->rule->patterns[pattern->pattern].name);
    return name;
}

static uint32_t shown_count(const struct measure *measure)
{
    long long top = measure->options->top;
    return top == 0 || top > measure->profile->pattern_count ? measure->profile->pattern_count : (uint32_t)top;
}

static void print_summary(const struct measure *measure)
{
    const struct profile *profile = measure->profile;
    double messages = (double)profile->messages, rest = profile->total_ns - profile->views_ns - profile->search_ns;
    printf("%llu message%s of %.0f bytes on average, %llu flagged\n", (unsigned long long)profile->messages,
           command_plural(profile->messages), (double)profile->bytes / messages, (unsigned long long)profile->flagged);
    printf("%.0f ns a message: %.0f views, %.0f search, %.0f confirming and deciding\n", profile->total_ns / messages,
           profile->views_ns / messages, profile->search_ns / messages, rest > 0 ? rest / messages : 0);
    printf("%.2f candidates a message, %.2f confirmed by PCRE2\n", (double)profile->candidates / messages,
           (double)profile->confirmations / messages);
}

static const char *size_text(size_t bytes, char text[16])
{
    (void)snprintf(text, 16, bytes < 1000000 ? "%.0f K" : "%.1f M", (double)bytes / (bytes < 1000000 ? 1e3 : 1e6));
    return text;
}

static enum status print_pattern(const struct measure *measure, const struct profile_pattern *pattern, uint32_t width,
                                 struct buffer *line)
{
    const struct profile *profile = measure->profile;
    char name[NAME_SIZE], size[16], compile[32] = "-";
    double ns = pattern_ns(profile, pattern);
    double share = profile->total_ns > 0 ? 100 * ns * (double)profile->messages / profile->total_ns : 0;
    if (pattern->compile_ms >= 0) {
        (void)snprintf(compile, sizeof compile, "%.1f", pattern->compile_ms);
    }
    buffer_clear(line);
    enum status status = columns_append(pattern_name(pattern, name), width, true, line);
    if (status == STATUS_OK) {
        status = buffer_print(line, "  %6.1f %4.1f%% %7llu %7llu %6llu %6s %6s", ns, share,
                              (unsigned long long)pattern->candidates, (unsigned long long)pattern->confirmations,
                              (unsigned long long)pattern->matches, compile,
                              pattern->bytes ? size_text(pattern->bytes, size) : "-");
    }
    if (status == STATUS_OK) {
        printf("%.*s%s\n", (int)line->size, (const char *)line->data,
               pattern->search == SEARCH_ALWAYS       ? " !"
               : pattern->search == SEARCH_EXPRESSION ? " *"
                                                      : "");
    }
    return status;
}

static enum status print_table(const struct measure *measure)
{
    const struct profile *profile = measure->profile;
    struct buffer line = BUFFER_INIT(LINE_SIZE_MAX);
    unsigned columns = rules_terminal_width();
    uint32_t count = shown_count(measure), width = 12;
    bool always = false, expression = false;
    for (uint32_t i = 0; i < count; i++) {
        char name[NAME_SIZE];
        uint32_t own = columns_of(pattern_name(&profile->patterns[measure->order[i]], name));
        width = own > width ? own : width;
    }
    uint32_t max = columns ? (columns > 68 ? columns - 54 : 14) : 64;
    width = width < max ? width : max;
    print_summary(measure);
    printf("\n%-*s  NS/MSG SHARE   CAND.  CONF.  FOUND     MS  BYTES\n", (int)width, "RULE, PATTERN");
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        const struct profile_pattern *pattern = &profile->patterns[measure->order[i]];
        always |= pattern->search == SEARCH_ALWAYS;
        expression |= pattern->search == SEARCH_EXPRESSION;
        status = print_pattern(measure, pattern, width, &line);
    }
    buffer_free(&line);
    if (count < profile->pattern_count) {
        printf("and %u more patterns; --top 0 shows all\n", profile->pattern_count - count);
    }
    printf("%s%s%s", always || expression ? "\n" : "",
           expression ? "* searched as an expression: no literal is rare enough\n" : "",
           always ? "! not searched for: looked for in every message\n" : "");
    return status;
}

static json_t *pattern_json(const struct profile *profile, const struct profile_pattern *pattern)
{
    return json_pack("{s:s, s:s, s:s, s:f, s:f, s:f, s:I, s:I, s:I, s:o, s:o}", "rule", pattern->rule->id, "pattern",
                     pattern->rule->patterns[pattern->pattern].name, "search", search_names[pattern->search],
                     "ns_per_message", pattern_ns(profile, pattern), "search_ns_per_message",
                     pattern->search_ns / (double)profile->messages, "confirm_ns_per_message",
                     pattern->confirm_ns / (double)profile->messages, "candidates", (json_int_t)pattern->candidates,
                     "confirmations", (json_int_t)pattern->confirmations, "found", (json_int_t)pattern->matches,
                     "compile_ms", pattern->compile_ms >= 0 ? json_real(pattern->compile_ms) : json_null(), "bytes",
                     pattern->bytes ? json_integer((json_int_t)pattern->bytes) : json_null());
}

static int print_object(const struct measure *measure)
{
    const struct profile *profile = measure->profile;
    double messages = (double)profile->messages;
    json_t *rules = json_array(), *patterns = json_array();
    for (uint32_t i = 0; i < profile->rule_count; i++) {
        json_array_append_new(rules, json_pack("{s:s, s:f, s:I}", "rule", profile->rules[i].rule->id, "ns_per_message",
                                               rule_ns(profile, &profile->rules[i]), "hits",
                                               (json_int_t)profile->rules[i].hits));
    }
    for (uint32_t i = 0; i < shown_count(measure); i++) {
        json_array_append_new(patterns, pattern_json(profile, &profile->patterns[measure->order[i]]));
    }
    json_t *object =
        json_pack("{s:s, s:I, s:I, s:I, s:f, s:f, s:f, s:I, s:I, s:o, s:o}", "generation",
                  ruleset_generation(measure->ruleset), "messages", (json_int_t)profile->messages, "bytes",
                  (json_int_t)profile->bytes, "flagged", (json_int_t)profile->flagged, "ns_per_message",
                  profile->total_ns / messages, "views_ns_per_message", profile->views_ns / messages,
                  "search_ns_per_message", profile->search_ns / messages, "candidates", (json_int_t)profile->candidates,
                  "confirmations", (json_int_t)profile->confirmations, "rules", rules, "patterns", patterns);
    return rules_print_json(measure->options->arguments.command, object, EXIT_DONE);
}

/* ---- Budgets ---- */

/* The patterns that cost most, whatever the table is sorted by. */
static void name_offenders(const struct measure *measure)
{
    const struct profile *profile = measure->profile;
    double below = INFINITY;
    (void)fprintf(stderr, "What costs most:\n");
    for (uint32_t n = 0; n < OFFENDERS_MAX; n++) {
        const struct profile_pattern *most = NULL;
        for (uint32_t i = 0; i < profile->pattern_count; i++) {
            double ns = pattern_ns(profile, &profile->patterns[i]);
            if (ns < below && (!most || ns > pattern_ns(profile, most))) {
                most = &profile->patterns[i];
            }
        }
        if (!most) {
            return;
        }
        char name[NAME_SIZE];
        below = pattern_ns(profile, most);
        (void)fprintf(stderr, "  %8.1f ns  %s\n", below, pattern_name(most, name));
    }
}

static int judge(const struct measure *measure)
{
    const struct rules_profile_options *options = measure->options;
    const struct profile *profile = measure->profile;
    double ns = profile->total_ns / (double)profile->messages;
    int exit_code = measure->faulty > 0 ? EXIT_FOUND_FAULT : EXIT_DONE;
    if (options->max_ns > 0 && ns > (double)options->max_ns) {
        (void)fprintf(stderr, "weir %s: over the budget: %.0f ns a message, %lld allowed\n", options->arguments.command,
                      ns, options->max_ns);
        name_offenders(measure);
        exit_code = EXIT_FOUND_FAULT;
    }
    for (uint32_t i = 0; options->max_rule_ns > 0 && i < profile->rule_count; i++) {
        double own = rule_ns(profile, &profile->rules[i]);
        if (own > (double)options->max_rule_ns) {
            const struct model_place *place = &profile->rules[i].rule->place;
            (void)fprintf(stderr, "%s:%u: %s costs %.0f ns a message, %lld allowed\n", place->file, place->line,
                          profile->rules[i].rule->id, own, options->max_rule_ns);
            exit_code = EXIT_FOUND_FAULT;
        }
    }
    return exit_code;
}

/* ---- The whole ---- */

static int load_rules(struct measure *measure)
{
    const struct rules_arguments *arguments = &measure->options->arguments;
    struct findings findings = {0};
    command_busy("loading the rules...");
    enum status status = ruleset_load(arguments->paths, arguments->path_count, NULL, &findings, &measure->ruleset);
    command_busy(NULL);
    int exit_code = status == STATUS_OK ? EXIT_DONE : rules_exit_code(status, &findings);
    if (status != STATUS_OK) {
        findings_sort(&findings);
        findings_print(&findings, stderr, command_colour(stderr));
    }
    findings_clear(&findings);
    return exit_code;
}

static void on_progress(void *context, uint64_t done, uint64_t total)
{
    struct progress *progress = context;
    if (progress->total == 0) {
        progress_start(progress, "measuring", "patterns", total);
    }
    progress_update(progress, done);
}

static int measure_rules(struct measure *measure)
{
    const char *command = measure->options->arguments.command;
    struct progress progress = {0};
    if (measure->sample.count == 0) {
        return command_fail(command, EXIT_FOUND_FAULT, "the sample holds no messages");
    }
    command_busy("scanning the sample...");
    enum status status = profile_run(measure->ruleset, measure->sample.texts, measure->sample.count, on_progress,
                                     &progress, &measure->profile);
    if (progress.total > 0) {
        progress_end(&progress);
    }
    command_busy(NULL);
    if (status == STATUS_OK) {
        status = sort_patterns(measure);
    }
    if (status != STATUS_OK) {
        return command_fail(command, EXIT_ENVIRONMENT, "%s", status_text(status));
    }
    if (measure->options->arguments.json) {
        return print_object(measure);
    }
    status = print_table(measure);
    return status == STATUS_OK ? EXIT_DONE : command_fail(command, EXIT_ENVIRONMENT, "%s", status_text(status));
}

int rules_profile_measure(const struct rules_profile_options *options)
{
    struct measure measure = {.options = options, .sample = {.max = (uint64_t)options->messages_max}};
    int exit_code = load_rules(&measure);
    if (exit_code == EXIT_DONE && arena_new(1u << 20, SAMPLE_BYTES_MAX, &measure.sample.arena) != STATUS_OK) {
        exit_code = command_fail(options->arguments.command, EXIT_ENVIRONMENT, "%s", status_text(STATUS_NO_MEMORY));
    }
    if (exit_code == EXIT_DONE) {
        exit_code = rules_profile_read(options, "reading", keep_message, &measure.sample, &measure.faulty);
    }
    if (exit_code == EXIT_DONE) {
        exit_code = measure_rules(&measure);
    }
    (void)fflush(stdout);
    if (exit_code == EXIT_DONE) {
        exit_code = judge(&measure);
    }
    profile_free(&measure.profile);
    ruleset_free(&measure.ruleset);
    arena_free(&measure.sample.arena);
    free(measure.sample.texts);
    free(measure.order);
    return exit_code;
}
