"""Writes packs. Everything goes into double quotes, so that any pattern survives: YAML takes for line breaks, or does
not take at all, some characters that stand in patterns."""


def quote(text):
    out = ['"']
    for character in text:
        code = ord(character)
        if character in '"\\':
            out.append("\\" + character)
        elif 0x20 <= code < 0x7F or (0xA0 <= code < 0xD800 and code not in (0x2028, 0x2029)):
            out.append(character)
        elif code < 0x100:
            out.append(f"\\x{code:02x}")
        elif code < 0x10000:
            out.append(f"\\u{code:04x}")
        else:
            out.append(f"\\U{code:08x}")
    return "".join(out) + '"'


def regex(text, view="raw"):
    return f"{{regex: {quote(text)}, view: {view}}}"


def words(entries, view=None):
    chosen = f", view: {view}" if view else ""
    return f"{{words: [{', '.join(quote(entry) for entry in entries)}]{chosen}}}"


def domains(path, view=None):
    chosen = f", view: {view}" if view else ""
    return f"{{list: {quote(str(path))}, kind: domains{chosen}}}"


def write(path, name, rules):
    """`rules` maps a rule's id to its one pattern, or to a dictionary of what else to write (as YAML text)."""
    with open(path, "w", encoding="utf-8") as out:
        out.write(f"pack: {name}\ndefaults: {{queue: fraud, severity: medium}}\nrules:\n")
        for rule, content in rules.items():
            if isinstance(content, str):
                content = {"patterns": f"{{it: {content}}}"}
            out.write(f"  - id: {rule}\n    title: {quote(content.get('title', rule))}\n")
            for key, value in content.items():
                if key != "title":
                    out.write(f"    {key}: {value}\n")
    return path
