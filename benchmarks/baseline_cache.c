#include "baseline_cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define PATH_SIZE 4096

struct header {
    uint64_t database_bytes;
    uint64_t count;
    double compile_seconds;
};

static void name_file(const char *folder, unsigned flags, const struct baseline *baseline, char path[PATH_SIZE])
{
    XXH3_state_t *state = XXH3_createState();
    hs_platform_info_t platform = {0};
    if (!state || hs_populate_platform(&platform) != HS_SUCCESS || XXH3_128bits_reset(state) == XXH_ERROR)
        corpus_die("cannot name the compiled baseline", folder);
    (void)XXH3_128bits_update(state, hs_version(), strlen(hs_version()));
    (void)XXH3_128bits_update(state, &platform, sizeof platform);
    (void)XXH3_128bits_update(state, &flags, sizeof flags);
    for (unsigned i = 0; i < baseline->count; i++)
        (void)XXH3_128bits_update(state, baseline->texts[i], strlen(baseline->texts[i]) + 1);
    XXH128_hash_t hash = XXH3_128bits_digest(state);
    (void)XXH3_freeState(state);
    if (snprintf(path, PATH_SIZE, "%s/%016llx%016llx.hs", folder, (unsigned long long)hash.high64,
                 (unsigned long long)hash.low64) >= PATH_SIZE)
        corpus_die("the path is too long", folder);
}

bool baseline_cache_load(const char *folder, unsigned flags, struct baseline *baseline)
{
    char path[PATH_SIZE];
    struct header header;
    name_file(folder, flags, baseline, path);
    FILE *in = fopen(path, "re");
    if (!in)
        return false;
    bool good = fread(&header, sizeof header, 1, in) == 1 && header.count == baseline->count &&
                fread(baseline->refused, sizeof *baseline->refused, baseline->count, in) == baseline->count;
    char *bytes = good ? corpus_grow(NULL, header.database_bytes, 1) : NULL;
    good = good && fread(bytes, 1, header.database_bytes, in) == header.database_bytes &&
           hs_deserialize_database(bytes, header.database_bytes, &baseline->database) == HS_SUCCESS;
    if (good)
        baseline->compile_seconds = header.compile_seconds;
    else
        memset(baseline->refused, 0, baseline->count * sizeof *baseline->refused);
    free(bytes);
    (void)fclose(in);
    return good;
}

void baseline_cache_store(const char *folder, unsigned flags, const struct baseline *baseline)
{
    char path[PATH_SIZE], aside[PATH_SIZE + 32];
    char *bytes = NULL;
    size_t size = 0;
    name_file(folder, flags, baseline, path);
    (void)mkdir(folder, 0700);
    (void)snprintf(aside, sizeof aside, "%s.%ld", path, (long)getpid());
    if (hs_serialize_database(baseline->database, &bytes, &size) != HS_SUCCESS)
        corpus_die("cannot keep the compiled baseline", path);
    struct header header = {
        .database_bytes = size, .count = baseline->count, .compile_seconds = baseline->compile_seconds};
    FILE *out = fopen(aside, "we");
    bool good = out && fwrite(&header, sizeof header, 1, out) == 1 &&
                fwrite(baseline->refused, sizeof *baseline->refused, baseline->count, out) == baseline->count &&
                fwrite(bytes, 1, size, out) == size;
    good = (out && fclose(out) == 0) && good;
    free(bytes);
    if (!good || rename(aside, path) != 0) {
        (void)unlink(aside);
        corpus_die("cannot write", path);
    }
}
