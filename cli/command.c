#include "cli/command.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

__attribute__((format(printf, 2, 0))) static void say(const char *command, const char *format, va_list arguments)
{
    (void)fprintf(stderr, command ? "weir %s: " : "weir: ", command);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
}

int command_usage_error(const char *command, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(command, format, arguments);
    va_end(arguments);
    (void)fprintf(stderr, command ? "Try 'weir %s --help'.\n" : "Try 'weir --help'.\n", command);
    return EXIT_WRONG_USAGE;
}

#define OPTIONS_MAX 64

int command_option_error(const char *command, int outcome, char *const argv[], const struct option *known)
{
    const char *word = argv[optind - 1];
    if (outcome == ':') {
        return command_usage_error(command, "'%s' needs a value", word);
    }
    if (strncmp(word, "--", 2) != 0 || word[2] == '\0') {
        return command_usage_error(command, "unknown option '-%c'", optopt);
    }
    char name[64];
    const char *names[OPTIONS_MAX + 1] = {0};
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    for (size_t i = 0; i < OPTIONS_MAX && known[i].name; i++) {
        names[i] = known[i].name;
    }
    if (optopt != 0) { /* it is known, so what was wrong is the value that it was given */
        return command_usage_error(command, "'--%s' takes no value", name);
    }
    const char *nearest = findings_nearest(name, names);
    return nearest ? command_usage_error(command, "unknown option '--%s'; did you mean '--%s'?", name, nearest)
                   : command_usage_error(command, "unknown option '--%s'", name);
}

int command_fail(const char *command, enum command_exit code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(command, format, arguments);
    va_end(arguments);
    return code;
}

bool command_number(const char *command, const char *option, const char *text, long long min, long long max,
                    long long *ret_value)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    bool number = errno == 0 && end != text && *end == '\0';
    if (number && value >= min && value <= max) {
        *ret_value = value;
        return true;
    }
    if (max == LLONG_MAX) {
        (void)command_usage_error(command, "%s takes a whole number from %lld on, not '%s'", option, min, text);
    } else {
        (void)command_usage_error(command, "%s takes a whole number from %lld to %lld, not '%s'", option, min, max,
                                  text);
    }
    return false;
}

void command_busy(const char *words)
{
    const char *term = getenv("TERM");
    if (isatty(STDERR_FILENO) && !(term && strcmp(term, "dumb") == 0)) {
        (void)fputs(words ? words : "\r\033[K", stderr);
        (void)fflush(stderr);
    }
}

const char *command_plural(unsigned long long count)
{
    return count == 1 ? "" : "s";
}

bool command_colour(FILE *stream)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return isatty(fileno(stream)) && !(no_colour && *no_colour) && !(term && strcmp(term, "dumb") == 0);
}

static bool is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* Beside the program: PREFIX/bin/weir has PREFIX/share/weir/packs; in a build folder a link leads to the source's. */
const char *command_default_packs(void)
{
    static char found[PATH_MAX];
    static const char *const beside[] = {"../share/weir/packs", "rules/packs"};
    char folder[PATH_MAX / 2] = "";
    ssize_t size = readlink("/proc/self/exe", folder, sizeof folder - 1);
    char *slash = size > 0 ? strrchr(folder, '/') : NULL;
    for (size_t i = 0; slash && i < sizeof beside / sizeof *beside; i++) {
        char path[PATH_MAX];
        *slash = '\0';
        (void)snprintf(path, sizeof path, "%s/%s", folder, beside[i]);
        if (is_folder(path) && realpath(path, found)) {
            return found;
        }
    }
    return is_folder(WEIR_PACKS_INSTALLED) ? WEIR_PACKS_INSTALLED : NULL;
}
