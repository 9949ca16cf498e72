#include "tests/support/temp.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A test that cannot have its folder has nothing to say. */
static void temp_require(int condition, const char *what)
{
    if (!condition) {
        perror(what);
        abort();
    }
}

char *temp_dir_make(void)
{
    const char *root = getenv("TMPDIR");
    char *dir = temp_path(root && *root ? root : "/tmp", "weir-test.XXXXXX");

    temp_require(mkdtemp(dir) != NULL, dir);
    return dir;
}

static int temp_remove_one(const char *path, const struct stat *information, int type, struct FTW *place)
{
    (void)information;
    (void)place;
    return type == FTW_DP || type == FTW_DNR ? rmdir(path) : unlink(path);
}

void temp_dir_remove(char **dir)
{
    if (!dir || !*dir)
        return;
    nftw(*dir, temp_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(*dir);
    *dir = NULL;
}

char *temp_path(const char *dir, const char *name)
{
    char *path = NULL;

    temp_require(asprintf(&path, "%s/%s", dir, name) >= 0, name);
    return path;
}

char *temp_file(const char *dir, const char *name, const void *data, size_t size)
{
    char *path = temp_path(dir, name);
    FILE *file = fopen(path, "we");

    temp_require(file != NULL, path);
    temp_require(fwrite(data, 1, size, file) == size, path);
    temp_require(fclose(file) == 0, path);
    return path;
}
