#!/usr/bin/python3
"""`weir scan` as a stranger uses it: formats, pipes, faulty lines, odd bytes, full disks, wrong usage."""

import base64
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support import pack  # noqa: E402
from support.program import PATIENCE, WEIR, weir  # noqa: E402

RULES = {
    "s.word": {"queue": "words", "severity": "high", "patterns": "{it: {words: [zyzzyva]}}"},
    "s.shadow": {"status": "shadow", "patterns": "{it: {words: [quokka]}}"},
    "s.off": {"status": "off", "patterns": "{it: {words: [zyzzyva]}}"},
}


class Scan(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="weir-scan-")
        self.folder = pathlib.Path(self.temporary.name)
        self.pack = pack.write(self.folder / "pack.yaml", "s", RULES)

    def tearDown(self):
        self.temporary.cleanup()

    def scan(self, content, *options, name="in.txt", code=0, words=""):
        """Scans a file of that content; returns the lines as objects and what was said."""
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        done = weir("scan", "--rules", self.pack, *options, path, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(words, done.stderr)
        self.assertTrue(done.stdout.isascii())
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def ids(self, *arguments, **options):
        return [hit["message_id"] for hit in self.scan(*arguments, **options)[0]]

    def fails(self, code, words, *arguments, **options):
        done = weir("scan", *arguments, check=False, **options)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stderr}")
        self.assertIn(words, done.stderr)
        self.assertEqual(done.stdout, "")

    def test_a_hit(self):
        hits, said = self.scan("nothing\na zyzzyva here\n", words="2 messages, 1 flagged, 1 hit; ")
        self.assertEqual(list(hits[0]), ["message_id", "rule", "severity", "queue", "generation", "spans"])
        generation = hits[0].pop("generation")
        self.assertRegex(generation, "^[0-9a-f]{16}$")
        self.assertEqual(hits, [{"message_id": "2", "rule": "s.word", "severity": "high", "queue": "words",
            "spans": [{"pattern": "it", "view": "folded", "start": 2, "end": 9}]}])  # fmt: skip
        self.assertNotIn("\x1b", said)

    def test_lines(self):
        self.assertEqual(self.ids(b""), [])
        self.assertEqual(self.ids(b"\n\n"), [])
        self.assertEqual(self.ids(b"zyzzyva"), ["1"])
        self.assertEqual(self.ids(b"zyzzyva\r\n\r\nzyzzyva\r\n"), ["1", "3"])
        self.assertEqual(self.ids(b"\x00zyzzyva\x00\n\xff zyzzyva \xfe\n\xe2\x80\xaezyzzyva\n"), ["1", "2", "3"])

    def test_order_is_that_of_the_file(self):
        content = b"".join(b"zyzzyva %d\nclean\n" % i for i in range(15000))
        expected = [str(2 * i + 1) for i in range(15000)]
        for jobs in ("1", "3"):
            self.assertEqual(self.ids(content, "--jobs", jobs, "--quiet"), expected)

    def test_very_many_hits(self):
        """Hundreds of rules that hit each message: far more lines than one chunk may hold, all there and in order."""
        rules = {f"many.{i}": pack.regex("q", "raw") for i in range(300)}
        path = pack.write(self.folder / "many.yaml", "many", rules)
        content = "".join("q" * (i % 20) + "\n" for i in range(800))
        (self.folder / "many.txt").write_text(content)
        done = weir("scan", "--rules", path, "--jobs", "2", self.folder / "many.txt")
        spans = [[{"pattern": "it", "view": "raw", "start": i, "end": i + 1} for i in range(n)] for n in range(20)]
        for number, line in enumerate(done.stdout.splitlines()):
            message = number // 300 + number // 300 // 19 + 1  # each 20th has no hits
            hit = json.loads(line)
            self.assertEqual((hit["message_id"], hit["rule"]), (str(message + 1), f"many.{number % 300}"))
            self.assertEqual(hit["spans"], spans[message % 20][:16])
        self.assertEqual(number + 1, 800 * 19 // 20 * 300)

    def test_shadow_rules_only_when_asked_for(self):
        self.assertEqual(self.ids("quokka\n"), [])
        hits, _ = self.scan("quokka\nzyzzyva\n", "--shadow")
        self.assertEqual([(hit["rule"], hit.get("status")) for hit in hits], [("s.shadow", "shadow"), ("s.word", None)])

    def test_huge_lines(self):
        text = b"x" * (1 << 20) + b" zyzzyva"
        hits, _ = self.scan(text + b"\nzyzzyva\n")
        self.assertEqual([hit["message_id"] for hit in hits if hit["rule"] == "s.word"], ["1", "2"])
        self.assertEqual(hits[0]["spans"][0]["end"], len(text))
        long = b"zyzzyva\n" + b"y" * ((16 << 20) + 1) + b"\nzyzzyva\n"
        self.assertEqual(self.ids(long, code=1, words="weir scan: line 2: longer than 16777216 bytes"), ["1", "3"])

    def test_jsonl(self):
        lines = [
            {"message_id": "a\x1b[31m\u202e", "text": "zyzzyva"},
            {"message_id": 7, "text": "zyzzyva", "sender_id": "s", "recipient_ids": ["r"], "unknown": [1]},
            {"text": "z\u0443zzyva"},  # a Cyrillic letter that looks like a y
            {"text_base64": base64.b64encode(b"\xff zyzzyva").decode()},
            {"text": ""},
        ]
        content = "\ufeff" + "\n\n".join(json.dumps(line) for line in lines)
        self.assertEqual(self.ids(content, name="in.jsonl"), ["a\x1b[31m\u202e", "7", "5", "7"])
        self.assertEqual(self.ids(content, "--format", "jsonl"), ["a\x1b[31m\u202e", "7", "5", "7"])

    def test_faulty_json_lines_are_told_and_passed_over(self):
        content = b'{"text": "zyzzyva"}\n{"text": \nnull\n{"text": 5}\n{}\n{"text": "\xff"}\n{"text": "zyzzyva"}\n'
        hits, said = self.scan(content, name="in.jsonl", code=1, words="2 messages, 2 flagged, 2 hits, 5 faulty lines; ")
        self.assertEqual([hit["message_id"] for hit in hits], ["1", "7"])
        for line in ("line 2: not a JSON object", "line 4: 'text' is not text", "line 5: has neither 'text' nor"):
            self.assertIn(line, said)

    def test_many_faulty_lines_are_only_counted(self):
        _, said = self.scan(b"{\n" * 500, name="in.jsonl", code=1, words="500 faulty lines")
        self.assertLess(len(said.splitlines()), 25)

    def test_json_that_is_not_read_as_such_is_told(self):
        hint = "the first line looks like JSON"
        line = '{"text": "zyzzyva"}\n'
        self.assertIn(hint, self.scan(line)[1])
        for options, name in ((["--format", "lines"], "in.txt"), ([], "in.jsonl")):
            self.assertNotIn(hint, self.scan(line, *options, name=name)[1])
        self.assertNotIn(hint, self.scan("hello\n" + line)[1])

    def test_tsv(self):
        content = "1\tham\tno zyzzyva\n2\tzyzzyva\tclean\n"
        self.assertEqual(self.ids(content, name="in.tsv"), ["1"])
        self.assertEqual(self.ids(content, "--format", "tsv", "--text-column", "2"), ["2"])
        self.assertEqual(self.ids(content, "--text-column", "2"), ["2"])
        self.assertEqual(
            self.ids(content, "--text-column", "4", code=1, words="has 3 columns, the text should be in column 4"), [])

    def test_standard_input(self):
        done = weir("scan", "--rules", self.pack, "--quiet", "-", input="zyzzyva\n")
        self.assertEqual((json.loads(done.stdout)["message_id"], done.stderr), ("1", ""))
        done = weir("scan", "--rules", self.pack, "--format", "jsonl", "-", input='{"text": "zyzzyva"}')
        self.assertEqual(json.loads(done.stdout)["spans"][0]["start"], 0)

    def test_the_packs_that_come_with_weir(self):
        text = "buy two gift cards and read me the code on the back"
        hits = [json.loads(line) for line in weir("scan", "-", input=text).stdout.splitlines()]
        self.assertIn("scams.gift-card", [hit["rule"] for hit in hits])

    def test_wrong_usage(self):
        self.fails(2, "name a file, or - for stdin")
        self.fails(2, "one file at a time", "a", "b")
        self.fails(2, "--format is lines, jsonl or tsv, not 'xml'", "--format", "xml", "-")
        self.fails(2, "--text-column is for --format tsv", "--format", "jsonl", "--text-column", "1", "-")
        self.fails(2, "--text-column takes a whole number from 1 to 10000, not '0'", "--text-column", "0", "-")
        self.fails(2, "--jobs takes a whole number from 1 to 256, not '-1'", "--jobs", "-1", "-")
        self.fails(2, "--jobs takes a whole number from 1 to 256", "--jobs", "99999999999999999999", "-")

    def test_files_that_cannot_be_read(self):
        rules = ("--rules", self.pack)
        self.fails(3, "cannot open nofile: No such file or directory", *rules, "nofile", cwd=self.folder)
        self.fails(3, "it is a folder", *rules, self.folder)
        if os.geteuid() != 0:
            self.scan("zyzzyva")
            (self.folder / "in.txt").chmod(0)
            self.fails(3, "Permission denied", *rules, self.folder / "in.txt")

    def test_rules_that_cannot_be_used(self):
        bad = self.folder / "bad.yaml"
        bad.write_text("pack: bad\nrules:\n  - {id: bad.x, title: x, sevrity: low, patterns: {p: {regex: '('}}}\n")
        self.fails(1, f"{bad}:3:", "--rules", bad, "-", input="")
        self.fails(1, "did you mean 'severity'?", "--rules", bad, "-", input="")
        self.fails(1, "there is no such file or folder", "--rules", "none.yaml", "-", cwd=self.folder, input="")

    def test_a_full_disk(self):
        (self.folder / "in.txt").write_text("zyzzyva\n" * 20000)
        for content in ("zyzzyva\n" * 20000, "zyzzyva\n"):
            (self.folder / "in.txt").write_text(content)
            with open("/dev/full", "wb") as full:
                done = subprocess.run([WEIR, "scan", "--rules", self.pack, self.folder / "in.txt"], check=False,
                                      stdout=full, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)  # fmt: skip
            self.assertEqual(done.returncode, 3)
            self.assertEqual(done.stderr, "weir scan: cannot write to standard output: No space left on device\n")

    def test_a_reader_that_goes_away(self):
        (self.folder / "in.txt").write_text("zyzzyva\n" * 20000)
        with subprocess.Popen([WEIR, "scan", "--rules", self.pack, self.folder / "in.txt"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as scan:  # fmt: skip
            self.assertEqual(json.loads(scan.stdout.readline())["message_id"], "1")
            scan.stdout.close()
            self.assertEqual(scan.wait(PATIENCE), -signal.SIGPIPE)
            self.assertEqual(scan.stderr.read(), b"")

    def test_a_pipe_that_falls_silent_holds_nothing_back(self):
        with subprocess.Popen([WEIR, "scan", "--rules", self.pack, "-"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as scan:  # fmt: skip
            for number in ("1", "2", "3"):
                scan.stdin.write(b"zyzzyva\n")
                scan.stdin.flush()
                self.assertEqual(json.loads(scan.stdout.readline())["message_id"], number)
            scan.stdin.close()
            self.assertEqual(scan.wait(PATIENCE), 0)

    def test_interrupted(self):
        with subprocess.Popen([WEIR, "scan", "--rules", self.pack, "-"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as scan:  # fmt: skip
            scan.stdin.write(b"zyzzyva\n")
            scan.stdin.flush()
            scan.stdout.readline()
            scan.send_signal(signal.SIGINT)
            self.assertEqual(scan.wait(PATIENCE), -signal.SIGINT)
            scan.stdin.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
