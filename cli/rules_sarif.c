#include "cli/rules_sarif.h"

#include <stdio.h>

#include "rules/lint_names.h"

static const char *const levels[] = {"note", "warning", "error"}; /* by enum finding_level */

static json_t *rules_json(void)
{
    json_t *rules = json_array();
    for (uint32_t i = 0; i < lint_name_count; i++) {
        const struct lint_name *name = &lint_names[i];
        json_array_append_new(rules, json_pack("{s:s, s:{s:s}, s:{s:s}}", "id", name->name, "shortDescription", "text",
                                               name->summary, "defaultConfiguration", "level", levels[name->level]));
    }
    return rules;
}

static json_t *result_json(const struct finding *finding)
{
    char words[600];
    (void)snprintf(words, sizeof words, "%s%s%s", finding->text, finding->remedy ? "\n" : "",
                   finding->remedy ? finding->remedy : "");
    json_t *message = json_string(words); /* NULL where a character was cut in two */
    json_t *place = json_pack("{s:{s:s}}", "artifactLocation", "uri", finding->file);
    if (finding->line > 0) {
        json_t *region = json_pack("{s:I}", "startLine", (json_int_t)finding->line);
        if (finding->column > 0) {
            json_object_set_new(region, "startColumn", json_integer(finding->column));
        }
        json_object_set_new(place, "region", region);
    }
    return json_pack("{s:s, s:s, s:{s:o}, s:[{s:o}]}", "ruleId", finding->name ? finding->name : "load", "level",
                     levels[finding->level], "message", "text", message ? message : json_string(""), "locations",
                     "physicalLocation", place);
}

json_t *rules_sarif(const struct findings *findings)
{
    json_t *results = json_array();
    for (uint32_t i = 0; i < findings->count; i++) {
        json_array_append_new(results, result_json(&findings->items[i]));
    }
    return json_pack("{s:s, s:s, s:[{s:{s:{s:s, s:s, s:o}}, s:s, s:o}]}", "$schema",
                     "https://json.schemastore.org/sarif-2.1.0.json", "version", "2.1.0", "runs", "tool", "driver",
                     "name", "weir rules check", "version", WEIR_VERSION, "rules", rules_json(), "columnKind",
                     "unicodeCodePoints", "results", results);
}
