/* Where the program keeps compiled rules, and the limits of compiling them (scanner/compiling.h). */
#ifndef CLI_RULE_CACHE_H
#define CLI_RULE_CACHE_H

#include "cli/settings.h"

/*
 * For every tool: the folder that the environment variable WEIR_CACHE names, or none if that is `off`, or the user's cache
 * folder. To be called when the program starts.
 */
void rule_cache_start(void);

/* For `weir run`: as the settings say; WEIR_CACHE goes before them. */
enum status rule_cache_settings(const struct settings *settings) MUST_USE;

#endif
