#include "scanner/ruleset.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "rules/reader.h"
#include "scanner/compiling.h"
#include "scanner/ruletest.h"
#include "scanner/unchanged.h"
#include "text/view.h"

#define PATHS_ARENA_MAX ((size_t)64 << 20)
#define GENERATION_FORMAT "weir rule set 1" /* changes when the meaning of the same files changes */

/* A pack may belong to several rule sets: a reload keeps the last good version of a pack that has an error now. */
struct shared_pack {
    atomic_uint holds;
    struct pack *pack;
};

struct ruleset {
    atomic_uint holds;
    struct shared_pack **shared;
    const struct pack **packs; /* the same, plain */
    uint32_t pack_count, pack_capacity;
    uint32_t refused;
    uint32_t test_count;
    uint32_t shadow_count;
    struct program *program;
    char generation[17];
};

/* A load under way. */
struct load {
    struct ruleset *set;
    const struct ruleset *previous;
    struct findings *findings;
    const struct file_source *files; /* NULL: the disk */
    struct partition_options compiling;
    bool skip_tests;
    bool exact; /* the paths are those of packs */
};

static void shared_let_go(struct shared_pack *shared)
{
    if (shared && atomic_fetch_sub(&shared->holds, 1) == 1) {
        pack_free(&shared->pack);
        free(shared);
    }
}

static struct shared_pack *shared_hold(struct shared_pack *shared)
{
    atomic_fetch_add(&shared->holds, 1);
    return shared;
}

static void ruleset_destroy(struct ruleset *set)
{
    program_free(&set->program);
    for (uint32_t i = 0; i < set->pack_count; i++) {
        shared_let_go(set->shared[i]);
    }
    free(set->shared);
    free(set->packs);
    free(set);
}

static enum status grow(struct ruleset *set)
{
    uint32_t capacity = set->pack_capacity ? set->pack_capacity * 2 : 16;
    struct shared_pack **shared = reallocarray(set->shared, capacity, sizeof(struct shared_pack *));
    if (!shared) {
        return STATUS_NO_MEMORY;
    }
    set->shared = shared;
    const struct pack **packs = reallocarray(set->packs, capacity, sizeof(struct pack *));
    if (!packs) {
        return STATUS_NO_MEMORY;
    }
    set->packs = packs;
    set->pack_capacity = capacity;
    return STATUS_OK;
}

/* Takes over one hold on `shared`, also on failure. */
static enum status add_shared(struct ruleset *set, struct shared_pack *shared)
{
    if (set->pack_count == set->pack_capacity && grow(set) != STATUS_OK) {
        shared_let_go(shared);
        return STATUS_NO_MEMORY;
    }
    set->shared[set->pack_count] = shared;
    set->packs[set->pack_count++] = shared->pack;
    return STATUS_OK;
}

/* Takes over the pack, also on failure. */
static enum status add_pack(struct ruleset *set, struct pack *pack)
{
    struct shared_pack *shared = calloc(1, sizeof *shared);
    if (!shared) {
        pack_free(&pack);
        return STATUS_NO_MEMORY;
    }
    atomic_init(&shared->holds, 1);
    shared->pack = pack;
    return add_shared(set, shared);
}

static struct shared_pack *previous_pack(const struct load *load, const char *path)
{
    for (uint32_t i = 0; load->previous && i < load->previous->pack_count; i++) {
        if (strcmp(load->previous->packs[i]->path, path) == 0) {
            return load->previous->shared[i];
        }
    }
    return NULL;
}

/* A pack was refused: its last good version takes its place, if there is one. */
static enum status add_previous(struct load *load, const char *path)
{
    struct shared_pack *shared = previous_pack(load, path);
    load->set->refused++;
    return shared ? add_shared(load->set, shared_hold(shared)) : STATUS_OK;
}

/* Was this very pack part of the previous set? */
static bool is_old(const struct load *load, const struct shared_pack *shared)
{
    for (uint32_t i = 0; load->previous && i < load->previous->pack_count; i++) {
        if (load->previous->shared[i] == shared) {
            return true;
        }
    }
    return false;
}

static enum status read_file(struct load *load, const char *path)
{
    struct pack *pack;
    struct shared_pack *before = previous_pack(load, path);
    if (before && unchanged_pack(before->pack, load->files)) {
        return add_shared(load->set, shared_hold(before));
    }
    enum status status = reader_read_pack_from(load->files, path, load->findings, &pack);
    if (status == STATUS_OK) {
        return add_pack(load->set, pack);
    }
    return status == STATUS_NO_MEMORY ? status : add_previous(load, path);
}

/* A configured path that cannot be read at all: what it stood for last time stays. */
static enum status keep_path(struct load *load, const char *path)
{
    enum status status = STATUS_OK;
    load->set->refused++;
    for (uint32_t i = 0; status == STATUS_OK && load->previous && i < load->previous->pack_count; i++) {
        if (strncmp(load->previous->packs[i]->path, path, strlen(path)) == 0) {
            status = add_shared(load->set, shared_hold(load->previous->shared[i]));
        }
    }
    return status;
}

static enum status read_paths(struct load *load, const char *const *paths, uint32_t path_count)
{
    struct arena *arena;
    enum status status = arena_new(1u << 14, PATHS_ARENA_MAX, &arena);
    if (status != STATUS_OK) {
        return status;
    }
    for (uint32_t i = 0; status == STATUS_OK && i < path_count; i++) {
        const char *const *files = (const char *const[]){paths[i], NULL};
        status = load->exact ? STATUS_OK : reader_find_packs(paths[i], arena, load->findings, &files);
        if (status == STATUS_OK) {
            for (; *files && status == STATUS_OK; files++) {
                status = read_file(load, *files);
            }
        } else if (status != STATUS_NO_MEMORY) {
            status = keep_path(load, paths[i]);
        }
    }
    arena_free(&arena);
    return status;
}

/* Removes pack i and puts its last good version in its place, unless that is what it is. */
static void refuse_pack(struct load *load, uint32_t i)
{
    struct ruleset *set = load->set;
    struct shared_pack *refused = set->shared[i];
    struct shared_pack *good = previous_pack(load, refused->pack->path);
    set->refused++;
    if (good && good != refused) {
        set->shared[i] = shared_hold(good);
        set->packs[i] = good->pack;
    } else {
        set->pack_count--;
        memmove(set->shared + i, set->shared + i + 1, (set->pack_count - i) * sizeof(struct shared_pack *));
        memmove(set->packs + i, set->packs + i + 1, (set->pack_count - i) * sizeof(struct pack *));
    }
    shared_let_go(refused);
}

static bool clash_free(const struct pack *const *packs, uint32_t count)
{
    struct findings findings = {0};
    reader_check_together(packs, count, &findings);
    bool fine = findings.errors == 0;
    findings_clear(&findings);
    return fine;
}

/*
 * Which of the first i + 1 packs, of which the last clashes with another one, has to give way: one that is new, so that
 * an edit cannot take a pack away that is live; the last one if that is new itself.
 */
static uint32_t choose_clash(const struct load *load, uint32_t i)
{
    const struct ruleset *set = load->set;
    for (uint32_t k = 0; is_old(load, set->shared[i]) && k < i; k++) {
        const struct pack *pair[] = {set->packs[k], set->packs[i]};
        if (!is_old(load, set->shared[k]) && !clash_free(pair, 2)) {
            return k;
        }
    }
    return i;
}

/* Faults between packs. In a reload the later of two packs that clash gives way, or that which is new. */
static void check_together(struct load *load)
{
    struct ruleset *set = load->set;
    uint32_t errors = load->findings->errors;
    reader_check_together(set->packs, set->pack_count, load->findings);
    if (!load->previous || load->findings->errors == errors) {
        return;
    }
    for (uint32_t i = 1; i < set->pack_count;) {
        if (clash_free(set->packs, i + 1)) {
            i++;
            continue;
        }
        refuse_pack(load, choose_clash(load, i)); /* the last good version may clash as well: then it goes, too */
        i = 1;
    }
}

static enum status build(struct load *load)
{
    struct error error = {0};
    program_free(&load->set->program);
    enum status status =
        program_build(load->set->packs, load->set->pack_count, &load->compiling, &error, &load->set->program);
    if (status != STATUS_OK) {
        findings_add(load->findings, FINDING_ERROR, "rules", 0, 0, NULL, "%s", error.text);
    }
    return status;
}

/* Runs the inline tests. Packs that fail are refused; returns whether there were any. */
static enum status run_tests(struct load *load, bool *ret_refused)
{
    struct ruleset *set = load->set;
    bool *failed = calloc((size_t)set->pack_count * 2 + 1, sizeof *failed);
    if (!failed) {
        return STATUS_NO_MEMORY;
    }
    bool refused = false, *passed = failed + set->pack_count;
    for (uint32_t i = 0; i < set->pack_count; i++) {
        passed[i] = is_old(load, set->shared[i]); /* its tests passed, or it would not be there */
    }
    enum status status = ruletest_run_some(set, passed, load->findings, failed, &set->test_count);
    for (uint32_t i = set->pack_count; status == STATUS_OK && i-- > 0;) {
        if (failed[i]) {
            refuse_pack(load, i);
            refused = true;
        }
    }
    free(failed);
    *ret_refused = refused;
    return status;
}

static void name_generation(struct ruleset *set)
{
    XXH3_state_t *state = XXH3_createState();
    if (!state || XXH3_128bits_reset(state) == XXH_ERROR) {
        abort(); /* a few hundred bytes at load time */
    }
    (void)XXH3_128bits_update(state, GENERATION_FORMAT, sizeof GENERATION_FORMAT);
    (void)XXH3_128bits_update(state, regex_version(), strlen(regex_version()));
    for (uint32_t i = 0; i < set->pack_count; i++) {
        (void)XXH3_128bits_update(state, set->packs[i]->digest, sizeof set->packs[i]->digest);
    }
    XXH128_hash_t hash = XXH3_128bits_digest(state);
    (void)XXH3_freeState(state);
    (void)snprintf(set->generation, sizeof set->generation, "%016llx", (unsigned long long)(hash.high64 ^ hash.low64));
}

static void count_shadow(struct ruleset *set)
{
    for (uint32_t i = 0; i < set->program->rule_count; i++) {
        set->shadow_count += set->program->rules[i].rule->status == RULE_SHADOW;
    }
}

/* From packs that were read to a set that can be used. */
static enum status finish(struct load *load)
{
    bool refused = true;
    check_together(load);
    if (!load->previous && load->findings->errors > 0) {
        return STATUS_INVALID;
    }
    enum status status = STATUS_OK;
    for (int round = 0; status == STATUS_OK && refused; round++) {
        refused = false;
        status = build(load);
        if (status == STATUS_OK && !load->skip_tests && round < 2) {
            status = run_tests(load, &refused);
        }
        if (status == STATUS_OK && refused && !load->previous) {
            status = STATUS_INVALID;
        }
    }
    if (status == STATUS_OK) {
        name_generation(load->set);
        count_shadow(load->set);
    }
    return status;
}

static enum status load_begin(struct load *load)
{
    enum status status = view_start();
    load->set = status == STATUS_OK ? calloc(1, sizeof *load->set) : NULL;
    if (!load->set) {
        findings_add(load->findings, FINDING_ERROR, "rules", 0, 0, NULL, "%s",
                     status == STATUS_OK ? "out of memory" : "the Unicode tables of ICU cannot be loaded");
        return status == STATUS_OK ? STATUS_NO_MEMORY : status;
    }
    atomic_init(&load->set->holds, 1);
    load->compiling = compiling_begin(load->findings);
    return STATUS_OK;
}

static enum status load_end(struct load *load, enum status status, struct ruleset **ret_ruleset)
{
    compiling_end(&load->compiling, status == STATUS_OK ? load->set->program : NULL, load->findings);
    if (status == STATUS_OK) {
        *ret_ruleset = load->set;
        return STATUS_OK;
    }
    if (load->findings->errors == 0) {
        findings_add(load->findings, FINDING_ERROR, "rules", 0, 0, NULL, "%s", status_text(status));
    }
    if (load->set) {
        ruleset_destroy(load->set);
    }
    return status;
}

enum status ruleset_load(const char *const *paths, uint32_t path_count, const struct ruleset_options *options,
                         struct findings *findings, struct ruleset **ret_ruleset)
{
    struct load load = {
        .previous = options ? options->previous : NULL,
        .skip_tests = options && options->skip_tests,
        .files = options ? options->files : NULL,
        .exact = options && options->exact,
        .findings = findings,
    };
    enum status status = load_begin(&load);
    if (status == STATUS_OK) {
        status = read_paths(&load, paths, path_count);
    }
    if (status == STATUS_OK) {
        status = finish(&load);
    }
    return load_end(&load, status, ret_ruleset);
}

enum status ruleset_parse(struct span text, const char *name, struct findings *findings, struct ruleset **ret_ruleset)
{
    struct load load = {.findings = findings};
    struct pack *pack;
    enum status status = load_begin(&load);
    if (status == STATUS_OK) {
        status = reader_parse_pack(text, name, findings, &pack);
    }
    if (status == STATUS_OK) {
        status = add_pack(load.set, pack);
    }
    if (status == STATUS_OK) {
        status = finish(&load);
    }
    return load_end(&load, status, ret_ruleset);
}

enum status ruleset_of_pack(struct pack *pack, struct findings *findings, struct ruleset **ret_ruleset)
{
    struct load load = {.findings = findings, .skip_tests = true};
    enum status status = load_begin(&load);
    if (status == STATUS_OK) {
        status = add_pack(load.set, pack);
    } else {
        pack_free(&pack);
    }
    if (status == STATUS_OK) {
        status = finish(&load);
    }
    return load_end(&load, status, ret_ruleset);
}

struct ruleset *ruleset_hold(struct ruleset *ruleset)
{
    atomic_fetch_add(&ruleset->holds, 1);
    return ruleset;
}

void ruleset_let_go(struct ruleset **ruleset)
{
    if (*ruleset && atomic_fetch_sub(&(*ruleset)->holds, 1) == 1) {
        ruleset_destroy(*ruleset);
    }
    *ruleset = NULL;
}

uint32_t ruleset_holds(const struct ruleset *ruleset)
{
    return atomic_load(&ruleset->holds);
}

const char *ruleset_generation(const struct ruleset *ruleset)
{
    return ruleset->generation;
}

const struct program *ruleset_program(const struct ruleset *ruleset)
{
    return ruleset->program;
}

const struct pack *const *ruleset_packs(const struct ruleset *ruleset, uint32_t *ret_count)
{
    *ret_count = ruleset->pack_count;
    return ruleset->packs;
}

uint32_t ruleset_rule_count(const struct ruleset *ruleset)
{
    return ruleset->program->rule_count;
}

uint32_t ruleset_shadow_count(const struct ruleset *ruleset)
{
    return ruleset->shadow_count;
}

uint32_t ruleset_test_count(const struct ruleset *ruleset)
{
    return ruleset->test_count;
}

uint32_t ruleset_refused(const struct ruleset *ruleset)
{
    return ruleset->refused;
}
