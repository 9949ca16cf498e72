#!/usr/bin/python3
"""Does the benchmark itself work: packs are written as they are meant, and a run over made-up input gives what it promises.

No figure is judged. WEIR_BUILD names the build folder.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from suite import charts, messages, packs, report  # noqa: E402

BUILD = os.environ.get("WEIR_BUILD", "")
SCAN_KEYS = {"rules", "messages", "ns_per_message", "messages_per_second", "mb_per_second", "baseline_ns_per_message", "ratio",
             "candidates", "confirmations", "flagged", "load_cold_seconds", "load_cached_seconds", "resident_peak_bytes"}  # fmt: skip


def run(*arguments, data=None):
    environment = {key: value for key, value in os.environ.items() if key != "WEIR_SHARED_DATA"}
    if data:
        environment["WEIR_SHARED_DATA"] = str(data)
    return subprocess.run([HERE / "run", *map(str, arguments)], capture_output=True, text=True, env=environment, check=False)


class Packs(unittest.TestCase):
    def test_flags(self):
        for pattern, flags, expected in (("a", "is", "a"), ("a", "", "(?-is)a"), ("a", "i", "(?-s)a"), ("a", "ism", "(?m)a"),
                                         ("a", "sm", "(?m-i)a"), ("a", "mx", "(?mx-is)a"), ("a", "isu", "a")):  # fmt: skip
            self.assertEqual(packs.with_flags(pattern, flags), expected, (pattern, flags))

    def test_quoted(self):
        for text, expected in (("it's", "'it''s'"), ("a\\b", "'a\\b'"), ('a\x01"\\', '"a\\u0001\\"\\\\"'), ("\U000e0001", '"\\U000E0001"')):
            self.assertEqual(packs.quoted(text), expected)

    def test_list_lines(self):
        self.assertEqual(packs.list_lines(["a", "#b", "\\c"]), "a\n\\#b\n\\\\c\n")

    def test_growth(self):
        words, domains = packs.growth(["one", "two"], ["real.example"], 2000)
        self.assertEqual((len(words), len(domains)), (500, 1500))
        self.assertEqual(len(set(words)) + len(set(domains)), 2000)
        self.assertIn("one", words)
        self.assertIn("real.example", domains)
        self.assertEqual(packs.growth(["one", "two"], ["real.example"], 2000), [words, domains])

    def test_rows(self):
        with tempfile.TemporaryDirectory() as name:
            path = pathlib.Path(name) / "x.tsv"
            path.write_bytes(b"#id\tflags\tpcre2\ths\tpattern\nbody:A\ti\tok\tok\ta\tb\nbody:__B\t\tok\tno\tb\nC\t\tno\tno\t(\nD\t\tok\tok\t\xff\n")
            self.assertEqual(packs.table_rows(path), ([("body:A", "i", "a\tb"), ("body:__B", "", "b")], 2))
            self.assertEqual(packs.regexes(path.parent, ["x"], packs.OWN_FLAGS), ({"x.1": "(?-s)a\tb", "x.2": "(?-is)b"}, 2))
            self.assertEqual(packs.regexes(path.parent, ["x"], packs.DEFAULT_FLAGS, only_text=True), ({"x.1": "a\tb"}, 2))

    def test_one_line(self):
        self.assertEqual(messages.one_line("a\r\nb\u2028c\0d\ud800"), "a b c d?")


class Run(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.json = pathlib.Path(self.folder.name) / "report.json"

    def tearDown(self):
        self.folder.cleanup()

    @unittest.skipUnless(BUILD, "WEIR_BUILD is not set")
    def test_quick(self):
        build = pathlib.Path(self.folder.name) / "build"  # what is kept between runs must not decide this one
        (build / "benchmarks").mkdir(parents=True)
        for program in ("weir", "benchmarks/scan_benchmark", "benchmarks/baseline_hs", "benchmarks/peer_pcre2", "benchmarks/made_up_messages"):
            (build / program).symlink_to(pathlib.Path(BUILD) / program)
        done = run("--quick", "--no-build", "--build", build, "--rules", "made-up", "--made-up", 100, "--sample", 200, "--peer-sample", 20, "--peers", "pcre2",
                   "--growth", "20,50", "--json", self.json)  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("WEIR_SHARED_DATA is not set", done.stderr)
        found = json.loads(self.json.read_text(encoding="utf-8"))
        self.assertEqual(found["version"], 1)
        self.assertEqual({key for key, _, _ in report.SECTIONS} - found.keys(), set())
        self.assertEqual([row.keys() >= SCAN_KEYS for row in found["scan"]], [True])
        self.assertEqual([row["batch"] for row in found["batches"]], [1, 16, 256, 4096])
        self.assertEqual([row["patterns"] for row in found["growth"]], [20, 50])
        self.assertEqual([row["peer"] for row in found["peers"]], ["PCRE2-JIT, pattern by pattern"])
        self.assertEqual([row["patterns"] for row in found["load"]], [100])
        row = found["scan"][0]
        self.assertEqual(row["message_count"], 200)
        for key in ("ns_per_message", "baseline_ns_per_message", "ratio", "resident_peak_bytes"):
            self.assertGreater(row[key], 0, key)
        self.assertAlmostEqual(row["messages_per_second"] * row["ns_per_message"], 1e9, delta=1e3)
        self.assertEqual(found["stages"][0].keys() >= {"decode", "views", "search", "confirm", "decide", "ack"}, True)
        again = run("--from", self.json)
        self.assertEqual((again.returncode, again.stdout), (0, done.stdout))
        self.assertIn("</svg>", charts.growth(found["growth"]) + charts.ratios(found["scan"]))

    def test_wrong_usage(self):
        for arguments in (("--rules", "nothing"), ("--messages", "nothing"), ("--sections", "nothing"), ("--growth", "many")):
            self.assertEqual(run(*arguments).returncode, 2, arguments)

    def test_needs_data(self):
        done = run("--no-build", "--rules", "words", "--json", self.json)
        self.assertEqual(done.returncode, 2)
        self.assertIn("without WEIR_SHARED_DATA there is no words", done.stderr)

    def test_not_built(self):
        done = run("--no-build", "--build", self.folder.name, "--rules", "made-up", "--json", self.json)
        self.assertEqual(done.returncode, 3)
        self.assertIn("build it", done.stderr)


if __name__ == "__main__":
    unittest.main()
