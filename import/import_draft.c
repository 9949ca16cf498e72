#include "import/import_draft.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(element) ((element)->lost = true)
#include <uthash.h>

#include "import/import_expression.h"
#include "rules/condition.h"
#include "rules/regex.h"
#include "text/utf8.h"

#define PART_SIZE_MAX 60 /* of what a name adds to the name of the pack; with it, it stays under MODEL_ID_SIZE_MAX */
#define SUFFIX_MAX 100000u

struct import_id {
    const char *text;
    uint32_t next; /* the number that was tried last behind it */
    bool lost;
    UT_hash_handle hh;
};

void import_draft_free_ids(struct import *import)
{
    HASH_CLEAR(hh, import->ids); /* the table alone: the ids lie in the arena */
}

const char *import_copy(struct import *import, struct span text)
{
    const char *copy = arena_copy(import->arena, text);
    import->no_memory |= !copy;
    return copy ? copy : "";
}

const char *import_print(struct import *import, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int size = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (size < 0) {
        import->no_memory = true;
        return "";
    }
    const char *copy = import_copy(import, span_of(text, (size_t)size));
    free(text);
    return copy;
}

const char *import_quote(struct import *import, struct span text)
{
    char quote[MODEL_QUOTE_SIZE];
    return import_copy(import, span_text(model_quote(text, quote)));
}

const char *import_slug(struct import *import, struct span text)
{
    char slug[PART_SIZE_MAX + 1];
    size_t size = 0;
    for (size_t i = 0; i < text.size && size < PART_SIZE_MAX; i++) {
        uint8_t c = text.data[i] >= 'A' && text.data[i] <= 'Z' ? text.data[i] | 0x20u : text.data[i];
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
            slug[size++] = (char)c;
        } else if (size > 0 && slug[size - 1] != '-' && c != '\'') {
            slug[size++] = '-';
        }
    }
    while (size > 0 && slug[size - 1] == '-') {
        size--;
    }
    return import_copy(import, span_of(slug, size));
}

const char *import_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

struct import_place import_here(const struct import *import, uint32_t line)
{
    return (struct import_place){
        .file = import->file, .file_number = import->file_count, .line = line ? line + import->line_offset : 0};
}

static void add_note(struct import *import, struct import_note note)
{
    if (import->note_count == import->note_capacity) {
        uint32_t capacity = import->note_capacity ? import->note_capacity * 2 : 64;
        struct import_note *notes = reallocarray(import->notes, capacity, sizeof *notes);
        if (!notes) {
            import->no_memory = true;
            return;
        }
        import->notes = notes;
        import->note_capacity = capacity;
    }
    note.number = import->note_count;
    import->notes[import->note_count++] = note;
}

static void note_text(struct import *import, enum finding_level level, const char *sort, struct import_place place,
                      const char *remedy, const char *format, va_list arguments)
{
    char words[600];
    (void)vsnprintf(words, sizeof words, format, arguments);
    add_note(import, (struct import_note){.level = level,
                                          .sort = sort,
                                          .file = place.file,
                                          .file_number = place.file_number,
                                          .line = place.line,
                                          .text = import_copy(import, span_text(words)),
                                          .remedy = remedy});
}

void import_note(struct import *import, enum finding_level level, const char *sort, uint32_t line, const char *remedy,
                 const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note_text(import, level, sort, import_here(import, line), remedy, format, arguments);
    va_end(arguments);
}

void import_note_at(struct import *import, enum finding_level level, const char *sort, struct import_place place,
                    const char *remedy, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note_text(import, level, sort, place, remedy, format, arguments);
    va_end(arguments);
}

struct import_rule *import_draft_new(struct import *import, struct import_place place)
{
    struct import_rule *rule = arena_array(import->arena, 1, sizeof *rule);
    import->no_memory |= !rule;
    if (rule) {
        rule->severity = import->options->severity;
        rule->place = place;
    }
    return rule;
}

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool name_is_taken(const struct import_rule *rule, const char *name)
{
    for (const struct import_pattern *pattern = rule->patterns; pattern; pattern = pattern->next) {
        if (strcmp(pattern->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* A name that a condition can spell and that no other pattern of the rule has. */
static const char *pattern_name(struct import *import, const struct import_rule *rule, const char *wanted)
{
    char name[PART_SIZE_MAX + 1];
    size_t size = 0;
    for (; size < PART_SIZE_MAX && wanted[size] != '\0'; size++) {
        name[size] = is_word_byte(wanted[size]) || (wanted[size] == '-' && size > 0) ? wanted[size] : '_';
    }
    name[size] = '\0';
    /* "null" is nothing to YAML. */
    bool plain = condition_is_name(name) && !condition_is_reserved(name) && strcasecmp(name, "null") != 0;
    const char *free_name = import_print(import, "%s%s", plain ? "" : "p_", size ? name : "pattern");
    const char *first = free_name;
    for (uint32_t i = 2; !import->no_memory && name_is_taken(rule, free_name); i++) {
        free_name = import_print(import, "%s-%u", first, i);
    }
    return free_name;
}

static struct import_pattern *add_pattern(struct import *import, struct import_rule *rule, const char *name)
{
    if (rule->pattern_count > MODEL_RULE_PATTERNS_MAX) {
        rule->pattern_count++; /* for the note: such a rule is left out */
        return rule->last_pattern;
    }
    struct import_pattern *pattern = arena_array(import->arena, 1, sizeof *pattern);
    if (!pattern) {
        import->no_memory = true;
        return NULL;
    }
    pattern->name = pattern_name(import, rule, name);
    *(rule->last_pattern ? &rule->last_pattern->next : &rule->patterns) = pattern;
    rule->last_pattern = pattern;
    rule->pattern_count++;
    return pattern;
}

const char *import_draft_regex(struct import *import, struct import_rule *rule, struct import_place place,
                               const char *name, struct span regex, enum view view, const char *what)
{
    struct regex_fault fault = {0};
    struct regex *compiled = NULL;
    if (regex.size == 0 || regex.size > MODEL_REGEX_SIZE_MAX) {
        import_note_at(import, FINDING_ERROR, "refused-regex", place, NULL, "%s is left out: its regex %s", what,
                       regex.size == 0 ? "is empty" : "is over 65,536 bytes");
        return NULL;
    }
    enum status status = regex_compile(regex, &fault, &compiled);
    regex_free(&compiled);
    if (status == STATUS_NO_MEMORY) {
        import->no_memory = true;
        return NULL;
    }
    if (status != STATUS_OK) {
        size_t start = fault.offset < regex.size ? fault.offset : regex.size;
        start = start > 20 ? start - 20 : 0;
        while (start > 0 && (regex.data[start] & 0xC0) == 0x80) {
            start--;
        }
        import_note_at(import, FINDING_ERROR, "refused-regex", place, "write it so that PCRE2 takes it",
                       "%s is left out: %s, at '%s'", what, fault.text,
                       import_quote(import, span_of(regex.data + start, regex.size - start)));
        return NULL;
    }
    struct import_pattern *pattern = add_pattern(import, rule, name);
    if (!pattern) {
        return NULL;
    }
    pattern->regex = span_text(import_copy(import, regex));
    pattern->view = view;
    return pattern->name;
}

const char *import_draft_words(struct import *import, struct import_rule *rule, const char *name,
                               const char *const *words, uint32_t count)
{
    struct import_pattern *pattern = add_pattern(import, rule, name);
    if (!pattern) {
        return NULL;
    }
    pattern->words = words;
    pattern->word_count = count;
    return pattern->name;
}

void import_draft_title(struct import *import, struct import_rule *rule, struct span title)
{
    size_t size = title.size < MODEL_TITLE_SIZE_MAX ? title.size : MODEL_TITLE_SIZE_MAX;
    while (size > 0 && size < title.size && (title.data[size] & 0xC0) == 0x80) {
        size--;
    }
    char *line = arena_copy(import->arena, span_of(title.data, size));
    if (!line) {
        import->no_memory = true;
        return;
    }
    for (size_t i = 0; i < size; i++) {
        bool high = (uint8_t)line[i] == 0xC2 && i + 1 < size && (uint8_t)line[i + 1] < 0xA0; /* U+0080 to U+009F */
        if (high) {
            line[i] = line[i + 1] = ' ';
        } else if ((uint8_t)line[i] < 0x20 || line[i] == 0x7F) {
            line[i] = ' ';
        }
    }
    rule->title = line[0] != '\0' ? line : NULL;
}

/* With the names of the patterns, which `condition` spells. */
static bool read_condition(struct import *import, struct import_rule *rule, const char *text, const char *what)
{
    const char **names = arena_array(import->arena, rule->pattern_count, sizeof *names);
    enum truth *nothing = arena_array(import->arena, rule->pattern_count, sizeof *nothing); /* zero: FALSE */
    struct condition_fault fault = {0};
    if (!names || !nothing) {
        import->no_memory = true;
        return false;
    }
    uint32_t count = 0;
    for (const struct import_pattern *pattern = rule->patterns; pattern; pattern = pattern->next) {
        names[count++] = pattern->name;
    }
    enum status status = condition_parse(text, names, count, import->arena, &fault, &rule->parsed);
    if (status != STATUS_OK) {
        import->no_memory |= status == STATUS_NO_MEMORY;
        import_note_at(import, FINDING_WARNING, "condition", rule->place, NULL, "%s is left out: its condition: %s",
                       what, fault.text);
        return false;
    }
    if (condition_evaluate(rule->parsed, nothing) == TRUTH_TRUE) {
        import_note_at(import, FINDING_WARNING, "flags-everything", rule->place, "ask for something that must be there",
                       "%s is left out: it holds for a message in which nothing is found", what);
        return false;
    }
    return true;
}

static bool has_not(const struct import_expression *expression)
{
    bool found = expression->type == IMPORT_NOT;
    for (uint32_t i = 0; i < expression->count && !found; i++) {
        found = has_not(expression->items[i]);
    }
    return found;
}

/* Every pattern once, joined by `or`: what goes without saying. */
static bool is_default(const struct import_expression *expression, uint32_t pattern_count)
{
    if (expression->type == IMPORT_NAME) {
        return pattern_count == 1;
    }
    bool all = expression->type == IMPORT_OR && expression->count == pattern_count;
    for (uint32_t i = 0; i < expression->count && all; i++) {
        all = expression->items[i]->type == IMPORT_NAME;
        for (uint32_t k = 0; k < i && all; k++) {
            all = strcmp(expression->items[i]->name, expression->items[k]->name) != 0;
        }
    }
    return all;
}

bool import_draft_settle(struct import *import, struct import_rule *rule, const struct import_expression *condition,
                         const char *what)
{
    if (import->no_memory) {
        return false;
    }
    if (condition && (condition->type == IMPORT_TRUE || condition->type == IMPORT_FALSE)) {
        import_note_at(import, FINDING_WARNING, "constant", rule->place, NULL, "%s is left out: it %s", what,
                       condition->type == IMPORT_TRUE ? "always holds" : "can never hold");
        return false;
    }
    if (rule->pattern_count == 0) {
        return false; /* what would have been its patterns was noted */
    }
    if (rule->pattern_count > MODEL_RULE_PATTERNS_MAX) {
        import_note_at(import, FINDING_WARNING, "large-rule", rule->place, "split it",
                       "%s is left out: it has %u patterns, and a rule may have %d", what, rule->pattern_count,
                       MODEL_RULE_PATTERNS_MAX);
        return false;
    }
    struct buffer text = BUFFER_INIT(CONDITION_SIZE_MAX);
    enum status status =
        condition ? import_expression_print(condition, &text) : buffer_append_text(&text, "any of them");
    if (status == STATUS_LIMIT) {
        import_note_at(import, FINDING_WARNING, "large-rule", rule->place, "split it",
                       "%s is left out: its condition takes over %u bytes", what, CONDITION_SIZE_MAX);
    }
    import->no_memory |= status == STATUS_NO_MEMORY;
    const char *copy = status == STATUS_OK ? import_copy(import, buffer_span(&text)) : NULL;
    buffer_free(&text);
    if (!copy || !read_condition(import, rule, copy, what)) {
        return false;
    }
    rule->condition = condition && !is_default(condition, rule->pattern_count) ? copy : NULL;
    rule->negates = condition && has_not(condition);
    return true;
}

void import_id(struct span text, char ret_id[MODEL_ID_SIZE_MAX + 1])
{
    size_t size = 0;
    bool part = false; /* has the part at hand begun? */
    for (size_t i = 0; i < text.size && size < PART_SIZE_MAX; i++) {
        char c = (char)text.data[i];
        if (c == '.' && part) {
            part = false;
        } else if (is_word_byte(c) && (part || c != '_')) {
            part = true;
        } else if (part && size > 0 && ret_id[size - 1] != '-') {
            c = '-';
        } else {
            continue;
        }
        ret_id[size++] = c;
    }
    while (size > 0 && (ret_id[size - 1] == '.' || ret_id[size - 1] == '-')) {
        size--;
    }
    ret_id[size] = '\0';
}

static bool take_id(struct import *import, const char *id)
{
    struct import_id *known = NULL;
    HASH_FIND_STR(import->ids, id, known);
    if (known) {
        return false;
    }
    known = arena_array(import->arena, 1, sizeof *known);
    if (known) {
        known->text = id;
        HASH_ADD_KEYPTR(hh, import->ids, known->text, strlen(known->text), known);
    }
    import->no_memory |= !known || known->lost;
    return true;
}

void import_draft_add(struct import *import, struct import_rule *rule, const char *name)
{
    char part[MODEL_ID_SIZE_MAX + 1];
    import_id(span_text(name), part);
    if (part[0] == '\0') {
        (void)snprintf(part, sizeof part, "line-%u", rule->place.line);
    }
    const char *first = import_print(import, "%s.%s", import->options->pack, part);
    struct import_id *known = NULL;
    rule->id = first;
    HASH_FIND_STR(import->ids, first, known);
    while (known && known->next < SUFFIX_MAX && !import->no_memory) {
        known->next = known->next ? known->next + 1 : 2;
        rule->id = import_print(import, "%s-%u", first, known->next);
        if (take_id(import, rule->id)) {
            break;
        }
    }
    if (!known) {
        (void)take_id(import, rule->id);
    }
    if (known || strcmp(part, name) != 0) {
        import_note_at(import, FINDING_HINT, "renamed", rule->place, NULL, "'%s' is now the rule %s%s",
                       import_quote(import, span_text(name)), rule->id, known ? ", since the name was taken" : "");
    }
    *(import->last_rule ? &import->last_rule->next : &import->rules) = rule;
    import->last_rule = rule;
    import->rule_count++;
    import->pattern_count += rule->pattern_count;
    for (const struct import_pattern *pattern = rule->patterns; pattern; pattern = pattern->next) {
        import->entry_count += pattern->word_count;
    }
}
