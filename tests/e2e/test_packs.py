#!/usr/bin/python3
"""The starter packs: clean for the linter, tested rule by rule, and measured as docs/packs.md says.

Measuring needs the labelled messages (WEIR_SHARED_DATA); without them those tests are skipped.
"""

import importlib.machinery
import importlib.util
import json
import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support.program import ROOT, WEIR, weir  # noqa: E402

PACKS = ROOT / "rules/packs"
DATA = pathlib.Path(os.environ.get("WEIR_SHARED_DATA", "")) / "messages"
sys.dont_write_bytecode = True


def load_script():
    """scripts/measure-packs as a module."""
    loader = importlib.machinery.SourceFileLoader("measure_packs", str(ROOT / "scripts/measure-packs"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("measure_packs", loader))
    loader.exec_module(module)
    return module


measure = load_script()


class Packs(unittest.TestCase):
    def test_the_linter_has_nothing_to_say(self):
        answer = json.loads(weir("rules", "check", "--json", PACKS).stdout)
        self.assertEqual((answer["errors"], answer["warnings"], answer["hints"]), (0, 0, 0))
        self.assertGreater(answer["tests"], 1000)

    def test_they_are_formatted(self):
        weir("rules", "fmt", "--check", PACKS)

    def test_every_rule_has_a_title_and_tests_of_both_kinds(self):
        for path in sorted(PACKS.glob("*.yaml")):
            for rule in path.read_text(encoding="utf-8").split("\n  - id: ")[1:]:
                with self.subTest(rule=rule.split("\n", 1)[0]):
                    self.assertIn("\n    title: ", rule)
                    hits, clean = rule.split("\n      hits:\n")[1].split("\n      clean:\n")
                    self.assertGreaterEqual(hits.count("\n") + 1, 3)
                    self.assertGreaterEqual(clean.count("        - "), 2)

    def test_without_tests_packs_still_load(self):
        with tempfile.TemporaryDirectory(prefix="weir-packs-") as folder:
            bare = pathlib.Path(folder) / "packs"
            bare.mkdir()
            (pathlib.Path(folder) / "lists").symlink_to(ROOT / "rules/lists")
            for path in PACKS.glob("*.yaml"):
                text = measure.without_tests(path.read_text(encoding="utf-8"))
                self.assertNotIn("\n    tests:", text)
                (bare / path.name).write_text(text, encoding="utf-8")
            answer = json.loads(weir("rules", "check", "--json", bare).stdout)
            with_tests = json.loads(weir("rules", "check", "--json", PACKS).stdout)
            self.assertEqual((answer["errors"], answer["tests"]), (0, 0))
            self.assertEqual(answer["rules"], with_tests["rules"])


class Measures(unittest.TestCase):
    def test_what_makes_two_messages_the_same(self):
        same = [
            ("Call 0871 555 0101 now!! Win 500", "call 0871 555 0199 NOW, win 900"),
            ("You have won, claim: A12", "you have won  claim B99"),
        ]
        other = [
            ("ok 1", "ok 2"),  # too short to leave anything out
            ("I cannot stand those 🧕", "I cannot stand those 🚗"),
            ("call me tomorrow please", "call me tonight please"),
        ]
        self.assertEqual(measure.key(same[0][0]), measure.key(same[0][1]))
        self.assertNotEqual(measure.key(same[1][0]), measure.key(same[1][1]), "letters of a code count")
        for one, two in other:
            self.assertNotEqual(measure.key(one), measure.key(two), one)

    def test_intervals(self):
        low, high = measure.interval(0, 10000)
        self.assertEqual(low, 0)
        self.assertAlmostEqual(high, 0.000384, places=5)
        low, high = measure.interval(50, 100)
        self.assertAlmostEqual(low, 0.4038, places=3)
        self.assertAlmostEqual(high, 0.5962, places=3)

    def test_counts(self):
        messages = [("bad", "a"), ("bad", "b"), ("good", "c"), ("good", "d"), ("unsure", "e")]
        counts = measure.Counts(messages, {0: {"p"}, 1: {"q"}, 2: {"p"}, 4: {"p"}}, ("bad",), ("good",), ("p",))
        self.assertEqual((counts.harmful, counts.harmless, counts.right, counts.wrong), (2, 2, 1, 1))
        everything = measure.Counts(messages, {0: {"p"}, 1: {"q"}, 2: {"p"}}, ("bad",), ("good",), None)
        self.assertEqual((everything.right, everything.wrong), (2, 1))
        self.assertEqual(everything.cells()[2], "80.0%")  # F1 of precision 2/3 and recall 1

    def test_the_document_has_the_places(self):
        page = measure.DOCUMENT.read_text(encoding="utf-8")
        for mark in ("sets", "packs", "clean", "kinds"):
            begin, end = f"<!-- {mark}: written by scripts/measure-packs -->", f"<!-- {mark}: end -->"
            self.assertEqual((page.count(begin), page.count(end)), (1, 1), mark)
            self.assertGreater(page.split(begin)[1].split(end)[0].count("\n|"), 5, mark)


@unittest.skipUnless(DATA.parent.name and DATA.is_dir(), "WEIR_SHARED_DATA is not set")
class Labelled(unittest.TestCase):
    """Loose bounds: these notice a rule that went wrong, docs/packs.md has the figures."""

    @classmethod
    def setUpClass(cls):
        cls.sets = {name: measure.halves(DATA / name) for name in ("sms_spam.tsv", "chat_topical.jsonl")}

    def test_the_halves_share_nothing(self):
        for name, halves in self.sets.items():
            tuned, quoted = ({measure.key(text) for _, text in halves[half]} for half in (measure.TUNED, measure.QUOTED))
            self.assertFalse(tuned & quoted, name)
            self.assertGreater(len(quoted), 2000, name)
        again = measure.halves(DATA / "sms_spam.tsv")
        self.assertEqual(self.sets["sms_spam.tsv"], again, "the split is the same each time")

    def test_clean_chat_stays_clean(self):
        messages = self.sets["chat_topical.jsonl"][measure.QUOTED]
        flagged = measure.scan(WEIR, str(PACKS), messages)
        self.assertLessEqual(len(flagged), len(messages) / 10000 + 1)

    def test_spam_is_found(self):
        harm, clean, packs = measure.SETS["sms_spam.tsv"]
        messages = self.sets["sms_spam.tsv"][measure.QUOTED]
        counts = measure.Counts(messages, measure.scan(WEIR, str(PACKS), messages), harm, clean, packs)
        self.assertGreater(counts.right / counts.harmful, 0.75)
        self.assertLessEqual(counts.wrong, 2)


if __name__ == "__main__":
    unittest.main()
