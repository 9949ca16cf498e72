#include "base/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka_all.h"
#include "tests/support/temp.h"

struct source {
    const char *endpoint;
    int mode;
    int64_t weight;
    const char *note;
    const char *login;
    struct config_texts tags;
};

struct settings {
    int64_t workers;
    const char *data;
    const char *note;
    bool enabled;
    int level;
    int64_t bytes;
    struct config_texts rules;
    struct config_texts severities;
    struct config_list sources;
    const char *listen;
};

static const char *const levels[] = {"debug", "info", "warning", "error", NULL};
static const char *const modes[] = {"bind", "connect", NULL};

#define ROW(kind, path, field, ...)                                                                                    \
    {                                                                                                                  \
        .name = path, .type = kind, .offset = offsetof(struct settings, field), __VA_ARGS__                            \
    }
#define ITEM(kind, path, field, ...)                                                                                   \
    {                                                                                                                  \
        .name = path, .type = kind, .offset = offsetof(struct source, field), __VA_ARGS__                              \
    }

static const struct config_row source_rows[] = {
    ITEM(CONFIG_TEXT, "endpoint", endpoint, .required = true, .max = 40, .help = "Where it listens."),
    ITEM(CONFIG_CHOICE, "mode", mode, .choices = modes, .fallback = "connect"),
    ITEM(CONFIG_INTEGER, "weight", weight, .fallback = "1", .min = 1, .max = 9),
    ITEM(CONFIG_TEXT, "note", note, .help = "For people."),
    ITEM(CONFIG_TEXT, "login.name", login, .help = "Who it is."),
    ITEM(CONFIG_TEXT_LIST, "tags", tags),
};
static const struct config_table source_table = {source_rows, sizeof source_rows / sizeof *source_rows,
                                                 sizeof(struct source)};

static const struct config_row rows[] = {
    ROW(CONFIG_INTEGER, "workers", workers, .fallback = "2", .min = 0, .max = 64, .unit = "threads",
        .help = "How many | threads scan."),
    ROW(CONFIG_TEXT, "data", data, .fallback = "weir-data", .help = "The folder of the store.", .max = 20),
    ROW(CONFIG_TEXT, "note", note, .help = "Shown nowhere."),
    ROW(CONFIG_BOOLEAN, "api.enabled", enabled, .fallback = "true"),
    ROW(CONFIG_CHOICE, "log.level", level, .choices = levels, .fallback = "info"),
    ROW(CONFIG_INTEGER, "ingest.frame.bytes_max", bytes, .fallback = "1000", .min = 1, .max = INT64_MAX,
        .unit = "bytes"),
    ROW(CONFIG_TEXT_LIST, "rules", rules, .max = 3),
    ROW(CONFIG_TEXT_LIST, "severities", severities, .choices = levels, .fallback = "[info, error]"),
    ROW(CONFIG_LIST, "ingest.sources", sources, .items = &source_table, .max = 3, .help = "What is read."),
    ROW(CONFIG_TEXT, "api.listen", listen, .fallback = "127.0.0.1:8750"), /* apart from its section on purpose */
};
static const struct config_table table = {rows, sizeof rows / sizeof *rows, sizeof(struct settings)};

struct fixture {
    struct arena *arena;
    struct findings findings;
    struct settings settings;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    assert_int_equal(arena_new(4096, 8 << 20, &fixture->arena), STATUS_OK);
    assert_int_equal(config_defaults(&table, fixture->arena, &fixture->settings), STATUS_OK);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    findings_clear(&fixture->findings);
    arena_free(&fixture->arena);
    free(fixture);
    return 0;
}

static enum status parse(struct fixture *fixture, const char *text)
{
    return config_parse(&table, span_text(text), "weir.yaml", fixture->arena, &fixture->findings, &fixture->settings);
}

static void test_defaults(void **state)
{
    struct fixture *fixture = *state;
    const struct settings *settings = &fixture->settings;

    assert_int_equal(settings->workers, 2);
    assert_string_equal(settings->data, "weir-data");
    assert_null(settings->note);
    assert_true(settings->enabled);
    assert_int_equal(settings->level, 1);
    assert_int_equal(settings->bytes, 1000);
    assert_int_equal(settings->rules.count, 0);
    assert_int_equal(settings->severities.count, 2);
    assert_string_equal(settings->severities.items[1], "error");
    assert_int_equal(settings->sources.count, 0);
    assert_string_equal(settings->listen, "127.0.0.1:8750");
    assert_int_equal(parse(fixture, ""), STATUS_OK);
    assert_int_equal(parse(fixture, "# nothing\n"), STATUS_OK);
    assert_int_equal(settings->workers, 2);
}

static void test_faulty_defaults(void **state)
{
    static const struct config_row faulty[] = {
        {.name = "a", .type = CONFIG_INTEGER, .fallback = "many", .max = 9},
        {.name = "a", .type = CONFIG_INTEGER, .fallback = "10", .max = 9},
        {.name = "a", .type = CONFIG_BOOLEAN, .fallback = "maybe"},
        {.name = "a", .type = CONFIG_CHOICE, .fallback = "none", .choices = levels},
        {.name = "a", .type = CONFIG_TEXT_LIST, .fallback = "[a"},
        {.name = "a", .type = CONFIG_TEXT_LIST, .fallback = "[a]", .choices = levels},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof faulty / sizeof *faulty; i++) {
        const struct config_table one = {&faulty[i], 1, sizeof(struct config_texts)};
        struct config_texts field = {.count = 77};
        assert_int_equal(config_defaults(&one, fixture->arena, &field), STATUS_INVALID);
        assert_int_equal(field.count, 77);
    }
}

static void test_reading(void **state)
{
    struct fixture *fixture = *state;
    const struct settings *settings = &fixture->settings;

    assert_int_equal(parse(fixture, "workers: 64\n"
                                    "data: 'x y'\n"
                                    "note: 5\n" /* a text may look like a number */
                                    "api: {enabled: no, listen: '[::1]:80'}\n"
                                    "log:\n" /* a section with nothing in it */
                                    "rules: [a, b]\n"
                                    "severities: [warning]\n"
                                    "ingest:\n"
                                    "  frame: {bytes_max: 9223372036854775807}\n"
                                    "  sources:\n"
                                    "    - endpoint: tcp://*:1\n"
                                    "    - {endpoint: e2, mode: bind, weight: 9, tags: [t], login: {name: me}}\n"),
                     STATUS_OK);
    assert_int_equal(fixture->findings.errors, 0);
    assert_int_equal(settings->workers, 64);
    assert_string_equal(settings->data, "x y");
    assert_string_equal(settings->note, "5");
    assert_false(settings->enabled);
    assert_string_equal(settings->listen, "[::1]:80");
    assert_int_equal(settings->level, 1);
    assert_int_equal(settings->bytes, INT64_MAX);
    assert_int_equal(settings->rules.count, 2);
    assert_string_equal(settings->rules.items[1], "b");
    assert_int_equal(settings->severities.count, 1);
    assert_int_equal(settings->sources.count, 2);
    const struct source *sources = settings->sources.items;
    assert_string_equal(sources[0].endpoint, "tcp://*:1");
    assert_int_equal(sources[0].mode, 1);
    assert_int_equal(sources[0].weight, 1);
    assert_null(sources[0].note);
    assert_int_equal(sources[1].mode, 0);
    assert_int_equal(sources[1].weight, 9);
    assert_string_equal(sources[1].login, "me");
    assert_string_equal(sources[1].tags.items[0], "t");

    /* A second file replaces what it names, lists as a whole, and leaves the rest. */
    assert_int_equal(parse(fixture, "rules:\nnote: ~\ningest: {sources: []}\n"), STATUS_OK);
    assert_int_equal(settings->rules.count, 0);
    assert_null(settings->note);
    assert_int_equal(settings->sources.count, 0);
    assert_int_equal(settings->workers, 64);
}

static const struct {
    const char *text;
    const char *printed;
} finding_cases[] = {
    {"wrokers: 1\n", "weir.yaml:1:1: error: unknown setting 'wrokers'\n    did you mean 'workers'?\n"},
    {"api:\n  enable: true\n", "weir.yaml:2:3: error: unknown setting 'api.enable'\n    did you mean 'enabled'?\n"},
    {"listen: x\n", "weir.yaml:1:1: error: unknown setting 'listen'\n    it belongs under 'api:'\n"},
    {"api: {workers: 1}\n", "weir.yaml:1:7: error: unknown setting 'api.workers'\n    it belongs outside of 'api:'\n"},
    {"api.listen: x\n", "weir.yaml:1:1: error: unknown setting 'api.listen'\n"
                        "    write the part before the dot as a section, and the rest indented below it\n"},
    {"something: x\n", "weir.yaml:1:1: error: unknown setting 'something'\n"},
    {"'': x\n", "weir.yaml:1:1: error: unknown setting ''\n"},
    {"\"data\\0\": x\n", "weir.yaml:1:1: error: unknown setting 'data'\n"},
    {"ing: {}\n", "weir.yaml:1:1: error: unknown setting 'ing'\n"},
    {"api: on\n", "weir.yaml:1:6: error: 'api' is a section, not a setting; it cannot be text\n"
                  "    put its settings on indented lines below it\n"},
    {"workers: -1\n", "weir.yaml:1:10: error: 'workers' must be from 0 to 64 threads, not -1\n"},
    {"workers: 65\n", "weir.yaml:1:10: error: 'workers' must be from 0 to 64 threads, not 65\n"},
    {"workers: '6'\n",
     "weir.yaml:1:10: error: 'workers' must be a whole number of threads, not '6'\n    take the quotes off\n"},
    {"workers: many\n", "weir.yaml:1:10: error: 'workers' must be a whole number of threads, not 'many'\n"},
    {"workers: 0123456789012345678901234567890123456789012\n",
     "weir.yaml:1:10: error: 'workers' must be a whole number of threads, not "
     "'0123456789012345678901234567890123456789...'\n"},
    {"workers:\n", "weir.yaml:1:9: error: 'workers' must be a whole number of threads, not nothing\n"},
    {"workers: [1]\n", "weir.yaml:1:10: error: 'workers' must be a whole number of threads, not a list\n"},
    {"ingest: {frame: {bytes_max: 0}}\n",
     "weir.yaml:1:29: error: 'ingest.frame.bytes_max' must be at least 1 bytes, not 0\n"},
    {"api: {enabled: maybe}\n", "weir.yaml:1:16: error: 'api.enabled' must be true or false, not 'maybe'\n"},
    {"api: {enabled: 'yes'}\n",
     "weir.yaml:1:16: error: 'api.enabled' must be true or false, not 'yes'\n    take the quotes off\n"},
    {"log: {level: wraning}\n",
     "weir.yaml:1:14: error: 'log.level' must be debug, info, warning or error, not 'wraning'\n"
     "    did you mean 'warning'?\n"},
    {"log: {level: }\n", "weir.yaml:1:14: error: 'log.level' must be debug, info, warning or error, not nothing\n"},
    {"data:\n",
     "weir.yaml:1:6: error: 'data' has no value\n    write a value, or take the line out to have the default\n"},
    {"data: {a: b}\n", "weir.yaml:1:7: error: 'data' must be text, not a map\n"},
    {"data: aaaaaaaaaaaaaaaaaaaaa\n", "weir.yaml:1:7: error: 'data' is 21 bytes long; at most 20 are allowed\n"},
    {"data: \"a\\0b\"\n", "weir.yaml:1:7: error: 'data' holds a NUL character\n"},
    {"rules: a\n", "weir.yaml:1:8: error: 'rules' must be a list, not text\n"
                   "    begin each item with '- ', or write [one, two]\n"},
    {"rules: [a, b, c, d]\n", "weir.yaml:1:8: error: 'rules' has 4 items; at most 3 are allowed\n"},
    {"rules: [a, [b], ~]\n", "weir.yaml:1:12: error: 'rules' must be text, not a list\n"
                             "weir.yaml:1:17: error: 'rules' has no value\n    write a value, or take the line out\n"},
    {"severities: [info, eror]\n", "weir.yaml:1:20: error: 'severities' must be debug, info, warning or error, not "
                                   "'eror'\n    did you mean 'error'?\n"},
    {"ingest: {sources: {endpoint: x}}\n",
     "weir.yaml:1:19: error: 'ingest.sources' must be a list, not a map\n    begin each item with '- '\n"},
    {"ingest: {sources: [x]}\n", "weir.yaml:1:20: error: an item of 'ingest.sources' must be a map, not text\n"},
    {"ingest:\n  sources:\n    - mode: bind\n", "weir.yaml:3:7: error: 'endpoint' is missing\n"},
    {"ingest:\n  sources:\n    - endpoint:\n      weigth: 1\n      weight: 10\n",
     "weir.yaml:3:7: error: 'endpoint' is missing\n"
     "weir.yaml:4:7: error: unknown setting 'weigth'\n    did you mean 'weight'?\n"
     "weir.yaml:5:15: error: 'weight' must be from 1 to 9, not 10\n"},
    {"[a]\n", "weir.yaml:1:1: error: settings must be a map, not a list\n    write 'name: value' lines\n"},
    {"text\n", "weir.yaml:1:1: error: settings must be a map, not text\n    write 'name: value' lines\n"},
    {"workers: x\ndata: []\n", "weir.yaml:1:10: error: 'workers' must be a whole number of threads, not 'x'\n"
                               "weir.yaml:2:7: error: 'data' must be text, not a list\n"},
    {"workers: 5\nworkers: 6\n", "weir.yaml:2:1: error: the key 'workers' stands here a second time; it was first on "
                                 "line 1\n    remove or rename one of them\n"},
};

static void test_findings(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof finding_cases / sizeof *finding_cases; i++) {
        char *printed = NULL;
        size_t size;
        struct settings before = fixture->settings;
        FILE *out = open_memstream(&printed, &size);
        assert_non_null(out);
        enum status status = parse(fixture, finding_cases[i].text);
        findings_sort(&fixture->findings);
        findings_print(&fixture->findings, out, false);
        fclose(out);
        assert_string_equal(printed, finding_cases[i].printed);
        assert_int_equal(status, STATUS_INVALID);
        assert_memory_equal(&fixture->settings, &before, sizeof before);
        findings_clear(&fixture->findings);
        free(printed);
    }
}

/* A file of many unknown keys takes no more memory than there is, and is refused, not lost. */
static void test_many_unknown_keys(void **state)
{
    struct fixture *fixture = *state;
    struct buffer text = BUFFER_INIT(1 << 20);

    for (int i = 0; i < 10000; i++)
        assert_int_equal(buffer_print(&text, "key%d:\n", i), STATUS_OK);
    assert_int_equal(
        config_parse(&table, buffer_span(&text), "f", fixture->arena, &fixture->findings, &fixture->settings),
        STATUS_INVALID);
    assert_int_equal(fixture->findings.errors, 10000);
    buffer_free(&text);
}

static void test_little_memory(void **state)
{
    struct fixture *fixture = *state;
    static const char text[] = "ingest:\n  sources:\n    - endpoint: x\nrules: [a]\nworkers: 3\n";
    struct settings before = fixture->settings;
    enum status status = STATUS_NO_MEMORY;

    for (size_t size = 0; status != STATUS_OK && size < 100000; size += 16) {
        struct arena *arena = NULL;
        assert_int_equal(arena_new(16, size, &arena), STATUS_OK);
        assert_memory_equal(&fixture->settings, &before, sizeof before);
        findings_clear(&fixture->findings);
        status = config_parse(&table, span_text(text), "f", arena, &fixture->findings, &fixture->settings);
        assert_true(status == STATUS_OK || fixture->findings.errors > 0);
        if (status == STATUS_OK)
            fixture->settings = before; /* it points into the arena */
        arena_free(&arena);
    }
    assert_int_equal(status, STATUS_OK);
}

static void test_read_file(void **state)
{
    struct fixture *fixture = *state;
    char *dir = temp_dir_make();
    char *good = temp_file(dir, "weir.yaml", "workers: 7\n", 11);
    char *missing = temp_path(dir, "missing.yaml");

    assert_int_equal(config_read(&table, good, fixture->arena, &fixture->findings, &fixture->settings), STATUS_OK);
    assert_int_equal(fixture->settings.workers, 7);
    assert_int_equal(config_read(&table, missing, fixture->arena, &fixture->findings, &fixture->settings),
                     STATUS_SYSTEM);
    assert_int_equal(fixture->findings.errors, 1);
    assert_int_equal(fixture->settings.workers, 7);
    free(good);
    free(missing);
    temp_dir_remove(&dir);
}

static const char *write_yaml(const struct settings *settings, struct buffer *out)
{
    buffer_clear(out);
    assert_int_equal(config_write_yaml(&table, settings, out), STATUS_OK);
    assert_int_equal(buffer_append_byte(out, '\0'), STATUS_OK);
    return (const char *)out->data;
}

static void test_write_yaml(void **state)
{
    struct fixture *fixture = *state;
    struct buffer out = BUFFER_INIT(1 << 20);

    assert_int_equal(parse(fixture, "ingest: {sources: [{endpoint: 'tcp://*:1', tags: [a]}, {endpoint: b, login: "
                                    "{name: me}}]}\n"),
                     STATUS_OK);
    assert_string_equal(write_yaml(&fixture->settings, &out),
                        "# How many | threads scan. (threads, 0 to 64; default 2)\n"
                        "workers: 2\n"
                        "\n"
                        "# The folder of the store. (text of at most 20 bytes; default weir-data)\n"
                        "data: weir-data\n"
                        "\n"
                        "# Shown nowhere. (text)\n"
                        "# note:\n"
                        "\n"
                        "api:\n"
                        "  # (true or false; default true)\n"
                        "  enabled: true\n"
                        "\n"
                        "  # (text; default 127.0.0.1:8750)\n"
                        "  listen: '127.0.0.1:8750'\n"
                        "\n"
                        "log:\n"
                        "  # (debug, info, warning or error; default info)\n"
                        "  level: info\n"
                        "\n"
                        "ingest:\n"
                        "  frame:\n"
                        "    # (bytes, at least 1; default 1000)\n"
                        "    bytes_max: 1000\n"
                        "\n"
                        "  # What is read. (list of maps, at most 3)\n"
                        "  #   endpoint: Where it listens. (text of at most 40 bytes, required)\n"
                        "  #   mode: (bind or connect; default connect)\n"
                        "  #   weight: (number, 1 to 9; default 1)\n"
                        "  #   note: For people. (text)\n"
                        "  #   login.name: Who it is. (text)\n"
                        "  #   tags: (list)\n"
                        "  sources:\n"
                        "    - endpoint: 'tcp://*:1'\n"
                        "      mode: connect\n"
                        "      weight: 1\n"
                        "      tags:\n"
                        "        - a\n"
                        "    - endpoint: b\n"
                        "      mode: connect\n"
                        "      weight: 1\n"
                        "      login:\n"
                        "        name: me\n"
                        "      tags: []\n"
                        "\n"
                        "# (list, at most 3)\n"
                        "rules: []\n"
                        "\n"
                        "# (list of debug, info, warning or error; default [info, error])\n"
                        "severities:\n"
                        "  - info\n"
                        "  - error\n");
    for (size_t limit = 0; limit + 1 < out.size; limit += 7) {
        struct buffer small = BUFFER_INIT(limit);
        assert_int_equal(config_write_yaml(&table, &fixture->settings, &small), STATUS_LIMIT);
        assert_int_equal(small.size, 0);
        buffer_free(&small);
    }
    buffer_free(&out);
}

static const char *const hostile_texts[] = {
    "",
    " ",
    "plain",
    "null",
    "~",
    "true",
    "No",
    "5",
    "-",
    "- a",
    "a: b",
    "a:",
    ":a",
    "a #b",
    "#a",
    "'",
    "it's",
    "\"",
    "\\",
    "\\d+",
    "[a]",
    "{a",
    "*a",
    "&a",
    "!a",
    "%a",
    "@a",
    "`a",
    "a\nb",
    "\n",
    "\t",
    "a\t",
    " lead",
    "trail ",
    "\x01\x7f",
    "caf\xc3\xa9",
    "\xc2\x85",
    "\xe2\x80\xa8",
    "\xef\xbb\xbf",
    "\xef\xbf\xbe",
    "\xf0\x9f\x98\x80",
    "...",
    "---",
    "a,b",
    "tcp://x:1",
    "a::b",
    "?",
    "? a",
    "|",
    ">",
    "=",
    "<<",
};

static void test_round_trip(void **state)
{
    struct fixture *fixture = *state;
    struct buffer out = BUFFER_INIT(1 << 20), again = BUFFER_INIT(1 << 20);

    for (size_t i = 0; i < sizeof hostile_texts / sizeof *hostile_texts; i++) {
        const char *words[] = {hostile_texts[i], "x", hostile_texts[i]};
        struct source sources[] = {
            {.endpoint = hostile_texts[i], .mode = 1, .weight = 3, .login = hostile_texts[i]},
            {.endpoint = "e", .note = hostile_texts[i], .tags = {words, 3}},
        };
        sources[1].weight = 9;
        struct settings settings = {
            .workers = 64,
            .data = hostile_texts[i],
            .note = hostile_texts[i],
            .level = 3,
            .bytes = INT64_MAX,
            .rules = {words, 3},
            .sources = {sources, 2},
            .listen = hostile_texts[i],
        };
        const char *text = write_yaml(&settings, &out);
        if (parse(fixture, text) != STATUS_OK) {
            findings_print(&fixture->findings, stderr, false);
            fail_msg("%s", text);
        }
        assert_string_equal(fixture->settings.data, hostile_texts[i]);
        assert_string_equal(fixture->settings.rules.items[2], hostile_texts[i]);
        assert_int_equal(fixture->settings.severities.count, 0);
        assert_string_equal(((struct source *)fixture->settings.sources.items)[1].tags.items[0], hostile_texts[i]);
        assert_string_equal(write_yaml(&fixture->settings, &again), text);
    }
    buffer_free(&out);
    buffer_free(&again);
}

static void test_write_markdown(void **state)
{
    struct buffer out = BUFFER_INIT(1 << 20);

    (void)state;
    assert_int_equal(config_write_markdown(&table, &out), STATUS_OK);
    assert_int_equal(buffer_append_byte(&out, '\0'), STATUS_OK);
    assert_string_equal((const char *)out.data,
                        "| Setting | Value | Default | Meaning |\n"
                        "|---|---|---|---|\n"
                        "| `workers` | threads, 0 to 64 | `2` | How many \\| threads scan. |\n"
                        "| `data` | text of at most 20 bytes | `weir-data` | The folder of the store. |\n"
                        "| `note` | text |  | Shown nowhere. |\n"
                        "| `api.enabled` | `true` or `false` | `true` |  |\n"
                        "| `log.level` | `debug`, `info`, `warning` or `error` | `info` |  |\n"
                        "| `ingest.frame.bytes_max` | bytes, at least 1 | `1000` |  |\n"
                        "| `rules` | list, at most 3 |  |  |\n"
                        "| `severities` | list of `debug`, `info`, `warning` or `error` | `[info, error]` |  |\n"
                        "| `ingest.sources` | list of maps, at most 3 |  | What is read. |\n"
                        "| `ingest.sources[].endpoint` | text of at most 40 bytes, required |  | Where it listens. |\n"
                        "| `ingest.sources[].mode` | `bind` or `connect` | `connect` |  |\n"
                        "| `ingest.sources[].weight` | number, 1 to 9 | `1` |  |\n"
                        "| `ingest.sources[].note` | text |  | For people. |\n"
                        "| `ingest.sources[].login.name` | text |  | Who it is. |\n"
                        "| `ingest.sources[].tags` | list |  |  |\n"
                        "| `api.listen` | text | `127.0.0.1:8750` |  |\n");
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_faulty_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reading, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_findings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_unknown_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_little_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_write_yaml, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_write_markdown, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("base/config", tests, NULL, NULL);
}
