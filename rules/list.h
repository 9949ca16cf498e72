/*
 * The entries of `words` patterns and of list files, checked: phrases or domains.
 *
 * A list file is UTF-8 text (a byte-order mark is allowed), one entry a line, with LF or CRLF. White space around an
 * entry means nothing. Blank lines are skipped, and lines whose first character is `#`: they are comments. An entry
 * that begins with `#` is written `\#...`, one that begins with a backslash `\\...`; anywhere else both stand for
 * themselves.
 *
 * Entries that mean the same ("Gift Card" and "gift  card", "example.com" and "EXAMPLE.COM.") are kept once, with a
 * warning. Needs view_start.
 */
#ifndef RULES_LIST_H
#define RULES_LIST_H

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/findings.h"
#include "base/span.h"
#include "base/status.h"
#include "rules/model.h"

struct file_source;

/* Findings of one sort about one list that are told one by one; the rest becomes one line with their number. */
#define LIST_FINDINGS_MAX 20u

struct list {
    const struct pattern_entry *entries; /* in the arena, with their texts */
    uint32_t entry_count;
};

/*
 * Reads a list file. `kind` is PATTERN_WORDS or PATTERN_DOMAINS. Entries that are not valid are findings at their
 * lines, all of them, and the result is STATUS_INVALID. A file without entries is a warning. Without any finding but
 * with words in `error`: STATUS_NOT_FOUND or STATUS_SYSTEM (it cannot be read), STATUS_LIMIT (over
 * MODEL_LIST_SIZE_MAX). STATUS_NO_MEMORY.
 * `ret_digest` is XXH3-128 of the file's bytes.
 */
enum status list_read(const char *path, enum pattern_kind kind, struct arena *arena, struct findings *findings,
                      struct error *error, struct list *ret_list, uint64_t ret_digest[2]) MUST_USE;

/* The same from `source` (base/file.h); NULL: from the disk. */
enum status list_read_from(const struct file_source *source, const char *path, enum pattern_kind kind,
                           struct arena *arena, struct findings *findings, struct error *error, struct list *ret_list,
                           uint64_t ret_digest[2]) MUST_USE;

/* The same from bytes; `name` is for findings. */
enum status list_parse(struct span bytes, const char *name, enum pattern_kind kind, struct arena *arena,
                       struct findings *findings, struct list *ret_list) MUST_USE;

/* Takes entries one by one, checks them and drops duplicates: what list files and `words:` have in common. */
struct list_builder;

/* `name` (the file, for findings), `arena` and `findings` are used until the builder is freed. */
enum status list_builder_new(enum pattern_kind kind, const char *name, struct arena *arena, struct findings *findings,
                             struct list_builder **ret_builder) MUST_USE;
void list_builder_free(struct list_builder **builder);

/* One entry as written. What is wrong with it becomes a finding at its place: STATUS_OK all the same. STATUS_NO_MEMORY.
 */
enum status list_builder_add(struct list_builder *builder, struct span entry, uint32_t line, uint32_t column) MUST_USE;

/* STATUS_OK; STATUS_INVALID if an entry had an error; STATUS_NO_MEMORY. Call once, last. */
enum status list_builder_finish(struct list_builder *builder, struct list *ret_list) MUST_USE;

#endif
