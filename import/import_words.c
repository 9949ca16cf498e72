/* Lists of words: one word or phrase a line, or a column of a table. */
#include <string.h>

#include "import/import_draft.h"
#include "import/import_entries.h"
#include "import/import_expression.h"
#include "import/import_lines.h"
#include "import/import_table.h"

#define TESTS_MAX 3u

/* "#word" may be a comment as well as a hashtag. */
static bool is_hashtag(struct span line)
{
    bool tag = line.size > 2;
    for (size_t i = 1; i < line.size && tag; i++) {
        uint8_t c = line.data[i];
        tag = c != ' ' && c != '\t' && (i > 1 || (c != '#' && c != '!' && c != '-' && c != '='));
    }
    return tag;
}

static void read_lines(struct import_entries *entries, struct span text)
{
    struct import_lines lines = import_lines_of(text);
    struct span line;
    while (!entries->import->no_memory && import_lines_next(entries->import, &lines, &line)) {
        line = import_trim(line);
        if (import_span_begins(line, "#")) {
            if (is_hashtag(line)) {
                import_note(entries->import, FINDING_HINT, "comment", lines.number,
                            "write a backslash before the # if it is a hashtag", "'%s' was taken for a comment",
                            import_quote(entries->import, line));
            }
            continue;
        }
        bool escaped = line.size > 1 && line.data[0] == '\\' && (line.data[1] == '#' || line.data[1] == '\\');
        if (line.size > 0) {
            import_entries_add(entries, escaped ? span_of(line.data + 1, line.size - 1) : line, lines.number);
        }
    }
}

static void read_table(struct import_entries *entries, struct span text)
{
    struct import_table table;
    struct span cell;
    uint32_t line;
    if (!import_table_open(entries->import, text, entries->import->options->column, &table)) {
        return;
    }
    while (!entries->import->no_memory && import_table_next(&table, &cell, &line)) {
        if (import_trim(cell).size > 0) {
            import_entries_add(entries, cell, line);
        }
    }
    import_table_close(&table);
}

/* A sentence with the word: it shows what a message may look like, and that the list was read as words. */
static void add_tests(struct import *import, struct import_rule *rule)
{
    for (const struct import_pattern *pattern = rule->patterns; pattern; pattern = pattern->next) {
        for (uint32_t i = 0; i < pattern->word_count && i < TESTS_MAX; i++) {
            const char *word = pattern->words[i];
            size_t size = strlen(word) - (word[strlen(word) - 1] == '*');
            import_draft_try(import, rule, import_print(import, "they wrote %.*s to me", (int)size, word));
        }
    }
}

void import_read_words(struct import *import, struct span text)
{
    struct import_entries entries = import_entries_begin(import, true);
    struct import_rule *rule = import_draft_new(import, import_here(import, 1));
    if (import->options->column) {
        read_table(&entries, text);
    } else {
        read_lines(&entries, text);
    }
    if (rule && import_entries_count(&entries) > 0) {
        const struct import_expression *any = import_entries_put(&entries, rule, "words");
        rule->comment = import_print(import, "From %s.", import_base(import->file));
        import_draft_title(import, rule, span_text(import_print(import, "A word of the list %s", import->stem)));
        if (any && import_draft_settle(import, rule, any, import->stem)) {
            add_tests(import, rule);
            char id[MODEL_ID_SIZE_MAX + 1]; /* the name of a file is no name that somebody would look for */
            import_id(span_text(import->stem), id);
            bool own = id[0] != '\0' && strcmp(id, import->options->pack) != 0;
            import_draft_add(import, rule, own ? id : "words");
        }
    }
    import_entries_end(&entries);
}
