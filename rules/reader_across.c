#include "rules/reader_across.h"

static const char *const across_keys[] = {"messages", "minutes", "from", NULL};
static const char *const from_names[] = {"sender", "conversation", NULL};

/* A whole number from `least` to `most`; what is not there or not valid leaves it as it was. */
static void read_number(struct reader_context *context, const struct yaml *map, const char *key, uint32_t least,
                        uint32_t most, uint32_t *number)
{
    const struct yaml *node = yaml_get(map, key);
    int64_t value = 0;
    if (!node) {
        return;
    }
    if (yaml_integer(node, &value) != STATUS_OK || value < least || value > most) {
        reader_node_error(context, node, "write across: {messages: 10, minutes: 30, from: conversation}",
                          "%s must be a whole number from %u to %u", key, least, most);
        return;
    }
    *number = (uint32_t)value;
}

void reader_across_read(struct reader_context *context, const struct yaml *map, struct rule *rule)
{
    const struct yaml *node = yaml_get(map, "across");
    int from = 1;
    if (!node || !reader_node_is_map(context, node, "across")) {
        return;
    }
    reader_node_check_keys(context, node, across_keys, "across");
    rule->across = (struct rule_across){.messages = ACROSS_MESSAGES_DEFAULT, .minutes = ACROSS_MINUTES_DEFAULT};
    read_number(context, node, "messages", 2, ACROSS_MESSAGES_MAX, &rule->across.messages);
    read_number(context, node, "minutes", 1, ACROSS_MINUTES_MAX, &rule->across.minutes);
    const struct yaml *from_node = yaml_get(node, "from");
    if (from_node) {
        (void)reader_node_choice(context, from_node, "from", from_names, &from);
    }
    rule->across.by_sender = from == 0;
    if (rule->pattern_count > ACROSS_PATTERNS_MAX) {
        reader_node_error(context, node->key, "split the rule, or use words or a list",
                          "a rule with across has at most %u patterns", ACROSS_PATTERNS_MAX);
    }
}
