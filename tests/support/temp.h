/* Folders that belong to one test. */
#ifndef TESTS_SUPPORT_TEMP_H
#define TESTS_SUPPORT_TEMP_H

#include <stddef.h>

/* Makes an empty folder under $TMPDIR (or /tmp) and returns its path. Aborts if it cannot. Give it to temp_dir_remove.
 */
char *temp_dir_make(void);

/* Removes the folder with everything in it (links are removed, not followed), frees the path, clears the pointer. */
void temp_dir_remove(char **dir);

/* "dir/name", on the heap. Aborts without memory. */
char *temp_path(const char *dir, const char *name);

/* Writes a file in the folder and returns its path, on the heap. Aborts if it cannot. */
char *temp_file(const char *dir, const char *name, const void *data, size_t size);

#endif
