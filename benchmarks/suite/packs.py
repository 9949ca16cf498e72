"""Rule sets for the benchmarks: real patterns, and made-up ones for growth, written as packs of Weir's.

A rule set is a folder with one pack and its lists. What PCRE2 or Weir refuses is left out and counted.
"""

import dataclasses
import hashlib
import json
import pathlib
import random
import re
import subprocess

TEXT_FILES = ("kam_cf", "spamassassin_rules", "spamassassin_sandbox", "reddit_toxicbot")  # CRS looks at HTTP requests
REGEX_FILES = ("kam_cf", "spamassassin_rules", "spamassassin_sandbox", "crs", "reddit_toxicbot")
# Flags of a pattern file that change nothing for Weir: it is always UTF.
FLAGS = {"i": "", "u": "", "8": "", "s": "", "m": "m", "x": "x"}
# How a pattern is written for a rule: with its own flags over Weir's defaults, or as it stands.
OWN_FLAGS, DEFAULT_FLAGS = "own", "default"


@dataclasses.dataclass
class RuleSet:
    """What was written: where it is, what is in it, and what had to stay out."""

    name: str
    pack: pathlib.Path
    patterns: int
    refused: int = 0
    notes: list = dataclasses.field(default_factory=list)


class Failure(Exception):
    """Words for the person who runs the benchmark."""


def quoted(text):
    """A YAML scalar that means exactly this text."""
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    out = []
    for character in text:
        code = ord(character)
        if character in '"\\':
            out.append("\\" + character)
        elif character.isprintable():
            out.append(character)
        else:
            out.append(f"\\U{code:08X}" if code > 0xFFFF else f"\\u{code:04X}")
    return '"' + "".join(out) + '"'


def with_flags(pattern, flags):
    """The pattern with its own flags where they differ from Weir's (caseless, dot-all)."""
    off = ("" if "i" in flags else "i") + ("" if "s" in flags else "s")
    on = "".join(FLAGS.get(flag, "") for flag in sorted(set(flags)))
    inline = on + ("-" + off if off else "")
    return f"(?{inline}){pattern}" if inline else pattern


def table_rows(path):
    """(id, flags, pattern) of each row that PCRE2 takes; and how many it does not, or that are no UTF-8."""
    rows, refused = [], 0
    for line in path.read_bytes().split(b"\n"):
        if not line or line.startswith(b"#id\t"):
            continue
        try:
            name, flags, pcre2, _, pattern = line.decode("utf-8").split("\t", 4)
        except UnicodeDecodeError:
            refused += 1
            continue
        if pcre2 == "ok":
            rows.append((name, flags, pattern))
        else:
            refused += 1
    return rows, refused


def is_for_text(name):
    """Whether a rule is one by itself and about what a person wrote: no part of another rule, no header, no address."""
    where, _, rule = name.rpartition(":")
    return where in ("", "body") and not rule.startswith("__")


def regexes(folder, files, flags_mode, only_text=False):
    """({rule id: pattern}, refused): each pattern once."""
    found, refused, seen = {}, 0, set()
    for name in files:
        rows, bad = table_rows(folder / f"{name}.tsv")
        refused += bad
        for number, (identifier, flags, pattern) in enumerate(rows, 1):
            if only_text and not is_for_text(identifier):
                continue
            written = with_flags(pattern, flags) if flags_mode == OWN_FLAGS else pattern
            if written not in seen:
                seen.add(written)
                found[f"{name.replace('_', '-')}.{number}"] = written
    return found, refused


def lines_of(path):
    return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def unique(items):
    return list(dict.fromkeys(items))


def words(folder, languages):
    files = sorted(folder.glob("words_*.txt")) if languages == "*" else [folder / f"words_{languages}.txt"]
    return unique(word.casefold() for path in files for word in lines_of(path))


def domains(folder):
    return unique(lines_of(folder / "phishing_domains.txt"))


def list_lines(entries):
    """A list file: what begins with # or a backslash is written with one before it."""
    return "".join(("\\" if entry[0] in "#\\" else "") + entry + "\n" for entry in entries)


def pack_text(name, rules):
    """rules: (id, pattern as YAML flow map)."""
    out = [f"pack: {name}", "rules:"]
    for rule, pattern in rules:
        out.append(f"  - {{id: {rule}, patterns: {{p: {pattern}}}}}")
    return "\n".join(out) + "\n"


def findings(weir, pack):
    run = subprocess.run([weir, "rules", "check", "--json", str(pack)], capture_output=True, text=True, check=False)
    if run.returncode not in (0, 1):
        raise Failure(f"weir rules check: {run.stderr.strip()}")
    return [finding for finding in json.loads(run.stdout)["findings"] if finding["level"] == "error"]


def write(weir, folder, name, *, regex_map=None, word_list=None, domain_list=None, view=None, list_view="folded"):
    """Writes the pack, and leaves out what Weir refuses: its lists' entries and its rules, by line."""
    regex_map = dict(regex_map or {})
    lists = {"words": list(word_list or []), "domains": list(domain_list or [])}
    folder.mkdir(parents=True, exist_ok=True)
    pack, refused = folder / f"{name}.yaml", 0
    while True:
        rules = []
        for kind, entries in lists.items():
            if entries:
                (folder / f"{name}-{kind}.txt").write_text(list_lines(entries), encoding="utf-8")
                seen = f", view: {list_view}" if list_view else ""
                rules.append((f"{name}.{kind}", f"{{list: {name}-{kind}.txt, kind: {kind}{seen}}}"))
        looks = f", view: {view}" if view else ""
        rules += [(rule, f"{{regex: {quoted(pattern)}{looks}}}") for rule, pattern in regex_map.items()]
        pack.write_text(pack_text(name, rules), encoding="utf-8")
        errors = findings(weir, pack)
        if not errors:
            break
        dropped = drop(errors, pack, rules, regex_map, lists)
        if dropped == 0:
            raise Failure(f"{pack}: {errors[0]}")
        refused += dropped
    return RuleSet(name, pack, len(regex_map) + sum(map(len, lists.values())), refused)


def drop(errors, pack, rules, regex_map, lists):
    """Takes out what the findings point at; returns how many entries and rules that were."""
    dropped = 0
    for kind, entries in lists.items():
        path = f"{pack.stem}-{kind}.txt"
        at = sorted({error["line"] for error in errors if pathlib.Path(error["file"]).name == path}, reverse=True)
        for line in at:
            del entries[line - 1]
        dropped += len(at)
    for line in {error["line"] for error in errors if pathlib.Path(error["file"]).name == pack.name}:
        if line >= 3 and regex_map.pop(rules[line - 3][0], None) is not None:
            dropped += 1
    return dropped


# Growth: real patterns first, then made-up ones of the same shapes.

SYLLABLES = ("ba be bi bo bra bri ca ce chi co cra da de di do dre fa fe fi flo ga ge gi go gra ha he hi ho ja jo ka ke ki "
             "kra la le li lo lu ma me mi mo mu na ne ni no nu pa pe pi plo po qua ra re ri ro ru sa se shi si sto su ta te ti "
             "to tra tu va ve vi vo wa we wi xa ya yo za ze zi").split()  # fmt: skip
PARTS = ("account secure login verify update bank pay wallet support mail office cloud service online portal team help crypto "
         "bonus gift card prize track parcel post order shop store invoice refund tax id auth signin web app my the get").split()  # fmt: skip
TLDS = "com net org info xyz top site online shop club live app io co ru cn tk ml ga cf gq us uk de fr".split()


def made_up_word(random_source):
    return "".join(random_source.choices(SYLLABLES, k=random_source.randint(2, 4)))


def made_up_phrase(random_source):
    return " ".join(made_up_word(random_source) for _ in range(random_source.choices((1, 2, 3), (6, 3, 1))[0]))


def made_up_domain(random_source):
    pieces = random_source.choices(PARTS, k=random_source.randint(1, 2)) + [made_up_word(random_source)]
    random_source.shuffle(pieces)
    joined = random_source.choice(("", "-", "-")).join(pieces)
    if random_source.random() < 0.3:
        joined += str(random_source.randint(1, 9999))
    return f"{joined}.{random_source.choice(TLDS)}"


def growth(real_words, real_domains, count, seed=7):
    """(words, domains) of `count` patterns together: real ones in turn, then made-up ones, one word to three domains."""
    random_source = random.Random(seed)
    word_share = min(count // 4 if count > 1000 else count // 2, count)
    out = []
    for real, make, wanted in ((real_words, made_up_phrase, word_share), (real_domains, made_up_domain, count - word_share)):
        chosen = list(real)
        random.Random(seed).shuffle(chosen)
        chosen = dict.fromkeys(chosen[:wanted])
        while len(chosen) < wanted:
            chosen[make(random_source)] = None
        out.append(list(chosen))
    return out


RULE_SETS = {
    "words": "offensive words of 15 languages",
    "domains": "phishing domains",
    "regexes": "KAM, SpamAssassin, CRS and ToxicReportBot, each with its own flags",
    "all": "all of these in one set",
    "words-disguised": "the same words, found in disguise too (the views that words have unless told otherwise)",
    "regexes-rare": "of the regexes those that are found in at most one message of a hundred",
    "all-rare": "words, domains and those regexes in one set",
    "starter": "the packs that ship",
    # Not in the table unless they are asked for.
    "regexes-body": "of the regexes those that are rules by themselves and look at what a person wrote",
    "words-en": "the English words alone",
    "regexes-raw": "the regexes over the text as sent, as the baseline searches it",
    "regexes-caseless": "the regexes with no flags of their own: caseless and dot-all, as the baseline's are",
    "all-caseless": "all, with the regexes caseless and dot-all",
}
DEFAULT_RULE_SETS = ("words", "words-disguised", "domains", "regexes", "all", "regexes-rare", "all-rare", "starter")


def make(weir, name, patterns, out, starter, frequent):
    """Writes one rule set by its name. `frequent` are the regexes that rare ones leave out; called when it is needed."""
    if name == "starter":
        return RuleSet(name, starter, 0)
    parts = {}
    if name in ("words", "words-en", "words-disguised") or name.startswith("all"):
        parts["word_list"] = words(patterns, "en" if name == "words-en" else "*")
    if name == "domains" or name.startswith("all"):
        parts["domain_list"] = domains(patterns)
    refused = 0
    if name.startswith(("regexes", "all")):
        mode = DEFAULT_FLAGS if name.endswith("-caseless") else OWN_FLAGS
        body = name.endswith("-body")
        found, refused = regexes(patterns, TEXT_FILES if body else REGEX_FILES, mode, body)
        if name.endswith("-rare"):
            often = frequent(found)
            found = {rule: pattern for rule, pattern in found.items() if rule not in often}
        parts["regex_map"] = found
    looks = {"view": "raw" if name.endswith("-raw") else None, "list_view": None if name == "words-disguised" else "folded"}
    made = write(weir, out / name, name, **looks, **parts)
    made.refused += refused
    return made
