#!/usr/bin/python3
"""What every command has in common, and `weir config` and `weir doctor`: help, wrong usage, exit codes, full disks."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support.program import ROOT, WEIR, weir  # noqa: E402

COMMANDS = ("run", "send", "scan", "rules", "alerts", "config", "doctor", "demo")
DEEPER = (("rules", "check"), ("rules", "test"), ("rules", "list"),
          ("alerts", "list"), ("alerts", "show"), ("alerts", "claim"), ("alerts", "decide"))  # fmt: skip


def fails(case, code, words, *arguments, **options):
    """It ends with that code, says these words on stderr and nothing on stdout."""
    done = weir(*arguments, check=False, **options)
    case.assertEqual(done.returncode, code, f"{arguments}: {done.stderr}")
    case.assertIn(words, done.stderr, arguments)
    case.assertEqual(done.stdout, "", arguments)
    return done


class Everywhere(unittest.TestCase):
    def test_help_is_on_stdout_and_fits_a_terminal(self):
        for command in ((), *((name,) for name in COMMANDS), *DEEPER):
            done = weir(*command, "--help")
            self.assertEqual(done.stderr, "", command)
            self.assertRegex(done.stdout, r"(?i)usage: weir", command)
            for line in done.stdout.splitlines():
                self.assertLessEqual(len(line), 80, f"{command}: {line}")

    def test_help_names_every_command(self):
        text = weir("--help").stdout
        for name in COMMANDS:
            self.assertRegex(text, rf"(?m)^  {name} ")
        self.assertEqual(weir("help").stdout, text)
        self.assertEqual(weir("help", "scan").stdout, weir("scan", "--help").stdout)
        self.assertEqual(weir("help", "alerts").stdout, weir("alerts", "-h").stdout)

    def test_version(self):
        self.assertRegex(weir("--version").stdout, r"^weir \d+\.\d+\.\d+\n$")
        self.assertEqual(weir("-V").stdout, weir("--version").stdout)

    def test_without_a_command(self):
        done = fails(self, 2, "usage: weir COMMAND")
        self.assertIn("weir demo", done.stderr)

    def test_unknown_words_are_named_with_the_nearest(self):
        fails(self, 2, "weir: unknown command 'scna'; did you mean 'scan'?", "scna")
        fails(self, 2, "weir: unknown command 'help-me'", "help", "help-me")
        fails(self, 2, "weir: unknown option '--nonsense'", "--nonsense")
        for action, nearest in (("config", "check"), ("rules", "check"), ("alerts", "claim")):
            wrong = nearest[:-2] + nearest[-1] + nearest[-2]
            fails(self, 2, f"unknown action '{wrong}'; did you mean '{nearest}'?", action, wrong)
            fails(self, 2, "say what to do", action)
            fails(self, 2, "unknown action 'xxxxxxxxxx'; there are ", action, "xxxxxxxxxx")

    def test_options_are_named(self):
        for command in (("run",), ("send",), ("scan",), ("doctor",), ("config",), *DEEPER):
            name = " ".join(command)
            fails(self, 2, f"weir {name}: unknown option '--nonsense'\nTry 'weir {name} --help'.\n",
                  *command, "--nonsense")  # fmt: skip
            fails(self, 2, f"weir {name}: unknown option '-Z'", *command, "-Z")
        fails(self, 2, "unknown option '--rulse'; did you mean '--rules'?", "scan", "--rulse=x", "-")
        fails(self, 2, "'--rules' needs a value", "run", "--rules")
        fails(self, 2, "'-c' needs a value", "run", "-c")
        fails(self, 2, "'--json' takes no value", "doctor", "--json=yes")
        fails(self, 2, "unexpected argument 'extra'", "run", "extra")
        fails(self, 2, "--workers takes a whole number from 0 to 256, not '1x'", "run", "--workers", "1x")

    def test_a_full_disk_is_noticed(self):
        for command in (["--help"], ["--version"], ["config", "show"], ["config", "reference"], ["alerts", "--help"]):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([WEIR, *command], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
            self.assertEqual(done.returncode, 3, command)
            self.assertEqual(done.stderr, "weir: cannot write to standard output: No space left on device\n")

    def test_run_without_what_it_needs(self):
        with tempfile.TemporaryDirectory() as folder:
            fails(self, 3, "cannot open", "run", "-c", "no-such.yaml", cwd=folder)
            fails(self, 1, "no such file", "run", "--rules", "no-such.yaml", cwd=folder)


class Config(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="weir-config-")
        self.file = pathlib.Path(self.temporary.name) / "weir.yaml"

    def tearDown(self):
        self.temporary.cleanup()

    def write(self, text):
        self.file.write_text(text, encoding="utf-8")
        return self.file

    def test_what_show_prints_is_valid_and_means_the_same(self):
        shown = weir("config", "show").stdout
        self.write(shown)
        self.assertEqual(weir("config", "show", self.file).stdout, shown)
        done = weir("config", "check", self.file)
        self.assertEqual((done.stdout, done.stderr), ("", f"{self.file}: fine\n"))
        self.assertLessEqual(max(map(len, shown.splitlines())), 120)

    def test_changes_are_shown(self):
        self.write("data: elsewhere\nalerts: {queues: [{name: fraud, severities: [high]}]}\n")
        shown = weir("config", "show", self.file).stdout
        self.assertRegex(shown, r"(?m)^data: elsewhere$")
        self.assertIn("fraud", shown)

    def test_every_fault_has_its_place(self):
        self.write("dta: x\napi:\n  listn: y\nlog_level: loud\nscanner:\n  workers: 257\n")
        done = fails(self, 1, "", "config", "check", self.file)
        places = re.findall(r":(\d+):(\d+): error: ", done.stderr)
        self.assertEqual([int(line) for line, _ in places], [1, 3, 4, 6])
        self.assertIn("did you mean 'data'?", done.stderr)
        self.assertNotIn("\x1b", done.stderr)
        fails(self, 1, "unknown setting", "config", "show", self.file)

    def test_settings_that_do_not_go_together(self):
        self.write("alerts:\n  queues:\n    - name: a\n    - name: a\n")
        fails(self, 1, "'a' is there twice", "config", "check", self.file)
        self.write("ingest: {frame_bytes_max: 2048, text_bytes_max: 4096}\n")
        fails(self, 1, "ingest.text_bytes_max", "config", "check", self.file)

    def test_json(self):
        self.write("foo: 1\n")
        done = weir("config", "check", "--json", self.file, check=False)
        self.assertEqual(done.returncode, 1)
        answer = json.loads(done.stdout)
        self.assertEqual((answer["ok"], answer["errors"], answer["warnings"]), (False, 1, 0))
        self.assertEqual((answer["findings"][0]["line"], answer["findings"][0]["column"]), (1, 1))
        self.write("")
        self.assertEqual(json.loads(weir("config", "check", "--json", self.file).stdout),
                         {"ok": True, "errors": 0, "warnings": 0, "findings": []})  # fmt: skip

    def test_files_that_cannot_be_read(self):
        folder = self.temporary.name
        for action in ("check", "show"):
            fails(self, 3, "cannot open", "config", action, f"{folder}/none.yaml")
            fails(self, 3, "is a folder", "config", action, folder)
        self.file.write_bytes(b"data: \xff\xfe\n")
        fails(self, 1, "", "config", "check", self.file)
        self.write("data: [unclosed\n")
        fails(self, 1, f"{self.file}:", "config", "check", self.file)

    def test_wrong_usage(self):
        fails(self, 2, "check which file?", "config", "check")
        fails(self, 2, "unexpected argument 'b'", "config", "show", "a", "b")
        fails(self, 2, "unexpected argument 'a'", "config", "reference", "a")
        fails(self, 2, "--json is for 'check'", "config", "show", "--json")

    def test_the_example_that_ships(self):
        weir("config", "check", ROOT / "deploy/weir.yaml")


class Doctor(unittest.TestCase):
    def test_this_machine(self):
        with tempfile.TemporaryDirectory() as folder:
            done = weir("doctor", "--json", "--data", folder)
            self.assertEqual(list(pathlib.Path(folder).iterdir()), [])
        checks = {entry["check"]: entry for entry in json.loads(done.stdout)}
        self.assertEqual(set(checks), {"machine", "engines", "search", "data"})
        for entry in checks.values():
            self.assertTrue(entry["ok"], entry)


if __name__ == "__main__":
    unittest.main(verbosity=2)
