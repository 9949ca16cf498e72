#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/findings.h"
#include "rules/reader.h"

static char folder[] = "/tmp/weir-test-reader-XXXXXX";

static void write_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int group_setup(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) {
        return -1;
    }
    write_file("merchants.txt", "# shops\nexample.com\nshop.example.org\n");
    write_file("phrases.txt", "scratch off\nredeem code\n");
    write_file("bad.txt", "fine.example.com\nnot a domain\n");
    write_file("empty.txt", "# nothing yet\n");
    return 0;
}

static int group_teardown(void **state)
{
    static const char *const files[] = {"merchants.txt", "phrases.txt", "bad.txt", "empty.txt"};
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    return rmdir(folder);
}

static enum status parse(struct span text, struct findings *findings, struct pack **ret_pack)
{
    char name[256];
    snprintf(name, sizeof name, "%s/a.yaml", folder);
    return reader_parse_pack(text, name, findings, ret_pack);
}

static struct pack *parse_good(const char *text, uint32_t warnings)
{
    struct findings findings = {0};
    struct pack *pack = NULL;
    enum status status = parse(span_text(text), &findings, &pack);
    if (status != STATUS_OK || findings.warnings != warnings) {
        findings_print(&findings, stderr, false);
    }
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(findings.errors, 0);
    assert_int_equal(findings.warnings, warnings);
    findings_clear(&findings);
    return pack;
}

static const char full_pack[] =
    "pack: scams\n"
    "defaults: {queue: fraud, severity: low, status: shadow, view: raw}\n"
    "rules:\n"
    "  - id: scams.gift-card\n"
    "    title: Asks to be paid in gift cards\n"
    "    status: live\n"
    "    severity: high\n"
    "    queue: money\n"
    "    patterns:\n"
    "      ask:   {regex: '\\b(?:buy|get|send)\\b.{0,40}\\bgift\\s+cards?\\b', view: folded}\n"
    "      code:  {words: [scratch off, \"code on the back\", 911, yes, 1.50]}\n"
    "      known: {list: merchants.txt, kind: domains}\n"
    "      more:  {list: ./phrases.txt, kind: words}\n"
    "    condition: ask and (code or more) and not known\n"
    "    tests:\n"
    "      hits:  ['buy two gift cards and read me the code on the back']\n"
    "      clean: [\"one\\ntwo\\u00e9\", 7, '']\n"
    "  - id: scams.plain\n"
    "    patterns: {a: {regex: abc}}\n"
    "    tests: {hits: [abc]}\n";

static void test_full(void **state)
{
    (void)state;
    struct pack *pack = parse_good(full_pack, 0);
    assert_string_equal(pack->name, "scams");
    assert_int_equal(pack->place.line, 1);
    assert_int_equal(pack->place.column, 7);
    assert_int_equal(pack->rule_count, 2);
    const struct rule *rule = &pack->rules[0];
    assert_string_equal(rule->id, "scams.gift-card");
    assert_string_equal(rule->title, "Asks to be paid in gift cards");
    assert_string_equal(rule->queue, "money");
    assert_int_equal(rule->severity, SEVERITY_HIGH);
    assert_int_equal(rule->status, RULE_LIVE);
    assert_string_equal(rule->condition_text, "ask and (code or more) and not known");
    assert_int_equal(rule->place.line, 4);
    assert_int_equal(rule->place.column, 9);
    assert_int_equal(rule->pattern_count, 4);
    const struct pattern *patterns = rule->patterns;
    assert_string_equal(patterns[0].name, "ask");
    assert_int_equal(patterns[0].kind, PATTERN_REGEX);
    assert_int_equal(patterns[0].views, 1u << VIEW_FOLDED);
    assert_string_equal((const char *)patterns[0].regex.data, "\\b(?:buy|get|send)\\b.{0,40}\\bgift\\s+cards?\\b");
    assert_int_equal(patterns[0].place.line, 10);
    assert_int_equal(patterns[0].place.column, 7);
    assert_int_equal(patterns[1].kind, PATTERN_WORDS);
    assert_int_equal(patterns[1].views, 1u << VIEW_FOLDED | 1u << VIEW_SKELETON);
    assert_int_equal(patterns[1].entry_count, 5);
    static const char *const entries[] = {"scratch off", "code on the back", "911", "yes", "1.50"};
    for (uint32_t i = 0; i < 5; i++) {
        assert_string_equal((const char *)patterns[1].entries[i].text.data, entries[i]);
        assert_int_equal(patterns[1].entries[i].line, 11);
    }
    assert_int_equal(patterns[2].kind, PATTERN_DOMAINS);
    assert_int_equal(patterns[2].entry_count, 2);
    assert_string_equal((const char *)patterns[2].entries[1].text.data, "shop.example.org");
    assert_int_equal(patterns[2].entries[1].line, 3);
    assert_non_null(strstr(patterns[2].list_path, "/merchants.txt"));
    assert_int_equal(patterns[3].kind, PATTERN_WORDS);
    assert_null(patterns[1].list_path);
    assert_int_equal(rule->test_count, 4);
    assert_true(rule->tests[0].hit);
    assert_false(rule->tests[1].hit);
    assert_string_equal((const char *)rule->tests[1].text.data, "one\ntwo\xC3\xA9");
    assert_string_equal((const char *)rule->tests[2].text.data, "7");
    assert_int_equal(rule->tests[3].text.size, 0);
    assert_int_equal(rule->tests[1].place.line, 17);
    assert_int_equal(rule->tests[1].place.column, 15);
    enum truth values[] = {TRUTH_TRUE, TRUTH_FALSE, TRUTH_FALSE, TRUTH_TRUE};
    assert_int_equal(condition_evaluate(rule->condition, values), TRUTH_TRUE);
    rule = &pack->rules[1];
    assert_string_equal(rule->title, "scams.plain");
    assert_string_equal(rule->queue, "fraud");
    assert_int_equal(rule->severity, SEVERITY_LOW);
    assert_int_equal(rule->status, RULE_SHADOW);
    assert_int_equal(rule->patterns[0].views, 1u << VIEW_RAW);
    assert_null(rule->condition_text);
    assert_non_null(rule->condition);
    pack_free(&pack);
    assert_null(pack);
    pack_free(&pack);
}

/* What a pack has when it says nothing. */
static void test_fallbacks(void **state)
{
    (void)state;
    struct pack *pack =
        parse_good("pack: p\nrules:\n  - id: p.a\n    patterns: {a: {regex: abc}}\n    tests: {hits: [abc]}\n", 0);
    const struct rule *rule = &pack->rules[0];
    assert_null(rule->queue);
    assert_int_equal(rule->severity, SEVERITY_MEDIUM);
    assert_int_equal(rule->status, RULE_LIVE);
    assert_int_equal(rule->patterns[0].views, 1u << VIEW_FOLDED);
    pack_free(&pack);
}

/* The rest of a pack around one rule whose lines from 4 on are the row's. */
#define HEAD "pack: p\nrules:\n  - id: p.a\n"
#define TESTED "    tests: {hits: [abc]}\n"
#define PATTERN "    patterns: {a: {regex: abc}}\n"
#define PATTERNS "    patterns: {a: {regex: abc}, b: {words: [x]}, cc: {words: [y]}}\n"

static const struct {
    const char *text;
    enum finding_level level;
    uint32_t line, column;
    const char *words;
    const char *remedy; /* NULL: not looked at */
    bool only;          /* the one finding of the file */
} finding_rows[] = {
    /* the file */
    {"", FINDING_ERROR, 1, 1, "empty", NULL, true},
    {"# nothing\n", FINDING_ERROR, 0, 0, "empty", NULL, true},
    {"just text\n", FINDING_ERROR, 1, 1, "a pack must be a map, found text", NULL, true},
    {"- a\n", FINDING_ERROR, 1, 1, "a pack must be a map, found a list", NULL, true},
    {"pack: p\n", FINDING_ERROR, 1, 1, "needs a key 'rules'", NULL, true},
    {"rules: []\n", FINDING_ERROR, 1, 1, "needs a key 'pack'", "pack: name", false},
    {"pack: p\nrules: []\n", FINDING_WARNING, 2, 8, "no rules", NULL, true},
    {"pack: p\nrules:\n", FINDING_WARNING, 0, 0, "no rules", NULL, true},
    {"pack: p\nrules: {a: b}\n", FINDING_ERROR, 2, 8, "rules must be a list, found a map", NULL, true},
    {"pack: p\nrules: [text]\n", FINDING_ERROR, 2, 9, "a rule must be a map, found text", NULL, true},
    {"pack: p q\nrules: []\n", FINDING_ERROR, 1, 8, "pack 'p q' is not valid", "letters", false},
    {"pack: [p]\nrules: []\n", FINDING_ERROR, 1, 7, "pack must be text, found a list", NULL, false},
    {"pack: p\nrule: []\nrules: []\n", FINDING_ERROR, 2, 1, "a pack has no key 'rule'", "did you mean 'rules'?", false},
    {"pack: p\nzzzzzzz: 1\nrules: []\n", FINDING_ERROR, 2, 1, "no key 'zzzzzzz'", "known here: pack, defaults, rules",
     false},
    {"pack: p\nrules: [\n", FINDING_ERROR, 0, 0, "", NULL, true},
    {"pack: p\npack: q\nrules: []\n", FINDING_ERROR, 2, 1, "", NULL, true},
    /* defaults */
    {"pack: p\ndefaults: {sevrity: low}\nrules: []\n", FINDING_ERROR, 2, 12, "defaults has no key 'sevrity'",
     "did you mean 'severity'?", false},
    {"pack: p\ndefaults: {severity: hihg}\nrules: []\n", FINDING_ERROR, 2, 22,
     "severity must be one of low, medium, high, critical, found 'hihg'", "did you mean 'high'?", false},
    {"pack: p\ndefaults: [a]\nrules: []\n", FINDING_ERROR, 2, 11, "defaults must be a map", NULL, false},
    {"pack: p\ndefaults: {view: foldde}\nrules: []\n", FINDING_ERROR, 2, 18, "one of raw, folded",
     "did you mean 'folded'?", false},
    {"pack: p\ndefaults: {title: x}\nrules: []\n", FINDING_ERROR, 2, 12, "defaults has no key 'title'", NULL, false},
    {"pack: p\ndefaults: {queue: 'a b'}\nrules: []\n", FINDING_ERROR, 2, 21, "queue 'a b' is not valid", NULL, false},
    /* keys of a rule */
    {HEAD "    sevrity: high\n" PATTERN TESTED, FINDING_ERROR, 4, 5, "a rule has no key 'sevrity'",
     "did you mean 'severity'?", true},
    {HEAD "    Severity: high\n" PATTERN TESTED, FINDING_ERROR, 4, 5, "no key 'Severity'", "did you mean 'severity'?",
     true},
    {HEAD "    severity: HIGH\n" PATTERN TESTED, FINDING_ERROR, 4, 15, "found 'HIGH'", "did you mean 'high'?", true},
    {HEAD "    severity: 3\n" PATTERN TESTED, FINDING_ERROR, 4, 15, "one of low, medium, high, critical, found '3'",
     NULL, true},
    {HEAD "    severity: [high]\n" PATTERN TESTED, FINDING_ERROR, 4, 15, "severity must be text, found a list", NULL,
     true},
    {HEAD "    severity:\n" PATTERN TESTED, FINDING_ERROR, 0, 0, "severity must be text", NULL, true},
    {HEAD "    status: on\n" PATTERN TESTED, FINDING_ERROR, 4, 13, "status must be one of live, shadow, off", NULL,
     true},
    /* across */
    {HEAD "    across: 10\n" PATTERN TESTED, FINDING_ERROR, 4, 13, "across must be a map", NULL, true},
    {HEAD "    across: {message: 10}\n" PATTERN TESTED, FINDING_ERROR, 4, 14, "across has no key 'message'",
     "did you mean 'messages'?", true},
    {HEAD "    across: {messages: 1}\n" PATTERN TESTED, FINDING_ERROR, 4, 24,
     "messages must be a whole number from 2 to 100", "across:", true},
    {HEAD "    across: {messages: 101}\n" PATTERN TESTED, FINDING_ERROR, 4, 24, "from 2 to 100", "across:", true},
    {HEAD "    across: {minutes: 0}\n" PATTERN TESTED, FINDING_ERROR, 4, 23,
     "minutes must be a whole number from 1 to 1440", "across:", true},
    {HEAD "    across: {minutes: 1441}\n" PATTERN TESTED, FINDING_ERROR, 4, 23, "from 1 to 1440", "across:", true},
    {HEAD "    across: {minutes: 1.5}\n" PATTERN TESTED, FINDING_ERROR, 4, 23, "from 1 to 1440", "across:", true},
    {HEAD "    across: {from: senders}\n" PATTERN TESTED, FINDING_ERROR, 4, 20,
     "from must be one of sender, conversation", "did you mean 'sender'?", true},
    {HEAD "    title: {a: b}\n" PATTERN TESTED, FINDING_ERROR, 4, 12, "title must be text, found a map", "quotes",
     true},
    {HEAD "    title: \"a\\nb\"\n" PATTERN TESTED, FINDING_ERROR, 4, 12, "control character", NULL, true},
    {HEAD "    title: \"a\\u009bb\"\n" PATTERN TESTED, FINDING_ERROR, 4, 12, "control character", NULL, true},
    {HEAD "    title: ''\n" PATTERN TESTED, FINDING_ERROR, 4, 12, "title is empty", NULL, true},
    {"pack: p\nrules:\n  - title: t\n" PATTERN TESTED, FINDING_ERROR, 3, 5, "a rule needs a key 'id'", NULL, true},
    {"pack: p\nrules:\n  - id: p..a\n" PATTERN TESTED, FINDING_ERROR, 3, 11, "id 'p..a' is not valid", NULL, true},
    {"pack: p\nrules:\n  - id: p.\n" PATTERN TESTED, FINDING_ERROR, 3, 10, "id 'p.' is not valid", NULL, true},
    {"pack: p\nrules:\n  - id: -p\n" PATTERN TESTED, FINDING_ERROR, 3, 9, "id '-p' is not valid", NULL, true},
    {"pack: p\nrules:\n  - id: 'a''b'\n" PATTERN TESTED, FINDING_ERROR, 3, 11, "is not valid", NULL, true},
    {HEAD TESTED, FINDING_ERROR, 3, 5, "a rule needs a key 'patterns'", NULL, true},
    {HEAD PATTERN TESTED "  - id: p.a\n" PATTERN TESTED, FINDING_ERROR, 6, 9, "id 'p.a' is taken already, at ", NULL,
     true},
    {HEAD PATTERN, FINDING_WARNING, 3, 9, "rule 'p.a' has no tests", NULL, true},
    {HEAD PATTERN "    tests: {}\n", FINDING_WARNING, 3, 9, "rule 'p.a' has no tests", NULL, true},
    /* patterns */
    {HEAD "    patterns: {}\n" TESTED, FINDING_ERROR, 4, 15, "patterns is empty", NULL, true},
    {HEAD "    patterns: abc\n" TESTED, FINDING_ERROR, 4, 15, "patterns must be a map, found text", NULL, true},
    {HEAD "    patterns: [abc]\n" TESTED, FINDING_ERROR, 4, 15, "patterns must be a map, found a list", NULL, true},
    {HEAD "    patterns: {a: abc}\n" TESTED, FINDING_ERROR, 4, 19, "a pattern must be a map, found text", "regex",
     true},
    {HEAD "    patterns: {a: [abc]}\n" TESTED, FINDING_ERROR, 4, 19, "a pattern must be a map", "words", true},
    {HEAD "    patterns: {a: {}}\n" TESTED, FINDING_ERROR, 4, 16, "needs one of regex, words and list", NULL, true},
    {HEAD "    patterns: {a: {regexp: abc}}\n" TESTED, FINDING_ERROR, 4, 20, "a pattern has no key 'regexp'",
     "did you mean 'regex'?", false},
    {HEAD "    patterns: {a: {regex: abc, words: [x]}}\n" TESTED, FINDING_ERROR, 4, 32, "this one has regex already",
     NULL, true},
    {HEAD "    patterns: {and: {regex: abc}}\n" TESTED, FINDING_ERROR, 4, 16, "'and' is a word of conditions", NULL,
     true},
    {HEAD "    patterns: {a b: {regex: abc}}\n" TESTED, FINDING_ERROR, 4, 16, "name of a pattern 'a b' is not valid",
     NULL, true},
    {HEAD "    patterns: {1a: {regex: abc}}\n" TESTED, FINDING_ERROR, 4, 16, "'1a' is not valid", NULL, true},
    {HEAD "    patterns: {a: {regex: abc, view: raaw}}\n" TESTED, FINDING_ERROR, 4, 38, "one of raw, folded",
     "did you mean 'raw'?", true},
    {HEAD "    patterns: {a: {regex: abc, kind: words}}\n" TESTED, FINDING_ERROR, 4, 32, "'kind' belongs to a list",
     NULL, true},
    /* regexes */
    {HEAD "    patterns: {a: {regex: ''}}\n" TESTED, FINDING_ERROR, 4, 27, "regex is empty", NULL, true},
    {HEAD "    patterns: {a: {regex: [x]}}\n" TESTED, FINDING_ERROR, 4, 27, "regex must be text, found a list", NULL,
     true},
    {HEAD "    patterns: {a: {regex: ab(cd}}\n" TESTED, FINDING_ERROR, 4, 32, "regex: ", NULL, true},
    {HEAD "    patterns: {a: {regex: 'ab(cd'}}\n" TESTED, FINDING_ERROR, 4, 33, "regex: ", NULL, true},
    {HEAD "    patterns: {a: {regex: 'a''b''(cd'}}\n" TESTED, FINDING_ERROR, 4, 37, "regex: ", NULL, true},
    {HEAD "    patterns: {a: {regex: '\xC3\xA9\xE2\x82\xAC)x'}}\n" TESTED, FINDING_ERROR, 4, 30, "regex: ", NULL, true},
    {HEAD "    patterns: {a: {regex: \"ab)cd\"}}\n" TESTED, FINDING_ERROR, 4, 30, "regex: ", NULL, true},
    {HEAD "    patterns: {a: {regex: \"\\x41b)cd\"}}\n" TESTED, FINDING_ERROR, 4, 27, "regex: ", NULL, true},
    {HEAD "    patterns:\n      a:\n        regex: |\n          ab)cd\n" TESTED, FINDING_ERROR, 6, 16, "regex: ", NULL,
     true},
    {HEAD "    patterns: {a: {regex: 'x*'}}\n" TESTED, FINDING_WARNING, 4, 27, "matches every message", NULL, true},
    {HEAD "    patterns: {a: {regex: 'abc|'}}\n" TESTED, FINDING_WARNING, 4, 27, "matches every message", NULL, true},
    /* words and lists */
    {HEAD "    patterns: {a: {words: []}}\n" TESTED, FINDING_ERROR, 4, 27, "words is empty", NULL, true},
    {HEAD "    patterns: {a: {words: abc}}\n" TESTED, FINDING_ERROR, 4, 27, "words must be a list, found text",
     "write it as a list", true},
    {HEAD "    patterns: {a: {words: [abc, [d]]}}\n" TESTED, FINDING_ERROR, 4, 33, "an entry of words must be text",
     NULL, true},
    {HEAD "    patterns: {a: {words: [abc, '']}}\n" TESTED, FINDING_ERROR, 4, 33, "an entry of words is empty", NULL,
     true},
    {HEAD "    patterns: {a: {words: [abc, '  ']}}\n" TESTED, FINDING_ERROR, 4, 33, "an entry is empty", NULL, true},
    {HEAD "    patterns: {a: {words: [abc, '*']}}\n" TESTED, FINDING_ERROR, 4, 33, "no phrase", NULL, true},
    {HEAD "    patterns: {a: {words: [abc, \"a\\0b\"]}}\n" TESTED, FINDING_ERROR, 4, 33, "NUL", NULL, true},
    {HEAD "    patterns: {a: {words: [abc, ABC]}}\n" TESTED, FINDING_WARNING, 4, 33, "'ABC' means the same", NULL,
     true},
    {HEAD "    patterns: {a: {list: merchants.txt}}\n" TESTED, FINDING_ERROR, 4, 20, "list needs a key 'kind'", NULL,
     true},
    {HEAD "    patterns: {a: {list: merchants.txt, kind: domain}}\n" TESTED, FINDING_ERROR, 4, 47,
     "kind must be one of words, domains, found 'domain'", "did you mean 'domains'?", true},
    {HEAD "    patterns: {a: {list: nowhere.txt, kind: words}}\n" TESTED, FINDING_ERROR, 4, 26, "nowhere.txt",
     "relative to the folder of its pack", true},
    {HEAD "    patterns: {a: {list: /, kind: words}}\n" TESTED, FINDING_ERROR, 4, 26, "folder", NULL, true},
    {HEAD "    patterns: {a: {list: bad.txt, kind: domains}}\n" TESTED, FINDING_ERROR, 2, 1, "no domain name", NULL,
     true},
    {HEAD "    patterns: {a: {list: empty.txt, kind: domains}}\n" TESTED, FINDING_WARNING, 0, 0, "no entries", NULL,
     true},
    /* conditions */
    {HEAD PATTERNS "    condition: a and b and dd\n" TESTED, FINDING_ERROR, 5, 28,
     "condition: there is no pattern 'dd'", NULL, true},
    {HEAD PATTERNS "    condition: a AND b\n" TESTED, FINDING_ERROR, 5, 18, "found 'AND'", "write 'and' in lower case",
     true},
    {HEAD PATTERNS "    condition: '(a and b'\n" TESTED, FINDING_ERROR, 5, 17, "never closed", NULL, true},
    {HEAD PATTERNS "    condition: 4 of them\n" TESTED, FINDING_ERROR, 5, 16, "can never hold", NULL, true},
    {HEAD PATTERNS "    condition: ''\n" TESTED, FINDING_ERROR, 5, 16, "condition is empty", NULL, true},
    {HEAD PATTERNS "    condition: [a]\n" TESTED, FINDING_ERROR, 5, 16, "condition must be text, found a list", NULL,
     true},
    {HEAD PATTERNS "    condition: not a or b or cc\n" TESTED, FINDING_ERROR, 5, 16, "it would flag everything", NULL,
     true},
    {HEAD PATTERNS "    condition: not all of them\n" TESTED, FINDING_ERROR, 5, 16, "it would flag everything", NULL,
     true},
    {HEAD PATTERNS "    condition: a and b and not a and cc\n" TESTED, FINDING_WARNING, 5, 16, "can never hold", NULL,
     true},
    {HEAD PATTERNS "    condition: a and b\n" TESTED, FINDING_WARNING, 4, 50, "never uses pattern 'cc'", NULL, true},
    {HEAD PATTERNS "    condition: a and\n      b and\n      dd\n" TESTED, FINDING_ERROR, 5, 16, "no pattern 'dd'",
     NULL, true},
    /* tests */
    {HEAD PATTERN "    tests: [abc]\n", FINDING_ERROR, 5, 12, "tests must be a map, found a list", NULL, false},
    {HEAD PATTERN "    tests: {hits: abc}\n", FINDING_ERROR, 5, 19, "hits must be a list, found text",
     "write it as a list", false},
    {HEAD PATTERN "    tests: {hits: [abc], claen: [x]}\n", FINDING_ERROR, 5, 26, "tests has no key 'claen'",
     "did you mean 'clean'?", true},
    {HEAD PATTERN "    tests: {hits: [abc, [x, [y]]]}\n", FINDING_ERROR, 5, 29,
     "a message of a test must be text or a map, found a list", "{text:", true},
    {HEAD PATTERN "    tests: {hits: [abc, [x, ~]]}\n", FINDING_ERROR, 5, 29,
     "a message of a test must be text or a map, found nothing", NULL, true},
    {HEAD PATTERN "    tests: {hits: [abc, []]}\n", FINDING_ERROR, 5, 25, "a test holds no message",
     "write its messages", true},
    {HEAD PATTERN "    tests: {hits: [abc, [{text: x, form: ann}]]}\n", FINDING_ERROR, 5, 36,
     "a message of a test has no key 'form'", "did you mean 'from'?", true},
    {HEAD PATTERN "    tests: {hits: [abc, [{from: ann}]]}\n", FINDING_ERROR, 5, 26,
     "a message of a test needs a key 'text'", "{text:", true},
    {HEAD PATTERN "    tests: {hits: [abc, [{text: [x]}]]}\n", FINDING_ERROR, 5, 33, "text must be text, found a list",
     "quotes", true},
    {HEAD PATTERN "    tests: {hits: [abc, [{text: x, from: ''}]]}\n", FINDING_ERROR, 5, 42, "from", NULL, true},
    {HEAD PATTERN "    tests: {hits: [abc, [{text: x, from: [a]}]]}\n", FINDING_ERROR, 5, 42, "from", NULL, true},
    {HEAD PATTERN "    tests: {hits: [abc, [{text: x, minutes: -1}]]}\n", FINDING_ERROR, 5, 45,
     "minutes must be a whole number from 0 to 10080", "beginning", true},
    {HEAD PATTERN "    tests: {hits: [abc, [{text: x, minutes: 10081}]]}\n", FINDING_ERROR, 5, 45, "0 to 10080", NULL,
     true},
    {HEAD PATTERN "    tests: {hits: [abc, [{text: x, minutes: 1.5}]]}\n", FINDING_ERROR, 5, 45, "0 to 10080", NULL,
     true},
    {HEAD PATTERN "    tests: {hits: [abc, [{text: x, minutes: soon}]]}\n", FINDING_ERROR, 5, 45, "0 to 10080", NULL,
     true},
    {HEAD PATTERN "    tests: {hits: [abc, a: b]}\n", FINDING_ERROR, 5, 25,
     "a test must be text or a list of messages, found a map", "quotes", true},
};

static void test_findings(void **state)
{
    unsigned failed = 0;
    (void)state;
    for (size_t i = 0; i < sizeof finding_rows / sizeof finding_rows[0]; i++) {
        struct findings findings = {0};
        struct pack *pack = NULL;
        enum status status = parse(span_text(finding_rows[i].text), &findings, &pack);
        bool found = false;
        for (uint32_t j = 0; j < findings.count && !found; j++) {
            const struct finding *finding = &findings.items[j];
            found = finding->level == finding_rows[i].level &&
                    (finding_rows[i].line == 0 || finding->line == finding_rows[i].line) &&
                    (finding_rows[i].column == 0 || finding->column == finding_rows[i].column) &&
                    strstr(finding->text, finding_rows[i].words) &&
                    (!finding_rows[i].remedy || (finding->remedy && strstr(finding->remedy, finding_rows[i].remedy)));
        }
        bool only = !finding_rows[i].only || findings.count == 1;
        if (!found || !only || (status == STATUS_OK) != (findings.errors == 0) ||
            (status == STATUS_OK) != (pack != NULL)) {
            failed++;
            print_error("--- row %zu, expected %u:%u: %s\n%s", i, finding_rows[i].line, finding_rows[i].column,
                        finding_rows[i].words, finding_rows[i].text);
            findings_print(&findings, stderr, false);
        }
        pack_free(&pack);
        findings_clear(&findings);
    }
    assert_int_equal(failed, 0);
}

/* All faults of a file are told, not only the first. */
static void test_many_faults(void **state)
{
    static const char text[] = "pack: p\n"                                          /* 1 */
                               "defaults: {severity: hihg, colour: red}\n"          /* 2: two */
                               "rules:\n"                                           /* 3 */
                               "  - id: p.a\n"                                      /* 4 */
                               "    sevrity: low\n"                                 /* 5: one */
                               "    patterns: {a: {regex: 'a('}, b: {words: []}}\n" /* 6: two */
                               "    condition: a and c\n"                           /* 7: one */
                               "    tests: {hits: no}\n"                        /* 8: one, and no tests: a warning */
                               "  - id: p.a\n"                                  /* 9: one */
                               "    patterns: {a: {list: none.txt, kind: w}}\n" /* 10: one */
                               "    tests: {hits: [x]}\n"                       /* 11 */
                               "  - patterns: 5\n";                             /* 12: two */
    static const uint32_t lines[] = {2, 2, 4, 5, 6, 6, 7, 8, 9, 10, 12, 12};
    struct findings findings = {0};
    struct pack *pack = NULL;
    (void)state;
    assert_int_equal(parse(span_text(text), &findings, &pack), STATUS_INVALID);
    assert_null(pack);
    findings_sort(&findings);
    if (findings.count != sizeof lines / sizeof lines[0]) {
        findings_print(&findings, stderr, false);
    }
    assert_int_equal(findings.count, sizeof lines / sizeof lines[0]);
    assert_int_equal(findings.errors, 11);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_int_equal(findings.items[i].line, lines[i]);
    }
    findings_clear(&findings);
}

static void test_untested_are_summed_up(void **state)
{
    char *text = NULL;
    size_t size = 0;
    struct findings findings = {0};
    struct pack *pack = NULL;
    (void)state;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    fputs("pack: p\nrules:\n", stream);
    for (int i = 0; i < 500; i++) {
        fprintf(stream, "- {id: p.r%d, patterns: {a: {regex: 'w%d'}}}\n", i, i);
    }
    assert_int_equal(fclose(stream), 0);
    assert_int_equal(parse(span_of(text, size), &findings, &pack), STATUS_OK);
    assert_int_equal(pack->rule_count, 500);
    assert_int_equal(findings.warnings, 21);
    assert_non_null(strstr(findings.items[20].text, "480 more rules have no tests"));
    pack_free(&pack);
    findings_clear(&findings);
    free(text);
}

/* The same list in two patterns is read once, and its findings are told once. */
static void test_list_twice(void **state)
{
    static const char text[] =
        HEAD "    patterns: {a: {list: bad.txt, kind: domains}, b: {list: bad.txt, kind: domains}}\n" TESTED;
    struct findings findings = {0};
    struct pack *pack = NULL;
    (void)state;
    assert_int_equal(parse(span_text(text), &findings, &pack), STATUS_INVALID);
    assert_int_equal(findings.errors, 1);
    assert_non_null(strstr(findings.items[0].file, "bad.txt"));
    findings_clear(&findings);
    pack = parse_good(HEAD "    patterns: {a: {list: merchants.txt, kind: domains}, b: {list: merchants.txt, kind: "
                           "domains}}\n" TESTED,
                      0);
    assert_ptr_equal(pack->rules[0].patterns[0].entries, pack->rules[0].patterns[1].entries);
    pack_free(&pack);
}

static void test_digest(void **state)
{
    static const char text[] = HEAD "    patterns: {a: {list: changing.txt, kind: words}}\n" TESTED;
    struct pack *packs[4];
    char path[256];
    (void)state;
    write_file("changing.txt", "one\n");
    packs[0] = parse_good(text, 0);
    packs[1] = parse_good(text, 0);
    write_file("changing.txt", "two\n");
    packs[2] = parse_good(text, 0);
    packs[3] = parse_good(HEAD "    patterns: {a: {list: changing.txt, kind: words} }\n" TESTED, 0);
    assert_memory_equal(packs[0]->digest, packs[1]->digest, sizeof packs[0]->digest);
    assert_memory_not_equal(packs[0]->digest, packs[2]->digest, sizeof packs[0]->digest);
    assert_memory_not_equal(packs[2]->digest, packs[3]->digest, sizeof packs[0]->digest);
    for (int i = 0; i < 4; i++) {
        pack_free(&packs[i]);
    }
    snprintf(path, sizeof path, "%s/changing.txt", folder);
    unlink(path);
}

/* Refused, quickly and with words. */
static void refuse(const char *data, size_t size)
{
    struct findings findings = {0};
    struct pack *pack = NULL;
    assert_int_equal(parse(span_of(data, size), &findings, &pack), STATUS_INVALID);
    assert_true(findings.errors > 0);
    assert_null(pack);
    findings_clear(&findings);
}

static void refuse_repeated(const char *repeated, size_t count)
{
    size_t size = strlen(repeated) * count;
    char *text = malloc(size + 1);
    assert_non_null(text);
    for (size_t i = 0; i < count; i++) {
        memcpy(text + i * strlen(repeated), repeated, strlen(repeated));
    }
    text[size] = '\0';
    refuse(text, size);
    free(text);
}

static void test_hostile(void **state)
{
    static const char nul[] = "pack: p\0\nrules: []\n";
    static const char invalid[] = "pack: p\nrules:\n  - id: \xFF\xFE\n";
    static const char alias[] = "pack: &a p\nrules: [*a, *a]\n";
    static const char laughs[] = "pack: p\na: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nrules: *c\n";
    static const char utf16[] = "\xFF\xFEp\0a\0c\0k\0";
    static const char key_map[] = "pack: p\n? {a: b}\n: c\nrules: []\n";
    static const char nul_key[] = "pack: p\n\"ru\\0les\": []\nrules: [{\"i\\0d\": x}]\n";
    static const char nul_name[] = HEAD "    patterns: {\"a\\0b\": {regex: abc}}\n" TESTED;
    static const char nul_id[] = "pack: \"p\\0q\"\nrules: []\n";
    (void)state;
    refuse(nul, sizeof nul - 1);
    refuse(invalid, sizeof invalid - 1);
    refuse(alias, sizeof alias - 1);
    refuse(laughs, sizeof laughs - 1);
    refuse(utf16, sizeof utf16 - 1);
    refuse(key_map, sizeof key_map - 1);
    refuse(nul_key, sizeof nul_key - 1);
    refuse(nul_name, sizeof nul_name - 1);
    refuse(nul_id, sizeof nul_id - 1);
    refuse_repeated("[", 100000);
    refuse_repeated("{a: ", 100000);
    refuse_repeated("- ", 100000);
    refuse_repeated("a: 1\n", 1000);
    refuse_repeated("x", 1000000);
    refuse_repeated("\x01", 10);
}

/* Any change of a few bytes of a good pack: accepted or refused with words, never a crash. */
static void test_mutations(void **state)
{
    static const char alphabet[] = "abz(){}[]:,'\"|>&*!#%\\\n\t -.?+^$019\xC3\xA9\xFF";
    uint32_t random = 4242;
    uint32_t accepted = 0;
    char text[sizeof full_pack + 16];
    (void)state;
    for (int round = 0; round < 20000; round++) {
        size_t size = sizeof full_pack - 1;
        memcpy(text, full_pack, sizeof full_pack);
        random = random * 1664525u + 1013904223u;
        uint32_t changes = 1 + (random >> 20) % 4;
        for (uint32_t i = 0; i < changes; i++) {
            random = random * 1664525u + 1013904223u;
            size_t at = (random >> 8) % size;
            random = random * 1664525u + 1013904223u;
            char c = alphabet[(random >> 16) % (sizeof alphabet - 1)];
            if (random % 3 == 0) {
                text[at] = c;
            } else if (random % 3 == 1) {
                memmove(text + at + 1, text + at, size - at);
                text[at] = c;
                size++;
            } else {
                memmove(text + at, text + at + 1, size - at - 1);
                size--;
            }
        }
        struct findings findings = {0};
        struct pack *pack = NULL;
        enum status status = parse(span_of(text, size), &findings, &pack);
        assert_int_equal(status == STATUS_OK, findings.errors == 0);
        assert_int_equal(status == STATUS_OK, pack != NULL);
        accepted += status == STATUS_OK;
        pack_free(&pack);
        findings_clear(&findings);
    }
    assert_true(accepted > 1000);
    print_message("%u of 20000 accepted\n", accepted);
}

static void test_files(void **state)
{
    char path[256];
    char other[256];
    struct findings findings = {0};
    struct pack *pack = NULL;
    struct arena *arena = NULL;
    const char *const *paths = NULL;
    (void)state;
    assert_int_equal(arena_new(4096, 1u << 20, &arena), STATUS_OK);
    snprintf(path, sizeof path, "%s/packs", folder);
    assert_int_equal(reader_find_packs(path, arena, &findings, &paths), STATUS_NOT_FOUND);
    assert_int_equal(findings.errors, 1);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(reader_find_packs(path, arena, &findings, &paths), STATUS_INVALID);
    assert_int_equal(findings.errors, 2);
    assert_null(paths);
    static const char *const files[] = {"packs/b.yaml", "packs/a.yml", "packs/.hidden.yaml", "packs/c.txt",
                                        "packs/.yaml"};
    for (size_t i = 0; i < 5; i++) {
        write_file(files[i], "pack: p\nrules: []\n");
    }
    snprintf(other, sizeof other, "%s/packs//", folder);
    assert_int_equal(reader_find_packs(other, arena, &findings, &paths), STATUS_OK);
    assert_non_null(strstr(paths[0], "/packs/a.yml"));
    assert_non_null(strstr(paths[1], "/packs/b.yaml"));
    assert_null(paths[2]);
    findings_clear(&findings);
    assert_int_equal(reader_read_pack(paths[0], &findings, &pack), STATUS_OK);
    assert_string_equal(pack->path, paths[0]);
    pack_free(&pack);
    findings_clear(&findings);
    assert_int_equal(reader_find_packs(paths[1], arena, &findings, &paths), STATUS_OK);
    assert_null(paths[1]);
    assert_int_equal(reader_read_pack(path, &findings, &pack), STATUS_SYSTEM);
    assert_int_equal(findings.errors, 1);
    snprintf(other, sizeof other, "%s/nowhere.yaml", folder);
    assert_int_equal(reader_read_pack(other, &findings, &pack), STATUS_SYSTEM);
    assert_int_equal(findings.errors, 2);
    assert_null(pack);
    for (size_t i = 0; i < 5; i++) {
        snprintf(other, sizeof other, "%s/%s", folder, files[i]);
        unlink(other);
    }
    rmdir(path);
    findings_clear(&findings);
    arena_free(&arena);
}

static void test_together(void **state)
{
    struct findings findings = {0};
    struct pack *packs[3];
    (void)state;
    packs[0] = parse_good(full_pack, 0);
    packs[1] = parse_good("pack: other\nrules:\n  - id: scams.plain\n" PATTERN TESTED, 0);
    packs[2] = parse_good("pack: scams\nrules:\n  - id: x\n" PATTERN TESTED, 0);
    reader_check_together((const struct pack *const *)packs, 3, &findings);
    assert_int_equal(findings.errors, 2);
    assert_non_null(strstr(findings.items[0].text, "the name of pack 'scams' is taken already, at "));
    assert_int_equal(findings.items[0].line, 1);
    assert_int_equal(findings.items[0].column, 7);
    assert_non_null(strstr(findings.items[1].text, "id 'scams.plain' is taken already, at "));
    assert_non_null(strstr(findings.items[1].text, ":18:9"));
    assert_int_equal(findings.items[1].line, 3);
    findings_clear(&findings);
    const struct pack *const twice[] = {packs[1], packs[1]};
    reader_check_together(twice, 2, &findings);
    assert_int_equal(findings.errors, 2);
    assert_non_null(strstr(findings.items[0].remedy, "read twice"));
    findings_clear(&findings);
    reader_check_together((const struct pack *const *)packs, 1, &findings);
    reader_check_together(NULL, 0, &findings);
    assert_int_equal(findings.errors, 0);
    for (int i = 0; i < 3; i++) {
        pack_free(&packs[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full),       cmocka_unit_test(test_fallbacks),
        cmocka_unit_test(test_findings),   cmocka_unit_test(test_many_faults),
        cmocka_unit_test(test_digest),     cmocka_unit_test(test_untested_are_summed_up),
        cmocka_unit_test(test_list_twice), cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_mutations),  cmocka_unit_test(test_files),
        cmocka_unit_test(test_together),
    };
    return cmocka_run_group_tests_name("rules/reader", tests, group_setup, group_teardown);
}
