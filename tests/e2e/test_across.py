#!/usr/bin/python3
"""Rules across messages, as authors and reviewers meet them: `weir scan`, and a case that shows all that took part."""

import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support import pack  # noqa: E402
from support.program import ROOT, Run, weir  # noqa: E402
from support.wire import OK, Producer, batch  # noqa: E402

RULES = {
    "e2e.spread": {
        "severity": "high",
        "patterns": "{ask: {words: [gift card]}, code: {regex: 'read me the code'}}",
        "condition": "ask and code",
        "across": "{messages: 4, minutes: 30, from: sender}",
    },
    "e2e.word": {"patterns": "{it: {words: [zyzzyva]}}"},
}


def message(number, text, conversation="c", sender="s", **more):
    return {"message_id": f"m{number}", "conversation_id": conversation, "sender_id": sender, "text": text, **more}


# A phrase cut in two, somebody else in between, a late message, and a conversation that has only one half.
MESSAGES = [
    message(1, "I need a gift", sent_at_ms=1000),
    message(2, "zyzzyva?", sender="t", sent_at_ms=2000),
    message(3, "card, quick", sent_at_ms=3000),
    message(4, "gift card", conversation="d", sent_at_ms=3000),
    message(5, "now read me the code", sent_at_ms=4000),
    message(6, "bye", sent_at_ms=5000),
    message(7, "read me the code", conversation="e", sent_at_ms=9000),
    message(8, "a GIFT-card", conversation="e", sent_at_ms=8000),
]
EXPECTED = [("m2", "e2e.word", []), ("m5", "e2e.spread", ["m1", "m3"]), ("m8", "e2e.spread", ["m7"])]


class Across(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="weir-across-")
        self.folder = pathlib.Path(self.temporary.name)
        self.pack = pack.write(self.folder / "pack.yaml", "e2e", RULES)

    def tearDown(self):
        self.temporary.cleanup()

    def test_tests_of_several_messages(self):
        """The example of docs/rules/across.md passes; with one minute less it does not, and is not loaded."""
        page = (ROOT / "docs/rules/across.md").read_text(encoding="utf-8")
        rule, tests = (page.split("```yaml\n")[number].split("```")[0] for number in (1, 2))
        path = self.folder / "tests.yaml"
        path.write_text("pack: scams\nrules:\n" + rule + tests)
        self.assertEqual(weir("rules", "test", path).stderr, "5 tests pass\n")
        out = weir("rules", "test", "--format", "tap", path).stdout
        self.assertIn("ok 2 - scams.gift-card-spread hit: I need a gift card / friend: which one? / (20 min) now read ...\n", out)
        weir("rules", "fmt", path)
        self.assertEqual(weir("rules", "test", path).stderr, "5 tests pass\n")
        self.assertIn("; 1 test with a phrase cut in two left out\n", weir("rules", "mutate", path).stderr)
        path.write_text(path.read_text().replace("minutes: 31", "minutes: 30"))
        failed = weir("rules", "test", "--json", path, check=False)
        self.assertEqual([(one["messages"], one["expected"]) for one in json.loads(failed.stdout)["failures"]],
                         [([{"text": "gift card", "minutes": 0}, {"text": "now read me the code", "minutes": 30}], "clean")])  # fmt: skip
        loaded = weir("scan", "--rules", path, path, check=False)
        self.assertEqual(loaded.returncode, 1)
        self.assertIn("is flagged, with message 2 of 2", loaded.stderr)

    def scan(self, *options):
        path = self.folder / "in.jsonl"
        path.write_text("".join(json.dumps(made) + "\n" for made in MESSAGES))
        return weir("scan", "--quiet", "--rules", self.pack, *options, path).stdout

    def test_scan_names_what_took_part(self):
        lines = [json.loads(line) for line in self.scan("--jobs", "1").splitlines()]
        self.assertEqual([(line["message_id"], line["rule"], line.get("across", [])) for line in lines], EXPECTED)
        self.assertEqual(lines[1]["spans"], [{"pattern": "code", "view": "folded", "start": 4, "end": 20}])

    def test_scan_does_not_depend_on_jobs(self):
        self.assertEqual(self.scan("--jobs", "4"), self.scan("--jobs", "1"))

    def test_the_case_shows_what_took_part(self):
        with Run(self.folder, [self.pack], "scanner: {workers: 2}\n") as run:
            producer = Producer(run.endpoint)
            for made in MESSAGES:  # a batch each; the last are sent again
                producer.send(batch(made["message_id"], [made]))
            for made in MESSAGES[5:]:
                producer.send(batch("again-" + made["message_id"], [made]))
            receipts = producer.receipts(len(MESSAGES) + 3)
            producer.close()
            self.assertEqual({receipt.status for receipt in receipts.values()}, {OK})
            listed = [json.loads(line) for line in weir("alerts", "list", "--data", run.data, "--json").stdout.splitlines()]
            self.assertEqual({case["conversation_id"] for case in listed}, {"c", "e"})
            shown = {}
            for case in listed:
                out = weir("alerts", "show", str(case["case"]), "--data", run.data, "--json").stdout
                shown[case["conversation_id"]] = [(m["message_id"], m["flagged"]) for m in json.loads(out)["messages"]]
        self.assertEqual(shown["c"], [("m1", False), ("m2", True), ("m3", False), ("m5", True)])
        self.assertEqual(shown["e"], [("m8", True), ("m7", False)])


if __name__ == "__main__":
    unittest.main()
