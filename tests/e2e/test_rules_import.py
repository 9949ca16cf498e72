#!/usr/bin/python3
"""`weir rules import`: as a user runs it, as the manual shows it, and with real rules where WEIR_SHARED_DATA is set."""

import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import test_scan_matches_pcre2 as oracle  # noqa: E402
from support import pages  # noqa: E402
from support.program import ROOT, WEIR, weir  # noqa: E402

PAGE = ROOT / "docs/rules/import.md"
SHARED = os.environ.get("WEIR_SHARED_DATA")
MESSAGES = 300  # of the comparison with PCRE2, beside those for single patterns
REGEXES = 450


class Case(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="weir-import-")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def write(self, name, text):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def run_import(self, *arguments, **options):
        return subprocess.run(
            [str(WEIR), "rules", "import", *map(str, arguments)], cwd=self.folder, capture_output=True, timeout=300, **options
        )

    def check_pack(self, path):
        """It loads, its tests pass, and it is formatted."""
        done = weir("rules", "check", "--json", path, check=False)
        found = json.loads(done.stdout)
        errors = [finding for finding in found["findings"] if finding["level"] == "error"]
        self.assertEqual((done.returncode, errors), (0, []), done.stderr)
        weir("rules", "fmt", "--check", path)
        return found


class CommandLine(Case):
    def test_pack_on_stdout_and_words_on_stderr(self):
        done = self.run_import("--from", "words", "--queue", "abuse", self.write("bad words.txt", "gift card\nfoo*\n"))
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stderr, b"bad-words: words -> 1 rule with 2 words (1 live); 0 faults, 0 left out, 0 hints\n")
        self.assertTrue(done.stdout.startswith(b"# Made by 'weir rules import'"))
        self.assertIn(b"\npack: bad-words\ndefaults: {queue: abuse, severity: medium}\n", done.stdout)
        self.assertEqual(self.check_pack(self.write("out.yaml", done.stdout))["tests"], 2)

    def test_standard_input(self):
        done = self.run_import("--from", "regexes", "--name", "x", "-", input=b"a+b\n(\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"regex: '(?-i)a+b', view: raw", done.stdout)
        self.assertIn(b"standard input:2: error: ", done.stderr)

    def test_output_file_is_not_overwritten(self):
        source = self.write("a.txt", "gift\n")
        done = self.run_import("--from", "words", "-o", "out.yaml", source)
        self.assertEqual((done.returncode, done.stdout), (0, b""))
        self.assertIn(b"written to out.yaml", done.stderr)
        before = (self.folder / "out.yaml").read_bytes()
        self.write("a.txt", "other\n")
        done = self.run_import("--from", "words", "-o", "out.yaml", source)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"is there already", done.stderr)
        self.assertEqual((self.folder / "out.yaml").read_bytes(), before)
        self.assertEqual(self.run_import("--from", "words", "-o", "out.yaml", "--force", source).returncode, 0)
        self.assertIn(b"other", (self.folder / "out.yaml").read_bytes())
        self.check_pack(self.folder / "out.yaml")

    def test_nothing_is_written_where_nothing_was_moved(self):
        done = self.run_import("-o", "out.yaml", self.write("a.cf", "header A X =~ /y/\n"))
        self.assertEqual(done.returncode, 1)
        self.assertFalse((self.folder / "out.yaml").exists())
        self.assertIn(b"-> 0 rules; 0 faults, 1 left out", done.stderr)

    def test_addresses(self):
        """A uri rule looks at the message around an address, and finds the address in it."""
        source = self.write("a.cf", "uri AT_END m{^https?://[^/\\s]+\\.top/?$}i\nuri INSIDE m{//evil\\.}\n")
        done = self.run_import(source, "--status", "live", "-o", "out.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)
        texts = ["http://a.top", "see (https://a.top/), ok", "https://a.top. Bye", "<http://a.top>", "xhttp://a.top",
                 "http://a.topping", "http://a.top/page", "a.top", "http://evil.example", "http://EVIL.example"]  # fmt: skip
        self.write("texts.txt", "\n".join(texts) + "\n")
        hits = weir("scan", "--rules", self.folder / "out.yaml", self.folder / "texts.txt").stdout
        found = [(json.loads(line)["message_id"], json.loads(line)["rule"]) for line in hits.splitlines()]
        self.assertEqual(found, [(n, "a.AT_END") for n in "1234"] + [("9", "a.INSIDE")])

    def test_strict(self):
        source = self.write("a.cf", "header A X =~ /y/\nbody B /z/\n")
        self.assertEqual(self.run_import(source).returncode, 0)
        self.assertEqual(self.run_import("--strict", source).returncode, 1)

    def test_level(self):
        source = self.write("a.cf", "header A X =~ /y/\nbody B /(/\nbody C /z/\nreport x\n")
        for level, count in (("hint", 3), ("warning", 2), ("error", 1)):
            done = self.run_import("--level", level, source)
            self.assertEqual(len(re.findall(rb"^\S+:\d+: ", done.stderr, re.MULTILINE)), count, level)
            self.assertIn(b"1 fault, 1 left out, 1 hint\n", done.stderr)

    def test_json(self):
        source = self.write("a.cf", "header A X =~ /y/\nbody B /(/\nbody C /z/\n")
        done = self.run_import("--json", "-o", "out.yaml", source)
        told = json.loads(done.stdout)
        self.assertEqual(done.stderr, b"")
        self.assertEqual((done.returncode, told["ok"], told["rules"], told["shadow"], told["live"], told["patterns"]), (1, False, 1, 1, 0, 1))
        self.assertEqual((told["faults"], told["left_out"], told["hints"]), (1, 1, 0))
        self.assertEqual([(note["line"], note["name"]) for note in told["notes"]], [(1, "header"), (2, "refused-regex")])
        self.assertEqual(told["notes"][0]["file"], str(source))
        self.assertIsNone(told["notes"][0]["remedy"])

    def test_many_notes_are_counted_by_sort(self):
        done = self.run_import(self.write("a.cf", "body C /z/\n" + "".join(f"header A{i} X =~ /y/\n" for i in range(3000))))
        lines = done.stderr.decode().splitlines()
        self.assertEqual(len(lines), 3002)
        self.assertEqual(lines[-1].split(), ["3000", "warning", "header"])

    def test_wrong_usage(self):
        source = self.write("a.txt", "gift\n")
        for arguments, words in (
            ([], "name a file"),
            ([source], "cannot tell what this file holds"),
            (["--from", "snort", source], "--from is one of spamassassin, words, automod, sigma, regexes, not 'snort'"),
            (["--from", "words", "--name", "a b", source], "--name is made of letters"),
            (["--from", "words", "--name", "x" * 61, source], "at most 60 bytes"),
            (["--from", "words", "--queue", "", source], "--queue is made of letters"),
            (["--from", "words", "--severity", "bad", source], "--severity is one of low, medium"),
            (["--from", "words", "--status", "on", source], "--status is one of live, shadow"),
            (["--from", "words", "--view", "skeleton", source], "--view is one of raw, folded"),
            (["--from", "words", "--flags", "i", source], "--flags belongs to --from regexes"),
            (["--from", "regexes", "--flags", "q", source], "--flags takes letters"),
            (["--from", "regexes", "--column", "1", source], "--column belongs to --from words"),
            (["--from", "words", "--json", source], "--json needs -o"),
            (["--from", "words", "--bad", source], "--bad"),
            (["--from", "words", "-"], "--name NAME"),
        ):
            done = self.run_import(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, b""), arguments)
            self.assertIn(words, done.stderr.decode(), arguments)

    def test_environment(self):
        source = self.write("a.txt", "gift\n")
        self.assertEqual(self.run_import("--from", "words", "none.txt").returncode, 3)
        self.assertEqual(self.run_import("--from", "words", self.folder).returncode, 3)
        self.assertEqual(self.run_import("--from", "words", "-o", "none/out.yaml", source).returncode, 3)

    def test_help(self):
        done = self.run_import("--help")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        text = done.stdout.decode()
        self.assertTrue(all(len(line) <= 80 for line in text.splitlines()), "wider than 80 columns")
        options = set(re.findall(r"^ +(?:-., +)?--([a-z]+)", text, re.MULTILINE))
        self.assertEqual(options, {"from", "name", "output", "force", "queue", "severity", "status", "view", "flags",
                                   "column", "level", "strict", "json", "help"})  # fmt: skip
        self.assertIn("import", weir("rules", "--help").stdout)

    def test_tests_of_strange_words_pass(self):
        """Also with inline tests, which the unit tests do not run."""
        chance = random.Random(7)
        words = ["gift", "card", "g1ft", "c a r d", "paypаl", "ﬁsh", "STRASSE", "straße", "don't", "女王", "🖕", "a$$", "x1", "k.i.l.l",
                 "fuuuck", "e\u0301", "\u00a0x", "a\u200bb", "ſ", "①", "_a_", "[b]", "a: b", "*s", "t*", "null", "\\back", "1/2"]  # fmt: skip
        packs = self.folder / "packs"
        packs.mkdir()
        for number in range(40):
            some = [json.dumps(word, ensure_ascii=False) for word in chance.sample(words, 6)]
            text = f"body{chance.choice(['', ' (includes, case-sensitive)', ' (ends-with)'])}: [{some[0]}, {some[1]}]\n"
            text += f"body#2 ({chance.choice(['includes', 'starts-with', 'full-text'])}): [{some[2]}]\n"
            text += f"~body#3{chance.choice(['', ' (includes)'])}: [{some[3]}, {some[4]}]\n"
            done = self.run_import(self.write("a.yml", text), "--from", "automod", "--name", f"a{number}", "-o", f"packs/a{number}.yaml")
            self.assertEqual(done.returncode, 0, done.stderr)
            source = self.write("w.txt", "\n".join(chance.sample(words, 6)) + "\n")
            done = self.run_import(source, "--from", "words", "--name", f"w{number}", "-o", f"packs/w{number}.yaml")
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(self.check_pack(packs)["tests"], 100)


class Manual(Case):
    def test_page(self):
        names, commands = pages.run(self, PAGE, self.folder)
        self.assertGreaterEqual(len(names), 5)
        self.assertGreaterEqual(commands, 7)

    def test_every_sort_of_note_is_on_the_page(self):
        told = set(re.findall(r"`([a-z0-9-]+)`", "\n".join(
            line.split("|")[1] for line in PAGE.read_text().split("## Notes", 1)[1].splitlines() if line.startswith("| `")
        )))  # fmt: skip
        source = "".join(path.read_text() for path in sorted((ROOT / "import").glob("import*.c")))
        used = set(re.findall(r'FINDING_[A-Z]+,\s+"([a-z0-9-]+)"', source))
        used |= set(re.findall(r'(?:fail|give_up)\(\w+,\s+"([a-z0-9-]+)"', source))
        used |= set(re.findall(r'(?:leave_out)\(import, rule, "([a-z0-9-]+)"', source))
        used |= set(re.findall(r'SPAMASSASSIN_OTHER, "([a-z0-9-]+)"', source))
        used |= set(re.findall(r'->sort = "([a-z0-9-]+)"', source))
        self.assertEqual(used, told)


def escape(pattern):
    """A regex as it stands between slashes in one of SpamAssassin's files; None: it cannot."""
    if "\n" in pattern or pattern.strip() != pattern:
        return None
    return re.sub(r"\\(.)|([/#])", lambda m: m.group(0) if m.group(1) and m.group(1) != "#" else "\\" + m.group(0)[-1], pattern)


@unittest.skipUnless(SHARED, "WEIR_SHARED_DATA is not set")
class RealRules(Case):
    """What was imported flags what the plain pattern flags in PCRE2, message by message."""

    def compare(self, pack, rules, messages):
        """`rules` maps ids to [(bits, pattern)]."""
        numbers = {rule: number for number, rule in enumerate(rules)}
        self.folder.joinpath("messages").mkdir(exist_ok=True)
        oracle.write_messages(self.folder, messages)
        records = [(bits | numbers[rule] << oracle.RULE_SHIFT, pattern.encode()) for rule in rules for bits, pattern in rules[rule]]
        oracle.write_records(self.folder / "patterns", records)
        hits = weir("scan", "--format", "jsonl", "--rules", pack, self.folder / "messages.jsonl").stdout
        known = re.sub(r'"rule":"([^"]+)"', lambda m: f'"rule":"c{numbers[m.group(1)]}.x"', hits)
        done = subprocess.run(
            [oracle.loop_program(), "--limit", str(oracle.LOOP_LIMIT), str(self.folder / "patterns"), str(self.folder / "texts")],
            input=known, capture_output=True, text=True, check=True, timeout=300,
        )  # fmt: skip
        totals, found = oracle.read_answers(done.stdout.splitlines())
        ids = list(rules)
        for what in ("missed", "extra", "unexplained", "strange"):
            rows = [(messages[m][:80], ids[r], rules[ids[r]][:2]) for m, r in found.get(what, [])[:5]] if what != "strange" else []
            self.assertEqual(totals[what], 0, f"{pack.name}: {what}: {rows or found.get('strange')}")
        return totals["agreed"]

    def messages(self, patterns, chance):
        texts = list(oracle.edge_messages())
        collected = list(oracle.collected_messages(pathlib.Path(SHARED) / "messages"))
        texts += [oracle.text_from_pattern(pattern).encode()[:1000] for pattern in chance.sample(patterns, min(300, len(patterns)))]
        return [text for text in texts if len(text) < 3000] + chance.sample(collected, MESSAGES)

    def test_tables_of_regexes(self):
        chance = random.Random(3)
        for name in ("spamassassin_sandbox.tsv", "kam_cf.tsv", "reddit_toxicbot.tsv", "gitleaks.tsv", "crs.tsv"):
            path = pathlib.Path(SHARED) / "patterns" / name
            lines = path.read_text(encoding="utf-8").split("\n")
            rows = [lines[0]] + sorted(chance.sample(lines[1:-1], min(REGEXES, len(lines) - 2)))
            source = self.write("rules.tsv", "\n".join(rows) + "\n")
            pack = self.folder / f"{path.stem}.yaml"
            done = self.run_import(source, "--status", "live", "--name", "real", "-o", pack)
            self.assertIn(done.returncode, (0, 1), done.stderr)
            refused = {int(line) for line in re.findall(r":(\d+): error: ", done.stderr.decode())}
            self.assertLess(len(refused), 20)
            rules, rule, taken = {}, None, 0
            for line in pack.read_text().splitlines():
                if line.startswith("  - id: "):
                    rule = line[8:]
                    rules[rule] = []
                pattern = re.match(r"      line-(\d+): ", line)
                if pattern:
                    cells = rows[int(pattern.group(1)) - 1].split("\t", 4)
                    rules[rule].append((sum(oracle.FLAG_BITS.get(flag, 0) for flag in cells[1]), cells[4]))
                    taken += 1
            self.assertEqual(taken + len(refused), len(rows) - 1)
            messages = self.messages([pattern for found in rules.values() for _, pattern in found], chance)
            agreed = self.compare(pack, rules, messages)
            print(f"{name}: {taken} regexes in {len(rules)} rules, {len(refused)} refused, {agreed} hits agree")
            self.assertGreater(agreed, 10)

    def test_spamassassin(self):
        """Real regexes in SpamAssassin's own form, and sums of them."""
        chance = random.Random(5)
        rows = [row for row in oracle.read_regexes(pathlib.Path(SHARED) / "patterns") if row[0].startswith(("kam.", "sa.", "sand."))]
        lines, sources = [], {}
        for name, bits, pattern in chance.sample(rows, REGEXES):
            written = escape(pattern)
            if written:
                rule = name.upper().replace(".", "_")
                lines.append(f"body {rule} /{written}/{''.join(f for f in 'imsx' if bits & oracle.FLAG_BITS[f])}")
                sources[rule] = (bits, pattern)
        pack = self.folder / "real.yaml"
        done = self.run_import(self.write("real.cf", "\n".join(lines) + "\n"), "--status", "live", "-o", pack)
        said = done.stderr.decode()
        self.assertIn(done.returncode, (0, 1), said)
        text = pack.read_text()
        changed = set(re.findall(r"hint: (\w+): ", said))  # bytes that stand for characters now
        rules = {rule: [sources[rule[5:]]] for rule in re.findall(r"^  - id: (\S+)", text, re.MULTILINE)}
        told = set(re.findall(r"(?:error|warning): (\w+) is left out", said))
        self.assertEqual(set(sources), {rule[5:] for rule in rules} | told)
        self.assertGreater(len(rules), len(sources) * 0.9)
        utf8 = [rule for rule in rules if re.search(r"(?:\\x[c-f][0-9a-f]\\x[89ab])", sources[rule[5:]][1], re.IGNORECASE)]
        for rule in set(utf8) | {f"real.{name}" for name in changed}:
            rules[rule] = []  # means something else, and is told so
        kept = {rule: found for rule, found in rules.items() if found}
        other = [rule for rule in rules if not rules[rule]]
        for rule in other:
            text = re.sub(rf"^  - id: {re.escape(rule)}$", f"  - id: {rule}\n    status: off", text, flags=re.MULTILINE)
        pack.write_text(text)
        agreed = self.compare(pack, kept, self.messages([pattern for _, pattern in sources.values()], chance))
        print(f"SpamAssassin's form: {len(rules)} rules of {len(sources)}, {len(other)} told as changed, {agreed} hits agree")
        self.assertGreater(agreed, 50)

    def test_word_lists(self):
        for path in sorted((pathlib.Path(SHARED) / "patterns").glob("words_*.txt")):
            pack = self.folder / f"{path.stem}.yaml"
            done = self.run_import("--from", "words", "-o", pack, path)
            self.assertIn(done.returncode, (0, 1), done.stderr)
            found = self.check_pack(pack)
            words = [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
            kept = int(re.search(rb"with (\d+) words? ", done.stderr).group(1))
            noted = len(re.findall(rb"^\S+:\d+: ", done.stderr, re.MULTILINE))
            self.assertEqual(kept + noted, len(words), path.name)
            self.assertGreater(found["tests"], 0)


if __name__ == "__main__":
    unittest.main()
