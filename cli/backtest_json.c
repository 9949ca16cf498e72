#include <stdlib.h>

#include <jansson.h>

#include "base/json_text.h"
#include "cli/backtest_measure.h"
#include "cli/backtest_report.h"
#include "rules/model.h"

static json_t *count_json(const struct backtest *backtest, const struct backtest_count *count)
{
    json_t *object = json_pack("{s:I}", "messages", (json_int_t)count->all);
    if (backtest_labelled(backtest)) {
        json_object_set_new(object, "positive", json_integer((json_int_t)count->positive));
        json_object_set_new(object, "negative", json_integer((json_int_t)count->negative));
    }
    return object;
}

static json_t *share_json(const struct backtest_share *share)
{
    return share->known ? json_pack("{s:f, s:f, s:f}", "value", share->value, "low", share->interval.low, "high",
                                    share->interval.high)
                        : json_null();
}

/* What a side flags, and how well. */
static json_t *side_json(const struct backtest *backtest, const struct backtest_rule *rule, int side)
{
    json_t *object = count_json(backtest, &rule->hits[side]);
    if (rule->sides[side]) {
        json_object_set_new(object, "status", json_string(rule_status_names[rule->sides[side]->status]));
    }
    if (rule->unscanned[side] > 0) {
        json_object_set_new(object, "unscanned", json_integer((json_int_t)rule->unscanned[side]));
    }
    if (backtest_labelled(backtest)) {
        struct backtest_measure measure = backtest_measure_of(&rule->hits[side], &backtest->messages);
        json_object_set_new(object, "precision", share_json(&measure.precision));
        json_object_set_new(object, "recall", share_json(&measure.recall));
        json_object_set_new(object, "f1", share_json(&measure.f1));
        json_object_set_new(object, "false_alarms_per_10000",
                            measure.false_alarms_known ? json_real(measure.false_alarms) : json_null());
    }
    return object;
}

/* Bytes that are no UTF-8 come out as the text \xNN. NULL without memory. */
static json_t *text_json(const char *text, uint32_t size)
{
    char *safe = malloc((size_t)size * 4 + 1);
    size_t at = 0;
    for (uint32_t i = 0; safe && i < size;) {
        static const char digits[] = "0123456789abcdef";
        uint32_t code_point;
        size_t length = json_text_character((const uint8_t *)text + i, size - i, &code_point);
        for (size_t k = 0; k < length; k++) {
            safe[at++] = text[i + k];
        }
        if (length == 0) {
            uint8_t byte = (uint8_t)text[i];
            safe[at++] = '\\';
            safe[at++] = 'x';
            safe[at++] = digits[byte >> 4];
            safe[at++] = digits[byte & 15];
        }
        i += length ? (uint32_t)length : 1;
    }
    json_t *string = safe ? json_stringn(safe, at) : NULL;
    free(safe);
    return string;
}

static json_t *sample_json(const struct backtest *backtest, const struct backtest_sample *sample)
{
    static const char *const labels[] = {NULL, "negative", "positive"};
    json_t *spans = json_array();
    for (uint32_t i = 0; i < sample->span_count; i++) {
        json_array_append_new(spans, json_pack("{s:I, s:I}", "start", (json_int_t)sample->spans[i].start, "end",
                                               (json_int_t)sample->spans[i].end));
    }
    return json_pack("{s:s, s:I, s:s?, s:b, s:o, s:o}", "file", backtest->files[sample->file].path, "line",
                     (json_int_t)sample->line, "label", labels[sample->label], "cut",
                     sample->cut_before || sample->cut_after, "text", text_json(sample->text, sample->size), "spans",
                     spans);
}

static json_t *change_json(const struct backtest *backtest, const struct backtest_rule *rule, int change)
{
    json_t *object = count_json(backtest, &rule->changes[change]);
    json_t *samples = json_array();
    for (uint32_t i = 0; i < rule->sample_count[change]; i++) {
        json_array_append_new(samples, sample_json(backtest, &rule->samples[change][i]));
    }
    if (rule->id) {
        json_object_set_new(object, "samples", samples);
    } else {
        json_decref(samples);
    }
    return object;
}

static json_t *rule_json(const struct backtest *backtest, const struct backtest_rule *rule)
{
    json_t *object = json_object();
    bool both = backtest->sides[BACKTEST_BASE] != NULL;
    if (rule->id) {
        json_object_set_new(object, "rule", json_string(rule->id));
    }
    if (both) {
        bool there = !rule->id || rule->sides[BACKTEST_BASE];
        json_object_set_new(object, "base", there ? side_json(backtest, rule, BACKTEST_BASE) : json_null());
    }
    bool there = !rule->id || rule->sides[BACKTEST_NEW];
    json_object_set_new(object, "new", there ? side_json(backtest, rule, BACKTEST_NEW) : json_null());
    json_object_set_new(object, "newly", change_json(backtest, rule, BACKTEST_NEWLY));
    if (both) {
        json_object_set_new(object, "gone", change_json(backtest, rule, BACKTEST_GONE));
    }
    return object;
}

static json_t *files_json(const struct backtest *backtest)
{
    json_t *files = json_array();
    for (uint32_t i = 0; i < backtest->file_count; i++) {
        const struct backtest_file *file = &backtest->files[i];
        json_t *object =
            json_pack("{s:s, s:o, s:o, s:o}", "file", file->path, "messages", count_json(backtest, &file->messages),
                      "new", count_json(backtest, &file->flagged[BACKTEST_NEW]), "newly",
                      count_json(backtest, &file->changes[BACKTEST_NEWLY]));
        if (backtest->sides[BACKTEST_BASE]) {
            json_object_set_new(object, "base", count_json(backtest, &file->flagged[BACKTEST_BASE]));
            json_object_set_new(object, "gone", count_json(backtest, &file->changes[BACKTEST_GONE]));
        }
        json_array_append_new(files, object);
    }
    return files;
}

json_t *backtest_json(const struct backtest_report *report)
{
    const struct backtest *backtest = report->backtest;
    const struct ruleset *base = backtest->sides[BACKTEST_BASE];
    json_t *object =
        json_pack("{s:s?, s:s, s:o, s:I, s:I, s:f}", "base_generation", base ? ruleset_generation(base) : NULL,
                  "new_generation", ruleset_generation(backtest->sides[BACKTEST_NEW]), "messages",
                  count_json(backtest, &backtest->messages), "repeated", (json_int_t)backtest->repeated, "faulty_lines",
                  (json_int_t)backtest->faulty_lines, "seconds", backtest->seconds);
    uint32_t *rules = calloc(backtest->rule_count, sizeof *rules);
    json_t *list = json_array();
    if (!object || !rules || !list) {
        json_decref(object);
        json_decref(list);
        free(rules);
        return NULL;
    }
    uint32_t count = backtest_shown_rules(backtest, report->all, rules);
    for (uint32_t i = 0; i < count; i++) {
        json_array_append_new(list, rule_json(backtest, &backtest->rules[rules[i]]));
    }
    json_object_set_new(object, "all", rule_json(backtest, &backtest->rules[0]));
    json_object_set_new(object, "rules", list);
    json_object_set_new(object, "files", files_json(backtest));
    free(rules);
    return object;
}
