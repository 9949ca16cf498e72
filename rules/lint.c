#include "rules/lint.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/yaml.h"
#include "rules/lint_context.h"
#include "rules/lint_names.h"
#include "rules/reader_node.h"
#include "rules/regex.h"

#define ARENA_CHUNK (64u << 10)
#define ARENA_SIZE_MAX ((size_t)1 << 30)
#define WORDS_SIZE_MAX 400

static bool is_allowed(const struct lint *lint, const char *name)
{
    const struct rule *rule = lint->rule;
    for (uint32_t i = 0; rule && i < rule->allow_count; i++) {
        if (strcmp(rule->allows[i].name, name) == 0) {
            lint->used[rule - lint->pack->rules][i] = true;
            return true;
        }
    }
    return false;
}

void lint_report(struct lint *lint, const char *name, const struct model_place *place, const char *remedy,
                 const char *format, ...)
{
    const struct lint_name *known = lint_name_find(name);
    char words[WORDS_SIZE_MAX];
    va_list arguments;
    if (!known) {
        abort(); /* a finding that no page explains */
    }
    if (is_allowed(lint, name)) {
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    findings_add_named(lint->findings, known->level, known->name, place->file, place->line, place->column, remedy, "%s",
                       words);
}

/* The file from the line on. Patterns come in the order of their lines, so the search goes on from the last. */
static struct span source_from(struct lint *lint, uint32_t line)
{
    if (line < lint->source_line || lint->source_line == 0) {
        lint->source_line = 1;
        lint->source_at = 0;
    }
    while (lint->source_line < line && lint->source_at < lint->source.size) {
        const uint8_t *from = lint->source.data + lint->source_at;
        const uint8_t *end = memchr(from, '\n', lint->source.size - lint->source_at);
        lint->source_at = end ? (size_t)(end - lint->source.data) + 1 : lint->source.size;
        lint->source_line++;
    }
    return span_of(lint->source.data + lint->source_at, lint->source.size - lint->source_at);
}

struct model_place lint_place_inside(struct lint *lint, const struct pattern *pattern, uint32_t offset)
{
    struct model_place place = pattern->body, in_source = pattern->body;
    struct span source = source_from(lint, place.line);
    in_source.line = 1;
    if (source.size > 0) {
        (void)reader_node_column(source, &in_source, pattern->regex, offset, &place.column);
    }
    return place;
}

struct model_place lint_place_of_entry(const struct pattern *pattern, const struct pattern_entry *entry)
{
    return (struct model_place){.file = pattern->list_path ? pattern->list_path : pattern->place.file,
                                .line = entry->line,
                                .column = entry->column};
}

static void check_rule(struct lint *lint, const struct rule *rule)
{
    lint->rule = rule;
    lint_rule_check(lint);
    for (uint32_t i = 0; i < rule->pattern_count && !lint->no_memory; i++) {
        const struct pattern *pattern = &rule->patterns[i];
        arena_reset(lint->scratch);
        if (pattern->kind == PATTERN_REGEX) {
            lint_regex_check(lint, pattern);
            lint_meaning_check(lint, i);
        } else {
            lint_entries_check(lint, pattern);
        }
    }
    arena_reset(lint->scratch);
    lint_talk_check(lint);
    lint->rule = NULL;
}

/* What a rule allows itself without need; last, when all the rest has been looked at. */
static void check_allows(struct lint *lint, const struct pack *pack, bool *const *used)
{
    for (uint32_t r = 0; r < pack->rule_count; r++) {
        lint->rule = &pack->rules[r];
        for (uint32_t i = 0; i < lint->rule->allow_count; i++) {
            const struct rule_allow *allow = &lint->rule->allows[i];
            if (!used[r][i] && !allow->used) {
                lint_report(lint, "unused-allow", &allow->place, "remove it from 'allow'",
                            "the rule allows itself '%s', and there is none", allow->name);
            }
        }
    }
    lint->rule = NULL;
}

static bool **make_used(struct lint *lint, const struct pack *pack)
{
    bool **used = arena_array(lint->arena, (size_t)pack->rule_count + 1, sizeof(bool *));
    for (uint32_t r = 0; used && r < pack->rule_count; r++) {
        used[r] = arena_array(lint->arena, (size_t)pack->rules[r].allow_count + 1, sizeof(bool));
        if (!used[r]) {
            return NULL;
        }
    }
    return used;
}

static void check_pack(struct lint *lint, const struct pack *pack)
{
    struct arena *file = NULL;
    struct error error = {0};
    lint->source = (struct span){0};
    lint->source_line = 0;
    if (arena_new(ARENA_CHUNK, YAML_SIZE_MAX + ARENA_CHUNK, &file) != STATUS_OK ||
        file_read(pack->path, YAML_SIZE_MAX, file, &error, &lint->source) != STATUS_OK) {
        lint->source = (struct span){0};
    }
    for (uint32_t r = 0; r < pack->rule_count && !lint->no_memory; r++) {
        check_rule(lint, &pack->rules[r]);
    }
    lint->source = (struct span){0};
    arena_free(&file);
}

static void check_all(struct lint *lint)
{
    bool ***used = arena_array(lint->arena, (size_t)lint->pack_count + 1, sizeof(bool **));
    lint->no_memory = !used;
    for (uint32_t p = 0; p < lint->pack_count && !lint->no_memory; p++) {
        used[p] = make_used(lint, lint->packs[p]);
        lint->no_memory = !used[p];
    }
    for (uint32_t p = 0; p < lint->pack_count && !lint->no_memory; p++) {
        lint->pack = lint->packs[p];
        lint->used = (bool *const *)used[p];
        check_pack(lint, lint->pack);
    }
    if (!lint->no_memory) {
        lint->all_used = (bool *const *const *)used;
        lint_between_check(lint);
    }
    for (uint32_t p = 0; p < lint->pack_count && !lint->no_memory; p++) {
        lint->pack = lint->packs[p];
        lint->used = (bool *const *)used[p];
        check_allows(lint, lint->pack, lint->used);
    }
}

enum status lint_packs(const struct pack *const *packs, uint32_t count, const struct program *program,
                       struct findings *findings)
{
    struct lint lint = {.packs = packs, .pack_count = count, .program = program, .findings = findings};
    enum status status = arena_new(ARENA_CHUNK, ARENA_SIZE_MAX, &lint.arena);
    if (status == STATUS_OK) {
        status = arena_new(ARENA_CHUNK, ARENA_SIZE_MAX, &lint.scratch);
    }
    if (status == STATUS_OK) {
        status = regex_scratch_new(&lint.regex_scratch);
    }
    if (status == STATUS_OK) {
        check_all(&lint);
        status = lint.no_memory ? STATUS_NO_MEMORY : STATUS_OK;
    }
    regex_scratch_free(&lint.regex_scratch);
    arena_free(&lint.scratch);
    arena_free(&lint.arena);
    return status;
}
