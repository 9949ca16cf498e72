/*
 * Words for a person about one failure of the environment (a port in use, a database that cannot be opened).
 * The caller owns it, usually on the stack; functions take it as their last argument but the outputs and accept NULL.
 * Findings about the input or the rules go to base/findings.h instead. Never holds message text.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

struct error {
    char text[512];
};

/* Writes a message; cut off at the end of the buffer. `error` may be NULL. */
void error_set(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
