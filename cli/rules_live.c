#include "cli/rules_live.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/command.h"

#define ARENA_CHUNK ((size_t)16 << 10)
#define ARENA_MAX ((size_t)256 << 20)
#define STATE_SIZE_MAX ((size_t)16 << 20)
#define LOOK_MS 20 /* between two looks at the state while waiting */

enum { OPTION_DATA = RULES_LONG_OPTION, OPTION_ALL };

static bool take_option(void *context, int option, const char *value)
{
    struct rules_live *live = context;
    if (option == OPTION_DATA) {
        live->data = value;
        live->data_given = true;
    } else {
        live->all = true;
    }
    return true;
}

static bool open_folder(struct rules_live *live, int *ret_exit)
{
    struct error error = {0};
    const char *command = live->arguments.command;
    enum status status = arena_new(ARENA_CHUNK, ARENA_MAX, &live->arena);
    if (status == STATUS_OK) {
        status = generations_open(live->data, false, &error, &live->generations);
    }
    if (status == STATUS_NOT_FOUND) {
        *ret_exit = command_fail(command, EXIT_ENVIRONMENT, "'%s' is not the data folder of a weir run%s", live->data,
                                 live->data_given ? "" : "; name it with --data DIR");
        return false;
    }
    if (status == STATUS_OK) {
        status = generations_list(live->generations, live->arena, &error, &live->kept, &live->kept_count);
    }
    if (status != STATUS_OK) {
        *ret_exit = command_fail(command, EXIT_ENVIRONMENT, "%s", error.text[0] ? error.text : status_text(status));
        return false;
    }
    rules_live_refresh(live);
    return true;
}

bool rules_live_open(struct rules_live *live, const char *command, const char *help, bool takes_all, uint32_t words_max,
                     int argc, char **argv, int *ret_exit)
{
    static const struct option with_all[] = {
        {"data", required_argument, NULL, OPTION_DATA}, {"all", no_argument, NULL, OPTION_ALL}, {NULL, 0, NULL, 0}};
    static const struct option without_all[] = {{"data", required_argument, NULL, OPTION_DATA}, {NULL, 0, NULL, 0}};
    *live = (struct rules_live){
        .data = "weir-data",
        .arguments = {.command = command,
                      .help = help,
                      .options = takes_all ? with_all : without_all,
                      .take = take_option,
                      .context = live,
                      .takes_words = true,
                      .may_lack_packs = true},
    };
    if (!rules_arguments_read(&live->arguments, argc, argv, ret_exit)) {
        return false;
    }
    if (live->arguments.path_count > 0) {
        *ret_exit = command_usage_error(command, "takes no --rules: it is about the rules that run");
        return false;
    }
    if (live->arguments.word_count > words_max) {
        *ret_exit = command_usage_error(command, "unexpected argument '%s'", live->arguments.words[words_max]);
        return false;
    }
    return open_folder(live, ret_exit);
}

void rules_live_close(struct rules_live *live)
{
    json_decref(live->state);
    generations_free(&live->generations);
    arena_free(&live->arena);
    rules_arguments_free(&live->arguments);
}

void rules_live_refresh(struct rules_live *live)
{
    struct arena *arena = NULL;
    struct error ignored = {0};
    struct span text = {0};
    char *path = NULL;
    json_decref(live->state);
    live->state = NULL;
    live->running = generations_is_written(live->generations);
    if (asprintf(&path, "%s/status.json", generations_folder(live->generations)) < 0) {
        return;
    }
    if (arena_new(ARENA_CHUNK, STATE_SIZE_MAX * 2, &arena) == STATUS_OK &&
        file_read(path, STATE_SIZE_MAX, arena, &ignored, &text) == STATUS_OK) {
        live->state = json_loadb((const char *)text.data, text.size, 0, NULL);
    }
    arena_free(&arena);
    free(path);
}

const char *rules_live_generation(const struct rules_live *live)
{
    const char *generation = json_string_value(json_object_get(json_object_get(live->state, "live"), "generation"));
    return generation ? generation : "";
}

bool rules_live_wait(struct rules_live *live, int64_t patience_ms, bool (*done)(struct rules_live *live, void *context),
                     void *context)
{
    int64_t until_ms = clock_ticks_ms() + patience_ms;
    for (;;) {
        rules_live_refresh(live);
        if (done(live, context)) {
            return true;
        }
        if (!live->running || clock_ticks_ms() >= until_ms) {
            return false;
        }
        (void)poll(NULL, 0, LOOK_MS);
    }
}
