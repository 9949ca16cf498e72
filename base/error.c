#include "base/error.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Takes away the beginning of a UTF-8 character that the end of the buffer cut in two. */
static void error_trim(char *text, size_t size)
{
    size_t start = size;
    size_t tail = 0;

    while (start > 0 && tail < 3 && ((unsigned char)text[start - 1] & 0xc0) == 0x80) {
        start--;
        tail++;
    }
    if (start == 0)
        return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t want = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
    if (tail < want)
        text[start - 1] = '\0';
}

void error_set(struct error *error, const char *format, ...)
{
    if (!error)
        return;

    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);

    if (length < 0)
        error->text[0] = '\0';
    else if ((size_t)length >= sizeof error->text)
        error_trim(error->text, sizeof error->text - 1);
}
