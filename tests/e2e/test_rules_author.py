#!/usr/bin/python3
"""`weir rules fmt`, `explain`, `mutate` and the reports of `test`, as a rule author and a CI system use them."""

import json
import os
import pathlib
import re
import shlex
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support.program import ROOT, weir  # noqa: E402

PACK = """\
# About this pack.
pack: shop
defaults: {queue: fraud}
rules:
- patterns:
     ask: {regex: '\\bgift cards?\\b'}   # the ask
     code: {words: [scratch off, "read me the code"]}
     known: {words: [cinema]}
  # why
  condition: ask and code and not known
  title: "Asks for gift cards"
  id: shop.gift-card
  tests:
    hits: ['buy a gift card and read me the code']
    clean: ['a gift card for the cinema, read me the code', 'a gift card']
# The second.
- id: shop.word
  severity: high
  patterns: {it: {words: [zyzzyva]}}
  tests: {hits: ['a zyzzyva'], clean: [nothing]}
"""
FORMATTED = """\
# About this pack.
pack: shop
defaults: {queue: fraud}
rules:
  - id: shop.gift-card
    title: 'Asks for gift cards'
    patterns:
      ask: {regex: '\\bgift cards?\\b'}   # the ask
      code: {words: [scratch off, 'read me the code']}
      known: {words: [cinema]}
    # why
    condition: ask and code and not known
    tests:
      hits: ['buy a gift card and read me the code']
      clean: ['a gift card for the cinema, read me the code', 'a gift card']

  # The second.
  - id: shop.word
    severity: high
    patterns: {it: {words: [zyzzyva]}}
    tests: {hits: ['a zyzzyva'], clean: [nothing]}
"""


class Author(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="weir-author-")
        self.folder = pathlib.Path(self.temporary.name)

    def tearDown(self):
        self.temporary.cleanup()

    def write(self, text, name="shop.yaml"):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def rules(self, code, *arguments, **options):
        done = weir("rules", *arguments, check=False, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    # fmt

    def test_fmt(self):
        path = self.write(PACK)
        path.chmod(0o640)
        done = self.rules(1, "fmt", "--check", path)
        self.assertEqual(done.stderr, f"{path} is not formatted\n1 of 1 pack to be formatted\n")
        self.assertEqual(path.read_text(), PACK)
        self.rules(0, "fmt", path)
        self.assertEqual(path.read_text(), FORMATTED)
        self.assertEqual(path.stat().st_mode & 0o777, 0o640)
        self.assertEqual(os.listdir(self.folder), ["shop.yaml"])
        before = path.stat().st_mtime_ns
        self.assertEqual(self.rules(0, "fmt", path).stderr, "0 of 1 pack changed\n")
        self.assertEqual(path.stat().st_mtime_ns, before)
        self.assertEqual(self.rules(0, "fmt", "--check", path).stderr, "1 pack is formatted\n")
        self.rules(0, "check", path)

    def test_fmt_refuses_what_is_broken(self):
        path = self.write("pack: [")
        done = self.rules(1, "fmt", path)
        self.assertRegex(done.stderr, r"shop\.yaml:\d+:\d+: error: ")
        self.assertEqual(path.read_text(), "pack: [")
        self.rules(1, "fmt", self.folder / "none")
        self.assertEqual(self.rules(2, "fmt").stderr.splitlines()[0], "weir rules fmt: name a pack")

    def test_fmt_of_a_link_and_as_json(self):
        path = self.write(PACK)
        link = self.folder / "link.yaml"
        link.symlink_to(path)
        answer = json.loads(self.rules(0, "fmt", "--json", link).stdout)
        self.assertEqual(answer, {"ok": True, "packs": 1, "changed": [str(link)], "findings": []})
        self.assertTrue(link.is_symlink())
        self.assertEqual(path.read_text(), FORMATTED)

    # explain

    def test_explain_a_hit(self):
        text = "Buy a GIFT  card and read me the code"
        out = self.rules(0, "explain", "--rules", self.write(PACK), text).stdout
        self.assertIn(f"message   {text}\n", out)
        self.assertIn("folded    buy a gift card and read me the code\n", out)
        self.assertRegex(out, r"shop\.gift-card  HOLDS  \(medium, live, queue fraud\)")
        self.assertRegex(out, r"\+ ask +'GIFT  card' at 6-16")
        self.assertRegex(out, r"- known +not found")
        self.assertNotIn("\x1b", out)
        self.assertNotIn("shop.word", out)

    def test_explain_what_is_missing(self):
        path = self.write(PACK)
        out = self.rules(0, "explain", "--rules", path, "a gift card").stdout
        self.assertRegex(out, r"does not hold")
        self.assertIn("missing:   code\n", out)
        out = self.rules(0, "explain", "--rules", path, "a gift card for the cinema, scratch off").stdout
        self.assertIn("missing:   no known\n", out)
        out = self.rules(0, "explain", "--rules", path, "hello").stdout
        self.assertIn("no rule holds", out)
        out = self.rules(0, "explain", "--rules", path, "--rule", "shop.gift-card", "hello").stdout
        self.assertIn("missing:   ask and code\n", out)

    def test_explain_conditions_in_words(self):
        for condition, text, missing in (("all of them", "aa", "all of (b, c)"), ("2 of them", "aa", "1 more of (b, c)"),
                                         ("a and (b or c)", "aa", "b or c"), ("b and (a or c)", "xx", "b and (a or c)"),
                                         ("a and not any of (b, c)", "aa bb", "no b"), ("a and not any of (b, c)", "aa bb cc", "no (b, c)"),
                                         ("a and not 2 of (b, c)", "aa bb cc", "1 fewer of (b, c)"), ("all of (a, b)", "aa", "b"),
                                         ("a and not (b and c)", "aa bb cc", "no b or no c")):  # fmt: skip
            pack = (f"pack: p\nrules:\n  - id: p.a\n    patterns: {{a: {{words: [aa]}}, b: {{words: [bb]}}, c: {{words: [cc]}}}}\n"
                    f"    condition: {condition}\n")  # fmt: skip
            done = self.rules(0, "explain", "--json", "--rule", "p.a", "--rules", self.write(pack), text)
            self.assertEqual(json.loads(done.stdout)["rules"][0]["missing"], missing)

    def test_explain_as_json_agrees_with_scan(self):
        path = self.write(PACK)
        text = "ü buy a gift card, read me the code"
        rule = json.loads(self.rules(0, "explain", "--json", "--rules", path, "-", input=text + "\n").stdout)["rules"][0]
        spans = [(pattern["name"], span["view"], span["start"], span["end"])
                 for pattern in rule["patterns"] for span in pattern["spans"]]  # fmt: skip
        hit = json.loads(weir("scan", "--rules", path, "-", input=text + "\n").stdout.splitlines()[0])
        self.assertEqual(rule["holds"], "yes")
        self.assertEqual(sorted(spans), sorted((span["pattern"], span["view"], span["start"], span["end"])
                                               for span in hit["spans"]))  # fmt: skip
        self.assertLessEqual({pattern["search"] for pattern in rule["patterns"]},
                             {"literals", "expression", "always", "deferred"})  # fmt: skip

    def test_explain_hostile_text(self):
        text = b"a gift card \x1b[2J \xff\xe2\x80\xae scratch off"
        done = weir("rules", "explain", "--rules", self.write(PACK), "-", input=text, check=False, text=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn(b"\x1b", done.stdout)
        self.assertNotIn(b"\xe2\x80\xae", done.stdout)
        self.assertIn(rb"\x1b[2J", done.stdout)

    def test_explain_wrong_usage(self):
        path = self.write(PACK)
        self.rules(2, "explain", "--rules", path)
        self.rules(2, "explain", "--rules", path, "two", "texts")
        self.assertIn("did you mean 'shop.word'?",
                      self.rules(1, "explain", "--rules", path, "--rule", "shop.wrd", "x").stderr)  # fmt: skip
        self.rules(1, "explain", "--rules", self.write("pack: [", "bad.yaml"), "x")

    # test

    def test_tap(self):
        lines = self.rules(0, "test", "--format", "tap", self.write(PACK)).stdout.splitlines()
        self.assertEqual(lines[:3], ["TAP version 14", "1..5", "ok 1 - shop.gift-card hit: buy a gift card and read me the code"])
        failing = self.write(PACK.replace("'a zyzzyva'", "'a # z'"))
        done = self.rules(1, "test", "--format", "tap", failing)
        self.assertIn("not ok 4 - shop.word hit: a \\# z\n  ---\n  message: should be flagged and is not\n", done.stdout)
        self.assertEqual(done.stderr, "1 of 5 tests fail\n")

    def test_junit(self):
        path = self.write(PACK.replace("'a zyzzyva'", "'<a> & \"z\" \\x01'").replace("'<a>", '"<a>').replace("x01'", 'x01"')
                          .replace('& "z"', "& 'z'"))  # fmt: skip
        root = ElementTree.fromstring(self.rules(1, "test", "--format", "junit", path).stdout)
        self.assertEqual((root.get("tests"), root.get("failures")), ("5", "1"))
        cases = root.findall("testsuite/testcase")
        self.assertEqual([case.get("classname") for case in cases], ["shop.gift-card"] * 3 + ["shop.word"] * 2)
        failed = [case for case in cases if case.find("failure") is not None]
        self.assertEqual([case.get("name") for case in failed], ["hit: <a> & 'z'  "])
        self.assertEqual(failed[0].get("file"), str(path))
        self.rules(2, "test", "--format", "xml", path)
        self.rules(2, "test", "--format", "tap", "--json", path)

    # mutate

    def mutate(self, pack, *options, code=0):
        return json.loads(self.rules(code, "mutate", "--json", *options, self.write(pack)).stdout)

    def test_mutate_finds_what_tests_do_not_notice(self):
        answer = self.mutate(PACK)
        changes = {(one["pattern"], one["change"]) for one in answer["survivors"] if one["rule"] == "shop.gift-card"}
        self.assertIn(("code", "without the entry 'scratch off'"), changes)
        self.assertIn(("ask", "without '\\b'"), changes)
        self.assertNotIn(("code", "without the entry 'read me the code'"), changes)
        self.assertNotIn(("known", "without the pattern 'known'"), changes)
        self.assertNotIn((None, "without 'not' before 'known'"), changes)
        for one in answer["survivors"]:
            self.assertGreater(one["column"], 0)
            line = PACK.splitlines()[one["line"] - 1]
            if one["kind"] in ("place", "branch", "entry"):
                piece = re.search("without (?:the entry |the alternative )?'(.*)'", one["change"])[1]
                self.assertTrue(line[one["column"] - 1 :].lstrip("\"'").startswith(piece), (line, one))
        scores = {rule["rule"]: rule for rule in answer["rules"]}
        self.assertEqual(scores["shop.word"]["score"], 100)
        self.assertEqual(answer["tried"] - answer["noticed"], len(answer["survivors"]))

    def test_mutate_each_kind_of_change(self):
        def pack(regex, condition="a and b", tests="hits: ['x b'], clean: ['x', 'b']"):
            return (f"pack: p\nrules:\n  - id: p.a\n    patterns: {{a: {{regex: '{regex}'}}, b: {{words: [b]}}}}\n"
                    f"    condition: {condition}\n    tests: {{{tests}}}\n")  # fmt: skip

        for regex, change in (("x|y", "without the alternative 'y'"), ("(?:x|y)", "without the alternative 'y'"), (r"\bx", r"without '\b'"),
                              ("^x", "without '^'"), ("x(?!y)", "without '(?!y)'"), ("xy?", "without 'y?'"), ("x{1,4}", "'x{1,4}' as 'x+'"),
                              ("x{1,4}", "'x{1,4}' as 'x{1,2}'"), ("x+", "'x+' as 'x'"), ("xy*", "without 'y*'")):  # fmt: skip
            with self.subTest(regex + " " + change):
                changes = [one["change"] for one in self.mutate(pack(regex))["survivors"]]
                self.assertIn(change, changes)
        changes = [one["change"] for one in self.mutate(pack("x", "a and b", "hits: ['x b']"))["survivors"]]
        self.assertIn("'and' between 'a' and 'b' as 'or'", changes)
        changes = [one["change"] for one in self.mutate(pack("x", "2 of them", "hits: ['x b']"))["survivors"]]
        self.assertIn("'2 of' as '1 of'", changes)
        self.assertEqual(self.mutate(pack("x"))["score"], 100)

    def test_mutate_scores_and_exit_codes(self):
        path = self.write(PACK)
        self.rules(0, "mutate", "--min-score", 10, path)
        done = self.rules(1, "mutate", "--min-score", 99, path)
        self.assertIn("; 1 below 99%", done.stderr)
        self.assertRegex(done.stdout, rf"(?m)^{re.escape(str(path))}:\d+:\d+: ")
        self.rules(0, "mutate", "--min-score", 99, "--rule", "shop.word", path)
        self.rules(1, "mutate", "--rule", "nothing", path)
        self.rules(2, "mutate", "--min-score", 101, path)
        self.rules(1, "mutate", self.write(PACK.replace("'a zyzzyva'", "'a'"), "failing.yaml"))
        one, many = (weir("rules", "mutate", "--json", "--jobs", jobs, path).stdout for jobs in ("1", "4"))
        self.assertEqual(one, many)

    def test_mutate_without_tests(self):
        answer = self.mutate("pack: p\nrules:\n  - {id: p.a, patterns: {a: {words: [x]}}}\n")
        self.assertEqual((answer["tried"], answer["untested"], answer["rules"]), (0, 1, []))

    def test_the_examples_of_the_page(self):
        page = (ROOT / "docs/rules/testing.md").read_text(encoding="utf-8")
        self.write(re.search(r"```yaml\n(.*?)```", page, re.S)[1])
        examples = re.findall(r"```console\n\$ weir (.*?)\n(.*?)```", page, re.S)
        self.assertEqual(len(examples), 2)
        for command, expected in examples:
            shown = weir(*shlex.split(command), cwd=self.folder).stdout
            if expected.endswith("...\n"):
                expected = expected[: -len("...\n")]
                shown = "".join(shown.splitlines(keepends=True)[: expected.count("\n")])
            brackets = re.compile(r"  \[.*\]$", re.M)  # how the engine looks for it is its own affair
            self.assertEqual(brackets.sub("", shown), brackets.sub("", expected))

    def test_the_help_of_every_action(self):
        listed = re.findall(r"(?m)^  ([a-z]+) {2,}\S", self.rules(0, "--help").stdout)
        self.assertLessEqual({"check", "test", "list", "fmt", "explain", "mutate"}, set(listed))
        for action in ("check", "test", "list", "fmt", "explain", "mutate"):
            done = self.rules(0, action, "--help")
            self.assertLessEqual(max(map(len, done.stdout.splitlines())), 80, action)
            self.assertIn("Exit status:", done.stdout, action)
        self.assertTrue((ROOT / "docs/rules/linter.md").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
