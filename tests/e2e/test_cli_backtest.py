#!/usr/bin/python3
"""`weir rules backtest`, `diff` and `profile` as a rule author uses them."""

import html.parser
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
from support.program import WEIR, weir  # noqa: E402
from test_cli_rules import columns_of, on_terminal  # noqa: E402

OLD = """\
pack: a
defaults: {queue: fraud, severity: medium}
rules:
  - id: a.gift
    title: Gift cards
    patterns: {it: {words: [gift card]}}
    tests: {hits: [gift card], clean: [card]}
  - id: a.gone
    title: Going
    patterns: {it: {words: [free entry]}}
    tests: {hits: [free entry], clean: [entry]}
  - id: a.same
    title: Same
    patterns: {it: {words: [txt]}}
    tests: {hits: [txt], clean: [text]}
"""
NEW = """\
pack: a # a comment
defaults: {queue: fraud, severity: medium}
rules:
  - id: a.gift
    title: Gift cards
    patterns: {it: {words: [gift card, voucher]}}
    tests: {hits: [gift card], clean: [card]}
  - id: a.same
    title: Same
    patterns: {it: {words: [TXT]}}
    tests: {hits: [txt], clean: [text]}
  - id: a.try
    title: Tried
    status: shadow
    patterns: {it: {regex: 'win\\w*'}}
    tests: {hits: [winner], clean: [lose]}
"""
SPREAD = """\
pack: a
rules:
  - id: a.txt
    title: Same
    patterns: {it: {words: [txt]}}
    tests: {hits: [txt], clean: [text]}
  - id: a.spread
    title: Over several messages
    patterns: {ask: {words: [gift card]}, code: {words: [read me the code]}}
    condition: ask and code
    across: {messages: 4, minutes: 30, from: sender}
    tests: {hits: [[gift card, read me the code]], clean: [gift card]}
"""
MESSAGES = [
    ("spam", "buy a gift card <b>now</b>"), ("spam", "a voucher & a gift card"), ("spam", "get your voucher, winner"),
    ("spam", "free entry, txt back"), ("ham", "the voucher is on the table"), ("ham", "see you at nine"),
    ("ham", "ok"), ("spam", "claim it"), ("ham", "ok"), (None, "voucher"),
]  # fmt: skip


class Page(html.parser.HTMLParser):
    """What a page refers to, its tags, and its text."""

    def __init__(self):
        super().__init__()
        self.tags, self.links, self.marked, self.words, self.open = set(), [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.links += [value for name, value in attributes if name in ("src", "href", "action", "data", "xlink:href")]
        if tag == "mark":
            self.marked.append("")

    def handle_data(self, data):
        self.words.append(data)
        if self.lasttag == "mark" and self.marked and self.marked[-1] == "":
            self.marked[-1] = data


class Backtest(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="weir-backtest-")
        self.folder = pathlib.Path(self.temporary.name)
        self.old = self.write("old.yaml", OLD)
        self.new = self.write("new.yaml", NEW)
        self.tsv = self.write("m.tsv", "".join(f"{label or ''}\t{text}\n" for label, text in MESSAGES))
        self.jsonl = self.write("m.jsonl", "".join(
            json.dumps({"text": text, **({"kind": label} if label else {})}) + "\n" for label, text in MESSAGES))  # fmt: skip

    def tearDown(self):
        self.temporary.cleanup()

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def rules(self, code, *arguments, **options):
        done = weir("rules", *arguments, check=False, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def backtest(self, *arguments, code=0):
        return json.loads(self.rules(code, "backtest", "--json", "--base", self.old, "--new", self.new, *arguments).stdout)

    def test_counts(self):
        answer = self.backtest(self.tsv)
        self.assertEqual(answer["messages"], {"messages": 10})
        self.assertEqual(answer["all"]["base"]["messages"], 3)
        self.assertEqual(answer["all"]["new"]["messages"], 6)
        self.assertEqual(answer["all"]["newly"]["messages"], 3)  # shadow hits do not count for the whole
        self.assertEqual(answer["all"]["gone"]["messages"], 0)  # that message is still flagged, for txt
        rules = {rule["rule"]: rule for rule in answer["rules"]}
        self.assertEqual(set(rules), {"a.gift", "a.gone", "a.try"})
        self.assertEqual(rules["a.gift"]["newly"]["messages"], 3)
        self.assertEqual(rules["a.gone"]["gone"]["messages"], 1)
        self.assertIsNone(rules["a.gone"]["new"])
        self.assertIsNone(rules["a.try"]["base"])
        self.assertEqual(rules["a.try"]["new"]["status"], "shadow")
        self.assertNotEqual(answer["base_generation"], answer["new_generation"])

    def test_labels(self):
        tsv = self.backtest("--positive", "spam", self.tsv)
        self.assertEqual(tsv["messages"], {"messages": 10, "positive": 5, "negative": 4})
        gift = {rule["rule"]: rule for rule in tsv["rules"]}["a.gift"]
        self.assertEqual(gift["newly"]["positive"], 1)
        self.assertEqual(gift["newly"]["negative"], 1)
        new = tsv["all"]["new"]
        self.assertAlmostEqual(new["precision"]["value"], 4 / 5)
        self.assertAlmostEqual(new["recall"]["value"], 4 / 5)
        self.assertAlmostEqual(new["f1"]["value"], 0.8)
        self.assertLess(new["precision"]["low"], 0.8)
        self.assertGreater(new["f1"]["high"], 0.8)
        self.assertAlmostEqual(new["false_alarms_per_10000"], 2500)
        self.assertAlmostEqual(tsv["all"]["base"]["recall"]["value"], 3 / 5)
        jsonl = self.backtest("--positive", "spam", "--label-field", "kind", self.jsonl)
        for key in ("messages", "all"):
            self.assertEqual(jsonl[key], tsv[key])
        named = self.backtest("--positive", "spam", "--negative", "other", self.tsv)
        self.assertEqual(named["messages"]["negative"], 0)
        self.assertIsNone(named["all"]["new"]["false_alarms_per_10000"])
        rest = self.backtest("--positive", "spam", "--unlabelled", "negative", self.tsv)
        self.assertEqual(rest["messages"]["negative"], 5)
        self.backtest("--positive", "nothing-like-it", self.tsv, code=1)

    def test_numbers_and_samples_do_not_depend_on_threads(self):
        chance = random.Random(7)
        big = self.write("big.tsv", "".join(
            f"{label or ''}\t{text} {chance.randrange(3000)}\n" for label, text in MESSAGES for _ in range(900)))  # fmt: skip
        answers = []
        for jobs in (1, 2, 7):
            answer = self.backtest("--positive", "spam", "--jobs", jobs, "--samples", 9, "--unique", big, self.tsv)
            del answer["seconds"]
            for rule in answer["rules"]:  # which of two that are the same came first is left open
                for change in ("newly", "gone"):
                    for sample in rule[change]["samples"]:
                        del sample["line"], sample["file"]
            answer.pop("files")
            answers.append(answer)
        self.assertEqual(answers[0], answers[1])
        self.assertEqual(answers[0], answers[2])
        self.assertGreater(answers[0]["repeated"], 0)

    # rules across messages

    def across(self, base, new, *files, options=(), code=0):
        done = self.rules(code, "backtest", "--json", "--all", *(("--base", base) if base else ()), "--new", new, *options, *files)
        return json.loads(done.stdout), done.stderr

    def test_across_finds_what_scan_finds(self):
        old = self.write("spread.yaml", SPREAD)
        new = self.write("spread2.yaml", SPREAD.replace("messages: 4", "messages: 3").replace("from: sender", "from: conversation"))
        chance = random.Random(11)
        texts = ["a gift card", "read me the code", "I need a gift", "card from you", "ok", "ok", "hello there", "txt"]
        lines = [json.dumps({"message_id": f"m{number}", "conversation_id": f"c{chance.randrange(600)}", "sender_id": chance.choice("ab"),
                             "sent_at_ms": number * 1000 - chance.randrange(9) * 400, "text": chance.choice(texts)}) + "\n"
                 for number in range(9000)]  # fmt: skip
        whole = self.write("whole.jsonl", "".join(lines))
        parts = [self.write("part1.jsonl", "".join(lines[:4100])), self.write("part2.jsonl", "".join(lines[4100:]))]
        answer, words = self.across(old, new, *parts, options=("--jobs", "4", "--samples", "0"))
        self.assertIn("judged in their order, in one thread", words)
        rules = {rule["rule"]: rule for rule in answer["rules"]}
        found = {}
        for side, pack in (("base", old), ("new", new)):
            hits = [json.loads(line) for line in weir("scan", "--quiet", "--rules", pack, whole).stdout.splitlines()]
            found[side] = {rule: {hit["message_id"] for hit in hits if hit["rule"] == rule} for rule in rules}
            for rule in rules:
                self.assertEqual(rules[rule][side]["messages"], len(found[side][rule]), (side, rule))
        spread = rules["a.spread"]
        self.assertGreater(spread["base"]["messages"], 100)
        self.assertGreater(spread["newly"]["messages"], 100)
        self.assertGreater(spread["gone"]["messages"], 5)
        self.assertEqual(spread["newly"]["messages"], len(found["new"]["a.spread"] - found["base"]["a.spread"]))
        self.assertEqual(spread["gone"]["messages"], len(found["base"]["a.spread"] - found["new"]["a.spread"]))
        self.assertEqual(rules["a.txt"]["newly"]["messages"] + rules["a.txt"]["gone"]["messages"], 0)
        # Against a version without such rules, and against none at all.
        for base in (self.write("txt.yaml", SPREAD[: SPREAD.index("  - id: a.spread")]), None):
            answer, _ = self.across(base, old, whole)
            rules = {rule["rule"]: rule for rule in answer["rules"]}
            self.assertEqual(rules["a.spread"]["newly"]["messages"], len(found["base"]["a.spread"]))
            self.assertEqual(rules["a.txt"]["new"]["messages"], len(found["base"]["a.txt"]))

    def test_across_and_unique(self):
        """The second 'ok' is not counted, but it is one of the messages between; ids that are made do not meet."""
        pack = self.write("spread.yaml", SPREAD.replace("messages: 4", "messages: 3"))
        talk = ["a gift card", "ok", "ok", "read me the code", "A GIFT CARD", "read me  the code"]
        talk = self.write("talk.jsonl", "".join(json.dumps({"conversation_id": "c", "text": text}) + "\n" for text in talk))
        again = self.write("again.jsonl", json.dumps({"conversation_id": "d", "text": "a gift card!"}) + "\n"
                           + json.dumps({"conversation_id": "d", "text": "READ ME THE CODE"}) + "\n")  # fmt: skip
        for options, messages, repeated in ((("--unique",), 7, 1), ((), 8, 0)):
            answer, _ = self.across(None, pack, talk, again, options=options)
            spread = {rule["rule"]: rule for rule in answer["rules"]}["a.spread"]
            self.assertEqual(answer["messages"]["messages"], messages)
            self.assertEqual(answer["repeated"], repeated)
            self.assertEqual([(sample["line"], sample["file"]) for sample in sorted(spread["newly"]["samples"], key=lambda s: (s["file"], s["line"]))],
                             [(2, str(again)), (5, str(talk)), (6, str(talk))])  # fmt: skip

    def test_across_without_conversations(self):
        pack = self.write("spread.yaml", SPREAD)
        lines = self.write("plain.txt", "a gift card\nread me the code\ngift card: read me the code\n")
        answer, words = self.across(None, pack, lines)
        self.assertIn("no message has a conversation_id", words)
        self.assertEqual(answer["all"]["new"]["messages"], 1)
        self.assertNotIn("note:", self.across(None, self.old, lines)[1])

    def test_samples(self):
        gift = self.backtest("--samples", "2", self.tsv)["rules"][0]
        self.assertEqual(gift["rule"], "a.gift")
        self.assertEqual(len(gift["newly"]["samples"]), 2)
        for sample in gift["newly"]["samples"]:
            self.assertEqual(sample["text"], MESSAGES[sample["line"] - 1][1])
            for span in sample["spans"]:
                self.assertEqual(sample["text"].encode()[span["start"]:span["end"]].decode(), "voucher")
        none = self.rules(0, "backtest", "--base", self.old, "--new", self.new, "--samples", "0", self.tsv).stdout
        self.assertNotIn("voucher", none)
        long = self.write("long.txt", "ü" * 5000 + " voucher " + "€" * 5000 + "\n")
        sample = self.backtest(long)["rules"][0]["newly"]["samples"][0]
        self.assertTrue(sample["cut"])
        self.assertLessEqual(len(sample["text"].encode()), 600)
        self.assertNotIn("\\x", sample["text"])
        span = sample["spans"][0]
        self.assertEqual(sample["text"].encode()[span["start"]:span["end"]], b"voucher")

    def test_words(self):
        out = self.rules(0, "backtest", "--base", self.old, "--new", self.new, "--positive", "spam", self.tsv).stdout
        self.assertIn("10 messages: 5 harmful and 4 harmless by label\n", out)
        self.assertRegex(out, r"(?m)^flagged +3 +6 \(3 newly, 0 no longer\)$")
        self.assertRegex(out, r"(?m)^a\.gone +1 +0 +0 +1 .*\(removed\)$")
        self.assertIn("get your [voucher], winner", out)
        self.assertNotIn("\x1b", out)
        same = self.rules(0, "backtest", "--base", self.old, "--new", self.old, self.tsv).stdout
        self.assertIn("3 rules flag the same as before", same)
        alone = self.rules(0, "backtest", "--new", self.new, self.tsv).stdout
        self.assertNotIn("BASE", alone)
        self.assertRegex(alone, r"(?m)^flagged +6$")

    def test_terminal(self):
        long = self.write("long.tsv", "spam\t" + "word " * 300 + "voucher " + "word " * 300 + "\n" + "ham\tvoucher\x1b[31m\n")
        code, out = on_terminal(80, "rules", "backtest", "--base", self.old, "--new", self.new, "--positive", "spam",
                                self.tsv, long)  # fmt: skip
        self.assertEqual(code, 0)
        plain = re.sub(r"\x1b\[[0-9;]*[mK]|\r", "", out)
        table = [line for line in plain.split("\n") if re.match(r"(RULE|a\.|flagged|precision)", line)]
        self.assertGreater(len(table), 5)
        self.assertLessEqual(max(map(columns_of, table)), 80, table)
        self.assertIn("\x1b[1;31mvoucher\x1b[0m", out)
        self.assertNotIn("\x1b[31m", out)

    def test_html(self):
        page = self.folder / "report.html"
        nasty = self.write("n.txt", "<script>alert(1)</script> voucher \" onload='x' \u202e &amp; \x07\n")
        self.rules(0, "backtest", "--base", self.old, "--new", self.new, "--positive", "spam", "--samples", "9",
                   "--html", page, self.tsv, nasty)  # fmt: skip
        text = page.read_text(encoding="utf-8")
        self.assertEqual(page.stat().st_mode & 0o777, 0o600)
        self.assertIn("default-src 'none'", text)
        parsed = Page()
        parsed.feed(text)
        parsed.close()
        self.assertEqual(parsed.links, [])
        self.assertFalse(parsed.tags & {"script", "img", "link", "iframe", "a", "form"})
        self.assertLessEqual({"svg", "table", "details", "mark"}, parsed.tags)
        self.assertIn("voucher", parsed.marked)
        words = "".join(parsed.words)
        self.assertIn("<script>alert(1)</script> ", words)
        self.assertNotIn("\u202e", words)
        self.assertNotIn("\x07", words)
        self.assertIn("a.gift", words)

    def test_budgets(self):
        self.backtest("--max-new", "3", self.tsv)
        self.backtest("--max-new", "2", self.tsv, code=1)
        self.backtest("--max-gone", "0", self.tsv)
        done = self.rules(1, "backtest", "--base", self.new, "--new", self.old, "--max-gone", "2", self.tsv)
        self.assertIn("3 messages are no longer flagged; allowed are 2", done.stderr)

    def test_faults(self):
        usage = [
            ((self.tsv,), "--new PATH"), (("--new", self.new), "name a file"),
            (("--new", self.new, "--negative", "x", self.tsv), "--positive"),
            (("--new", self.new, "--unlabelled", "maybe", self.tsv), "ignore or negative"),
            (("--new", self.new, "--format", "xml", self.tsv), "not 'xml'"),
            (("--new", self.new, "--text-column", "1", "--format", "jsonl", self.tsv), "tsv"),
            (("--new", self.new, "--samples", "101", self.tsv), "--samples"),
            (("--new", self.new, "--rules", self.old, self.tsv), "--base and --new"),
        ]  # fmt: skip
        for arguments, words in usage:
            self.assertIn(words, self.rules(2, "backtest", *arguments).stderr)
        self.rules(3, "backtest", "--new", self.new, self.folder / "none.tsv")
        self.rules(1, "backtest", "--new", self.write("bad.yaml", "pack: ["), self.tsv)
        broken = self.write("broken.jsonl", '{"text": "voucher"}\n{"text": SECRET\n\n{"text": "ok"}\n')
        done = self.rules(1, "backtest", "--new", self.new, broken)
        self.assertIn("broken.jsonl: line 2", done.stderr)
        self.assertNotIn("SECRET", done.stderr)
        self.assertIn("2 messages", done.stdout)

    def test_pipe(self):
        text = "".join(text + "\n" for _, text in MESSAGES)
        done = subprocess.run([WEIR, "rules", "backtest", "--new", self.new, "--json", "-"], input=text, text=True,
                              capture_output=True, check=True)  # fmt: skip
        self.assertEqual(json.loads(done.stdout)["all"]["new"]["messages"], 6)

    def test_help_fits_a_terminal(self):
        for action in ("backtest", "diff", "profile"):
            lines = self.rules(0, action, "--help").stdout.split("\n")
            self.assertLessEqual(max(map(len, lines)), 80, [line for line in lines if len(line) > 80])

    # diff

    def test_diff(self):
        out = self.rules(0, "diff", self.old, self.new).stdout
        self.assertIn("added    a.try (shadow, medium)\n", out)
        self.assertIn("removed  a.gone (live, medium)\n", out)
        self.assertIn("changed  a.gift\n    pattern it: 1 phrase added\n      + voucher\n", out)
        self.assertNotIn("a.same", out)
        self.assertIn("1 added, 1 removed, 0 renamed, 1 changed (1 in what they flag), 1 the same\n", out)
        answer = json.loads(self.rules(1, "diff", "--json", "--exit-code", self.old, self.new).stdout)
        self.assertEqual([(rule["rule"], rule["kind"]) for rule in answer["rules"]],
                         [("a.gift", "changed"), ("a.gone", "removed"), ("a.try", "added")])  # fmt: skip
        self.assertEqual(answer["rules"][0]["changes"][0]["added"], ["voucher"])

    def test_diff_of_what_means_the_same(self):
        again = self.write("again.yaml", OLD.replace("pack: a", "# words\npack: a"))
        self.assertEqual(self.rules(0, "diff", self.old, self.old).stdout, "nothing changed\n")
        self.assertIn("nothing changed in meaning", self.rules(0, "diff", "--exit-code", self.old, again).stdout)
        renamed = self.write("renamed.yaml", OLD.replace("a.gone", "a.now"))
        self.assertIn("renamed  a.gone is now a.now\n", self.rules(0, "diff", self.old, renamed).stdout)
        self.rules(2, "diff", self.old)
        self.rules(1, "diff", self.old, self.write("bad.yaml", "pack: ["))

    # profile

    def test_profile(self):
        done = self.rules(0, "profile", "--sample", self.tsv, self.new)
        self.assertRegex(done.stdout, r"(?m)^10 messages of \d+ bytes on average, 6 flagged$")
        self.assertRegex(done.stdout, r"(?m)^a\.gift it +[\d.]+ +[\d.]+% +\d+ +\d+ +5 +[\d.]+ +\d+ K")
        answer = json.loads(self.rules(0, "profile", "--json", "--sample", self.jsonl, self.new).stdout)
        patterns = {pattern["rule"]: pattern for pattern in answer["patterns"]}
        self.assertEqual(set(patterns), {"a.gift", "a.same", "a.try"})
        self.assertEqual(patterns["a.try"]["found"], 1)
        self.assertEqual({rule["rule"]: rule["hits"] for rule in answer["rules"]}, {"a.gift": 5, "a.same": 1, "a.try": 1})
        whole = answer["ns_per_message"]
        shares = sum(pattern["ns_per_message"] for pattern in answer["patterns"])
        self.assertLessEqual(answer["views_ns_per_message"] + answer["search_ns_per_message"], whole * 1.001)
        self.assertLessEqual(shares, whole * 1.001)
        self.assertGreater(patterns["a.gift"]["bytes"], 0)

    def test_profile_budget_and_order(self):
        done = self.rules(1, "profile", "--sample", self.tsv, "--max-ns", "1", self.new)
        self.assertIn("over the budget", done.stderr)
        self.assertIn("a.gift it", done.stderr)
        done = self.rules(1, "profile", "--sample", self.tsv, "--max-rule-ns", "1", self.new)
        self.assertRegex(done.stderr, r"new\.yaml:4: a\.gift costs \d+ ns a message, 1 allowed")
        self.rules(0, "profile", "--sample", self.tsv, "--max-ns", "1000000000", self.new)
        out = self.rules(0, "profile", "--sample", self.tsv, "--sort", "rule", "--top", "2", self.new).stdout
        self.assertLess(out.index("a.gift it"), out.index("a.same it"))
        self.assertIn("and 1 more", out)
        code, out = on_terminal(80, "rules", "profile", "--sample", self.tsv, self.new)
        self.assertEqual(code, 0)
        self.assertLessEqual(max(columns_of(re.sub(r"\x1b\[[0-9;]*[mK]", "", line.split("\r")[-1]))
                                 for line in out.split("\n")), 80)  # fmt: skip

    def test_profile_of_traffic(self):
        chance = random.Random(3)
        words = ["meet", "tomorrow", "voucher", "see", "you", "later", "photo", "train"]
        lines = [" ".join(chance.choices(words, k=6)) for _ in range(500)] + ["zyzzyva 555-1234"] * 300
        sample = self.write("sample.txt", "\n".join(lines))
        out = self.folder / "traffic.profile"
        done = self.rules(0, "profile", "--sample", sample, "--write", out)
        self.assertEqual(done.stdout, "")
        self.assertIn("800 messages", done.stderr)
        self.assertIn("small sample", done.stderr)
        profile = out.read_text(encoding="ascii")
        self.assertTrue(profile.startswith("weir traffic profile 1\n"))
        self.assertRegex(profile, r"(?m)^vou c \d")
        self.assertNotIn("zyz", profile)
        self.assertNotIn("555", profile)
        used = {**os.environ, "WEIR_PROFILE": str(out)}
        done = self.rules(0, "backtest", "--base", self.old, "--new", self.new, "--json", self.tsv, env=used)
        self.assertEqual(done.stderr, "")
        self.assertEqual(json.loads(done.stdout)["new_generation"], self.backtest(self.tsv)["new_generation"])
        used["WEIR_PROFILE"] = str(self.tsv)
        done = self.rules(0, "list", self.new, env=used)
        self.assertRegex(done.stderr, "^weir: WEIR_PROFILE: .*m.tsv: line 1: this is not a traffic profile, .* built in is used\n$")
        self.rules(1, "profile", "--sample", self.tsv, "--write", out)  # nothing that twenty messages hold
        self.assertEqual(out.read_text(encoding="ascii"), profile)
        self.rules(2, "profile", "--sample", self.tsv, "--write", out, "--min-messages", "5")
        self.rules(2, "profile", self.new)
        self.rules(3, "profile", "--sample", sample, "--write", self.folder / "no" / "such")


if __name__ == "__main__":
    unittest.main()
