#include "import/import_entries.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(element) ((element)->lost = true)
#include <uthash.h>

#include "import/import_draft.h"
#include "import/import_expression.h"
#include "import/import_lines.h"
#include "import/import_literal.h"
#include "text/phrase.h"
#include "text/utf8.h"
#include "text/word.h"

#define KEY_SIZE_MAX 65536u
#define ENTRY_SIZE_MAX 1024u
#define ENTRY_ARENA_SIZE_MAX (1u << 20)
#define REGEX_SIZE_MAX 32768u /* of one pattern of alternatives */
#define LITERAL_SIZE_MAX 20000u

struct import_entry {
    uint32_t line;
    bool lost;
    UT_hash_handle hh;
};

struct import_entries import_entries_begin(struct import *import, bool stars)
{
    return (struct import_entries){.import = import, .stars = stars};
}

void import_entries_end(struct import_entries *entries)
{
    HASH_CLEAR(hh, entries->seen); /* the table alone: its items lie in the arena */
    for (uint32_t i = 0; i < entries->regex_count; i++) {
        buffer_free(&entries->regexes[i]);
    }
    free(entries->regexes);
    free(entries->words);
    *entries = (struct import_entries){.import = entries->import, .stars = entries->stars};
}

/* What the entry means, as bytes: two that mean the same have the same. */
static enum status meaning(struct span text, struct buffer *key)
{
    struct arena *arena = NULL;
    struct phrase phrase;
    enum status status = arena_new(4096, ENTRY_ARENA_SIZE_MAX, &arena);
    if (status == STATUS_OK) {
        status = phrase_parse(text, arena, &phrase);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < phrase.count; i++) {
        status = buffer_append_byte(key, (uint8_t)(i ? phrase.pieces[i].gap_min : 2));
        status = status == STATUS_OK ? buffer_append(key, phrase.pieces[i].text.data, phrase.pieces[i].text.size + 1)
                                     : status; /* with the NUL at its end */
    }
    if (status == STATUS_OK) {
        status = buffer_append_byte(key, (uint8_t)(phrase.edge_before | (unsigned)phrase.edge_after << 1));
    }
    arena_free(&arena);
    return status;
}

/* Is this the first entry that means this? */
static bool remember(struct import_entries *entries, const struct buffer *key, struct span text, uint32_t line)
{
    struct import *import = entries->import;
    struct import_entry *known = NULL;
    HASH_FIND(hh, entries->seen, key->data, key->size, known);
    if (known) {
        import_note(import, FINDING_HINT, "duplicate-entry", line, NULL, "'%s' means the same as an entry on line %u",
                    import_quote(import, text), known->line);
        return false;
    }
    known = arena_array(import->arena, 1, sizeof *known);
    const char *copy = import_copy(import, buffer_span(key));
    if (known && !import->no_memory) {
        known->line = line + import->line_offset;
        HASH_ADD_KEYPTR(hh, entries->seen, copy, key->size, known);
    }
    import->no_memory |= !known || known->lost;
    return !import->no_memory;
}

static void add_word(struct import_entries *entries, struct span text)
{
    if (entries->count == entries->capacity) {
        uint32_t capacity = entries->capacity ? entries->capacity * 2 : 64;
        const char **words = reallocarray(entries->words, capacity, sizeof *words);
        if (!words) {
            entries->import->no_memory = true;
            return;
        }
        entries->words = words;
        entries->capacity = capacity;
    }
    entries->words[entries->count++] = import_copy(entries->import, text);
}

/* The buffer that the next alternative goes to. */
static struct buffer *regex_part(struct import_entries *entries)
{
    if (entries->regex_count > 0 && entries->regexes[entries->regex_count - 1].size < REGEX_SIZE_MAX) {
        return &entries->regexes[entries->regex_count - 1];
    }
    struct buffer *regexes = reallocarray(entries->regexes, entries->regex_count + 1, sizeof *regexes);
    if (!regexes) {
        entries->import->no_memory = true;
        return NULL;
    }
    entries->regexes = regexes;
    regexes[entries->regex_count] = BUFFER_INIT(REGEX_SIZE_MAX + LITERAL_SIZE_MAX);
    return &regexes[entries->regex_count++];
}

static bool begins_with_word(struct span text)
{
    uint32_t c;
    return utf8_decode(text, &c) > 0 && word_is_character(c);
}

static bool ends_with_word(struct span text)
{
    uint32_t c;
    return utf8_decode_before(text, text.size, &c) > 0 && word_is_character(c);
}

/* `text` without the stars that `open_before` and `open_after` stand for. */
static void add_regex(struct import_entries *entries, struct span text, bool open_before, bool open_after,
                      uint32_t line)
{
    struct buffer *part = regex_part(entries);
    if (!part) {
        return;
    }
    size_t size = part->size;
    enum status status = size > 0 ? buffer_append_byte(part, '|') : STATUS_OK;
    if (status == STATUS_OK && !open_before && begins_with_word(text)) {
        status = buffer_append_text(part, "(?<!\\w)");
    }
    status = status == STATUS_OK ? import_literal_append(part, text, VIEW_FOLDED) : status;
    if (status == STATUS_OK && !open_after && ends_with_word(text)) {
        status = buffer_append_text(part, "(?!\\w)");
    }
    if (status != STATUS_OK) {
        part->size = size;
        import_note(entries->import, FINDING_ERROR, "no-phrase", line, NULL, "'%s' is left out: it is too long",
                    import_quote(entries->import, text));
    }
}

/* What stands between the stars at the ends. */
static struct span cut_stars(struct span text, bool *ret_before, bool *ret_after)
{
    *ret_before = *ret_after = false;
    while (text.size > 0 && text.data[0] == '*') {
        *ret_before = true;
        text = span_of(text.data + 1, text.size - 1);
    }
    while (text.size > 0 && text.data[text.size - 1] == '*') {
        *ret_after = true;
        text.size--;
    }
    return import_trim(text);
}

static void refuse(struct import_entries *entries, struct span text, uint32_t line, const char *why)
{
    import_note(entries->import, FINDING_ERROR, "no-phrase", line, NULL, "'%s' is left out: %s",
                import_quote(entries->import, text), why);
}

void import_entries_add(struct import_entries *entries, struct span text, uint32_t line)
{
    bool before = false, after = false;
    struct buffer key = BUFFER_INIT(KEY_SIZE_MAX);
    text = import_trim(text);
    struct span core = entries->stars ? cut_stars(text, &before, &after) : text;
    if (core.size == 0 || import_literal_is_empty(core, VIEW_FOLDED)) {
        refuse(entries, text, line, "nothing to look for is left of it");
        return;
    }
    enum status status = core.size > ENTRY_SIZE_MAX ? STATUS_LIMIT : meaning(core, &key);
    if (status == STATUS_OK) {
        status = buffer_append_byte(&key, (uint8_t)(before | (unsigned)after << 1));
    }
    if (status == STATUS_LIMIT) {
        refuse(entries, text, line, "it is over 32 words or 1,024 bytes");
    } else if (status == STATUS_INVALID) {
        refuse(entries, text, line, "nothing to look for is left of it");
    } else if (status != STATUS_OK) {
        entries->import->no_memory = true;
    } else if (remember(entries, &key, text, line)) {
        bool star_left = core.data[core.size - 1] == '*'; /* where stars stand for themselves */
        if (before || star_left) {
            add_regex(entries, core, before, after, line);
        } else {
            /* A run of stars is one, and stands right behind the word. */
            const char *entry = after ? import_print(entries->import, "%.*s*", (int)core.size, (const char *)core.data)
                                      : import_copy(entries->import, core);
            add_word(entries, span_text(entry));
        }
    }
    buffer_free(&key);
}

uint32_t import_entries_count(const struct import_entries *entries)
{
    return entries->count + entries->regex_count;
}

const struct import_expression *import_entries_put(struct import_entries *entries, struct import_rule *rule,
                                                   const char *name)
{
    struct import *import = entries->import;
    uint32_t total = entries->regex_count + 1, used = 0;
    const struct import_expression **items = arena_array(import->arena, total, sizeof(struct import_expression *));
    if (!items) {
        import->no_memory = true;
        return NULL;
    }
    if (entries->count > 0) {
        const char **words = arena_array(import->arena, entries->count, sizeof *words);
        if (!words) {
            import->no_memory = true;
            return NULL;
        }
        memcpy(words, entries->words, entries->count * sizeof *words);
        const char *pattern = import_draft_words(import, rule, name, words, entries->count);
        items[used++] = pattern ? import_expression_name(import->arena, pattern) : NULL;
    }
    for (uint32_t i = 0; i < entries->regex_count; i++) {
        const char *part = import_print(import, "%s-parts", name);
        const char *pattern = import_draft_regex(import, rule, rule->place, part, buffer_span(&entries->regexes[i]),
                                                 VIEW_FOLDED, "a part of the list");
        if (pattern) {
            items[used++] = import_expression_name(import->arena, pattern);
        }
    }
    return used ? import_expression_join(import->arena, IMPORT_OR, items, used) : NULL;
}
