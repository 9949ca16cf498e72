#include "rules/reader.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/yaml.h"
#include "rules/reader_node.h"
#include "rules/reader_recover.h"
#include "rules/reader_rule.h"
#include "rules/regex.h"
#include "text/view.h"

#define PACK_ARENA_CHUNK (64u << 10)
#define PACK_ARENA_SIZE_MAX ((size_t)2 << 30)
#define SCRATCH_ARENA_SIZE_MAX ((size_t)4 << 30) /* the tree of a file takes several times its bytes */
#define PACK_FILES_MAX 100000u

static const char *const pack_keys[] = {"pack", "defaults", "rules", NULL};

/* An id or a name that must be unique, and where it stands. */
struct name_use {
    const char *name;
    const struct model_place *place;
    uint32_t order;
};

static int compare_name_uses(const void *left, const void *right)
{
    const struct name_use *a = left;
    const struct name_use *b = right;
    int order = strcmp(a->name, b->name);
    return order != 0 ? order : (a->order > b->order) - (a->order < b->order);
}

/* An error at every use of a name but the first. Sorts `uses`. */
static void check_unique(struct name_use *uses, uint32_t count, const char *what, struct findings *findings)
{
    if (count == 0) {
        return;
    }
    qsort(uses, count, sizeof *uses, compare_name_uses);
    const struct name_use *first = &uses[0];
    for (uint32_t i = 1; i < count; i++) {
        if (strcmp(first->name, uses[i].name) != 0) {
            first = &uses[i];
            continue;
        }
        const struct model_place *place = uses[i].place;
        const struct model_place *other = first->place;
        bool same =
            place->line == other->line && place->column == other->column && strcmp(place->file, other->file) == 0;
        findings_add_named(findings, FINDING_ERROR, "duplicate-name", place->file, place->line, place->column,
                           same ? "the same file is read twice: name it once" : "give it another name",
                           "%s '%s' is taken already, at %s:%u:%u", what, first->name, other->file, other->line,
                           other->column);
    }
}

static void check_ids(struct reader_context *context, const struct rule *rules, uint32_t count)
{
    struct name_use *uses = arena_array(context->scratch, count, sizeof *uses);
    if (!uses) {
        context->no_memory = true;
        return;
    }
    uint32_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (rules[i].id) {
            uses[used++] = (struct name_use){.name = rules[i].id, .place = &rules[i].place, .order = i};
        }
    }
    check_unique(uses, used, "id", context->findings);
}

static void read_rules(struct reader_context *context, const struct yaml *node, const struct reader_defaults *defaults,
                       struct pack *pack)
{
    if (node->type != YAML_NULL && !reader_node_is_list(context, node, "rules")) {
        return;
    }
    if (node->type == YAML_NULL || node->count == 0) {
        reader_node_warning(context, node, "no-rules", NULL, "the pack has no rules");
        return;
    }
    if (node->count > MODEL_RULES_MAX) {
        reader_node_error(context, node, "use words or lists", "there are more than %d rules", MODEL_RULES_MAX);
        return;
    }
    struct rule *rules = arena_array(context->arena, node->count, sizeof *rules);
    if (!rules) {
        context->no_memory = true;
        return;
    }
    uint32_t count = 0;
    for (const struct yaml *item = node->first; item && !context->no_memory; item = item->next) {
        reader_rule_read(context, item, defaults, &rules[count++]);
    }
    reader_rule_finish(context);
    check_ids(context, rules, count);
    pack->rules = rules;
    pack->rule_count = count;
}

static void read_root(struct reader_context *context, const struct yaml *root, struct pack *pack)
{
    struct reader_defaults defaults = READER_DEFAULTS;
    if (root->type == YAML_NULL) {
        reader_node_error(context, root, "begin with 'pack: name' and 'rules:'", "the file is empty");
        return;
    }
    if (!reader_node_is_map(context, root, "a pack")) {
        return;
    }
    reader_node_check_keys(context, root, pack_keys, "a pack");
    const struct yaml *name = yaml_get(root, "pack");
    const struct yaml *rules = yaml_get(root, "rules");
    if (!name) {
        reader_node_error(context, root, "add 'pack: name' at the top", "a pack needs a key 'pack'");
    } else if (reader_node_id(context, name, "pack", &pack->name)) {
        pack->place = reader_node_place(context, name);
    }
    if (yaml_get(root, "defaults")) {
        reader_rule_read_defaults(context, yaml_get(root, "defaults"), &defaults);
    }
    if (rules) {
        read_rules(context, rules, &defaults, pack);
    } else {
        reader_node_error(context, root, "add 'rules:' with a list of rules", "a pack needs a key 'rules'");
    }
}

/* Everything between the bytes and the pack; the pack lies in context->arena. */
static enum status read_pack(struct reader_context *context, struct pack **ret_pack)
{
    uint32_t errors_before = context->findings->errors, findings_before = context->findings->count;
    struct yaml *root = NULL;
    struct pack *pack = arena_array(context->arena, 1, sizeof *pack);
    enum status status = pack ? view_start() : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        status = yaml_parse(context->source, context->name, context->scratch, context->findings, &root);
        findings_name(context->findings, "syntax");
        if (status == STATUS_INVALID) {
            status = reader_recover(context, findings_before, &root);
        }
    }
    if (status == STATUS_OK) {
        pack->path = context->name;
        pack->arena = context->arena;
        read_root(context, root, pack);
        findings_name(context->findings, "invalid");
        status = context->no_memory ? STATUS_NO_MEMORY : STATUS_OK;
    }
    if (status == STATUS_OK && context->findings->errors > errors_before) {
        status = STATUS_INVALID;
    }
    if (status != STATUS_OK) {
        if (context->findings->errors == errors_before) {
            findings_add(context->findings, FINDING_ERROR, context->name, 0, 0, NULL, "cannot read the pack: %s",
                         status_text(status));
        }
        return status;
    }
    uint64_t digests[4] = {0, 0, context->lists_digest[0], context->lists_digest[1]};
    model_digest(context->source, digests);
    model_digest(span_of(digests, sizeof digests), pack->digest);
    *ret_pack = pack;
    return STATUS_OK;
}

/* `text` NULL: the file `name`. */
static enum status read_named(const struct file_source *files, const struct span *text, const char *name,
                              struct findings *findings, struct pack **ret_pack)
{
    struct reader_context context = {.findings = findings, .files = files};
    struct error error = {0};
    enum status status = arena_new(PACK_ARENA_CHUNK, PACK_ARENA_SIZE_MAX, &context.arena);
    if (status == STATUS_OK) {
        status = arena_new(PACK_ARENA_CHUNK, SCRATCH_ARENA_SIZE_MAX, &context.scratch);
    }
    if (status == STATUS_OK) {
        context.name = arena_copy(context.arena, span_text(name));
        status = context.name ? STATUS_OK : STATUS_NO_MEMORY;
    }
    if (status == STATUS_OK && text) {
        context.source = *text;
    } else if (status == STATUS_OK) {
        status = file_source_read(files, name, YAML_SIZE_MAX, context.scratch, &error, &context.source);
    }
    if (status != STATUS_OK) {
        const char *words = error.text[0] != '\0' ? error.text : status_text(status);
        size_t size = strlen(name);
        bool again = strncmp(words, name, size) == 0 && strncmp(words + size, ": ", 2) == 0; /* a finding says it */
        findings_add(findings, FINDING_ERROR, name, 0, 0, NULL, "%s", again ? words + size + 2 : words);
        status = status == STATUS_NO_MEMORY ? STATUS_NO_MEMORY : STATUS_SYSTEM;
    } else {
        status = read_pack(&context, ret_pack);
    }
    regex_scratch_free(&context.probe);
    arena_free(&context.scratch);
    if (status != STATUS_OK) {
        arena_free(&context.arena);
    }
    return status;
}

enum status reader_read_pack(const char *path, struct findings *findings, struct pack **ret_pack)
{
    return read_named(NULL, NULL, path, findings, ret_pack);
}

enum status reader_read_pack_from(const struct file_source *files, const char *path, struct findings *findings,
                                  struct pack **ret_pack)
{
    return read_named(files, NULL, path, findings, ret_pack);
}

enum status reader_parse_pack(struct span text, const char *name, struct findings *findings, struct pack **ret_pack)
{
    return read_named(NULL, &text, name, findings, ret_pack);
}

static bool is_pack_name(const char *name)
{
    size_t size = strlen(name);
    return name[0] != '.' &&
           ((size > 5 && strcmp(name + size - 5, ".yaml") == 0) || (size > 4 && strcmp(name + size - 4, ".yml") == 0));
}

static int compare_texts(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* The paths of the packs in an open folder, not sorted. */
static enum status list_folder(DIR *folder, const char *path, struct arena *arena, const char ***ret_paths,
                               size_t *ret_count)
{
    size_t count = 0;
    size_t capacity = 0;
    const char **paths = NULL;
    size_t path_size = strlen(path);
    while (path_size > 1 && path[path_size - 1] == '/') {
        path_size--;
    }
    for (struct dirent *item = readdir(folder); item; item = readdir(folder)) {
        if (!is_pack_name(item->d_name)) {
            continue;
        }
        if (count + 1 >= capacity) {
            size_t grown = capacity ? capacity * 2 : 16;
            const char **larger = arena_array(arena, grown, sizeof *larger);
            if (!larger || count >= PACK_FILES_MAX) {
                return larger ? STATUS_LIMIT : STATUS_NO_MEMORY;
            }
            if (count > 0) {
                memcpy(larger, paths, count * sizeof *paths);
            }
            paths = larger;
            capacity = grown;
        }
        paths[count] = arena_print(arena, "%.*s/%s", (int)path_size, path, item->d_name);
        if (!paths[count++]) {
            return STATUS_NO_MEMORY;
        }
    }
    *ret_paths = paths; /* arena_array zeroes: the list ends with NULL */
    *ret_count = count;
    return STATUS_OK;
}

static enum status find_in_folder(const char *path, struct arena *arena, struct findings *findings,
                                  const char *const **ret_paths)
{
    DIR *folder = opendir(path);
    if (!folder) {
        findings_add(findings, FINDING_ERROR, path, 0, 0, NULL, "cannot open the folder: %s", strerror(errno));
        return STATUS_SYSTEM;
    }
    const char **paths = NULL;
    size_t count = 0;
    enum status status = list_folder(folder, path, arena, &paths, &count);
    closedir(folder);
    if (status != STATUS_OK) {
        findings_add(findings, FINDING_ERROR, path, 0, 0, NULL, "cannot list the folder: %s", status_text(status));
        return status;
    }
    if (count == 0) {
        findings_add(findings, FINDING_ERROR, path, 0, 0, "name a folder with packs, or the file of a pack",
                     "there are no *.yaml or *.yml files in this folder");
        return STATUS_INVALID;
    }
    qsort(paths, count, sizeof *paths, compare_texts);
    *ret_paths = paths;
    return STATUS_OK;
}

enum status reader_find_packs(const char *path, struct arena *arena, struct findings *findings,
                              const char *const **ret_paths)
{
    struct stat information;
    if (stat(path, &information) != 0) {
        bool missing = errno == ENOENT || errno == ENOTDIR;
        findings_add(findings, FINDING_ERROR, path, 0, 0, NULL, "%s",
                     missing ? "there is no such file or folder" : strerror(errno));
        return missing ? STATUS_NOT_FOUND : STATUS_SYSTEM;
    }
    if (S_ISDIR(information.st_mode)) {
        return find_in_folder(path, arena, findings, ret_paths);
    }
    const char **paths = arena_array(arena, 2, sizeof *paths);
    char *copy = arena_copy(arena, span_text(path));
    if (!paths || !copy) {
        findings_add(findings, FINDING_ERROR, path, 0, 0, NULL, "%s", status_text(STATUS_NO_MEMORY));
        return STATUS_NO_MEMORY;
    }
    paths[0] = copy;
    *ret_paths = paths;
    return STATUS_OK;
}

void reader_check_together(const struct pack *const *packs, uint32_t count, struct findings *findings)
{
    size_t rules = 0;
    for (uint32_t i = 0; i < count; i++) {
        rules += packs[i]->rule_count;
    }
    if (rules > MODEL_RULES_MAX) {
        findings_add(findings, FINDING_ERROR, packs[count - 1]->path, 0, 0, "use words or lists",
                     "the packs have %zu rules together; at most %d are allowed", rules, MODEL_RULES_MAX);
        return;
    }
    struct name_use *uses = calloc(rules + count + 1, sizeof *uses);
    if (!uses) {
        findings_add(findings, FINDING_ERROR, count > 0 ? packs[0]->path : "", 0, 0, NULL, "%s",
                     status_text(STATUS_NO_MEMORY));
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        uses[i] = (struct name_use){.name = packs[i]->name, .place = &packs[i]->place, .order = i};
    }
    check_unique(uses, count, "the name of pack", findings);
    uint32_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < packs[i]->rule_count; j++) {
            const struct rule *rule = &packs[i]->rules[j];
            uses[used] = (struct name_use){.name = rule->id, .place = &rule->place, .order = used};
            used++;
        }
    }
    check_unique(uses, used, "id", findings);
    free(uses);
}
