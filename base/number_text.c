#include "base/number_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void number_text(double value, char text[NUMBER_TEXT_SIZE])
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, NUMBER_TEXT_SIZE, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    /* Whatever the locale puts between the digits stands where a point belongs. */
    char *point = text + strspn(text, "+-0123456789");
    size_t length = strcspn(point, "e+-0123456789");
    if (length > 0) {
        memmove(point + 1, point + length, strlen(point + length) + 1);
        *point = '.';
    }
}
