#!/usr/bin/python3
"""`weir scan` flags exactly the (message, rule) pairs that a plain PCRE2 loop flags: no more, no fewer.

The loop (pcre2_loop.c) shares no code with Weir, and what each side is asked is made here, twice and differently: for Weir
rules in YAML, with options changed inline; for the loop plain patterns with options given to pcre2_compile.

    test_scan_matches_pcre2.py                 a sample, in well under a minute
    test_scan_matches_pcre2.py --messages N --regexes N --domains N    another sample; 0 is all of them
    test_scan_matches_pcre2.py --all           every message and every pattern: takes long

Needs WEIR_SHARED_DATA; skipped (77) without it.
"""

import argparse
import base64
import json
import os
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile
import time
import unicodedata

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support import pack  # noqa: E402
from support.program import BUILD, WEIR  # noqa: E402

REGEX_FILES = {
    "kam": "kam_cf.tsv",
    "sa": "spamassassin_rules.tsv",
    "sand": "spamassassin_sandbox.tsv",
    "crs": "crs.tsv",
    "hsc": "hyperscan_hscollider.tsv",
    "toxic": "reddit_toxicbot.tsv",
}
FLAG_BITS = {"i": 1, "s": 2, "m": 4, "x": 8}
NOT_WEIR = re.compile(r"(?<!\\)(?:\\\\)*\\C|^\(\*[A-Z]|\(\?C")  # rules/regex.h: \\C, verbs at the start, callouts
WEIR_LIMIT = 100000  # REGEX_MATCH_LIMIT of rules/regex.h
LOOP_LIMIT = 10000000  # what the loop hits nobody knows, and is not compared
DOMAINS_A_RULE = 1000
TEXT_BYTES_MAX = 64 << 10
LONG_BYTES = 8 << 10  # from here on the loop tries only each n-th regex in a sample: some take seconds for one text
LONG_STRIDE = 40

# A character that joins a word: text/word.h says so in words.
JOINS = r"(?![\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}])[\p{L}\p{M}\p{N}_]"
GAP = r"[^\p{L}\p{M}\p{N}]"  # an underscore joins a word, and yet may stand in a gap
IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


# ---------------------------------------------------------------- messages


def edge_messages():
    """Texts that no collection has."""
    unit = "abcdefgh"
    yield b""
    yield from (b"\0", b"a\0b", b"\0" * 100, b"urgent\0business viagra\0", b"free\0money", b"fuck\0you", b"\0fuck\0")
    yield from (b"\xff", b"\xff\xfe\xfd", b"\xc0\x80", b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\xe2\x82", b"\xf4\x90\x80\x80")
    yield from (b"fuck\xff", b"\xc3fuck\xe2\x82", b"viagra\xf0\x9f\x98viagra", b"caf\xe9 urgent \xa3100", bytes(range(256)))
    yield from (b"a" * TEXT_BYTES_MAX, b"A" * TEXT_BYTES_MAX, b" " * TEXT_BYTES_MAX, b"0" * TEXT_BYTES_MAX)
    yield from (b"\n" * TEXT_BYTES_MAX, "é".encode() * (TEXT_BYTES_MAX // 2), (unit * (TEXT_BYTES_MAX // 8)).encode())
    yield from (b"a" * 40 + b"!", b"a" * 5000 + b"b", b"x" * 1000 + b"\n" + b"y" * 1000)
    for end in ("\n", "\r", "\r\n", "\v", "\f", "\x85", "\u2028", "\u2029", " "):
        yield f"dear friend{end}click here to unsubscribe{end}".encode()
        yield f"{end}viagra{end}{end}fuck you{end}".encode()
    for text in (
        "😀👍🏽👨‍👩‍👧‍👦🇩🇪🏴‍☠️", "you 🖕 me", "🖕", "a🖕b", "ﬁnd Ｖｉａｇｒａ ﬀ", "straße STRASSE ſ K Å ı İ",
        "مرحبا بالعالم viagra", "שלום עולם free money", "\u202eagraiv\u202c", "vi\u200bag\u200dra", "f\u00aduck", "fu\u0301ck",
        "Привет, как дела? виагра", "ＦＲＥＥ　ＭＯＮＥＹ", "日本語のテキスト", "ไทย", "한국어", "\ufeffurgent", "ÿþ", "½ ² ①",
    ):
        yield text.encode()


def text_from_pattern(pattern):
    """Something that a regex may well match: itself, without what is not text."""
    text = re.sub(r"\(\?[a-zA-Z-]+[:)]|\(\?[:=!]|\(\?<[=!]|\\[bBAzZ]", "", pattern)
    text = re.sub(r"\{\d+(?:,\d*)?\}", "", text)
    text = re.sub(r"\\[sh]|\\W", " ", text)
    text = re.sub(r"\\d", "7", text)
    text = re.sub(r"\\[wS]", "w", text)
    text = re.sub(r"\[\^?\\?(.)[^\]]*\]", r"\1", text)
    return re.sub(r"\\(.)", r"\1", re.sub(r"(?<!\\)[()*+?^$]", "", text)).replace("|", " ")


def planted_messages(words, domains, patterns, chance, count):
    """Words, domains and patterns where they should, and where they nearly should, be found."""
    frames = ["{}", "{}!", "x{}", "{}x", "hello {} there", "_{}_", "{}-{}", "({})", "{}9", "é{}", "{}\u0301", "日{}本"]
    domain_frames = [
        "{}", "http://{}/path", "www.{}", "a.b.{}.", "{}.", "{}.uk", "x{}", "-{}", "{}-x", "{}x", "{}:80", "_{}", "me@{}",
        "see {}, or {}", "{}.!", "{}-", "{}..", "{}_", "é{}", "{}é",
    ]
    separators = [" ", "  ", "-", ", ", "...", "\t\n", "", "_", " - ", "         ", " 😀 "]
    for _ in range(count):
        kind = chance.randrange(3)
        if kind == 0:
            word = chance.choice(words)
            word = re.sub(r"[\s-]", lambda _: chance.choice(separators), word)
            if chance.random() < 0.5:
                word = "".join(chance.choice((c.upper(), c.lower())) for c in word)
            yield chance.choice(frames).replace("{}", word).encode()
        elif kind == 1:
            domain = chance.choice(domains)
            if chance.random() < 0.3:
                domain = domain.upper()
            yield chance.choice(domain_frames).replace("{}", domain).encode()
        else:
            yield text_from_pattern(chance.choice(patterns)).encode()[:TEXT_BYTES_MAX]


def collected_messages(folder):
    for path in sorted(folder.glob("*.jsonl")):
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)["text"].encode("utf-8", "replace")
    with open(folder / "sms_spam.tsv", "rb") as lines:
        for line in lines:
            yield line.rstrip(b"\r\n").split(b"\t", 1)[-1]


# ---------------------------------------------------------------- patterns


def read_regexes(folder):
    """(name, bits, pattern) of every row; what PCRE2 does not take is found out later, by PCRE2."""
    for prefix, name in REGEX_FILES.items():
        with open(folder / name, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if number == 1:
                    continue
                _, flags, _, _, pattern = line.rstrip("\n").split("\t", 4)
                yield f"{prefix}.{number}", sum(FLAG_BITS.get(flag, 0) for flag in flags), pattern


def inline(bits, pattern):
    """The pattern for Weir, whose own defaults are caseless and dot-all."""
    on = "".join(flag for flag in "mx" if bits & FLAG_BITS[flag])
    off = "".join(flag for flag in "is" if not bits & FLAG_BITS[flag])
    options = on + ("-" + off if off else "")
    return f"(?{options}){pattern}" if options else pattern


def word_regex(entry):
    """What text/phrase.h says of an entry, for the entries that stand in the list."""
    out, at = [], 0
    for gap in re.finditer(r"[\s]+|(?<=\w)[-'.,_/:;](?=\w)", entry):
        out.append(re.escape(entry[at : gap.start()]))
        out.append(GAP + ("{1,8}" if gap.group().isspace() else "{0,8}"))
        at = gap.end()
    out.append(re.escape(entry[at:]))
    is_word = lambda c: c == "_" or unicodedata.category(c)[0] in "LMN"  # noqa: E731
    before = f"(?<!{JOINS})" if is_word(entry[0]) else ""
    after = f"(?!{JOINS})" if is_word(entry[-1]) else ""
    return before + "".join(out) + after


def domain_regex(domain):
    """What text/domain.h says of an entry."""
    return rf"(?<!-)(?<!{JOINS}){re.escape(domain)}(?!\.{JOINS})(?!-*{JOINS})"


def folded(text):
    """The folded view where it can be told without look-alikes: one Latin script without odd letters; else None."""
    view = text
    for _ in range(2):
        view = unicodedata.normalize("NFKC", IGNORABLE.sub("", unicodedata.normalize("NFD", view)).casefold())
    view = re.sub(r"[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+", " ", view)
    for character in view:
        if ord(character) > 0x7F and unicodedata.category(character)[0] in "LMN" and not "\u00df" <= character <= "\u00ff":
            return None
    return view


# ---------------------------------------------------------------- both sides


def write_records(path, records):
    with open(path, "wb") as out:
        for flags, data in records:
            out.write(struct.pack("<II", flags, len(data)) + data)
    return path


def run_loop(*arguments, **options):
    program = os.environ.get("PCRE2_LOOP", str(BUILD / "tests/e2e/pcre2_loop"))
    result = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=True, **options)
    return [line.split(" ", 3) for line in result.stdout.splitlines()]


class Bits:
    """Rows of bits, one row a message."""

    def __init__(self, rows, columns, data=None):
        self.stride = (columns + 7) // 8
        self.data = bytearray(data if data is not None else rows * self.stride)

    def set(self, row, column):
        self.data[row * self.stride + column // 8] |= 1 << column % 8

    def row(self, row):
        return int.from_bytes(self.data[row * self.stride : (row + 1) * self.stride], "little")


def columns_of(bits):
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


def run_weir(folder, packs, messages, columns):
    """(flagged, unscanned) as Bits, from `weir scan`."""
    path = folder / "messages.jsonl"
    with open(path, "w", encoding="ascii") as out:
        for number, text in enumerate(messages):
            out.write(f'{{"message_id":"{number}","text_base64":"{base64.b64encode(text).decode()}"}}\n')
    command = [WEIR, "scan", "--format", "jsonl"]
    for name in packs:
        command += ["--rules", str(name)]
    flagged, unscanned = Bits(len(messages), len(columns)), Bits(len(messages), len(columns))
    with open(folder / "stderr", "wb") as errors:
        process = subprocess.Popen([*command, str(path)], stdout=subprocess.PIPE, stderr=errors)
        strange = {}
        for line in process.stdout:
            hit = json.loads(line)
            column = columns.get(hit["rule"])
            if column is None:
                strange.setdefault(hit["rule"], []).append(hit["message_id"])
            elif hit.get("outcome") == "unscanned":
                unscanned.set(int(hit["message_id"]), column)
            else:
                flagged.set(int(hit["message_id"]), column)
        code = process.wait()
    if code != 0:
        lines = (folder / "stderr").read_text(errors="replace").splitlines()
        errors = [line for line in lines if "error" in line] or lines
        sys.exit("\n".join(errors[-20:]) + f"\nweir scan: exit code {code}")
    return flagged, unscanned, strange


def compare(name, expected, limits, flagged, unscanned, messages, column_names, skipped=()):
    """Compares row by row, but for those in `skipped`. Returns (pairs equal, missed, extra, unscanned pairs)."""
    equal, missed, extra, open_pairs = 0, [], [], []
    for row in range(len(messages)):
        if row in skipped:
            continue
        want, got, unknown = expected.row(row), flagged.row(row), unscanned.row(row)
        equal += bin(want & got).count("1")
        missed += [(row, column) for column in columns_of(want & ~got & ~unknown)]
        extra += [(row, column) for column in columns_of(got & ~want) if (row, column) not in limits]
        open_pairs += [(row, column) for column in columns_of(unknown)]
    print(f"{name}: {equal} pairs agree, {len(missed)} missed, {len(extra)} too many, {len(open_pairs)} unscanned")
    for what, pairs in (("missed", missed), ("too many", extra)):
        for row, column in pairs[:20]:
            print(f"  {what}: {column_names[column]} on message {row}: {messages[row][:100]!r}")
    return equal, missed, extra, open_pairs


def unexplained(open_pairs, patterns, texts):
    """The unscanned pairs for which PCRE2 with Weir's limits has no trouble, compiled or interpreted."""
    left = set(open_pairs)
    asked = "".join(f"{row} {column}\n" for row, column in sorted(left))
    for how in ([], ["--interpret"]):
        if left:
            for what, row, column in run_loop(*how, "--limit", WEIR_LIMIT, "--pairs", patterns, texts, input=asked):
                if what == "limit":
                    left.discard((int(row), int(column)))
    return sorted(left)


# ---------------------------------------------------------------- the test


def choose_messages(options, folder, words, domains, regexes, chance):
    collected = list(collected_messages(folder))
    sources = [pattern for _, _, pattern in regexes]
    messages = list(edge_messages())
    if options.all:
        messages += [text_from_pattern(pattern).encode()[:TEXT_BYTES_MAX] for pattern in sources]
        messages += planted_messages(words, domains, sources, chance, 20000)
        return messages + collected
    rest = max(0, (options.messages or len(collected)) - len(messages))
    messages += planted_messages(words, domains, sources, chance, rest // 2)
    return messages + chance.sample(collected, min(len(collected), rest - rest // 2))


def make_rules(folder, regexes, words, domains):
    """The packs, and the columns of both comparisons: ({rule: column} of regexes, the same of words and domains)."""
    packs = [pack.write(folder / "regexes.yaml", "regexes", {n: pack.regex(inline(b, p)) for n, b, p in regexes})]
    packs.append(pack.write(folder / "words.yaml", "words", {f"word.{i}": pack.words([w]) for i, w in enumerate(words)}))
    lists = {}
    for start in range(0, len(domains), DOMAINS_A_RULE):
        name = f"domains.{start // DOMAINS_A_RULE}"
        (folder / f"{name}.txt").write_text("\n".join(domains[start : start + DOMAINS_A_RULE]) + "\n", encoding="utf-8")
        lists[name] = pack.domains(f"{name}.txt")
    packs.append(pack.write(folder / "domains.yaml", "domains", lists))
    (folder / "words.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    packs.append(pack.write(folder / "list.yaml", "wordlist", {"words.all": "{list: words.txt, kind: words}"}))
    return packs


def fold_columns(bits, rows, words, domains):
    """From a column for each word and domain to a column for each rule."""
    rules = len(words) + (len(domains) + DOMAINS_A_RULE - 1) // DOMAINS_A_RULE + 1
    out = Bits(rows, rules)
    for row in range(rows):
        for column in columns_of(bits.row(row)):
            if column < len(words):
                out.set(row, column)
                out.set(row, rules - 1)
            else:
                out.set(row, len(words) + (column - len(words)) // DOMAINS_A_RULE)
    return out


def part(bits, rows, low, high):
    """Some of the columns."""
    out = Bits(rows, high - low)
    for row in range(rows):
        value = bits.row(row) >> low & ((1 << (high - low)) - 1)
        out.data[row * out.stride : (row + 1) * out.stride] = value.to_bytes(out.stride, "little")
    return out


def check(folder, messages, regexes, words, domains, limit):
    """Asks both sides, compares, prints what differs. Returns (pairs that agree, faults)."""
    folder.mkdir()
    rows = len(messages)
    started = time.monotonic()
    texts = [message.decode("utf-8", "replace") for message in messages]
    patterns = write_records(folder / "patterns", ((bits, text.encode()) for _, bits, text in regexes))
    raw = write_records(folder / "raw", ((0, text.encode()) for text in texts))
    lines = run_loop("--limit", limit, patterns, raw, folder / "raw.bits")
    limits = {(int(line[1]), int(line[2])) for line in lines if line[0] == "limit"}
    expected = Bits(0, len(regexes), (folder / "raw.bits").read_bytes())

    views = [folded(text) for text in texts]
    entries = [word_regex(word.lower()) for word in words] + [domain_regex(domain.lower()) for domain in domains]
    entry_file = write_records(folder / "entries", ((0, entry.encode()) for entry in entries))
    view_file = write_records(folder / "folded", ((0, (view or "").encode()) for view in views))
    trouble = run_loop(entry_file, view_file, folder / "folded.bits")
    assert not trouble, trouble[:5]
    expected_lists = fold_columns(Bits(0, len(entries), (folder / "folded.bits").read_bytes()), rows, words, domains)
    loop_seconds = time.monotonic() - started

    started = time.monotonic()
    packs = make_rules(folder, regexes, words, domains)
    names = [name for name, _, _ in regexes]
    list_names = [f"word.{i}" for i in range(len(words))]
    list_names += [f"domains.{i}" for i in range((len(domains) + DOMAINS_A_RULE - 1) // DOMAINS_A_RULE)] + ["words.all"]
    columns = {rule: column for column, rule in enumerate(names + list_names)}
    flagged, unscanned, strange = run_weir(folder, packs, messages, columns)
    print(f"{rows} messages, {len(regexes)} regexes, {len(words)} words, {len(domains)} domains: "
          f"the loop took {loop_seconds:.1f} s, weir scan {time.monotonic() - started:.1f} s")

    split, width = len(names), len(columns)
    equal, missed, extra, open_pairs = compare(
        "regexes", expected, limits, part(flagged, rows, 0, split), part(unscanned, rows, 0, split), messages, names
    )
    skipped = {row for row, view in enumerate(views) if view is None}
    list_equal, list_missed, list_extra, list_open = compare(
        f"words and domains on {rows - len(skipped)} messages", expected_lists, set(), part(flagged, rows, split, width),
        part(unscanned, rows, split, width), messages, list_names, skipped,
    )
    wrong = unexplained(open_pairs, patterns, raw)
    for row, column in sorted(open_pairs)[:20]:
        print(f"  unscanned: {names[column]} on message {row} of {len(messages[row])} bytes")
    for row, column in wrong[:20]:
        print(f"  without reason: {names[column]} on message {row}: {messages[row][:100]!r}")
    if strange:
        print("hits of rules that nobody made:", {rule: ids[:5] for rule, ids in strange.items()})
    if limits:
        print(f"{len(limits)} pairs over the loop's own limit")
    differences = (missed, extra, list_missed, list_extra, list_open, wrong, strange)
    return equal + list_equal, sum(len(found) for found in differences)


def read_patterns(data, options, chance, folder):
    """(regexes, words, domains): the sample that is wanted, without what PCRE2 or Weir's dialect does not take."""
    regexes = list(read_regexes(data / "patterns"))
    words = [word for word in (data / "patterns/words_en.txt").read_text(encoding="utf-8").split("\n") if word.strip()]
    entries = (data / "patterns/phishing_domains.txt").read_text().split()
    domains = list(dict.fromkeys(entry for entry in entries if re.fullmatch(r"[\w-]+(\.[\w-]+)+", entry)))
    every = write_records(folder / "every", ((bits, text.encode()) for _, bits, text in regexes))
    nothing = write_records(folder / "nothing", [])
    bad = {int(line[1]) for line in run_loop(every, nothing, folder / "nothing.bits") if line[0] == "bad"}
    refused = {i for i, (_, _, text) in enumerate(regexes) if i not in bad and NOT_WEIR.search(text)}
    print(f"of {len(regexes)} regexes {len(bad)} are not taken by PCRE2, and {len(refused)} use what Weir's dialect leaves "
          f"out: {', '.join(regexes[i][0] for i in sorted(refused))}; of {len(entries)} entries {len(domains)} are domains")
    regexes = [regex for i, regex in enumerate(regexes) if i not in bad | refused]
    if options.regexes:
        regexes = sorted(chance.sample(regexes, min(len(regexes), options.regexes)))
    if options.domains:
        domains = sorted(chance.sample(domains, min(len(domains), options.domains)))
    return regexes, list(dict.fromkeys(words)), domains


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--messages", type=int, default=1500)
    parser.add_argument("--regexes", type=int, default=600)
    parser.add_argument("--domains", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    data = os.environ.get("WEIR_SHARED_DATA")
    if not data:
        print("skipped: WEIR_SHARED_DATA is not set")
        return 77
    data = pathlib.Path(data)
    chance = random.Random(options.seed)
    if options.all:
        options.messages = options.regexes = options.domains = 0

    with tempfile.TemporaryDirectory(prefix="weir-e2e-") as name:
        folder = pathlib.Path(name)
        regexes, words, domains = read_patterns(data, options, chance, folder)
        messages = choose_messages(options, data / "messages", words, domains, regexes, chance)
        if options.all:
            agreed, faults = check(folder / "all", messages, regexes, words, domains, LOOP_LIMIT)
        else:
            # One regex may take seconds for one text of 64 KiB, so in a sample long texts meet only some of them.
            short = [message for message in messages if len(message) < LONG_BYTES]
            long = [message for message in messages if len(message) >= LONG_BYTES]
            agreed, faults = check(folder / "short", short, regexes, words, domains, LOOP_LIMIT)
            some, places = regexes[::LONG_STRIDE], domains[::LONG_STRIDE]
            more, more_faults = check(folder / "long", long, some, words, places, LOOP_LIMIT // 10)
            agreed, faults = agreed + more, faults + more_faults
        print(f"{agreed} pairs agree, {faults} faults; seed {options.seed}")
        return 1 if faults or agreed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
