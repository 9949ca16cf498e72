/* weir rules rollback, resume, restore: act on the rules of a running weir. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/demotions.h"
#include "cli/reload_pin.h"
#include "cli/rules_live.h"

#define PREFIX_MIN 4

static const char rollback_help[] = "usage: weir rules rollback [OPTION]... [GENERATION]\n"
                                    "\n"
                                    "Makes a generation of the rules live that was live before, byte for byte.\n"
                                    "Without GENERATION: the one before that which is live now; said again, the one\n"
                                    "before that. 'weir rules status --all' lists them; the first digits are enough.\n"
                                    "\n"
                                    "From then on the rules are pinned: changes of files are not taken, also not by\n"
                                    "SIGHUP or a restart, until 'weir rules resume'. If no weir is running, the next\n"
                                    "one starts with that generation.\n"
                                    "\n"
                                    "Options:\n"
                                    "      --data DIR  the data folder of 'weir run' (default: weir-data)\n"
                                    "      --json      one JSON object on standard output instead\n"
                                    "  -h, --help      this help\n"
                                    "\n"
                                    "Exit status: 0 it is live, 1 no such generation or it does not load any more,\n"
                                    "2 wrong usage, 3 the environment failed.\n";

static const char resume_help[] = "usage: weir rules resume [OPTION]...\n"
                                  "\n"
                                  "Ends what 'weir rules rollback' began: the files on the disk are taken again, at\n"
                                  "once and whenever they change. Mend them first: 'weir rules check' tells.\n"
                                  "\n"
                                  "Options:\n"
                                  "      --data DIR  the data folder of 'weir run' (default: weir-data)\n"
                                  "      --json      one JSON object on standard output instead\n"
                                  "  -h, --help      this help\n"
                                  "\n"
                                  "Exit status: 0 done, 1 a pack on the disk has errors (its last good version is\n"
                                  "live), 2 wrong usage, 3 the environment failed.\n";

static const char restore_help[] = "usage: weir rules restore [OPTION]... RULE...\n"
                                   "\n"
                                   "Lets rules alert again that were demoted to shadow because they had more hits\n"
                                   "within a minute than their limit. A rule also comes back by itself when its pack\n"
                                   "changes. 'weir rules status' lists them.\n"
                                   "\n"
                                   "Options:\n"
                                   "      --data DIR  the data folder of 'weir run' (default: weir-data)\n"
                                   "      --all       all that are demoted\n"
                                   "      --json      one JSON object on standard output instead\n"
                                   "  -h, --help      this help\n"
                                   "\n"
                                   "Exit status: 0 done, 1 a rule is not demoted, 2 wrong usage, 3 the environment\n"
                                   "failed.\n";

/* The generation that `prefix` stands for; NULL: none or several, after words. */
static const struct generations_item *find_generation(const struct rules_live *live, const char *prefix, int *ret_exit)
{
    const char *command = live->arguments.command;
    const struct generations_item *found = NULL;
    size_t size = strlen(prefix);
    if (size < PREFIX_MIN) {
        *ret_exit = command_usage_error(command, "give at least %d digits of a generation", PREFIX_MIN);
        return NULL;
    }
    for (uint32_t i = 0; i < live->kept_count; i++) {
        if (strncmp(live->kept[i].id, prefix, size) != 0) {
            continue;
        }
        if (found) {
            *ret_exit = command_fail(command, EXIT_FOUND_FAULT, "several generations begin with '%s'", prefix);
            return NULL;
        }
        found = &live->kept[i];
    }
    if (!found) {
        *ret_exit = command_fail(command, EXIT_FOUND_FAULT,
                                 "no generation '%s' is kept; 'weir rules status --all' lists them", prefix);
    }
    return found;
}

/* The one before that which is live. */
static const struct generations_item *find_previous(const struct rules_live *live, int *ret_exit)
{
    char pin[GENERATIONS_ID_SIZE] = "";
    struct error ignored = {0};
    const char *now = rules_live_generation(live);
    if (reload_pin_read(generations_folder(live->generations), pin, &ignored) == STATUS_OK && pin[0]) {
        now = pin; /* also where it is not live yet */
    }
    uint32_t i = 0;
    while (i < live->kept_count && strcmp(live->kept[i].id, now) != 0) {
        i++;
    }
    i = i == live->kept_count ? 0 : i + 1;
    if (i >= live->kept_count) {
        *ret_exit = command_fail(live->arguments.command, EXIT_FOUND_FAULT, "no earlier generation is kept");
        return NULL;
    }
    return &live->kept[i];
}

/* Has the process taken the pin, or given it up? */
static bool is_pinned(struct rules_live *live, void *context)
{
    const char *id = *(const char **)context;
    const json_t *pin = json_object_get(live->state, "pinned");
    const char *pinned = json_string_value(json_object_get(pin, "generation"));
    return live->running && pinned && strcmp(pinned, id) == 0;
}

static int report(const struct rules_live *live, const char *outcome, const char *generation, int code)
{
    return rules_print_json(
        live->arguments.command,
        json_pack("{s:s, s:s, s:b}", "result", outcome, "generation", generation, "running", live->running), code);
}

static int wait_for_rollback(struct rules_live *live, const char *id)
{
    const char *command = live->arguments.command;
    if (!live->running) {
        if (live->arguments.json) {
            return report(live, "pinned", id, EXIT_DONE);
        }
        fprintf(stderr, "no weir is running: the next one starts with generation %s\n", id);
        return EXIT_DONE;
    }
    command_busy("waiting for weir run...");
    bool taken = rules_live_wait(live, RULES_LIVE_PATIENCE_MS, is_pinned, &id);
    command_busy(NULL);
    const json_t *pin = json_object_get(live->state, "pinned");
    if (!taken) {
        return command_fail(command, EXIT_ENVIRONMENT,
                            live->running ? "weir run has not taken it yet; see 'weir rules status'"
                                          : "weir run has ended meanwhile: the next one starts with it");
    }
    if (!json_is_true(json_object_get(pin, "live"))) {
        const char *reason = json_string_value(json_object_get(pin, "reason"));
        return command_fail(command, EXIT_FOUND_FAULT, "%s; nothing was changed", reason ? reason : "it failed");
    }
    if (live->arguments.json) {
        return report(live, "live", id, EXIT_DONE);
    }
    fprintf(stderr, "generation %s is live; changes of files wait for 'weir rules resume'\n", id);
    return EXIT_DONE;
}

int rules_rollback(int argc, char **argv)
{
    struct rules_live live;
    int code = EXIT_DONE;
    if (rules_live_open(&live, "rules rollback", rollback_help, false, 1, argc, argv, &code)) {
        struct error error = {0};
        const struct generations_item *item = live.arguments.word_count > 0
                                                  ? find_generation(&live, live.arguments.words[0], &code)
                                                  : find_previous(&live, &code);
        if (item && reload_pin_set(generations_folder(live.generations), item->id, &error) != STATUS_OK) {
            code = command_fail(live.arguments.command, EXIT_ENVIRONMENT, "%s", error.text);
        } else if (item) {
            code = wait_for_rollback(&live, item->id);
        }
    }
    rules_live_close(&live);
    return code;
}

static bool is_unpinned(struct rules_live *live, void *context)
{
    (void)context;
    return live->running && live->state && !json_is_object(json_object_get(live->state, "pinned"));
}

static int wait_for_resume(struct rules_live *live)
{
    const char *command = live->arguments.command;
    if (!live->running) {
        if (live->arguments.json) {
            return report(live, "resumed", "", EXIT_DONE);
        }
        fputs("no weir is running: the next one takes the files on the disk\n", stderr);
        return EXIT_DONE;
    }
    command_busy("waiting for weir run...");
    bool taken = rules_live_wait(live, RULES_LIVE_PATIENCE_MS, is_unpinned, NULL);
    command_busy(NULL);
    if (!taken) {
        return command_fail(command, EXIT_ENVIRONMENT, "weir run has not taken it yet; see 'weir rules status'");
    }
    bool refused = json_array_size(json_object_get(live->state, "refused")) > 0;
    int code = refused ? EXIT_FOUND_FAULT : EXIT_DONE;
    if (live->arguments.json) {
        return report(live, "resumed", rules_live_generation(live), code);
    }
    fprintf(stderr, "generation %s is live%s\n", rules_live_generation(live),
            refused ? ", but packs were refused; 'weir rules status' says why" : "");
    return code;
}

int rules_resume(int argc, char **argv)
{
    struct rules_live live;
    int code = EXIT_DONE;
    if (rules_live_open(&live, "rules resume", resume_help, false, 0, argc, argv, &code)) {
        struct error error = {0};
        enum status status = reload_pin_remove(generations_folder(live.generations), &error);
        if (status == STATUS_NOT_FOUND) {
            code =
                live.arguments.json ? report(&live, "not_pinned", rules_live_generation(&live), EXIT_DONE) : EXIT_DONE;
            if (!live.arguments.json) {
                fputs("the rules were not pinned; nothing to do\n", stderr);
            }
        } else if (status != STATUS_OK) {
            code = command_fail(live.arguments.command, EXIT_ENVIRONMENT, "%s", error.text);
        } else {
            code = wait_for_resume(&live);
        }
    }
    rules_live_close(&live);
    return code;
}

/* Removes what demotes a rule; false after words. */
static bool restore_one(struct rules_live *live, const char *rule, int *code)
{
    struct error error = {0};
    enum status status = demotions_remove(generations_folder(live->generations), rule, &error);
    if (status == STATUS_OK) {
        return true;
    }
    *code = status == STATUS_NOT_FOUND
                ? command_fail(live->arguments.command, EXIT_FOUND_FAULT, "rule '%s' is not demoted", rule)
                : command_fail(live->arguments.command, EXIT_ENVIRONMENT, "%s", error.text);
    return false;
}

/* Are the rules of the list gone from those that are demoted? */
static bool are_restored(struct rules_live *live, void *context)
{
    size_t i, k;
    json_t *demoted, *rule;
    json_array_foreach(json_object_get(live->state, "demoted"), i, demoted)
    {
        json_array_foreach((json_t *)context, k, rule)
        {
            if (json_equal(json_object_get(demoted, "rule"), rule)) {
                return false;
            }
        }
    }
    return live->state != NULL;
}

static int restore_rules(struct rules_live *live, json_t *restored)
{
    int code = EXIT_DONE;
    struct demotion *demotions = NULL;
    uint32_t count = 0;
    struct error error = {0};
    if (live->all &&
        demotions_list(generations_folder(live->generations), live->arena, &error, &demotions, &count) != STATUS_OK) {
        return command_fail(live->arguments.command, EXIT_ENVIRONMENT, "%s", error.text);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (restore_one(live, demotions[i].rule, &code)) {
            json_array_append_new(restored, json_string(demotions[i].rule));
        }
    }
    for (uint32_t i = 0; i < live->arguments.word_count; i++) {
        if (restore_one(live, live->arguments.words[i], &code)) {
            json_array_append_new(restored, json_string(live->arguments.words[i]));
        }
    }
    if (live->running && !rules_live_wait(live, RULES_LIVE_PATIENCE_MS, are_restored, restored)) {
        return command_fail(live->arguments.command, EXIT_ENVIRONMENT,
                            "weir run has not taken it yet; see 'weir rules status'");
    }
    return code;
}

int rules_restore(int argc, char **argv)
{
    struct rules_live live;
    int code = EXIT_DONE;
    if (!rules_live_open(&live, "rules restore", restore_help, true, UINT32_MAX, argc, argv, &code)) {
        rules_live_close(&live);
        return code;
    }
    if (live.all == (live.arguments.word_count > 0)) {
        code = command_usage_error("rules restore",
                                   live.all ? "give rules or --all, not both" : "say which rules, or --all");
        rules_live_close(&live);
        return code;
    }
    json_t *restored = json_array();
    code = restore_rules(&live, restored);
    if (live.arguments.json) {
        code = rules_print_json("rules restore", json_pack("{s:O}", "restored", restored), code);
    } else if (json_array_size(restored) > 0 || live.all) {
        fprintf(stderr, "%zu rule%s restored\n", json_array_size(restored), command_plural(json_array_size(restored)));
    }
    json_decref(restored);
    rules_live_close(&live);
    return code;
}
