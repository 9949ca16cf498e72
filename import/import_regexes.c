/* Lists of regexes: one a line, `name<TAB>regex`, or a table whose first line names the columns. */
#include <string.h>
#include <strings.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(element) ((element)->lost = true)
#include <uthash.h>

#include "import/import_draft.h"
#include "import/import_lines.h"
#include "import/import_regex.h"

#define COLUMNS_MAX 64u

enum column { COLUMN_NAME, COLUMN_FLAGS, COLUMN_TITLE, COLUMN_REGEX, COLUMN_COUNT };

/* The rule that the regexes of one name are going to. */
struct group {
    const char *name;
    struct import_rule *rule;
    bool lost;
    struct group *next; /* in the order in which they came */
    UT_hash_handle hh;
};

struct list {
    struct import *import;
    struct group *by_name;
    struct group *first, *last;
    uint32_t places[COLUMN_COUNT]; /* of a table: from 1; 0: there is no such column */
    struct import_flags flags;     /* of those that have none of their own */
    uint32_t regex_count;
};

/* What stands before the next tab, which is cut off with it. */
static struct span cut_cell(struct span *line)
{
    const uint8_t *tab = line->size ? memchr(line->data, '\t', line->size) : NULL;
    struct span cell = span_of(line->data, tab ? (size_t)(tab - line->data) : line->size);
    size_t taken = cell.size + (tab != NULL);
    *line = span_of(line->data + taken, line->size - taken);
    return cell;
}

static bool is_any(struct span text, const char *const *names)
{
    for (; *names; names++) {
        if (text.size == strlen(*names) && strncasecmp((const char *)text.data, *names, text.size) == 0) {
            return true;
        }
    }
    return false;
}

/* A first line that names columns, among them the regex. */
static bool read_header(struct list *list, struct span line)
{
    static const char *const names[COLUMN_COUNT][6] = {
        [COLUMN_NAME] = {"id", "name", "rule", NULL},
        [COLUMN_FLAGS] = {"flags", "options", "modifiers", NULL},
        [COLUMN_TITLE] = {"title", "description", NULL},
        [COLUMN_REGEX] = {"pattern", "regex", "regexp", "expression", NULL},
    };
    uint32_t places[COLUMN_COUNT] = {0};
    if (!memchr(line.data, '\t', line.size)) {
        return false;
    }
    line = import_span_begins(line, "#") ? span_of(line.data + 1, line.size - 1) : line;
    for (uint32_t place = 1; line.size > 0 && place <= COLUMNS_MAX; place++) {
        struct span cell = import_trim(cut_cell(&line));
        for (int column = 0; column < COLUMN_COUNT; column++) {
            places[column] = places[column] == 0 && is_any(cell, names[column]) ? place : places[column];
        }
    }
    if (places[COLUMN_REGEX] == 0) {
        return false;
    }
    memcpy(list->places, places, sizeof places);
    return true;
}

/* The values of a line, by column. A regex in the last column may hold tabs. */
static void read_cells(const struct list *list, struct span line, struct span ret_cells[COLUMN_COUNT])
{
    uint32_t last = 0;
    for (int column = 0; column < COLUMN_COUNT; column++) {
        ret_cells[column] = span_of("", 0);
        last = list->places[column] > last ? list->places[column] : last;
    }
    for (uint32_t place = 1; place <= last; place++) {
        struct span cell = place == last && list->places[COLUMN_REGEX] == last ? line : cut_cell(&line);
        for (int column = 0; column < COLUMN_COUNT; column++) {
            ret_cells[column] = list->places[column] == place ? cell : ret_cells[column];
        }
    }
}

static struct group *new_group(struct list *list, const char *name, uint32_t line)
{
    struct import *import = list->import;
    struct group *group = arena_array(import->arena, 1, sizeof *group);
    if (!group) {
        import->no_memory = true;
        return NULL;
    }
    group->name = name;
    group->rule = import_draft_new(import, import_here(import, line));
    *(list->last ? &list->last->next : &list->first) = group;
    list->last = group;
    return group->rule ? group : NULL;
}

/* Regexes of one name are alternatives of one rule, as long as it has room. */
static struct import_rule *rule_of(struct list *list, struct span name, uint32_t line)
{
    struct import *import = list->import;
    struct group *group = NULL;
    if (name.size == 0) {
        const char *number = import_print(import, "line-%u", line);
        group = new_group(list, import->file_count > 1 ? import_print(import, "%s-%s", import->stem, number) : number,
                          line);
        return group ? group->rule : NULL;
    }
    HASH_FIND(hh, list->by_name, name.data, name.size, group);
    if (group && group->rule->pattern_count < MODEL_RULE_PATTERNS_MAX) {
        return group->rule;
    }
    if (group) {
        HASH_DEL(list->by_name, group);
    }
    group = new_group(list, import_copy(import, name), line);
    if (group) {
        HASH_ADD_KEYPTR(hh, list->by_name, group->name, name.size, group);
        import->no_memory |= group->lost;
    }
    return group ? group->rule : NULL;
}

static bool read_flags(struct list *list, struct span letters, uint32_t line, struct import_flags *flags)
{
    char bad = '\0';
    if (import_flags_read(letters, flags, &bad)) {
        return true;
    }
    import_note(list->import, FINDING_ERROR, "flags", line, "Weir knows i, m, s and x",
                "a regex is left out: its flags '%s' hold one without a counterpart",
                import_quote(list->import, letters));
    return false;
}

static void add_regex(struct list *list, const struct span cells[COLUMN_COUNT], uint32_t line)
{
    struct import *import = list->import;
    struct span regex = cells[COLUMN_REGEX], letters = import_trim(cells[COLUMN_FLAGS]);
    struct span name = import_trim(cells[COLUMN_NAME]);
    struct import_flags flags = list->flags;
    list->regex_count++;
    if (list->places[COLUMN_FLAGS] == 0 && import_regex_delimited(import_trim(regex), &regex, &letters)) {
        flags = (struct import_flags){0};
    }
    if ((letters.size > 0 || list->places[COLUMN_FLAGS] > 0) && !read_flags(list, letters, line, &flags)) {
        return;
    }
    struct import_rule *rule = rule_of(list, name, line);
    const char *what = name.size > 0 ? import_quote(import, name) : "a regex";
    if (!rule || import->no_memory) {
        return;
    }
    if (cells[COLUMN_TITLE].size > 0 && !rule->title) {
        import_draft_title(import, rule, import_trim(cells[COLUMN_TITLE]));
    }
    (void)import_draft_regex(import, rule, import_here(import, line), import_print(import, "line-%u", line),
                             import_regex_write(import, regex, flags), import_regex_view(import, regex, flags), what);
}

static void read_line(struct list *list, struct span line, uint32_t number)
{
    struct span cells[COLUMN_COUNT] = {span_of("", 0), span_of("", 0), span_of("", 0), line};
    if (list->places[COLUMN_REGEX] > 0) {
        read_cells(list, line, cells);
    } else if (memchr(line.data, '\t', line.size)) {
        cells[COLUMN_NAME] = cut_cell(&line);
        cells[COLUMN_REGEX] = line;
    }
    bool escaped = import_span_begins(cells[COLUMN_REGEX], "\\#"); /* a regex, and no comment */
    if (escaped || cells[COLUMN_REGEX].size > 0) {
        add_regex(list, cells, number);
    } else {
        import_note(list->import, FINDING_ERROR, "refused-regex", number, NULL, "there is no regex on this line");
    }
}

void import_read_regexes(struct import *import, struct span text)
{
    struct list list = {.import = import};
    struct import_lines lines = import_lines_of(text);
    struct span line;
    bool first = true;
    char bad;
    (void)import_flags_read(span_text(import->options->flags ? import->options->flags : ""), &list.flags, &bad);
    while (!import->no_memory && import_lines_next(import, &lines, &line)) {
        bool header = first && line.size > 0 && read_header(&list, line);
        first &= line.size == 0;
        if (!header && import_trim(line).size > 0 && line.data[0] != '#') {
            read_line(&list, line, lines.number);
        }
    }
    for (struct group *group = list.first; group && !import->no_memory; group = group->next) {
        if (import_draft_settle(import, group->rule, NULL, group->name)) {
            group->rule->comment = import_print(import, "%s:%u", import_base(import->file), group->rule->place.line);
            import_draft_add(import, group->rule, group->name);
        }
    }
    HASH_CLEAR(hh, list.by_name);
}
