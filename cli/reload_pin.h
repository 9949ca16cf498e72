/* The pin: DATA/rules/pin holds the generation that must be live, or is not there. `folder` is DATA/rules. */
#ifndef CLI_RELOAD_PIN_H
#define CLI_RELOAD_PIN_H

#include "base/error.h"
#include "base/status.h"
#include "cli/generations.h"

/* Freed with free(); NULL without memory. */
char *reload_pin_path(const char *folder);

/* "": there is no pin. STATUS_INVALID: it names no generation; STATUS_SYSTEM. */
enum status reload_pin_read(const char *folder, char ret_id[GENERATIONS_ID_SIZE], struct error *error) MUST_USE;

enum status reload_pin_set(const char *folder, const char *id, struct error *error) MUST_USE;

/* STATUS_NOT_FOUND: there was none. */
enum status reload_pin_remove(const char *folder, struct error *error) MUST_USE;

#endif
