/*
 * The stream of messages that `weir demo` makes up, only the texts, one a line.
 *
 *     made_up_messages COUNT [SEED]
 */
#include <stdio.h>
#include <stdlib.h>

#include "cli/generate.h"

int main(int argc, char **argv)
{
    struct generate *generate = NULL;
    struct generate_message message;
    if (argc < 2) {
        (void)fputs("usage: made_up_messages COUNT [SEED]\n", stderr);
        return 2;
    }
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    if (generate_new(seed, strtoull(argv[1], NULL, 10), 0, &generate) != STATUS_OK)
        return 3;
    while (generate_next(generate, &message) == STATUS_OK) {
        for (const char *at = message.text; *at; at++)
            putchar(*at == '\n' ? ' ' : *at);
        putchar('\n');
    }
    generate_free(&generate);
    return fflush(stdout) == 0 ? 0 : 3;
}
