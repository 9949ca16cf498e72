/*
 * Reads a pack: YAML to model, with every fault of the file found in one pass.
 *
 * Checked here: unknown keys, wrong types, ids (letters, digits, - _ and dots; unique), names, severities, views, list
 * files, conditions, and that PCRE2 takes each regex. Not here: the inline tests, which need a scanner
 * (scanner/ruleset.h).
 *
 * After a fault of YAML inside a rule (a quote that never ends, a key twice) the other rules are read all the same, so
 * that their faults are told too. A rule's `allow` takes out the warnings that it names (rules/lint_names.h).
 *
 * A condition that would hold for a message in which no pattern matches is an error: it would flag everything.
 * Warnings: a pattern that the condition never uses, a condition that can never hold, a regex that matches about
 * everything, a rule without tests, an entry that stands in a list twice, a list without entries.
 */
#ifndef RULES_READER_H
#define RULES_READER_H

#include "base/findings.h"
#include "base/status.h"
#include "rules/model.h"

/*
 * `path` is one .yaml file. STATUS_OK (perhaps with warnings); STATUS_INVALID, STATUS_SYSTEM (it cannot be read) or
 * STATUS_NO_MEMORY with at least one error in findings. Any thread, each with its own findings.
 */
enum status reader_read_pack(const char *path, struct findings *findings, struct pack **ret_pack) MUST_USE;

/* The same with the pack and its lists from `files` (base/file.h); NULL: from the disk. */
struct file_source;
enum status reader_read_pack_from(const struct file_source *files, const char *path, struct findings *findings,
                                  struct pack **ret_pack) MUST_USE;

/* The same from text; lists are looked for relative to the folder of `name`. For tests and editors. */
enum status reader_parse_pack(struct span text, const char *name, struct findings *findings,
                              struct pack **ret_pack) MUST_USE;

/*
 * The pack files that `path` stands for: itself if it is a file, the *.yaml and *.yml inside, sorted by name, if it is
 * a folder (not recursive). STATUS_NOT_FOUND, STATUS_INVALID (a folder without packs), STATUS_LIMIT, STATUS_SYSTEM
 * or STATUS_NO_MEMORY with a finding. The list ends with NULL and lives in the arena.
 */
enum status reader_find_packs(const char *path, struct arena *arena, struct findings *findings,
                              const char *const **ret_paths) MUST_USE;

/* Faults between packs: the same rule id or the same pack name twice. Adds findings. */
void reader_check_together(const struct pack *const *packs, uint32_t count, struct findings *findings);

#endif
