#!/usr/bin/python3
"""docs/rules/linter.md: every finding is explained, and its examples have it and have it not."""

import json
import pathlib
import re
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support.program import ROOT, weir  # noqa: E402

PAGE = ROOT / "docs/rules/linter.md"
SECTION = re.compile(r"\n### ([a-z-]+)\n\n(Error|Warning|Hint)\. .*?\n\n((?:```yaml\n.*?```\n)+)", re.S)
EXAMPLE = re.compile(r"```yaml\n(.*?)```\n", re.S)


def pack_of(example):
    """The examples of the page are packs, or bodies of rules."""
    if example.startswith("pack:"):
        return example
    body = "".join(f"    {line}\n" for line in example.splitlines())
    return f"pack: example\nrules:\n  - id: example.rule\n    title: An example\n{body}"


class Linter(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="weir-linter-")
        self.folder = pathlib.Path(self.temporary.name)
        (self.folder / "empty.txt").write_text("# nothing\n")
        (self.folder / "full.txt").write_text("example.com\n")

    def tearDown(self):
        self.temporary.cleanup()

    def check(self, text, *options):
        path = self.folder / "pack.yaml"
        path.write_text(text, encoding="utf-8")
        done = weir("rules", "check", "--json", *options, path, check=False)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return done.returncode, json.loads(done.stdout)["findings"]

    def test_every_finding_is_on_the_page(self):
        names = {row["name"]: row["level"] for row in json.loads(weir("rules", "check", "--names", "--json").stdout)}
        told = {name: level.lower() for name, level, _ in SECTION.findall(PAGE.read_text(encoding="utf-8"))}
        self.assertEqual(names, told)

    def test_the_examples_of_the_page(self):
        for name, level, blocks in SECTION.findall(PAGE.read_text(encoding="utf-8")):
            bad, good = EXAMPLE.findall(blocks)
            with self.subTest(name):
                found = [finding for finding in self.check(pack_of(bad))[1] if finding["name"] == name]
                self.assertTrue(found, "the bad example has no such finding")
                for finding in found:
                    self.assertEqual(finding["level"], level.lower())
                    self.assertEqual(finding["file"], str(self.folder / finding["file"].rsplit("/", 1)[-1]))
                    self.assertGreater(finding["line"], 0 if name != "empty-list" else -1)
                    self.assertGreater(len(finding["text"]), 10)
                findings = self.check(pack_of(good))[1]
                self.assertNotIn(name, [finding["name"] for finding in findings], "the good example has it too")
                self.assertTrue(level == "Error" or "error" not in [finding["level"] for finding in findings])

    def test_a_rule_allows_itself_a_finding(self):
        lines, owners = ["pack: example", "rules:"], ["", ""]
        for name, level, blocks in SECTION.findall(PAGE.read_text(encoding="utf-8")):
            bad = EXAMPLE.findall(blocks)[0]
            if level == "Error" or bad.startswith("pack:") or "allow:" in bad:
                continue
            rule = pack_of(f"{bad}allow: {{{name}: 'why'}}").replace("example.rule", f"example.{name}").splitlines()[2:]
            lines += rule
            owners += [name] * len(rule)
        findings = self.check("\n".join(lines) + "\n")[1]
        self.assertGreater(len(set(owners)), 30)
        self.assertGreater(len(findings), 10)
        for finding in findings:
            if finding["file"].endswith("pack.yaml") and finding["line"] > 0:
                self.assertNotIn(finding["name"], (owners[finding["line"] - 1], "unused-allow"), finding)

    def test_allow_has_known_names_and_reasons(self):
        body = "patterns: {a: {words: [gift card]}}\nallow: "
        for allow, words in (("{no-test: 'x'}", "there is no finding 'no-test'"), ("{no-tests: ''}", "reason is empty"),
                             ("[no-tests]", "must be a map"), ("{syntax: x}", "cannot be allowed"),
                             ("{no-tests: }", "must be text")):  # fmt: skip
            code, findings = self.check(pack_of(body + allow))
            self.assertEqual(code, 1, allow)
            self.assertIn(words, " ".join(finding["text"] for finding in findings))

    def test_levels(self):
        body = pack_of("patterns: {a: {regex: 'gift.*card'}}\ntests: {hits: ['gift card'], clean: ['x']}")
        self.assertEqual([finding["name"] for finding in self.check(body)[1]], ["open-gap"])
        self.assertEqual(self.check(body, "--level", "warning"), (0, []))
        self.assertEqual(self.check(body, "--fail-on", "warning")[0], 0)
        self.assertEqual(self.check(body, "--fail-on", "hint")[0], 1)
        self.assertEqual(self.check(pack_of("patterns: {a: {words: [x y]}}"), "--fail-on", "warning")[0], 1)
        self.assertEqual(weir("rules", "check", "--level", "grave", check=False).returncode, 2)

    def test_sarif(self):
        path = self.folder / "pack.yaml"
        path.write_text(pack_of("patterns: {bank: {regex: '\\bpaypal.com\\b'}}"), encoding="utf-8")
        log = json.loads(weir("rules", "check", "--sarif", path).stdout)
        run = log["runs"][0]
        self.assertEqual(log["version"], "2.1.0")
        results = {result["ruleId"]: result for result in run["results"]}
        self.assertLessEqual(set(results), {rule["id"] for rule in run["tool"]["driver"]["rules"]})
        self.assertEqual(results["unescaped-dot"]["level"], "warning")
        self.assertEqual(results["unescaped-dot"]["locations"][0]["physicalLocation"],
                         {"artifactLocation": {"uri": str(path)}, "region": {"startLine": 5, "startColumn": 39}})  # fmt: skip

    def test_places_inside_a_regex(self):
        for regex, name, column in (("'\\bpaypal.com\\b'", "unescaped-dot", 39), ("'it''s paypal.com'", "unescaped-dot", 43),
                                    ("'äöü paypal.com'", "unescaped-dot", 41)):  # fmt: skip
            findings = self.check(pack_of(f"patterns: {{bank: {{regex: {regex}}}}}"))[1]
            places = [(finding["line"], finding["column"]) for finding in findings if finding["name"] == name]
            self.assertEqual(places, [(5, column)], regex)

    def test_what_is_right_is_left_alone(self):
        for regex in (r"\b(?:buy|get|send)\b.{0,40}\bgift\s+cards?\b", r"(?<![\w.])[\w.-]{3,}@gift-card\.example",
                      r"gift[ -~]{9}", r"\bgift (?:a|an)\b", r"f\.?r\.?e\.?e gift", r"gift[|!1l]x", r"gift \d+(?:[.,]\d+)?",
                      r"[\u00e4\u00f6\u00fc]gift", r"(?:gift)?cards", r"gift\b\W+card", r"\w+\b\$ gift", r"gift call.me",
                      r"(?i:gift)", r"\Qpaypal.com\E gift"):  # fmt: skip
            body = pack_of(f"patterns: {{a: {{regex: '{regex}'}}}}\ntests: {{hits: [], clean: ['x']}}\nallow: {{no-hit-test: none}}")
            names = [finding["name"] for finding in self.check(body)[1]]
            self.assertLessEqual(set(names), {"no-literal", "invalid"}, regex)

    def test_the_packs_that_come_with_weir_have_no_mistakes(self):
        done = weir("rules", "check", "--level", "warning", "--fail-on", "warning", check=False)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
