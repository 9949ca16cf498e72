#include "tests/unit/import/import_case.h"

static const struct import_case rows[] = {
    {"", "", "0 error empty-file"},
    {"# nothing\n---\n", "", "0 error empty-file"},
    /* Modifiers. */
    {"body: gift card", "p.rule-1 live medium text={gift card} hits gift card", ""},
    {"body (includes-word): [gift card, \"don't\"]\naction: remove",
     "p.rule-1 live high text={gift card|don't} hits gift card", ""},
    {"title+body (includes): ['.com/?a=1']\naction: report",
     "p.rule-1 live low text=/\\.com/\\?a=1/folded hits .com/?a=1", ""},
    {"body (starts-with): [hi, hello]", "p.rule-1 live medium text=/\\A(?:hi|hello)/folded hits hi", ""},
    {"body (ends-with): bye", "p.rule-1 live medium text=/bye\\z/folded hits bye", ""},
    {"body (full-exact): yes", "p.rule-1 live medium text=/\\Ayes\\z/folded hits yes", ""},
    {"body (full-text): [yes, no]", "p.rule-1 live medium text=/\\A\\W*(?:yes|no)\\W*\\z/folded hits yes", ""},
    {"body (regex): ['a.b', 'c+']", "p.rule-1 shadow medium text=/a.b/raw text-2=/c+/raw", ""},
    {"body (regex, case-sensitive): 'A.B'", "p.rule-1 shadow medium text=/(?-i)A.B/raw", ""},
    {"body (includes-word, case-sensitive): [US, It]",
     "p.rule-1 live medium text=/(?-i)(?<!\\w)(?:US|It)(?!\\w)/raw hits US", ""},
    {"body (includes, case-sensitive): AbC", "p.rule-1 live medium text=/(?-i)AbC/raw hits AbC", ""},
    {"url: evil.com/x", "p.rule-1 live medium text=/evil\\.com/x/folded hits evil.com/x", "1 hint uri-text"},
    {"domain: [evil.com, bad.org]",
     "p.rule-1 live medium domain=/(?<![\\w-])(?:evil\\.com|bad\\.org)(?![\\w-]|\\.\\w)/folded hits evil.com", ""},
    {"body: [1234, yes]", "p.rule-1 live medium text={1234|yes} hits 1234", ""},
    {"body: ['fuck*']", "p.rule-1 live medium text-parts=/(?<!\\w)fuck\\*/folded hits fuck*", ""},
    /* Several checks. */
    {"body: gift\n~body (includes): thanks",
     "p.rule-1 live medium text={gift} not-this=/thanks/folded if text and not not-this hits gift", ""},
    {"body (includes)#1: gift\n\"body+title#2(includes)\": card",
     "p.rule-1 live medium text=/gift/folded text-2=/card/folded if text and text-2 hits gift, card", ""},
    {"body#1: gift\nbody#2: card", "p.rule-1 live medium text={gift} text-2={card} if text and text-2 hits gift, card",
     ""},
    {"body (starts-with): hi\nbody#2 (ends-with): bye\nbody#3: gift",
     "p.rule-1 live medium text=/\\Ahi/folded text-2=/bye\\z/folded text-3={gift} if text and text-2 and text-3 hits "
     "hi gift bye",
     ""},
    {"body: gift\nbody_longer_than: 10", "p.rule-1 shadow medium text={gift} long=/\\A.{11}/raw if text and long", ""},
    {"body: gift\nbody_shorter_than: 10",
     "p.rule-1 live medium text={gift} long=/\\A.{10}/raw if text and not long hits gift", ""},
    {"body: gift\n~body (includes-word): gift",
     "p.rule-1 shadow medium text={gift} not-this={gift} if text and not not-this", ""},
    /* The word under `not` would be found in the disguised one of the test: no test then. */
    {"body (includes): g1ft\n~body: gift",
     "p.rule-1 shadow medium text=/g1ft/folded not-this={gift} if text and not not-this", ""},
    /* Names. */
    {"body: gift\naction_reason: 'Asks for money! [{{match}}]'",
     "p.asks-for-money live medium 'Asks for money! []' text={gift} hits gift", ""},
    {"---\nbody: gift\n---\nbody: card\n--- \nbody: pay\n---\n",
     "p.rule-1 live medium text={gift} hits gift\np.rule-2 live medium text={card} hits card\n"
     "p.rule-3 live medium text={pay} hits pay",
     ""},
    {"body: gift\naction_reason: Gift\n---\nbody: card\naction_reason: gift",
     "p.gift live medium 'Gift' text={gift} hits gift\np.gift-2 live medium 'gift' text={card} hits card",
     "4 hint renamed"},
    /* What is not moved. */
    {"body: gift\nauthor: {account_age: < 7 days}", "p.rule-1 shadow medium text={gift} hits gift",
     "2 warning restriction"},
    {"body: gift\ntype: comment\nmodmail: look\ncomment: no", "p.rule-1 live medium text={gift} hits gift",
     "3 hint setting\n4 hint setting"},
    {"author: {name: x}\naction: remove", "", "1 warning restriction\n1 warning no-check"},
    {"body: gift\naction: approve", "", "1 warning speaks-for"},
    {"body (fuzzy): gift", "", "1 warning restriction\n1 warning no-check"},
    {"~body: gift", "", "1 warning flags-everything"},
    {"body (regex): ['(', ok]", "p.rule-1 shadow medium text=/ok/raw", "1 error refused-regex"},
    {"body: gift\n~body (regex): ['(', ok]",
     "p.rule-1 shadow medium text={gift} not-this=/ok/raw if text and not not-this "
     "hits gift",
     "2 error refused-regex"},
    {"body (regex): ['(']", "", "1 error refused-regex\n1 warning no-check"},
    {"body: []", "", "1 error syntax\n1 warning no-check"},
    {"body: {a: b}", "", "1 error syntax\n1 warning no-check"},
    {"body: ['\xE2\x80\x8B', gift]", "p.rule-1 live medium text={gift} hits gift", "1 error no-phrase"},
    {"body: [[x], gift]", "p.rule-1 live medium text={gift} hits gift", "1 error no-phrase"},
    {"body: gift\nbody_longer_than: many", "", "1 warning no-check\n2 error syntax"},
    /* No YAML. */
    {"body: [", "", "2 error syntax"},
    {"body: gift\n---\na: b: c\n---\nbody: card",
     "p.rule-1 live medium text={gift} hits gift\np.rule-3 live medium text={card} hits card", "3 error syntax"},
    {"body: a\nbody: b", "", "2 error syntax"},
    {"- body: gift", "", "1 error syntax"},
    {"just text", "", "1 error syntax"},
    {"body: caf\xE9", "", "0 error not-utf-8"},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        import_case_expect(&import_case_options, IMPORT_AUTOMOD, &rows[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
