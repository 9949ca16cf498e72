#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/rules_profile.h"
#include "rules/traffic_count.h"
#include "rules/traffic_profile.h"
#include "text/view.h"

static enum status count_message(void *context, const struct input_message *message)
{
    return traffic_count_add(context, message->text);
}

static int write_profile(const struct rules_profile_options *options, const struct traffic_count *count)
{
    const char *command = options->arguments.command;
    struct buffer text = BUFFER_INIT(TRAFFIC_PROFILE_SIZE_MAX);
    struct traffic_profile *profile = NULL;
    struct error error = {0};
    enum status status = traffic_count_write(count, (uint32_t)options->messages_min, &text);
    if (status == STATUS_NOT_FOUND) {
        buffer_free(&text);
        return command_fail(command, EXIT_FOUND_FAULT,
                            "the sample is too small: not one letter stands in %lld different messages",
                            options->messages_min);
    }
    if (status == STATUS_OK) {
        status = traffic_profile_parse(buffer_span(&text), &error, &profile);
    }
    if (status == STATUS_OK) {
        status = file_write_atomic(options->write, buffer_span(&text), 0644, &error);
    }
    int exit_code = EXIT_DONE;
    if (status == STATUS_OK) {
        unsigned long long messages = traffic_profile_messages(profile);
        (void)fprintf(stderr, "%llu message%s, %u short strings, %zu KB\n", messages, command_plural(messages),
                      traffic_profile_runs(profile), text.size / 1000 + 1);
        if (messages < TRAFFIC_PROFILE_MESSAGES_USEFUL) {
            (void)fprintf(stderr,
                          "This is a small sample: %u messages or more make a profile that is better than the "
                          "one built in.\n",
                          TRAFFIC_PROFILE_MESSAGES_USEFUL);
        }
    } else {
        exit_code = command_fail(command, EXIT_ENVIRONMENT, "%s", error.text[0] ? error.text : status_text(status));
    }
    traffic_profile_free(&profile);
    buffer_free(&text);
    return exit_code;
}

int rules_profile_write(const struct rules_profile_options *options)
{
    struct traffic_count *count = NULL;
    uint64_t faulty = 0;
    enum status status = view_start();
    if (status == STATUS_OK) {
        status = traffic_count_new(&count);
    }
    if (status != STATUS_OK) {
        return command_fail(options->arguments.command, EXIT_ENVIRONMENT, "%s", status_text(status));
    }
    int exit_code = rules_profile_read(options, "counting", count_message, count, &faulty);
    if (exit_code == EXIT_DONE) {
        exit_code = write_profile(options, count);
    }
    if (exit_code == EXIT_DONE && faulty > 0) {
        exit_code = EXIT_FOUND_FAULT;
    }
    traffic_count_free(&count);
    return exit_code;
}
