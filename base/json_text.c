#include "base/json_text.h"

#include <stdio.h>
#include <string.h>

size_t json_text_character(const uint8_t *data, size_t size, uint32_t *ret_code_point)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t lead = data[0];

    if (lead < 0x80) {
        *ret_code_point = lead;
        return 1;
    }
    size_t length = lead >= 0xf0 && lead <= 0xf4  ? 4
                    : lead >= 0xe0 && lead < 0xf0 ? 3
                    : lead >= 0xc2 && lead < 0xe0 ? 2
                                                  : 0;
    if (length == 0 || length > size)
        return 0;
    uint32_t code_point = lead & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((data[i] & 0xc0) != 0x80)
            return 0;
        code_point = code_point << 6 | (data[i] & 0x3fu);
    }
    if (code_point < smallest[length] || code_point > 0x10ffff || (code_point >= 0xd800 && code_point <= 0xdfff))
        return 0;
    *ret_code_point = code_point;
    return length;
}

static size_t json_text_escape_ascii(uint8_t byte, char unit[JSON_TEXT_UNIT_MAX])
{
    static const char names[] = "\"\"\\\\\bb\ff\nn\rr\tt";

    for (size_t i = 0; i + 1 < sizeof names; i += 2) {
        if ((uint8_t)names[i] == byte) {
            unit[0] = '\\';
            unit[1] = names[i + 1];
            return 2;
        }
    }
    if (byte >= 0x20 && byte != 0x7f) {
        unit[0] = (char)byte;
        return 1;
    }
    return (size_t)snprintf(unit, JSON_TEXT_UNIT_MAX, "\\u%04x", byte);
}

size_t json_text_escape(const char *text, size_t size, size_t *position, char unit[JSON_TEXT_UNIT_MAX])
{
    const uint8_t *data = (const uint8_t *)text + *position;
    uint32_t code_point;

    size_t length = json_text_character(data, size - *position, &code_point);
    *position += length > 0 ? length : 1;
    if (length == 0)
        return (size_t)snprintf(unit, JSON_TEXT_UNIT_MAX, "\\\\x%02x", data[0]);
    if (length == 1)
        return json_text_escape_ascii(data[0], unit);
    /* C1 controls and the line separators end a line in some readers, and YAML takes none of the others as they are. */
    if (code_point < 0xa0 || code_point == 0x2028 || code_point == 0x2029 || code_point == 0xfeff ||
        code_point == 0xfffe || code_point == 0xffff)
        return (size_t)snprintf(unit, JSON_TEXT_UNIT_MAX, "\\u%04x", (unsigned)code_point & 0xffffu);
    memcpy(unit, data, length);
    return length;
}
