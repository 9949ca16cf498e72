#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "cli/backtest_measure.h"
#include "cli/backtest_report.h"
#include "rules/model.h"

#define PLOTTED_RULES_MAX 40u
#define BAR_UNITS 1000.0 /* width of a bar's drawing */

/* A page that is being written: the first failure stops all further writing. */
struct page {
    const struct backtest_report *report;
    struct buffer *out;
    enum status status;
};

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"robots\" content=\"noindex\">\n<title>Back-test of rules</title>\n<style>\n"
    ":root{color-scheme:light dark;--ink:#1c2430;--soft:#5a6675;--line:#d9dfe6;--paper:#fff;--pane:#f5f7f9;"
    "--new:#1f7a4d;--gone:#b3412e;--base:#6b7a8f;--harm:#b3412e;--mark:#ffe08a}\n"
    "@media (prefers-color-scheme:dark){:root{--ink:#e7ebf0;--soft:#a3aebb;--line:#39434f;--paper:#161b21;"
    "--pane:#1f262e;--new:#5cc48d;--gone:#f0907d;--base:#94a3b8;--harm:#f0907d;--mark:#6b5510}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;max-width:68rem;padding:1rem;font:16px/1.5 system-ui,sans-serif;color:var(--ink);"
    "background:var(--paper)}\n"
    "h1{font-size:1.5rem;margin:.5rem 0}h2{font-size:1.15rem;margin:2rem 0 .5rem}\n"
    "p{margin:.4rem 0}.soft{color:var(--soft)}code,.id{font-family:ui-monospace,monospace;font-size:.9em;"
    "overflow-wrap:anywhere}\n"
    ".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.6rem;margin:1rem 0}\n"
    ".card{background:var(--pane);border:1px solid var(--line);border-radius:.4rem;padding:.6rem .8rem}\n"
    ".card b{display:block;font-size:1.5rem;line-height:1.2}\n"
    ".row{display:grid;grid-template-columns:minmax(0,17rem) minmax(0,1fr) 6.5rem;gap:.2rem .8rem;align-items:center;"
    "padding:.25rem 0;border-top:1px solid var(--line)}\n"
    ".row svg{width:100%;height:1.1rem;display:block}.num{text-align:right;font-variant-numeric:tabular-nums}\n"
    ".measure{grid-template-columns:6.5rem minmax(0,1fr) 9.5rem}\n"
    ".key span{white-space:nowrap;margin-right:1rem}.key i{display:inline-block;width:.8rem;height:.8rem;"
    "border-radius:.15rem;margin-right:.35rem;vertical-align:-.05rem}\n"
    ".wide{overflow-x:auto}table{border-collapse:collapse;width:100%}th,td{padding:.3rem .6rem;text-align:right;"
    "border-top:1px solid var(--line);font-variant-numeric:tabular-nums;white-space:nowrap}th{color:var(--soft);"
    "font-weight:600}th:first-child,td:first-child{text-align:left;white-space:normal;min-width:9rem}\n"
    "details{border:1px solid var(--line);border-radius:.4rem;margin:.5rem 0;padding:.4rem .8rem}\n"
    "summary{cursor:pointer}summary small{color:var(--soft)}\n"
    ".sample{border-left:3px solid var(--line);margin:.6rem 0;padding:.1rem 0 .1rem .7rem;overflow-wrap:anywhere;"
    "white-space:pre-wrap}.sample.new{border-color:var(--new)}.sample.gone{border-color:var(--gone)}\n"
    ".sample small{display:block;color:var(--soft)}mark{background:var(--mark);color:inherit;border-radius:.15rem}\n"
    ".harm{color:var(--harm);font-weight:600}\n"
    "@media (max-width:40rem){.row,.measure{grid-template-columns:minmax(0,1fr) auto}.row svg{grid-column:1/-1;"
    "grid-row:2}}\n"
    "</style>\n</head>\n<body>\n";

static void put(struct page *page, const char *text)
{
    if (page->status == STATUS_OK) {
        page->status = buffer_append_text(page->out, text);
    }
}

/* Only numbers and texts of the program itself go through this one: nothing is escaped. */
static void print(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void print(struct page *page, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    put(page, text);
}

static void put_character(struct page *page, const uint8_t *bytes, size_t length, uint32_t code_point)
{
    bool control = code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0) || code_point == 0x2028 ||
                   code_point == 0x2029 || code_point == 0x61C || (code_point >= 0x200B && code_point <= 0x200F) ||
                   (code_point >= 0x202A && code_point <= 0x202E) || (code_point >= 0x2060 && code_point <= 0x2069) ||
                   code_point == 0xFEFF;
    switch (code_point) {
    case '&':
        put(page, "&amp;");
        return;
    case '<':
        put(page, "&lt;");
        return;
    case '>':
        put(page, "&gt;");
        return;
    case '"':
        put(page, "&quot;");
        return;
    case '\'':
        put(page, "&#39;");
        return;
    case '\n':
    case '\t':
        put(page, code_point == '\n' ? "\n" : " ");
        return;
    default:
        if (control) {
            print(page, "<span class=\"soft\" title=\"U+%04X\">&#xB7;</span>", code_point);
        } else if (page->status == STATUS_OK) {
            page->status = buffer_append(page->out, bytes, length);
        }
    }
}

/* Text of unknown origin: markup escaped; what cannot be seen, or would turn the text around, as a dot. */
static void put_text(struct page *page, const char *text, size_t size)
{
    for (size_t i = 0; i < size && page->status == STATUS_OK;) {
        uint32_t code_point;
        size_t length = json_text_character((const uint8_t *)text + i, size - i, &code_point);
        if (length == 0) {
            put(page, "\xEF\xBF\xBD");
        } else {
            put_character(page, (const uint8_t *)text + i, length, code_point);
        }
        i += length ? length : 1;
    }
}

static void put_string(struct page *page, const char *text)
{
    put_text(page, text, strlen(text));
}

static void card(struct page *page, uint64_t number, const char *words)
{
    print(page, "<div class=\"card\"><b>%" PRIu64 "</b>%s</div>\n", number, words);
}

static void put_head(struct page *page)
{
    const struct backtest *backtest = page->report->backtest;
    const struct ruleset *base = backtest->sides[BACKTEST_BASE];
    const struct backtest_rule *set = &backtest->rules[0];
    put(page, head);
    put(page, "<h1>Back-test of rules</h1>\n<p>");
    if (base) {
        put(page, "From <code>");
        put_string(page, page->report->base_path);
        print(page, "</code> <span class=\"soft\">(generation %s)</span> to ", ruleset_generation(base));
    }
    put(page, "<code>");
    put_string(page, page->report->new_path);
    print(page, "</code> <span class=\"soft\">(generation %s)</span></p>\n",
          ruleset_generation(backtest->sides[BACKTEST_NEW]));
    put(page, "<p class=\"soft\">This page holds messages: keep it as you keep messages.</p>\n<div class=\"cards\">\n");
    card(page, backtest->messages.all, backtest->repeated ? "messages, each text once" : "messages");
    if (backtest_labelled(backtest)) {
        card(page, backtest->messages.positive, "harmful by label");
        card(page, backtest->messages.negative, "harmless by label");
    }
    if (base) {
        card(page, set->hits[BACKTEST_BASE].all, "flagged before");
    }
    card(page, set->hits[BACKTEST_NEW].all, base ? "flagged now" : "flagged");
    if (base) {
        card(page, set->changes[BACKTEST_NEWLY].all, "newly flagged");
        card(page, set->changes[BACKTEST_GONE].all, "no longer flagged");
    }
    put(page, "</div>\n");
}

/* ---- Plots: drawings without words, which stretch with the page; words and numbers stand beside them ---- */

static void whisker(struct page *page, const struct backtest_share *share, int y, const char *colour)
{
    if (share->known) {
        print(page,
              "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"var(--%s)\" stroke-width=\"2\" "
              "vector-effect=\"non-scaling-stroke\"/>"
              "<rect x=\"%.1f\" y=\"%d\" width=\"6\" height=\"6\" fill=\"var(--%s)\"/>",
              share->interval.low * BAR_UNITS, share->interval.high * BAR_UNITS, y, y, colour,
              share->value * (BAR_UNITS - 6), y - 3, colour);
    }
}

static void measure_row(struct page *page, const char *name, const struct backtest_share *base,
                        const struct backtest_share *new)
{
    print(page, "<div class=\"row measure\"><div>%s</div><svg viewBox=\"0 0 1000 20\" preserveAspectRatio=\"none\">",
          name);
    put(page, "<rect width=\"1000\" height=\"20\" fill=\"var(--pane)\"/>");
    if (base) {
        whisker(page, base, 6, "base");
    }
    whisker(page, new, 14, "new");
    put(page, "</svg><div class=\"num\">");
    if (base && base->known) {
        print(page, "%.1f%% &rarr; ", base->value * 100);
    }
    if (new->known) {
        print(page, "<b>%.1f%%</b>", new->value * 100);
    }
    put(page, "</div></div>\n");
}

static void put_measures(struct page *page)
{
    const struct backtest *backtest = page->report->backtest;
    const struct backtest_rule *set = &backtest->rules[0];
    bool both = backtest->sides[BACKTEST_BASE] != NULL;
    if (!backtest_labelled(backtest)) {
        return;
    }
    struct backtest_measure base = backtest_measure_of(&set->hits[0], &backtest->messages);
    struct backtest_measure new = backtest_measure_of(&set->hits[1], &backtest->messages);
    put(page, "<h2>How good the rules are</h2>\n<p class=\"soft\">From 0 to 100%, with the 95% interval.</p>\n");
    if (both) {
        put(page, "<p class=\"key\"><span><i style=\"background:var(--base)\"></i>before</span>"
                  "<span><i style=\"background:var(--new)\"></i>now</span></p>\n");
    }
    measure_row(page, "Precision", both ? &base.precision : NULL, &new.precision);
    measure_row(page, "Recall", both ? &base.recall : NULL, &new.recall);
    measure_row(page, "F1", both ? &base.f1 : NULL, &new.f1);
    if (new.false_alarms_known) {
        put(page, "<p>False alarms among 10,000 harmless messages: ");
        if (both) {
            print(page, "%.1f &rarr; ", base.false_alarms);
        }
        print(page, "<b>%.1f</b></p>\n", new.false_alarms);
    }
}

static void change_row(struct page *page, const struct backtest_rule *rule, uint64_t most)
{
    double newly = (double)rule->changes[BACKTEST_NEWLY].all / (double)most * (BAR_UNITS / 2);
    double gone = (double)rule->changes[BACKTEST_GONE].all / (double)most * (BAR_UNITS / 2);
    put(page, "<div class=\"row\"><div class=\"id\">");
    put_string(page, rule->id);
    put(page, "</div><svg viewBox=\"0 0 1000 20\" preserveAspectRatio=\"none\">");
    print(page,
          "<rect x=\"%.1f\" y=\"2\" width=\"%.1f\" height=\"16\" fill=\"var(--gone)\"/>"
          "<rect x=\"500\" y=\"2\" width=\"%.1f\" height=\"16\" fill=\"var(--new)\"/>"
          "<line x1=\"500\" x2=\"500\" y1=\"0\" y2=\"20\" stroke=\"var(--soft)\" "
          "vector-effect=\"non-scaling-stroke\"/>",
          500 - gone, gone, newly);
    print(page, "</svg><div class=\"num\">&minus;%" PRIu64 " +%" PRIu64 "</div></div>\n",
          rule->changes[BACKTEST_GONE].all, rule->changes[BACKTEST_NEWLY].all);
}

static void put_changes(struct page *page, const uint32_t *rules, uint32_t count)
{
    const struct backtest *backtest = page->report->backtest;
    uint64_t most = 0;
    uint32_t changed = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct backtest_rule *rule = &backtest->rules[rules[i]];
        for (int change = 0; change < 2; change++) {
            most = rule->changes[change].all > most ? rule->changes[change].all : most;
        }
        changed += rule->changes[0].all + rule->changes[1].all > 0;
    }
    if (!backtest->sides[BACKTEST_BASE]) {
        return;
    }
    put(page, "<h2>What changes, by rule</h2>\n");
    if (most == 0) {
        put(page, "<p>Every rule flags the same messages as before.</p>\n");
        return;
    }
    put(page, "<p class=\"key\"><span><i style=\"background:var(--gone)\"></i>no longer flagged</span>"
              "<span><i style=\"background:var(--new)\"></i>newly flagged</span></p>\n");
    uint32_t plotted = changed < PLOTTED_RULES_MAX ? changed : PLOTTED_RULES_MAX; /* those with changes come first */
    for (uint32_t i = 0; i < plotted; i++) {
        change_row(page, &backtest->rules[rules[i]], most);
    }
    if (changed > plotted) {
        print(page, "<p class=\"soft\">and %u more rules</p>\n", changed - plotted);
    }
}

/* ---- Tables ---- */

static void share_cell(struct page *page, const struct backtest_share *share)
{
    if (share->known) {
        print(page, "<td>%.1f%% <span class=\"soft\">(%.0f&ndash;%.0f)</span></td>", share->value * 100,
              share->interval.low * 100, share->interval.high * 100);
    } else {
        put(page, "<td>&ndash;</td>");
    }
}

static void put_rules(struct page *page, const uint32_t *rules, uint32_t count)
{
    const struct backtest *backtest = page->report->backtest;
    bool both = backtest->sides[BACKTEST_BASE] != NULL, labelled = backtest_labelled(backtest);
    if (count == 0) {
        return;
    }
    print(page, "<h2>Rules</h2>\n<div class=\"wide\"><table><tr><th>Rule</th>%s<th>%s</th>%s%s</tr>\n",
          both ? "<th>Before</th>" : "", both ? "Now" : "Flagged", both ? "<th>Newly</th><th>No longer</th>" : "",
          labelled ? "<th>Precision</th><th>Recall</th>" : "");
    for (uint32_t i = 0; i < count && page->status == STATUS_OK; i++) {
        const struct backtest_rule *rule = &backtest->rules[rules[i]];
        put(page, "<tr><td class=\"id\">");
        put_string(page, rule->id);
        const struct rule *shown = rule->sides[BACKTEST_NEW];
        put(page, !shown                                ? " <span class=\"soft\">removed</span></td>"
                  : both && !rule->sides[BACKTEST_BASE] ? " <span class=\"soft\">added</span></td>"
                  : shown->status == RULE_SHADOW        ? " <span class=\"soft\">shadow</span></td>"
                                                        : "</td>");
        if (both) {
            print(page, "<td>%" PRIu64 "</td>", rule->hits[BACKTEST_BASE].all);
        }
        print(page, "<td>%" PRIu64 "</td>", rule->hits[BACKTEST_NEW].all);
        if (both) {
            print(page, "<td>%" PRIu64 "</td><td>%" PRIu64 "</td>", rule->changes[BACKTEST_NEWLY].all,
                  rule->changes[BACKTEST_GONE].all);
        }
        if (labelled) {
            struct backtest_measure measure = backtest_measure_of(&rule->hits[BACKTEST_NEW], &backtest->messages);
            share_cell(page, &measure.precision);
            share_cell(page, &measure.recall);
        }
        put(page, "</tr>\n");
    }
    put(page, "</table></div>\n");
}

static void put_files(struct page *page)
{
    const struct backtest *backtest = page->report->backtest;
    bool both = backtest->sides[BACKTEST_BASE] != NULL;
    print(page, "<h2>Files</h2>\n<div class=\"wide\"><table><tr><th>File</th><th>Messages</th>%s<th>%s</th>%s</tr>\n",
          both ? "<th>Before</th>" : "", both ? "Now" : "Flagged", both ? "<th>Newly</th><th>No longer</th>" : "");
    for (uint32_t i = 0; i < backtest->file_count && page->status == STATUS_OK; i++) {
        const struct backtest_file *file = &backtest->files[i];
        put(page, "<tr><td class=\"id\">");
        put_string(page, file->path);
        print(page, "</td><td>%" PRIu64 "</td>", file->messages.all);
        if (both) {
            print(page, "<td>%" PRIu64 "</td>", file->flagged[BACKTEST_BASE].all);
        }
        print(page, "<td>%" PRIu64 "</td>", file->flagged[BACKTEST_NEW].all);
        if (both) {
            print(page, "<td>%" PRIu64 "</td><td>%" PRIu64 "</td>", file->changes[BACKTEST_NEWLY].all,
                  file->changes[BACKTEST_GONE].all);
        }
        put(page, "</tr>\n");
    }
    put(page, "</table></div>\n");
}

/* ---- Samples ---- */

static void put_sample(struct page *page, const struct backtest_sample *sample, int change)
{
    const char *path = page->report->backtest->files[sample->file].path;
    uint32_t at = 0;
    print(page, "<div class=\"sample %s\"><small>%s, ", change == BACKTEST_NEWLY ? "new" : "gone",
          change == BACKTEST_NEWLY ? "newly flagged" : "no longer flagged");
    put_string(page, path);
    print(page, ":%" PRIu64 "%s</small>", sample->line,
          sample->label == BACKTEST_POSITIVE   ? ", <span class=\"harm\">harmful</span>"
          : sample->label == BACKTEST_NEGATIVE ? ", harmless"
                                               : "");
    put(page, sample->cut_before ? "&hellip; " : "");
    for (uint32_t i = 0; i < sample->span_count; i++) {
        uint32_t start = sample->spans[i].start > at ? sample->spans[i].start : at;
        if (start < sample->spans[i].end) {
            put_text(page, sample->text + at, start - at);
            put(page, "<mark>");
            put_text(page, sample->text + start, sample->spans[i].end - start);
            put(page, "</mark>");
            at = sample->spans[i].end;
        }
    }
    put_text(page, sample->text + at, sample->size - at);
    put(page, sample->cut_after ? " &hellip;</div>\n" : "</div>\n");
}

static void put_samples(struct page *page, const uint32_t *rules, uint32_t count)
{
    const struct backtest *backtest = page->report->backtest;
    bool headed = false;
    for (uint32_t r = 0; r < count && page->status == STATUS_OK; r++) {
        const struct backtest_rule *rule = &backtest->rules[rules[r]];
        if (rule->sample_count[0] + rule->sample_count[1] == 0) {
            continue;
        }
        put(page, headed ? "" : "<h2>Samples</h2>\n");
        print(page, "<details%s><summary><span class=\"id\">", headed ? "" : " open");
        headed = true;
        put_string(page, rule->id);
        print(page, "</span> <small>%" PRIu64 " newly, %" PRIu64 " no longer flagged</small></summary>\n",
              rule->changes[BACKTEST_NEWLY].all, rule->changes[BACKTEST_GONE].all);
        for (int change = 0; change < 2; change++) {
            for (uint32_t i = 0; i < rule->sample_count[change]; i++) {
                put_sample(page, &rule->samples[change][i], change);
            }
        }
        put(page, "</details>\n");
    }
}

enum status backtest_html(const struct backtest_report *report, struct buffer *out)
{
    struct page page = {.report = report, .out = out};
    uint32_t *rules = calloc(report->backtest->rule_count, sizeof *rules);
    if (!rules) {
        return STATUS_NO_MEMORY;
    }
    uint32_t count = backtest_shown_rules(report->backtest, report->all, rules);
    put_head(&page);
    put_measures(&page);
    put_changes(&page, rules, count);
    put_rules(&page, rules, count);
    if (report->backtest->file_count > 1) {
        put_files(&page);
    }
    put_samples(&page, rules, count);
    put(&page, "</body>\n</html>\n");
    free(rules);
    return page.status;
}
