#!/usr/bin/python3
"""`weir alerts` as an analyst uses it: list, show, claim, decide; what came from outside is never written raw."""

import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unicodedata
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support import pack  # noqa: E402
from support.program import PATIENCE, WEIR, Run, weir  # noqa: E402

RULES = {
    "a.low": {"queue": "fraud", "severity": "low", "patterns": "{it: {words: [zyzzyva]}}"},
    "a.high": {"title": "Says quokka", "queue": "care", "severity": "high", "patterns": "{it: {words: [quokka]}}"},
}
NASTY = "c\u202e\u2066世界世界世界世界世界世界-and-much-more-that-is-longer-than-a-column"
MESSAGES = [
    {"message_id": "m1", "conversation_id": "plain", "sender_id": "ann", "recipient_ids": ["bob", "cy"],
     "text": "one zyzzyva \x1b[2J\x1b]0;owned\x07 and \u202e another zyzzyva"},
    {"message_id": "m2\u202e", "conversation_id": NASTY, "sender_id": "s\u200b\u202e", "text": "quokka"},
    {"message_id": "m3", "conversation_id": "bytes", "sender_id": "s", "text_base64": "/yB6eXp6eXZhIP4="},
    {"message_id": "m4", "conversation_id": "plain", "sender_id": "bob", "text": "nothing in this one"},
]  # fmt: skip


def invisible(text):
    """The characters that would act on a terminal or hide: controls, direction marks, zero-widths."""
    return [hex(ord(c)) for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


def columns_of(line):
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)


class Alerts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="weir-alerts-")
        cls.folder = pathlib.Path(cls.temporary.name)
        file = cls.folder / "messages.jsonl"
        file.write_text("".join(json.dumps(message) + "\n" for message in MESSAGES), encoding="utf-8")
        rules = pack.write(cls.folder / "pack.yaml", "a", RULES)
        with Run(cls.folder, [rules], data=cls.folder / "filled") as run:
            weir("send", "--to", run.endpoint, file)
            assert run.stop() == 0

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def setUp(self):
        self.data = pathlib.Path(tempfile.mkdtemp(dir=self.folder)) / "data"
        shutil.copytree(self.folder / "filled", self.data)
        self.environment = {**os.environ, "WEIR_ANALYST": "ann"}

    def alerts(self, action, *arguments, code=0, words="", **environment):
        done = weir("alerts", action, "--data", self.data, *arguments, check=False,
                    env={**self.environment, **environment})  # fmt: skip
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(words, done.stderr)
        if code != 0:
            self.assertEqual(done.stdout, "")
        self.assertEqual(invisible(done.stderr), [])
        return done.stdout

    def json(self, action, *arguments):
        return [json.loads(line) for line in self.alerts(action, *arguments, "--json").splitlines()]

    def case_of(self, conversation):
        return next(str(case["case"]) for case in self.json("list") if case["conversation_id"] == conversation)

    def change(self, statement, *values):
        with sqlite3.connect(self.data / "alerts.db") as database:
            database.execute(statement, values)
        database.close()

    def test_list(self):
        out = self.alerts("list")
        lines = out.splitlines()
        self.assertEqual(lines[0].split(), ["CASE", "SEVERITY", "QUEUE", "DUE", "CONVERSATION", "RULES", "HELD", "BY"])
        self.assertEqual([line.split()[1:3] for line in lines[1:]], [["high", "care"], ["low", "fraud"], ["low", "fraud"]])
        self.assertLessEqual(max(map(columns_of, lines)), 80)
        self.assertEqual(invisible(out), [])
        self.assertEqual(len(self.alerts("list", "--queue", "care").splitlines()), 2)
        self.assertEqual(len(self.alerts("list", "--limit", "1").splitlines()), 2)
        self.assertEqual(self.alerts("list", "--queue", "nosuch", words="No open cases.\n"), "")

    def test_list_as_json(self):
        cases = self.json("list")
        self.assertEqual([case["queue"] for case in cases], ["care", "fraud", "fraud"])
        self.assertEqual(cases[0]["conversation_id"], NASTY)
        self.assertEqual((cases[0]["rules"], cases[0]["hit_count"], cases[0]["overdue"]), (["a.high"], 1, False))
        self.assertEqual(self.json("list", "--queue", "nosuch"), [])

    def test_overdue(self):
        self.change("UPDATE cases SET deadline_ms = opened_at_ms - 400 * 86400000")
        out = self.alerts("list")
        self.assertEqual(out.count("overdue"), 3)
        self.assertLessEqual(max(map(columns_of, out.splitlines())), 80)
        self.assertTrue(all(case["overdue"] for case in self.json("list")))
        self.assertIn("(overdue)", self.alerts("show", self.case_of("plain")))

    def test_show(self):
        out = self.alerts("show", self.case_of("plain"))
        self.assertEqual(invisible(out), [])
        self.assertIn("one «zyzzyva» <U+001B>[2J<U+001B>]0;owned<U+0007> and <U+202E> another «zyzzyva»", out)
        self.assertIn("> low a.low: a.low", out)
        self.assertNotIn("nothing in this one", out)
        out = self.alerts("show", self.case_of(NASTY))
        self.assertEqual(invisible(out), [])
        self.assertIn("> high a.high: Says quokka", out)
        self.assertIn("<FF> «zyzzyva» <FE>", self.alerts("show", self.case_of("bytes")))

    def test_show_as_json(self):
        case = self.json("show", self.case_of("plain"))[0]
        self.assertEqual([message["text"] for message in case["messages"]], [MESSAGES[0]["text"]])
        self.assertEqual(case["messages"][0]["recipient_ids"], ["bob", "cy"])
        text = MESSAGES[0]["text"].encode()
        marked = [text[span["start"] : span["end"]] for span in case["hits"][0]["spans"]]
        self.assertEqual(marked, [b"zyzzyva", b"zyzzyva"])
        message = self.json("show", self.case_of("bytes"))[0]["messages"][0]
        self.assertEqual(message["text_base64"], MESSAGES[2]["text_base64"])
        self.assertNotIn("text", message)

    def test_reading_is_recorded(self):
        case = self.case_of("plain")
        self.alerts("show", case, "--reason", "appeal 5", "--as", "dee")
        self.alerts("list")
        with sqlite3.connect(self.data / "alerts.db") as database:
            rows = database.execute("SELECT who, action, case_id, why FROM audit").fetchall()
        database.close()
        self.assertEqual(rows, [("dee", "read", int(case), "appeal 5")])

    def test_a_round_of_work(self):
        out = self.alerts("claim", "--queue", "fraud")
        case, token = re.search(r"^Case (\d+) is yours until .*Token: (\d+)$", out, re.MULTILINE).groups()
        self.assertIn("1 message, 1 hit: a.low", out)
        self.assertIn(f"weir alerts decide {case} --token {token} --decision violation --data {self.data}\n", out)
        self.alerts("claim", case, "--as", "bob", code=1, words=f"case {case} is held by ann\nTake another")
        self.alerts("decide", case, "--token", "999", "--decision", "unsure", code=1, words="token 999 of case")
        out = self.alerts("decide", case, "--token", token, "--decision", "no_violation", "--note", "x \x1b[31m")
        self.assertEqual(out, f"Case {case}: no_violation.\n")
        self.assertNotIn(case, [str(entry["case"]) for entry in self.json("list")])
        out = self.alerts("show", case)
        self.assertIn("Decided no_violation by ann", out)
        self.assertIn("x <U+001B>[31m", out)
        self.assertIn("no_violation", self.alerts("list", "--all"))
        self.alerts("claim", case, code=1, words="weir alerts: case")
        self.alerts("decide", case, "--token", token, "--decision", "violation", code=1)

    def test_a_lease_ends(self):
        case = self.case_of("plain")
        old = self.json("claim", case)[0]["token"]
        self.change("UPDATE cases SET lease_until_ms = opened_at_ms WHERE id = ?", int(case))
        new = self.json("claim", case, "--as", "bob")[0]["token"]
        self.assertGreater(new, old)
        self.alerts("decide", case, "--token", str(old), "--decision", "violation", code=1,
                    words=f"Claim it for a new token: weir alerts claim {case}")  # fmt: skip
        answer = self.json("decide", case, "--token", str(new), "--decision", "none", "--as", "bob")
        self.assertEqual(answer, [{"case": int(case), "decision": "none"}])
        self.assertIsNone(next(entry for entry in self.json("list") if str(entry["case"]) == case)["lease_holder"])

    def test_nothing_left_to_claim(self):
        for _ in range(3):
            self.alerts("claim")
        self.alerts("claim", "--as", "bob", code=1, words="nothing to claim")
        self.alerts("claim", "--queue", "no\x1b[31m", code=1, words="nothing to claim")

    def test_who_you_are(self):
        case = self.case_of("plain")
        out = self.alerts("claim", case, "--as", "o'neil; rm", WEIR_ANALYST="")
        self.assertIn("--as 'o'\\''neil; rm'\n", out)
        self.alerts("claim", case, "--as", "", code=2, words="say who you are")

    def test_wrong_usage(self):
        for words, action, *arguments in (
            ("weir alerts show: which case?", "show"),
            ("weir alerts decide: which case?", "decide"),
            ("weir alerts show: a case takes a whole number from 1 on, not 'x'", "show", "x"),
            ("a case takes a whole number from 1 on, not '0'", "claim", "0"),
            ("a case takes a whole number from 1 on, not '99999999999999999999'", "claim", "99999999999999999999"),
            ("give a case or a queue, not both", "claim", "1", "--queue", "fraud"),
            ("--token is missing", "decide", "1", "--decision", "unsure"),
            ("--decision is missing: violation, no_violation, unsure or none", "decide", "1", "--token", "1"),
            ("not 'unsur'; did you mean 'unsure'?", "decide", "1", "--token", "1", "--decision", "unsur"),
            ("weir alerts list: takes no --token", "list", "--token", "1"),
            ("unexpected argument '2'", "show", "1", "2"),
            ("unexpected argument '1'", "list", "1"),
            ("--reason must say something", "show", "1", "--reason", ""),
            ("--lease takes a whole number from 1 to 1440", "claim", "--lease", "1441"),
            ("--limit takes a whole number from 1 to ", "list", "--limit", "0"),
        ):
            self.alerts(action, *arguments, code=2, words=words)

    def test_no_such_case(self):
        for action, *arguments in (["show"], ["claim"], ["decide", "--token", "1", "--decision", "unsure"]):
            self.alerts(action, "4711", *arguments, code=1, words="there is no case 4711\n'weir alerts list --all'")

    def test_no_store(self):
        empty = self.data.parent / "empty"
        empty.mkdir()
        damaged = self.data.parent / "damaged"
        damaged.mkdir()
        (damaged / "alerts.db").write_bytes(b"no database at all" * 100)
        for self.data in (empty, damaged, empty / "none", damaged / "alerts.db"):
            for action in (["list"], ["show", "1"], ["claim"]):
                self.alerts(*action, code=3, words="weir alerts")
        self.assertEqual(list(empty.iterdir()), [])

    def test_a_full_disk(self):
        for arguments in (["list"], ["list", "--json"], ["show", self.case_of("plain")]):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([WEIR, "alerts", *arguments, "--data", self.data], stdout=full, check=False,
                                      stderr=subprocess.PIPE, text=True, timeout=PATIENCE, env=self.environment)  # fmt: skip
            self.assertEqual(done.returncode, 3)
            self.assertIn("cannot write to standard output: No space left on device", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
