#include "scanner/unchanged.h"

#include <string.h>

#include "base/file.h"
#include "base/yaml.h"

#define ARENA_CHUNK ((size_t)64 << 10)
#define ARENA_MAX ((size_t)1 << 30)

/* A list that was seen already: the reader reads each once for a kind. */
struct seen {
    const char *path;
    enum pattern_kind kind;
    const struct seen *next;
};

struct comparison {
    const struct file_source *files;
    struct arena *arena; /* of what was seen */
    struct arena *bytes; /* of one file */
    const struct seen *seen;
    uint64_t lists[2]; /* digest of all lists so far, as rules/reader_pattern.c makes it */
};

static bool add_list(struct comparison *comparison, const char *path, enum pattern_kind kind)
{
    for (const struct seen *seen = comparison->seen; seen; seen = seen->next) {
        if (seen->kind == kind && strcmp(seen->path, path) == 0) {
            return true;
        }
    }
    struct seen *seen = arena_array(comparison->arena, 1, sizeof *seen);
    uint64_t digests[4] = {comparison->lists[0], comparison->lists[1], 0, 0};
    struct error ignored = {0};
    struct span bytes = {0};
    arena_reset(comparison->bytes);
    if (!seen || file_source_read(comparison->files, path, MODEL_LIST_SIZE_MAX, comparison->bytes, &ignored, &bytes) !=
                     STATUS_OK) {
        return false;
    }
    *seen = (struct seen){.path = path, .kind = kind, .next = comparison->seen};
    comparison->seen = seen;
    model_digest(bytes, &digests[2]);
    model_digest(span_of(digests, sizeof digests), comparison->lists);
    return true;
}

static bool add_lists(struct comparison *comparison, const struct pack *pack)
{
    for (uint32_t r = 0; r < pack->rule_count; r++) {
        for (uint32_t p = 0; p < pack->rules[r].pattern_count; p++) {
            const struct pattern *pattern = &pack->rules[r].patterns[p];
            if (pattern->list_path && !add_list(comparison, pattern->list_path, pattern->kind)) {
                return false;
            }
        }
    }
    return true;
}

bool unchanged_pack(const struct pack *pack, const struct file_source *files)
{
    struct comparison comparison = {.files = files};
    struct error ignored = {0};
    struct span source = {0};
    bool same = false;
    if (arena_new(ARENA_CHUNK, ARENA_MAX, &comparison.arena) == STATUS_OK &&
        arena_new(ARENA_CHUNK, ARENA_MAX, &comparison.bytes) == STATUS_OK &&
        file_source_read(files, pack->path, YAML_SIZE_MAX, comparison.bytes, &ignored, &source) == STATUS_OK) {
        uint64_t digests[4] = {0}, digest[2];
        model_digest(source, digests);
        if (add_lists(&comparison, pack)) {
            memcpy(&digests[2], comparison.lists, sizeof comparison.lists);
            model_digest(span_of(digests, sizeof digests), digest);
            same = memcmp(digest, pack->digest, sizeof digest) == 0;
        }
    }
    arena_free(&comparison.arena);
    arena_free(&comparison.bytes);
    return same;
}
