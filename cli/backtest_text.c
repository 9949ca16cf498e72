#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "cli/backtest_measure.h"
#include "cli/backtest_report.h"
#include "cli/columns.h"
#include "cli/command.h"
#include "rules/model.h"

#define TEXT_MAX ((size_t)64 << 20)
#define NUMBER_SIZE 32
#define SHARE_SIZE 32
#define ID_COLUMNS_MAX 60u
#define IDLE_RULES_MAX 10u /* shown of rules that were added or removed and flag nothing */
#define LEAD_BYTES 120u    /* shown of a message before its first span, on a terminal */
#define SHOWN_BYTES 320u

/* 12345 as 12,345. */
static const char *number(uint64_t value, char text[NUMBER_SIZE])
{
    char digits[NUMBER_SIZE];
    int size = snprintf(digits, sizeof digits, "%" PRIu64, value), at = 0;
    for (int i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0) {
            text[at++] = ',';
        }
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return text;
}

/* "92.9% (81.0-97.5)" */
static const char *share_text(const struct backtest_share *share, char text[SHARE_SIZE])
{
    if (!share->known) {
        (void)snprintf(text, SHARE_SIZE, "-");
    } else {
        (void)snprintf(text, SHARE_SIZE, "%.1f%% (%.1f-%.1f)", share->value * 100, share->interval.low * 100,
                       share->interval.high * 100);
    }
    return text;
}

static void print_messages(const struct backtest *backtest)
{
    char all[NUMBER_SIZE], positive[NUMBER_SIZE], negative[NUMBER_SIZE], repeated[NUMBER_SIZE];
    printf("%s message%s", number(backtest->messages.all, all), command_plural(backtest->messages.all));
    if (backtest_labelled(backtest)) {
        printf(": %s harmful and %s harmless by label", number(backtest->messages.positive, positive),
               number(backtest->messages.negative, negative));
    }
    if (backtest->repeated > 0) {
        printf("; %s repeated left out", number(backtest->repeated, repeated));
    }
    printf("\n\n");
}

/* One line of the summary: both sides, or only the new one. */
static void print_line(const struct backtest *backtest, const char *name, const char *base, const char *new)
{
    if (backtest->sides[BACKTEST_BASE]) {
        printf("%-13s  %-24s  %s\n", name, base, new);
    } else {
        printf("%-13s  %s\n", name, new);
    }
}

static void print_shares(const struct backtest *backtest, const struct backtest_measure measures[2])
{
    char base[SHARE_SIZE], new[SHARE_SIZE];
    print_line(backtest, "precision", share_text(&measures[0].precision, base),
               share_text(&measures[1].precision, new));
    print_line(backtest, "recall", share_text(&measures[0].recall, base), share_text(&measures[1].recall, new));
    print_line(backtest, "F1", share_text(&measures[0].f1, base), share_text(&measures[1].f1, new));
    if (measures[0].false_alarms_known) {
        (void)snprintf(base, sizeof base, "%.1f of 10,000", measures[0].false_alarms);
        (void)snprintf(new, sizeof new, "%.1f of 10,000", measures[1].false_alarms);
        print_line(backtest, "false alarms", base, new);
    }
}

static void print_summary(const struct backtest *backtest)
{
    const struct backtest_rule *set = &backtest->rules[0];
    char base[NUMBER_SIZE], new[NUMBER_SIZE * 4], count[NUMBER_SIZE], newly[NUMBER_SIZE], gone[NUMBER_SIZE];
    print_messages(backtest);
    if (backtest->sides[BACKTEST_BASE]) {
        print_line(backtest, "", "BASE", "NEW");
        (void)snprintf(new, sizeof new, "%s (%s newly, %s no longer)", number(set->hits[1].all, count),
                       number(set->changes[BACKTEST_NEWLY].all, newly), number(set->changes[BACKTEST_GONE].all, gone));
    } else {
        (void)snprintf(new, sizeof new, "%s", number(set->hits[1].all, count));
    }
    print_line(backtest, "flagged", number(set->hits[0].all, base), new);
    if (set->unscanned[0] + set->unscanned[1] > 0) {
        print_line(backtest, "unscanned", number(set->unscanned[0], base), number(set->unscanned[1], count));
    }
    if (backtest_labelled(backtest)) {
        const struct backtest_measure measures[2] = {backtest_measure_of(&set->hits[0], &backtest->messages),
                                                     backtest_measure_of(&set->hits[1], &backtest->messages)};
        print_shares(backtest, measures);
    }
}

static const char *remark(const struct backtest *backtest, const struct backtest_rule *rule)
{
    if (backtest->sides[BACKTEST_BASE] && !rule->sides[BACKTEST_NEW]) {
        return "  (removed)";
    }
    if (backtest->sides[BACKTEST_BASE] && !rule->sides[BACKTEST_BASE]) {
        return "  (added)";
    }
    return rule->sides[BACKTEST_NEW]->status == RULE_SHADOW ? "  (shadow)" : "";
}

static enum status print_rule(const struct backtest *backtest, const struct backtest_rule *rule, uint32_t id_width,
                              unsigned columns, struct buffer *out)
{
    char counts[4][NUMBER_SIZE], share[SHARE_SIZE];
    bool both = backtest->sides[BACKTEST_BASE] != NULL;
    buffer_clear(out);
    enum status status = columns_append(rule->id, id_width, true, out);
    if (status == STATUS_OK && both) {
        status = buffer_print(out, "  %9s", number(rule->hits[0].all, counts[0]));
    }
    if (status == STATUS_OK) {
        status = buffer_print(out, "  %9s", number(rule->hits[1].all, counts[1]));
    }
    if (status == STATUS_OK && both) {
        status = buffer_print(out, "  %7s  %7s", number(rule->changes[BACKTEST_NEWLY].all, counts[2]),
                              number(rule->changes[BACKTEST_GONE].all, counts[3]));
    }
    if (status == STATUS_OK && backtest_labelled(backtest)) {
        struct backtest_measure measure = backtest_measure_of(&rule->hits[1], &backtest->messages);
        status = buffer_print(out, "  %s", share_text(&measure.precision, share));
    }
    const char *words = remark(backtest, rule);
    if (status == STATUS_OK) {
        status = buffer_append_byte(out, '\0'); /* for columns_of */
        out->size -= status == STATUS_OK;
    }
    if (status == STATUS_OK && (columns == 0 || columns_of((const char *)out->data) + strlen(words) <= columns)) {
        status = buffer_append_text(out, words);
    }
    if (status == STATUS_OK) {
        printf("%.*s\n", (int)out->size, (const char *)out->data);
    }
    return status;
}

/* Columns of the rules' ids: what the others leave. */
static uint32_t id_columns(const struct backtest *backtest, const uint32_t *rules, uint32_t count, unsigned columns)
{
    uint32_t width = 4, max = ID_COLUMNS_MAX;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t own = columns_of(backtest->rules[rules[i]].id);
        width = own > width ? own : width;
    }
    if (columns > 0) {
        unsigned others = 11 + (backtest->sides[BACKTEST_BASE] ? 29 : 0) + (backtest_labelled(backtest) ? 20 : 0);
        max = columns > others + 10 ? columns - others : 10;
    }
    return width < max ? width : max;
}

static enum status print_rules(const struct backtest_report *report, const uint32_t *rules, uint32_t count,
                               unsigned columns)
{
    const struct backtest *backtest = report->backtest;
    bool both = backtest->sides[BACKTEST_BASE] != NULL;
    uint32_t width = id_columns(backtest, rules, count, columns);
    struct buffer out = BUFFER_INIT(TEXT_MAX);
    enum status status = STATUS_OK;
    uint32_t others = backtest->rule_count - 1 - count;
    if (count > 0) {
        printf("\n%-*s%s  %9s%s%s\n", (int)width, "RULE", both ? "       BASE" : "", both ? "NEW" : "FLAGGED",
               both ? "    NEWLY     GONE" : "", backtest_labelled(backtest) ? "  PRECISION" : "");
    }
    uint32_t idle = 0;
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        const struct backtest_rule *rule = &backtest->rules[rules[i]];
        idle += rule->hits[0].all + rule->hits[1].all + rule->unscanned[0] + rule->unscanned[1] == 0;
        if (report->all || idle <= IDLE_RULES_MAX) {
            status = print_rule(backtest, rule, width, columns, &out);
        }
    }
    if (!report->all && idle > IDLE_RULES_MAX) {
        printf("and %u more rules that flag nothing; --all shows them\n", idle - IDLE_RULES_MAX);
    }
    if (others > 0 && both) {
        printf("\n%s%u rule%s flag%s the same as before\n", count ? "the other " : "", others, command_plural(others),
               others == 1 ? "s" : "");
    }
    buffer_free(&out);
    return status;
}

/* ---- Samples ---- */

/* A part of a message, safe to show; bytes that end a C string become spaces. */
static enum status append_part(const struct backtest_sample *sample, uint32_t from, uint32_t to, struct buffer *out)
{
    char part[BACKTEST_SAMPLE_BYTES_MAX + 1];
    uint32_t size = to - from < BACKTEST_SAMPLE_BYTES_MAX ? to - from : BACKTEST_SAMPLE_BYTES_MAX;
    for (uint32_t i = 0; i < size; i++) {
        part[i] = sample->text[from + i] ? sample->text[from + i] : ' ';
    }
    part[size] = '\0';
    return columns_append(part, UINT32_MAX, false, out);
}

/* The text with its spans marked: in colour, or in brackets. */
static enum status append_marked(const struct backtest_sample *sample, uint32_t from, uint32_t to, bool colour,
                                 struct buffer *out)
{
    enum status status = sample->cut_before || from > 0 ? buffer_append_text(out, "… ") : STATUS_OK;
    uint32_t at = from;
    for (uint32_t i = 0; status == STATUS_OK && i < sample->span_count; i++) {
        uint32_t start = sample->spans[i].start > at ? sample->spans[i].start : at;
        uint32_t end = sample->spans[i].end < to ? sample->spans[i].end : to;
        if (start >= end) {
            continue;
        }
        status = append_part(sample, at, start, out);
        if (status == STATUS_OK) {
            status = buffer_append_text(out, colour ? "\x1b[1;31m" : "[");
        }
        if (status == STATUS_OK) {
            status = append_part(sample, start, end, out);
        }
        if (status == STATUS_OK) {
            status = buffer_append_text(out, colour ? "\x1b[0m" : "]");
        }
        at = end;
    }
    if (status == STATUS_OK) {
        status = append_part(sample, at, to, out);
    }
    if (status == STATUS_OK && (sample->cut_after || to < sample->size)) {
        status = buffer_append_text(out, " …");
    }
    return status;
}

static uint32_t character_start(const struct backtest_sample *sample, uint32_t at)
{
    while (at > 0 && at < sample->size && ((uint8_t)sample->text[at] & 0xC0) == 0x80) {
        at--;
    }
    return at;
}

static enum status print_sample(const struct backtest *backtest, const struct backtest_sample *sample, const char *sign,
                                unsigned columns, bool colour, struct buffer *out)
{
    static const char *const labels[] = {"", "  harmless", "  harmful"};
    uint32_t from = 0, to = sample->size;
    if (columns > 0 && sample->size > SHOWN_BYTES) {
        uint32_t first = sample->span_count ? sample->spans[0].start : 0;
        from = character_start(sample, first > LEAD_BYTES ? first - LEAD_BYTES : 0);
        to = from + SHOWN_BYTES < sample->size ? character_start(sample, from + SHOWN_BYTES) : sample->size;
    }
    buffer_clear(out);
    enum status status = append_marked(sample, from, to, colour, out);
    if (status == STATUS_OK) {
        printf("  %s %s:%" PRIu64 "%s\n    %.*s\n", sign, backtest->files[sample->file].path, sample->line,
               labels[sample->label], (int)out->size, (const char *)out->data);
    }
    return status;
}

static void print_change(const struct backtest *backtest, const struct backtest_rule *rule, int change)
{
    const struct backtest_count *count = &rule->changes[change];
    char all[NUMBER_SIZE], positive[NUMBER_SIZE], negative[NUMBER_SIZE];
    printf("  %s %s message%s", change == BACKTEST_NEWLY ? "flags newly" : "flags no longer", number(count->all, all),
           command_plural(count->all));
    if (backtest_labelled(backtest)) {
        printf(", %s harmful and %s harmless", number(count->positive, positive), number(count->negative, negative));
    }
    printf("%s\n", rule->sample_count[change] < count->all && rule->sample_count[change] > 0 ? ", such as" : "");
}

static enum status print_samples(const struct backtest *backtest, const struct backtest_rule *rule, unsigned columns,
                                 bool colour)
{
    struct buffer out = BUFFER_INIT(TEXT_MAX);
    enum status status = STATUS_OK;
    if (rule->sample_count[0] + rule->sample_count[1] > 0) {
        printf("\n%s%s%s\n", colour ? "\x1b[1m" : "", rule->id, colour ? "\x1b[0m" : "");
    }
    for (int change = 0; status == STATUS_OK && change < 2; change++) {
        if (rule->sample_count[change] > 0) {
            print_change(backtest, rule, change);
        }
        for (uint32_t i = 0; status == STATUS_OK && i < rule->sample_count[change]; i++) {
            status = print_sample(backtest, &rule->samples[change][i], change == BACKTEST_NEWLY ? "+" : "-", columns,
                                  colour, &out);
        }
    }
    buffer_free(&out);
    return status;
}

enum status backtest_print(const struct backtest_report *report, unsigned columns, bool colour)
{
    const struct backtest *backtest = report->backtest;
    uint32_t *rules = calloc(backtest->rule_count, sizeof *rules);
    if (!rules) {
        return STATUS_NO_MEMORY;
    }
    uint32_t count = backtest_shown_rules(backtest, report->all, rules);
    print_summary(backtest);
    enum status status = print_rules(report, rules, count, columns);
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        status = print_samples(backtest, &backtest->rules[rules[i]], columns, colour);
    }
    free(rules);
    return status;
}
