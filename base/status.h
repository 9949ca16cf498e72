/*
 * The one status enum. Every function that can fail returns it; results must be used.
 *
 * A status is for programs. Where a person can act on a failure, the function also takes a `struct error *`
 * (base/error.h) or a `struct findings *` (base/findings.h) for the words.
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#define STATUS_LIST(X)                                                                                                 \
    X(OK, "ok")                                                                                                        \
    X(NO_MEMORY, "out of memory")                                                                                      \
    X(INVALID, "invalid input")                                                                                        \
    X(INCOMPLETE, "input ends too early")                                                                              \
    X(LIMIT, "over a limit")                                                                                           \
    X(FULL, "no room left")                                                                                            \
    X(TIMEOUT, "timed out")                                                                                            \
    X(CLOSED, "closed")                                                                                                \
    X(NOT_FOUND, "not found")                                                                                          \
    X(EXISTS, "already there")                                                                                         \
    X(CONFLICT, "changed by somebody else")                                                                            \
    X(UNSUPPORTED, "not supported")                                                                                    \
    X(SYSTEM, "refused by the system")

enum status {
#define X(name, text) STATUS_##name,
    STATUS_LIST(X)
#undef X
};

/* What a status means, in words; never NULL. */
const char *status_text(enum status status);

#define MUST_USE __attribute__((warn_unused_result))

#endif
