/*
 * Which profile of traffic rules are planned with (rules/traffic_profile.h). The environment variable WEIR_PROFILE names a
 * file for every tool; `weir run` has a setting too, and the variable goes before it. A profile decides only how fast rules
 * are: one that cannot be read is told and not used.
 */
#ifndef CLI_TRAFFIC_H
#define CLI_TRAFFIC_H

struct settings;

/* To be called when the program starts. `command` is what it was asked to do, or NULL; `weir run` waits for its settings. */
void traffic_start(const char *command);

/* For `weir run`, before rules are loaded. Logs what is wrong. */
void traffic_settings(const struct settings *settings);

#endif
