#include "import/import_literal.h"

#include <string.h>

#define LITERAL_SIZE_MAX (1u << 20)

static enum status append_bytes(struct buffer *regex, struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        enum status status = STATUS_OK;
        if (byte == ' ') {
            status = buffer_append_text(regex, i > 0 && text.data[i - 1] == ' ' ? "" : "\\s+");
        } else if (byte < 0x20 || byte == 0x7F) {
            status = buffer_print(regex, "\\x%02x", byte);
        } else {
            if (strchr("\\^$.[|()?*+{", byte)) {
                status = buffer_append_byte(regex, '\\');
            }
            status = status == STATUS_OK ? buffer_append_byte(regex, byte) : status;
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

enum status import_literal_append(struct buffer *regex, struct span text, enum view view)
{
    struct buffer shown = BUFFER_INIT(LITERAL_SIZE_MAX);
    enum status status = view_append(view, text, &shown, NULL);
    if (status == STATUS_OK) {
        status = append_bytes(regex, buffer_span(&shown));
    }
    buffer_free(&shown);
    return status;
}

enum status import_literal_append_wild(struct buffer *regex, struct span text, enum view view)
{
    struct buffer plain = BUFFER_INIT(LITERAL_SIZE_MAX);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < text.size && status == STATUS_OK; i++) {
        uint8_t byte = text.data[i];
        bool escaped = byte == '\\' && i + 1 < text.size && strchr("*?\\", text.data[i + 1]);
        if (escaped || (byte != '*' && byte != '?')) {
            status = buffer_append_byte(&plain, escaped ? text.data[++i] : byte);
            continue;
        }
        status = import_literal_append(regex, buffer_span(&plain), view);
        buffer_clear(&plain);
        if (status == STATUS_OK) {
            status = buffer_append_text(regex, byte == '*' ? ".*" : ".");
        }
    }
    if (status == STATUS_OK) {
        status = import_literal_append(regex, buffer_span(&plain), view);
    }
    buffer_free(&plain);
    return status;
}

bool import_literal_is_empty(struct span text, enum view view)
{
    struct buffer shown = BUFFER_INIT(LITERAL_SIZE_MAX);
    bool empty = view_append(view, text, &shown, NULL) == STATUS_OK;
    for (size_t i = 0; i < shown.size && empty; i++) {
        empty = shown.data[i] == ' ';
    }
    buffer_free(&shown);
    return empty;
}
