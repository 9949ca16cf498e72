#include "rules/list.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "base/file.h"
#include "text/domain.h"
#include "text/phrase.h"
#include "text/utf8.h"

#define ENTRY_ARENA_SIZE_MAX (1u << 20)
#define ENTRY_SIZE_MAX 4096u /* bytes; what phrases and domains allow is less */
#define FILE_ARENA_CHUNK 65536u

/* What an entry means, as a hash, and where it stood first. */
struct seen {
    uint64_t key[2];
    uint32_t line; /* 0: free */
};

struct list_builder {
    enum pattern_kind kind;
    const char *name;
    struct arena *arena;   /* the caller's: what is kept */
    struct arena *scratch; /* of one entry */
    struct buffer key;     /* of one entry: what it means, as bytes */
    struct findings *findings;
    struct pattern_entry *entries;
    uint32_t count, capacity;
    struct seen *seen; /* open addressing; at most half full */
    uint32_t seen_capacity;
    uint32_t error_count, duplicate_count;
    uint32_t error_line, duplicate_line; /* of the first that was not told */
};

enum status list_builder_new(enum pattern_kind kind, const char *name, struct arena *arena, struct findings *findings,
                             struct list_builder **ret_builder)
{
    struct list_builder *builder = calloc(1, sizeof *builder);
    if (!builder) {
        return STATUS_NO_MEMORY;
    }
    *builder = (struct list_builder){
        .kind = kind, .name = name, .arena = arena, .findings = findings, .key = BUFFER_INIT(ENTRY_ARENA_SIZE_MAX)};
    enum status status = arena_new(FILE_ARENA_CHUNK, ENTRY_ARENA_SIZE_MAX, &builder->scratch);
    if (status != STATUS_OK) {
        list_builder_free(&builder);
        return status;
    }
    *ret_builder = builder;
    return STATUS_OK;
}

void list_builder_free(struct list_builder **builder)
{
    if (*builder) {
        arena_free(&(*builder)->scratch);
        buffer_free(&(*builder)->key);
        free((*builder)->entries);
        free((*builder)->seen);
        free(*builder);
        *builder = NULL;
    }
}

static void report_error(struct list_builder *builder, uint32_t line, uint32_t column, const char *remedy,
                         const char *words, struct span entry)
{
    char quote[MODEL_QUOTE_SIZE];
    builder->error_count++;
    if (builder->error_count > LIST_FINDINGS_MAX) {
        builder->error_line = builder->error_line ? builder->error_line : line;
        return;
    }
    findings_add(builder->findings, FINDING_ERROR, builder->name, line, column, remedy, "%s: '%s'", words,
                 model_quote(entry, quote));
}

static void report_duplicate(struct list_builder *builder, uint32_t line, uint32_t column, uint32_t first_line,
                             struct span entry)
{
    char quote[MODEL_QUOTE_SIZE];
    builder->duplicate_count++;
    if (builder->duplicate_count > LIST_FINDINGS_MAX) {
        builder->duplicate_line = builder->duplicate_line ? builder->duplicate_line : line;
        return;
    }
    findings_add_named(builder->findings, FINDING_WARNING, "duplicate-entry", builder->name, line, column,
                       "remove one of them", "'%s' means the same as an entry on line %u", model_quote(entry, quote),
                       first_line);
}

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static struct span trim(struct span text)
{
    while (text.size > 0 && is_space(text.data[0])) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && is_space(text.data[text.size - 1])) {
        text.size--;
    }
    return text;
}

/* Appends one part of a meaning, so that no two lists of parts give the same bytes. */
static enum status key_add(struct buffer *key, uint32_t mark, struct span bytes)
{
    uint32_t head[2] = {mark, (uint32_t)bytes.size};
    enum status status = buffer_append(key, head, sizeof head);
    return status == STATUS_OK ? buffer_append(key, bytes.data, bytes.size) : status;
}

static enum status phrase_key(struct list_builder *builder, struct span entry, const char **ret_words)
{
    struct phrase phrase;
    enum status status = phrase_parse(entry, builder->scratch, &phrase);
    if (status == STATUS_LIMIT) {
        *ret_words = "this phrase is too long: at most 32 pieces and 1,024 bytes";
        return STATUS_INVALID;
    }
    if (status == STATUS_INVALID) {
        *ret_words = "this is no phrase: nothing to look for is left of it";
    }
    for (uint32_t i = 0; status == STATUS_OK && i < phrase.count; i++) {
        status = key_add(&builder->key, i ? phrase.pieces[i].gap_min : 0, phrase.pieces[i].text);
    }
    if (status == STATUS_OK) {
        status = key_add(&builder->key, phrase.edge_before | (unsigned)phrase.edge_after << 1, (struct span){0});
    }
    return status;
}

static enum status domain_key(struct list_builder *builder, struct span entry, const char **ret_words)
{
    struct span forms[DOMAIN_FORMS_MAX];
    uint32_t count = 0;
    enum status status = domain_parse(entry, builder->scratch, forms, &count);
    if (status == STATUS_INVALID || status == STATUS_LIMIT) {
        *ret_words = "this is no domain name";
        return STATUS_INVALID;
    }
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        status = key_add(&builder->key, 0, forms[i]);
    }
    return status;
}

/* The hash of what the entry means. STATUS_INVALID with words. */
static enum status entry_key(struct list_builder *builder, struct span entry, uint64_t ret_key[2],
                             const char **ret_words)
{
    if (entry.size > ENTRY_SIZE_MAX) {
        *ret_words = "this entry is over 4,096 bytes";
        return STATUS_INVALID;
    }
    if (memchr(entry.data, '\0', entry.size)) {
        *ret_words = "this entry holds a NUL character";
        return STATUS_INVALID;
    }
    if (!utf8_valid(entry)) {
        *ret_words = "this entry is not UTF-8";
        return STATUS_INVALID;
    }
    arena_reset(builder->scratch);
    buffer_clear(&builder->key);
    enum status status =
        builder->kind == PATTERN_WORDS ? phrase_key(builder, entry, ret_words) : domain_key(builder, entry, ret_words);
    if (status == STATUS_OK) {
        model_digest(buffer_span(&builder->key), ret_key);
    }
    return status;
}

static struct seen *seen_slot(struct seen *seen, uint32_t capacity, const uint64_t key[2])
{
    uint32_t slot = (uint32_t)key[0] & (capacity - 1);
    while (seen[slot].line != 0 && memcmp(seen[slot].key, key, sizeof seen[slot].key) != 0) {
        slot = (slot + 1) & (capacity - 1);
    }
    return &seen[slot];
}

/* Room for one more entry, in the array and in the table. */
static enum status grow(struct list_builder *builder)
{
    if (builder->count == builder->capacity) {
        uint32_t capacity = builder->capacity ? builder->capacity * 2 : 16;
        struct pattern_entry *entries = reallocarray(builder->entries, capacity, sizeof *entries);
        if (!entries) {
            return STATUS_NO_MEMORY;
        }
        builder->entries = entries;
        builder->capacity = capacity;
    }
    if ((builder->count + 1) * 2 > builder->seen_capacity) {
        uint32_t capacity = builder->seen_capacity ? builder->seen_capacity * 2 : 32;
        struct seen *seen = calloc(capacity, sizeof *seen);
        if (!seen) {
            return STATUS_NO_MEMORY;
        }
        for (uint32_t i = 0; i < builder->seen_capacity; i++) {
            if (builder->seen[i].line != 0) {
                *seen_slot(seen, capacity, builder->seen[i].key) = builder->seen[i];
            }
        }
        free(builder->seen);
        builder->seen = seen;
        builder->seen_capacity = capacity;
    }
    return STATUS_OK;
}

/* What to do about an entry that is not valid, for the usual reasons; NULL: nothing to say. */
static const char *entry_remedy(const struct list_builder *builder, struct span entry)
{
    if (builder->kind != PATTERN_DOMAINS) {
        return NULL;
    }
    if (memchr(entry.data, '#', entry.size)) {
        return "a comment stands on a line of its own";
    }
    return memchr(entry.data, '/', entry.size) ? "write the domain without a path, or look for the address with a regex"
                                               : NULL;
}

enum status list_builder_add(struct list_builder *builder, struct span entry, uint32_t line, uint32_t column)
{
    struct span trimmed = trim(entry);
    if (trimmed.size == 0) {
        report_error(builder, line, column, "remove it", "an entry is empty", trimmed);
        return STATUS_OK;
    }
    uint64_t key[2];
    const char *words = NULL;
    enum status status = entry_key(builder, trimmed, key, &words);
    if (status == STATUS_INVALID) {
        report_error(builder, line, column, entry_remedy(builder, trimmed), words, trimmed);
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        return STATUS_NO_MEMORY;
    }
    if (builder->count == MODEL_LIST_ENTRIES_MAX) {
        report_error(builder, line, column, "split the list", "a list holds at most 2,000,000 entries", trimmed);
        return STATUS_OK;
    }
    status = grow(builder);
    if (status != STATUS_OK) {
        return status;
    }
    struct seen *seen = seen_slot(builder->seen, builder->seen_capacity, key);
    if (seen->line != 0) {
        report_duplicate(builder, line, column, seen->line, trimmed);
        return STATUS_OK;
    }
    char *text = arena_copy(builder->arena, trimmed);
    if (!text) {
        return STATUS_NO_MEMORY;
    }
    *seen = (struct seen){.key = {key[0], key[1]}, .line = line};
    builder->entries[builder->count++] =
        (struct pattern_entry){.text = span_of(text, trimmed.size), .line = line, .column = column};
    return STATUS_OK;
}

enum status list_builder_finish(struct list_builder *builder, struct list *ret_list)
{
    if (builder->error_count > LIST_FINDINGS_MAX) {
        findings_add(builder->findings, FINDING_ERROR, builder->name, builder->error_line, 0, NULL,
                     "%u more entries from here on are faulty", builder->error_count - LIST_FINDINGS_MAX);
    }
    if (builder->duplicate_count > LIST_FINDINGS_MAX) {
        findings_add_named(builder->findings, FINDING_WARNING, "duplicate-entry", builder->name,
                           builder->duplicate_line, 0, NULL, "%u more entries from here on stand there already",
                           builder->duplicate_count - LIST_FINDINGS_MAX);
    }
    if (builder->error_count > 0) {
        return STATUS_INVALID;
    }
    struct pattern_entry *entries = arena_array(builder->arena, builder->count, sizeof *entries);
    if (!entries) {
        return STATUS_NO_MEMORY;
    }
    if (builder->count > 0) {
        memcpy(entries, builder->entries, builder->count * sizeof *entries);
    }
    *ret_list = (struct list){.entries = entries, .entry_count = builder->count};
    return STATUS_OK;
}

/* One line without its line break. */
static enum status add_line(struct list_builder *builder, struct span line, uint32_t number)
{
    uint32_t column = 1;
    while (line.size > 0 && is_space(line.data[0])) {
        line.data++;
        line.size--;
        column++;
    }
    if (line.size == 0 || line.data[0] == '#') {
        return STATUS_OK;
    }
    if (line.size > 1 && line.data[0] == '\\' && (line.data[1] == '#' || line.data[1] == '\\')) {
        line.data++;
        line.size--;
        column++;
    }
    return list_builder_add(builder, line, number, column);
}

static enum status add_lines(struct list_builder *builder, struct span bytes)
{
    enum status status = STATUS_OK;
    uint32_t number = 0;
    while (status == STATUS_OK && bytes.size > 0) {
        const uint8_t *end = memchr(bytes.data, '\n', bytes.size);
        size_t size = end ? (size_t)(end - bytes.data) : bytes.size;
        number++;
        status = add_line(builder, span_of(bytes.data, size), number);
        size += end ? 1 : 0;
        bytes.data += size;
        bytes.size -= size;
    }
    return status;
}

enum status list_parse(struct span bytes, const char *name, enum pattern_kind kind, struct arena *arena,
                       struct findings *findings, struct list *ret_list)
{
    if (bytes.size >= 2 && (memcmp(bytes.data, "\xFF\xFE", 2) == 0 || memcmp(bytes.data, "\xFE\xFF", 2) == 0)) {
        findings_add(findings, FINDING_ERROR, name, 1, 1, "save it as UTF-8", "this file is UTF-16");
        return STATUS_INVALID;
    }
    if (bytes.size >= 3 && memcmp(bytes.data, "\xEF\xBB\xBF", 3) == 0) {
        bytes.data += 3;
        bytes.size -= 3;
    }
    struct list_builder *builder = NULL;
    struct list list = {0};
    enum status status = list_builder_new(kind, name, arena, findings, &builder);
    if (status != STATUS_OK) {
        return status;
    }
    status = add_lines(builder, bytes);
    if (status == STATUS_OK) {
        status = list_builder_finish(builder, &list);
    }
    list_builder_free(&builder);
    if (status != STATUS_OK) {
        return status;
    }
    if (list.entry_count == 0) {
        findings_add_named(findings, FINDING_WARNING, "empty-list", name, 0, 0, NULL,
                           "this list has no entries: it never matches");
    }
    *ret_list = list;
    return STATUS_OK;
}

enum status list_read(const char *path, enum pattern_kind kind, struct arena *arena, struct findings *findings,
                      struct error *error, struct list *ret_list, uint64_t ret_digest[2])
{
    return list_read_from(NULL, path, kind, arena, findings, error, ret_list, ret_digest);
}

enum status list_read_from(const struct file_source *source, const char *path, enum pattern_kind kind,
                           struct arena *arena, struct findings *findings, struct error *error, struct list *ret_list,
                           uint64_t ret_digest[2])
{
    struct arena *scratch = NULL;
    struct span bytes = {0};
    enum status status = arena_new(FILE_ARENA_CHUNK, (size_t)MODEL_LIST_SIZE_MAX * 2, &scratch);
    if (status != STATUS_OK) {
        return status;
    }
    status = file_source_read(source, path, MODEL_LIST_SIZE_MAX, scratch, error, &bytes);
    if (status == STATUS_OK) {
        status = list_parse(bytes, path, kind, arena, findings, ret_list);
    }
    if (status == STATUS_OK) {
        model_digest(bytes, ret_digest);
    }
    arena_free(&scratch);
    return status;
}
