#!/usr/bin/python3
"""`weir rules check`, `test` and `list` as a rule author uses them."""

import fcntl
import json
import os
import pathlib
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support.program import PATIENCE, ROOT, WEIR, weir  # noqa: E402

GOOD = """\
pack: good
defaults: {queue: fraud}
rules:
  - id: good.word
    title: Says the word
    severity: high
    patterns: {it: {words: [zyzzyva]}}
    tests: {hits: ['a zyzzyva'], clean: ['nothing']}
  - id: good.long-name-of-a-rule.that-goes-on-and-on-and-on-for-ever
    title: 世界世界世界世界世界世界世界世界世界世界世界世界 and a title that is longer than a terminal is wide
    severity: low
    status: shadow
    patterns: {it: {regex: 'q{3}'}, other: {words: [quokka]}}
    tests: {hits: [qqq], clean: [qq]}
"""
BAD = """\
pack: bad
rules:
  - id: bad.one
    title: One
    sevrity: high
    patterns: {it: {regex: '(unclosed'}}
  - id: bad.two
    title: Two
    severity: extreme
    patterns: {it: {words: [x]}}
    condition: it and that
"""
FAILING = GOOD.replace("hits: ['a zyzzyva']", "hits: ['a zyzzyva', 'SECRET']").replace("clean: [qq]", "clean: [qqqq]")


def on_terminal(columns, *arguments, **environment):
    """What a program writes to a terminal of that width, where stdout and stderr are both the terminal."""
    main, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen([WEIR, *map(str, arguments)], stdin=other, stdout=other, stderr=other,
                          env={**os.environ, "TERM": "xterm", **environment}) as process:  # fmt: skip
        os.close(other)
        out = b""
        try:
            while part := os.read(main, 65536):
                out += part
        except OSError:  # how Linux says that the other end was closed
            pass
        os.close(main)
        return process.wait(PATIENCE), out.decode().replace("\r\n", "\n")


def columns_of(line):
    return sum(2 if 0x2E80 <= ord(character) <= 0xFF60 else 1 for character in line)


class Rules(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="weir-rules-")
        self.folder = pathlib.Path(self.temporary.name)

    def tearDown(self):
        self.temporary.cleanup()

    def write(self, text, name="pack.yaml"):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def rules(self, code, *arguments, **options):
        done = weir("rules", *arguments, check=False, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def test_check_of_a_good_pack(self):
        done = self.rules(0, "check", self.write(GOOD))
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr, "1 pack with 2 rules: no errors, 0 warnings, 0 hints; 4 tests pass\n")

    def test_check_tells_every_fault_with_its_place(self):
        path = self.write(BAD)
        done = self.rules(1, "check", path)
        self.assertEqual(done.stdout, "")
        lines = {int(line) for line in re.findall(rf"(?m)^{re.escape(str(path))}:(\d+):\d+: error: ", done.stderr)}
        self.assertLessEqual({5, 6, 9}, lines)
        self.assertIn("did you mean 'severity'?", done.stderr)
        self.assertRegex(done.stderr, r"(?m)^1 pack: \d errors, \d warnings?, \d hints?$")

    def test_check_as_json(self):
        good, bad = self.write(GOOD), self.write(BAD, "bad.yaml")
        answer = json.loads(self.rules(0, "check", "--json", good).stdout)
        generation = answer.pop("generation")
        self.assertRegex(generation, "^[0-9a-f]{16}$")
        self.assertEqual(answer, {"ok": True, "packs": 1, "rules": 2, "tests": 4, "errors": 0, "warnings": 0,
                                  "hints": 0, "findings": []})  # fmt: skip
        answer = json.loads(self.rules(1, "check", "--json", good, "--rules", bad).stdout)
        self.assertFalse(answer["ok"])
        self.assertEqual(answer["packs"], 2)
        self.assertEqual({finding["file"] for finding in answer["findings"]}, {str(bad)})
        self.assertEqual(answer["errors"], sum(finding["level"] == "error" for finding in answer["findings"]))

    def test_folders_and_what_cannot_be_read(self):
        self.write(GOOD)
        self.write("not a pack", "notes.txt")
        self.assertIn("1 pack with 2 rules", self.rules(0, "check", self.folder).stderr)
        empty = self.folder / "empty"
        empty.mkdir()
        for action in ("check", "test", "list"):
            self.assertIn("there are no *.yaml or *.yml files", self.rules(1, action, empty).stderr)
            self.assertIn("there is no such file or folder", self.rules(1, action, self.folder / "none").stderr)
            self.rules(1, action, self.write("", "empty.yaml"))
            self.rules(1, action, self.write("pack: [", "broken.yaml"))
        (self.folder / "bytes.yaml").write_bytes(b"pack: x\xff\x00\n")
        self.rules(1, "check", self.folder / "bytes.yaml")

    def test_test(self):
        self.assertEqual(self.rules(0, "test", self.write(GOOD)).stderr, "4 tests pass\n")
        done = self.rules(1, "test", self.write(FAILING))
        self.assertIn("2 of 5 tests fail\n", done.stderr)
        self.assertIn("good.word", done.stderr)
        self.rules(1, "check", self.write(FAILING))
        untested = re.sub(r"(?m)^    tests: .*\n", "", GOOD)
        self.assertEqual(self.rules(0, "test", self.write(untested)).stderr, "there are no tests\n")

    def test_test_as_json(self):
        answer = json.loads(self.rules(1, "test", "--json", self.write(FAILING)).stdout)
        self.assertEqual((answer["ok"], answer["tests"], answer["failed"]), (False, 5, 2))
        told = {(failure["rule"], failure["expected"], failure["text"]) for failure in answer["failures"]}
        self.assertIn(("good.word", "hit", "SECRET"), told)
        answer = json.loads(self.rules(0, "test", "--json", self.write(GOOD)).stdout)
        self.assertEqual((answer["ok"], answer["tests"], answer["failed"], answer["failures"]), (True, 4, 0, []))

    def test_list(self):
        lines = self.rules(0, "list", self.write(GOOD)).stdout.splitlines()
        self.assertEqual(lines[0].split(), ["ID", "SEVERITY", "STATUS", "QUEUE", "TESTS", "TITLE"])
        self.assertEqual(lines[1].split(maxsplit=5), ["good.word", "high", "live", "fraud", "2", "Says the word"])
        self.assertIn("good.long-name-of-a-rule.that-goes-on-and-on-and-on-for-ever", lines[2])
        self.assertTrue(lines[2].endswith("than a terminal is wide"))

    def test_list_as_json(self):
        listed = [json.loads(line) for line in self.rules(0, "list", "--json", self.write(GOOD)).stdout.splitlines()]
        self.assertEqual([(rule["id"], rule["status"], rule["patterns"], rule["line"]) for rule in listed],
                         [("good.word", "live", 1, 4),
                          ("good.long-name-of-a-rule.that-goes-on-and-on-and-on-for-ever", "shadow", 2, 9)])  # fmt: skip

    def test_list_shows_what_is_good_and_tells_what_is_not(self):
        done = self.rules(1, "list", self.write(GOOD), self.write(BAD, "bad.yaml"))
        self.assertIn("good.word", done.stdout)
        self.assertIn("bad.yaml:5:", done.stderr)

    def test_a_terminal(self):
        path = self.write(GOOD)
        for columns in (80, 60, 120):
            code, out = on_terminal(columns, "rules", "list", path)
            self.assertEqual(code, 0)
            self.assertEqual(len(out.splitlines()), 3, out)
            for line in out.splitlines():
                self.assertLessEqual(columns_of(line), columns, line)
        code, out = on_terminal(80, "rules", "check", self.write(BAD))
        self.assertEqual(code, 1)
        self.assertIn("\x1b[", out.replace("\x1b[K", ""))
        for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            code, out = on_terminal(80, "rules", "check", self.folder / "pack.yaml", **environment)
            self.assertNotIn("\x1b[", out.replace("\r\x1b[K", ""))

    def test_the_packs_that_come_with_weir(self):
        expected = sum(path.read_text(encoding="utf-8").count("\n  - id: ") for path in (ROOT / "rules/packs").iterdir())
        self.assertEqual(len(self.rules(0, "list", "--json").stdout.splitlines()), expected)
        code, out = on_terminal(80, "rules", "list")
        self.assertEqual(code, 0)
        self.assertLessEqual(max(map(columns_of, out.splitlines())), 80)

    def test_a_full_disk(self):
        path = self.write(GOOD)
        for arguments in (["list"], ["list", "--json"], ["check", "--json"], ["test", "--json"]):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([WEIR, "rules", *arguments, path], stdout=full, stderr=subprocess.PIPE,
                                      text=True, check=False, timeout=PATIENCE)  # fmt: skip
            self.assertEqual(done.returncode, 3)
            self.assertEqual(done.stderr, "weir: cannot write to standard output: No space left on device\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
