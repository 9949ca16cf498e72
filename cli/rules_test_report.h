/* The outcome of inline tests in the formats that CI systems read: one test case a text. */
#ifndef CLI_RULES_TEST_REPORT_H
#define CLI_RULES_TEST_REPORT_H

struct ruleset;

enum rules_test_format {
    RULES_TEST_TEXT,  /* words on stderr: not here */
    RULES_TEST_TAP,   /* Test Anything Protocol, version 14 */
    RULES_TEST_JUNIT, /* the XML that JUnit's Ant task writes, as CI systems read it */
};

/* Runs the tests of the set, writes the report to stdout and a summary to stderr. Returns the exit code. */
int rules_test_report(struct ruleset *ruleset, enum rules_test_format format);

#endif
