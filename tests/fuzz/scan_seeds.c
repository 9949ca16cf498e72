#include "tests/fuzz/scan_seeds.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/utf8.h"

#define MESSAGES_A_FILE 3000u
#define MESSAGE_STEP 7 /* every so manyth line of a file of messages, so that its later parts count too */
#define LINES_A_FILE 30000u
#define TEXT_BYTES_MAX 2000u

static const char *const built_in_regexes[] = {
    "\\b(?:buy|get|send)\\b.{0,40}\\bgift\\s+cards?\\b",
    "viagra|cialis|levitra",
    "(?:click|tap)\\s+(?:here|below)",
    "^(?:re|fwd?):\\s*",
    "\\b\\d{3}[-. ]?\\d{3}[-. ]?\\d{4}\\b",
    "f+u+c+k+",
    "\\bw[i1]n+er\\b",
    "(?i-s:dear.+friend)$",
    "(?:https?://)?bit\\.ly/[a-z0-9]{4,8}",
    "\\b(\\w+)\\s+\\1\\b",
    "(?<!not )\\bfree\\b(?! of)",
    "[\\x{400}-\\x{4FF}]{4,}",
    "^.{0,20}\\burgent\\b",
    "(?:^|\\n)--\\s*\\n",
    "k[^a-z]{0,3}i[^a-z]{0,3}l[^a-z]{0,3}l",
};
static const char *const built_in_words[] = {
    "gift card",
    "kill*",
    "e-mail",
    "scratch off",
    "c++",
    "a$$",
    "go to hell",
    "d*ck",
    "free money",
    "50% off",
    "@home",
    "rock'n'roll",
    "b_c",
    "caf\303\251",
    "stra\303\237e",
    "\320\277\321\200\320\270\320\262\320\265\321\202",
    "\346\227\245\346\234\254",
    "\340\271\204\340\270\227\340\270\242",
    "- x -",
    "no. 1",
    "o\342\200\231clock",
    "!!",
    "ha ha",
    "x-y-z",
    "cards",
    "card",
    "gift",
    "ift c*",
    "1 000",
};
static const char *const built_in_domains[] = {
    "example.com", "evil.example", "bit.ly",         "a.co",       "www.example.com", "my-shop.example.org",
    "x--y.net",    "1-2.de",       "under_score.io", "example.co", "ple.com",
};
static const char *const built_in_messages[] = {
    "Hello, how are you today?",
    "see you at 5pm then",
    "ok",
    "WINNER!! As a valued customer you have been selected",
    "Please buy two gift cards and read me the code on the back",
    "lol \360\237\230\202\360\237\230\202",
    "go to hell",
    "my e-mail is someone@example.com, call 555-123-4567",
    "visit http://www.evil.example/path?x=1 now",
    "\320\237\321\200\320\270\320\262\320\265\321\202, \320\272\320\260\320\272 \320\264\320\265\320\273\320\260?",
    "\346\227\245\346\234\254\350\252\236\343\201\256\343\203\206\343\202\255\343\202\271\343\203\210",
    "line one\nline two\r\nline three",
    "caf\303\251 STRASSE \305\277 \342\204\252elvin",
    "The quick brown fox jumps over the lazy dog while the free money rolls in at 50% off",
};

static void add(struct seeds *seeds, struct seed_list *list, struct span text)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 1024;
        list->items = reallocarray(list->items, list->capacity, sizeof *list->items);
    }
    char *copy = arena_copy(seeds->arena, text);
    if (!list->items || !copy) {
        abort();
    }
    list->items[list->count++] = span_of(copy, text.size);
}

/* Of a file: one line less its end; false at the end. */
static bool next_line(FILE *file, char **line, size_t *capacity, struct span *ret_line)
{
    ssize_t size = getline(line, capacity, file);
    while (size > 0 && ((*line)[size - 1] == '\n' || (*line)[size - 1] == '\r')) {
        size--;
    }
    *ret_line = span_of(*line, size < 0 ? 0 : (size_t)size);
    return size >= 0;
}

static void add_message(struct seeds *seeds, struct span line, bool is_json)
{
    if (!is_json) {
        const uint8_t *tab = memchr(line.data, '\t', line.size);
        size_t head = tab ? (size_t)(tab - line.data) + 1 : 0;
        add(seeds, &seeds->messages, span_of(line.data + head, line.size - head));
        return;
    }
    json_t *record = json_loadb((const char *)line.data, line.size, 0, NULL);
    json_t *text = json_object_get(record, "text");
    size_t size = json_is_string(text) ? json_string_length(text) : 0;
    if (size > 0) {
        add(seeds, &seeds->messages, span_of(json_string_value(text), size < TEXT_BYTES_MAX ? size : TEXT_BYTES_MAX));
    }
    json_decref(record);
}

static bool is_plain_domain(struct span text)
{
    size_t label = 0, dots = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        label = c == '.' ? 0 : label + 1;
        dots += c == '.';
        if ((!allowed && c != '.') || label > 60 || (c == '.' && (i == 0 || text.data[i - 1] == '.'))) {
            return false;
        }
    }
    return text.size < 200 && dots > 0 && label > 0 && !memmem(text.data, text.size, "xn--", 4);
}

static void add_pattern(struct seeds *seeds, const char *name, uint32_t number, struct span line)
{
    size_t length = strlen(name);
    if (line.size == 0 || line.size > TEXT_BYTES_MAX || !utf8_valid(line)) {
        return;
    }
    if (strcmp(name, "phishing_domains.txt") == 0) {
        if (is_plain_domain(line)) {
            add(seeds, &seeds->domains, line);
        }
    } else if (length > 4 && strcmp(name + length - 4, ".txt") == 0) {
        add(seeds, &seeds->words, line);
    } else if (number > 0) {
        struct span rest = line;
        for (int column = 0; column < 4; column++) {
            const uint8_t *tab = memchr(rest.data, '\t', rest.size);
            if (!tab) {
                return;
            }
            rest = span_of(tab + 1, line.size - (size_t)(tab + 1 - line.data));
        }
        add(seeds, &seeds->regexes, rest);
    }
}

static void load_file(struct seeds *seeds, const char *folder, const char *name, bool messages)
{
    char path[4096];
    char *line = NULL;
    size_t capacity = 0;
    struct span text;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    bool is_json = strstr(name, ".jsonl") != NULL;
    uint32_t max = messages ? MESSAGES_A_FILE * MESSAGE_STEP : LINES_A_FILE;
    for (uint32_t number = 0; file && number < max && next_line(file, &line, &capacity, &text); number++) {
        if (!messages) {
            add_pattern(seeds, name, number, text);
        } else if (number % MESSAGE_STEP == 0) {
            add_message(seeds, text, is_json);
        }
    }
    free(line);
    if (file) {
        (void)fclose(file);
    }
}

/* Every file of the folder, by name. */
static void load_folder(struct seeds *seeds, const char *base, const char *name)
{
    char folder[2048];
    struct dirent **entries = NULL;
    (void)snprintf(folder, sizeof folder, "%s/%s", base, name);
    int count = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.') {
            load_file(seeds, folder, entries[i]->d_name, name[0] == 'm');
        }
        free(entries[i]);
    }
    free(entries);
}

#define ADD_BUILT_IN(seeds, list, texts)                                                                               \
    for (size_t i = 0; i < sizeof(texts) / sizeof *(texts); i++) {                                                     \
        add(seeds, list, span_text((texts)[i]));                                                                       \
    }

void seeds_load(struct seeds *seeds, const char *folder)
{
    *seeds = (struct seeds){0};
    if (arena_new(1u << 20, (size_t)1 << 30, &seeds->arena) != STATUS_OK) {
        abort();
    }
    ADD_BUILT_IN(seeds, &seeds->regexes, built_in_regexes);
    ADD_BUILT_IN(seeds, &seeds->words, built_in_words);
    ADD_BUILT_IN(seeds, &seeds->domains, built_in_domains);
    ADD_BUILT_IN(seeds, &seeds->messages, built_in_messages);
    if (folder && folder[0] != '\0') {
        load_folder(seeds, folder, "patterns");
        load_folder(seeds, folder, "messages");
    }
}

void seeds_free(struct seeds *seeds)
{
    free(seeds->regexes.items);
    free(seeds->words.items);
    free(seeds->domains.items);
    free(seeds->messages.items);
    arena_free(&seeds->arena);
}
