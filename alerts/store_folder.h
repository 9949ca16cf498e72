/* The data folder, as stores that keep files need it. Private to alerts/. */
#ifndef ALERTS_STORE_FOLDER_H
#define ALERTS_STORE_FOLDER_H

#include "base/error.h"
#include "base/status.h"

/* Makes the folder (not its parents) with mode 0700 whatever the umask; leaves one that exists as it is. */
enum status store_folder_make(const char *path, struct error *error) MUST_USE;

#endif
