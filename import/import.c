#include "import/import.h"

#include <stdlib.h>
#include <string.h>

#include "import/import_draft.h"
#include "import/import_write.h"
#include "rules/regex.h"

#define ARENA_CHUNK (256u << 10)
#define ARENA_SIZE_MAX ((size_t)4 << 30)

const char *const import_format_names[6] = {"spamassassin", "words", "automod", "sigma", "regexes", NULL};

enum status import_new(const struct import_options *options, struct import **ret_import)
{
    struct import *import = calloc(1, sizeof *import);
    if (!import) {
        return STATUS_NO_MEMORY;
    }
    import->options = options;
    import->file = "";
    import->stem = "";
    if (arena_new(ARENA_CHUNK, ARENA_SIZE_MAX, &import->arena) != STATUS_OK ||
        regex_scratch_new(&import->scratch) != STATUS_OK) {
        import_free(&import);
        return STATUS_NO_MEMORY;
    }
    *ret_import = import;
    return STATUS_OK;
}

void import_free(struct import **import)
{
    if (*import) {
        import_free_spamassassin(*import);
        import_draft_free_ids(*import);
        regex_scratch_free(&(*import)->scratch);
        arena_free(&(*import)->arena);
        free((*import)->notes);
        free(*import);
        *import = NULL;
    }
}

/* "packs/20_phrases.cf" is 20_phrases. */
static const char *stem_of(struct import *import, const char *name)
{
    const char *start = import_base(name);
    const char *dot = strrchr(start, '.');
    return import_copy(import, span_of(start, dot && dot > start ? (size_t)(dot - start) : strlen(start)));
}

/* What is no text is refused as a whole: its lines would mean nothing. */
static bool is_text(struct import *import, struct span text)
{
    static const char utf16[2][3] = {"\xFF\xFE", "\xFE\xFF"};
    const uint8_t *zero = text.size > 0 ? memchr(text.data, 0, text.size) : NULL;
    if (text.size >= 2 && (memcmp(text.data, utf16[0], 2) == 0 || memcmp(text.data, utf16[1], 2) == 0)) {
        import_note(import, FINDING_ERROR, "not-utf-8", 0, "save it as UTF-8", "this file is UTF-16");
        return false;
    }
    if (zero) {
        import_note(import, FINDING_ERROR, "not-text", 0, NULL, "this file is no text: byte %zu of it is NUL",
                    (size_t)(zero - text.data));
        return false;
    }
    if (text.size > IMPORT_FILE_SIZE_MAX) {
        import_note(import, FINDING_ERROR, "large-file", 0, "split it", "this file has more than %u MiB",
                    IMPORT_FILE_SIZE_MAX >> 20);
        return false;
    }
    return true;
}

enum status import_read(struct import *import, const char *name, struct span text, enum import_format format)
{
    static void (*const readers[])(struct import *, struct span) = {
        [IMPORT_SPAMASSASSIN] = import_read_spamassassin, [IMPORT_WORDS] = import_read_words,
        [IMPORT_AUTOMOD] = import_read_automod,           [IMPORT_SIGMA] = import_read_sigma,
        [IMPORT_REGEXES] = import_read_regexes,
    };
    import->file = name;
    import->stem = stem_of(import, name);
    import->line_offset = 0;
    import->file_count++;
    import->formats |= 1u << format;
    uint32_t notes = import->note_count;
    uint32_t rules = import->rule_count;
    if (is_text(import, text)) {
        readers[format](import, text);
        if (format != IMPORT_SPAMASSASSIN && import->note_count == notes && import->rule_count == rules) {
            import_note(import, FINDING_ERROR, "empty-file", 0, NULL, "there is nothing to import in this file");
        }
    }
    return import->no_memory ? STATUS_NO_MEMORY : STATUS_OK;
}

/* In the order of files and lines; where both are the same, as they came. */
static int compare_notes(const void *left, const void *right)
{
    const struct import_note *a = left, *b = right;
    if (a->file_number != b->file_number) {
        return a->file_number < b->file_number ? -1 : 1;
    }
    if (a->line != b->line) {
        return a->line < b->line ? -1 : 1;
    }
    return a->number < b->number ? -1 : 1;
}

enum status import_finish(struct import *import, struct span *ret_pack)
{
    import_finish_spamassassin(import);
    if (import->no_memory) {
        return STATUS_NO_MEMORY;
    }
    if (import->note_count > 0) {
        qsort(import->notes, import->note_count, sizeof *import->notes, compare_notes);
    }
    if (import->rule_count == 0) {
        return STATUS_NOT_FOUND;
    }
    if (import->rule_count > MODEL_RULES_MAX) {
        return STATUS_LIMIT;
    }
    return import_write(import, ret_pack);
}

const struct import_note *import_notes(const struct import *import, uint32_t *ret_count)
{
    *ret_count = import->note_count;
    return import->notes;
}

uint32_t import_rule_count(const struct import *import)
{
    return import->rule_count;
}

uint32_t import_status_count(const struct import *import, enum rule_status status)
{
    uint32_t count = 0;
    for (const struct import_rule *rule = import->rules; rule; rule = rule->next) {
        count += rule->status == status;
    }
    return count;
}

uint32_t import_pattern_count(const struct import *import)
{
    return import->pattern_count;
}

uint32_t import_entry_count(const struct import *import)
{
    return import->entry_count;
}
