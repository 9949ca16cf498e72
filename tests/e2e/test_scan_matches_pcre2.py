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
LOOP_LIMIT = 10000000  # what the loop hits nobody knows, and is not compared
FOLDED, DOTTED, RULE_SHIFT = 1 << 4, 1 << 5, 8  # flags of pcre2_loop.c
SHOWN_MAX = 20
# Each hits Weir's match limit on an edge message below, so that what comes of it is seen in each run. The look-ahead keeps
# the search before PCRE2 from finding out that there is no match.
LIMIT_REGEXES = [("limit.1", 0, "(?=(a+)+$)a"), ("limit.2", 0, "(?=(?:x+x+)+y)x")]
DOMAINS_A_RULE = 1000
TEXT_BYTES_MAX = 64 << 10
# A character that joins a word: text/word.h says so in words.
JOINS = r"(?![\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}])[\p{L}\p{M}\p{N}_]"
GAP = r"[^\p{L}\p{M}\p{N}]"  # an underscore joins a word, and yet may stand in a gap
# Symbols that are letters all the same (docs/views.md): white ones on a dark circle or square.
STYLED = {
    0x1F100 + 0x50 + 0x20 * square + index: chr(ord("a") + index) for square in (0, 1) for index in range(26)
}
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


def domain_forms(domain):
    """As letters, if the folded view shows these letters, and in the form that DNS knows."""
    if domain.isascii():
        return [domain]
    name, slash, path = domain.partition("/")
    forms = [name.encode("idna").decode()] + ([name] if folded(name) == name else [])
    return [form + slash + path for form in forms]


def folded(text):
    """The folded view where it can be told without look-alikes: one Latin script without odd letters; else None."""
    view = text
    for _ in range(2):
        view = unicodedata.normalize("NFKC", IGNORABLE.sub("", unicodedata.normalize("NFD", view)).casefold())
    view = view.translate(STYLED)
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


def loop_program():
    return os.environ.get("PCRE2_LOOP", str(BUILD / "tests/e2e/pcre2_loop"))


class Plan:
    """The rules as Weir gets them (packs) and as the loop gets them (patterns), and what to call them when they differ.
    A rule's number stands in its id, so that the loop can read it there."""

    def __init__(self, folder):
        self.folder = folder
        self.names, self.packs, self.patterns = [], [], []
        self.rules = {}

    def add(self, name, weir, patterns, bits):
        self.rules[f"c{len(self.names)}.{name}"] = weir
        self.patterns += [(bits | len(self.names) << RULE_SHIFT, pattern.encode()) for pattern in patterns]
        self.names.append(name)

    def end_pack(self, name):
        self.packs.append(pack.write(self.folder / f"{name}.yaml", name, self.rules))
        self.rules = {}

    def add_entries(self, words, domains, view, bits):
        for number, word in enumerate(words):
            self.add(f"{view}.word.{number}", pack.words([word], view), [word_regex(word.lower())], bits)
        self.add(f"{view}.words", pack.words(words, view), [word_regex(word.lower()) for word in words], bits)
        for start in range(0, len(domains), DOMAINS_A_RULE):
            some = domains[start : start + DOMAINS_A_RULE]
            path = self.folder / f"domains.{start // DOMAINS_A_RULE}.txt"
            path.write_text("\n".join(some) + "\n", encoding="utf-8")
            forms = [domain_regex(form) for domain in some for form in domain_forms(domain.lower())]
            self.add(f"{view}.domains.{start // DOMAINS_A_RULE}", pack.domains(path.name, view), forms, bits | DOTTED)
        self.end_pack(view)


def make_plan(folder, regexes, words, domains):
    plan = Plan(folder)
    for name, bits, pattern in regexes:
        plan.add(name, pack.regex(inline(bits, pattern)), [pattern], bits)
    plan.end_pack("regexes")
    plan.add_entries(words, domains, "folded", FOLDED)
    plan.add_entries(words, domains, "raw", FLAG_BITS["i"])
    return plan


def write_messages(folder, messages):
    """The same messages for both. Returns how many have a folded view that can be told here."""
    known = 0
    with open(folder / "messages.jsonl", "w", encoding="ascii") as out:
        for number, message in enumerate(messages):
            out.write(f'{{"message_id":"{number}","text_base64":"{base64.b64encode(message).decode()}"}}\n')
    with open(folder / "texts", "wb") as out:
        for message in messages:
            text = message.decode("utf-8", "replace")
            view = folded(text)
            known += view is not None
            for flags, data in ((0, text.encode()), (int(view is None), (view or "").encode())):
                out.write(struct.pack("<II", flags, len(data)) + data)
    return known


def read_answers(lines):
    """(totals, differences by what they are) of the loop's lines."""
    totals, found = {}, {}
    for line in lines:
        what, rest = line.rstrip("\n").split(" ", 1)
        if what == "total":
            name, number = rest.split(" ")
            totals[name] = int(number)
        elif what == "strange":
            found.setdefault(what, []).append(rest)
        else:
            found.setdefault(what, []).append(tuple(int(number) for number in rest.split(" ")))
    return totals, found


def run_both(plan, limit):
    """Weir's lines go straight into the loop: of 100 million of them none is kept."""
    command = [WEIR, "scan", "--format", "jsonl"]
    for name in plan.packs:
        command += ["--rules", str(name)]
    with open(plan.folder / "stderr", "wb") as errors:
        scan = subprocess.Popen([*command, str(plan.folder / "messages.jsonl")], stdout=subprocess.PIPE, stderr=errors)
        loop = subprocess.Popen(
            [loop_program(), "--limit", str(limit), str(plan.folder / "patterns"), str(plan.folder / "texts")],
            stdin=scan.stdout, stdout=subprocess.PIPE, text=True,
        )
        scan.stdout.close()
        answers = read_answers(loop.stdout)
        loop_code, code = loop.wait(), scan.wait()
    said = (plan.folder / "stderr").read_text(errors="replace").splitlines()
    if code != 0 or loop_code != 0:
        errors = [line for line in said if "error" in line] or said
        sys.exit("\n".join(errors[-20:]) + f"\nweir scan: exit code {code}; pcre2_loop: {loop_code}")
    print(f"weir scan: {said[-1]}")
    return answers


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


def prove_comparison(folder):
    """The comparison itself: it must see what is missing, what is too much, and what is unscanned with and without reason."""
    folder.mkdir()
    write_records(folder / "patterns", [(0, b"abc"), (1 << RULE_SHIFT, b"(a+)+$"), (2 << RULE_SHIFT | FOLDED, b"y")])
    texts = [b"abc", b"xyz", b"a" * 40 + b"!", b"y"]
    write_records(folder / "texts", ((int(text == b"y" and view), text) for text in texts for view in (0, 1)))
    lines = [(1, "c0.x", ""), (1, "c1.x", '"outcome":"unscanned",'), (1, "c2.x", ""), (2, "c1.x", '"outcome":"unscanned",')]
    lines += [(3, "c2.x", ""), (3, "c7.x", "")]
    given = "".join(f'{{"message_id":"{m}","rule":"{rule}",{outcome}"spans":[]}}\n' for m, rule, outcome in lines)
    done = subprocess.run(
        [loop_program(), str(folder / "patterns"), str(folder / "texts")], input=given, capture_output=True, text=True,
        check=True,
    )
    totals, found = read_answers(done.stdout.splitlines())
    assert (found["missed"], found["extra"]) == ([(0, 0)], [(1, 0)]), found
    assert (found["unexplained"], found["unscanned"]) == ([(1, 1)], [(2, 1)]), found
    assert len(found["strange"]) == totals["strange"] == 1 and totals["agreed"] == 1, (found, totals)


def check(folder, messages, regexes, words, domains, limit):
    """Asks both sides, compares, prints what differs. Returns the totals."""
    folder.mkdir()
    started = time.monotonic()
    known = write_messages(folder, messages)
    plan = make_plan(folder, regexes, words, domains)
    write_records(folder / "patterns", plan.patterns)
    print(f"{len(messages)} messages ({known} with a folded view that can be told without Weir), {len(regexes)} regexes, "
          f"{len(words)} words, {len(domains)} domains: {len(plan.names)} rules, {len(plan.patterns)} patterns for the loop",
          flush=True)
    totals, found = run_both(plan, limit)
    sources = {}
    for flags, pattern in plan.patterns:
        sources.setdefault(flags >> RULE_SHIFT, pattern.decode())
    for what in ("missed", "extra", "unexplained", "unscanned", "open"):
        for message, rule in found.get(what, [])[:SHOWN_MAX]:
            text = messages[message]
            print(f"  {what}: message {message} of {len(text)} bytes, {text[:100]!r}, rule {plan.names[rule]}, "
                  f"{sources[rule][:100]!r}")
    for line in found.get("strange", [])[:SHOWN_MAX]:
        print(f"  strange: {line}")
    print(f"{totals['compared']} pairs compared: {totals['agreed']} hits agree, {totals['missed']} missed, "
          f"{totals['extra']} too many, {totals['unscanned']} unscanned with reason, {totals['unexplained']} without, "
          f"{totals['strange']} strange, {totals['open']} over the loop's own limit, {totals['left_out']} left out as "
          f"too slow for a long text; {time.monotonic() - started:.0f} s", flush=True)
    return totals


def read_patterns(data, options, chance, folder):
    """(regexes, words, domains): the sample that is wanted, without what PCRE2 or Weir's dialect does not take."""
    regexes = list(read_regexes(data / "patterns"))
    words = [word for word in (data / "patterns/words_en.txt").read_text(encoding="utf-8").split("\n") if word.strip()]
    entries = (data / "patterns/phishing_domains.txt").read_text().split()
    domains = list(dict.fromkeys(entry for entry in entries if re.fullmatch(r"[\w-]+(\.[\w-]+)+(/[\w-]+)*", entry)))
    every = write_records(folder / "every", ((bits, text.encode()) for _, bits, text in regexes))
    asked = subprocess.run([loop_program(), "--check", str(every)], capture_output=True, text=True, check=True)
    bad = {int(line.split(" ")[1]) for line in asked.stdout.splitlines()}
    refused = {i for i, (_, _, text) in enumerate(regexes) if i not in bad and NOT_WEIR.search(text)}
    print(f"of {len(regexes)} regexes {len(bad)} are not taken by PCRE2, and {len(refused)} use what Weir's dialect leaves "
          f"out: {', '.join(regexes[i][0] for i in sorted(refused))}; of {len(entries)} entries {len(domains)} are domains")
    regexes = [regex for i, regex in enumerate(regexes) if i not in bad | refused]
    if options.regexes:
        regexes = sorted(chance.sample(regexes, min(len(regexes), options.regexes)))
    if options.domains:
        domains = sorted(chance.sample(domains, min(len(domains), options.domains)))
    return regexes + LIMIT_REGEXES, list(dict.fromkeys(words)), domains


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
        prove_comparison(folder / "proof")
        totals = check(folder / "all", messages, regexes, words, domains, LOOP_LIMIT)
    faults = sum(totals[name] for name in ("missed", "extra", "unexplained", "strange"))
    print(f"{totals['agreed']} pairs agree, {faults} faults; seed {options.seed}")
    if totals["unscanned"] == 0:
        print("nothing was unscanned: what should prove that such pairs are dealt with proves nothing")
    return 1 if faults or totals["agreed"] == 0 or totals["unscanned"] == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
