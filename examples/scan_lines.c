/*
 * Scans the lines of standard input with libweir, inside this process.
 *
 *     cc scan_lines.c -o scan_lines $(pkg-config --cflags --libs weir)
 *     ./scan_lines /usr/share/weir/packs <lines.txt
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir.h>

static int on_hit(void *context, const weir_hit *hit)
{
    unsigned long *line = context;
    printf("line %lu: %s (%s)", *line, hit->rule, hit->severity);
    for (size_t i = 0; i < hit->span_count; i++) {
        printf(" [%u, %u)", hit->spans[i].start, hit->spans[i].end);
    }
    printf("%s%s\n", hit->unscanned ? " not scanned: " : "", hit->unscanned ? hit->unscanned : "");
    return 0;
}

int main(int argc, char **argv)
{
    weir_rules *rules = NULL;
    weir_scanner *scanner = NULL;
    char error[WEIR_ERROR_SIZE];
    char *line = NULL;
    size_t capacity = 0;
    unsigned long number = 0;
    if (argc < 2) {
        fprintf(stderr, "usage: scan_lines PACK...\n");
        return 2;
    }
    weir_result result =
        weir_rules_load((const char *const *)(argv + 1), (size_t)argc - 1, &rules, error, sizeof error);
    if (result != WEIR_OK) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    result = weir_scanner_new(&scanner);
    for (ssize_t size; result == WEIR_OK && (size = getline(&line, &capacity, stdin)) >= 0;) {
        number++;
        weir_text text = {line, (size_t)size - (size > 0 && line[size - 1] == '\n')};
        result = weir_scan(scanner, rules, &text, 1, on_hit, &number);
    }
    free(line);
    weir_scanner_free(&scanner);
    weir_rules_free(&rules);
    return result == WEIR_OK ? 0 : 3;
}
