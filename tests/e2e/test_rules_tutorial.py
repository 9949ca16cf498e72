#!/usr/bin/python3
"""The tutorial for rule authors is run as it stands: its files, its commands, and what it says that they print."""

import pathlib
import re
import shlex
import subprocess
import tempfile
import unittest

from support.program import WEIR

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/rules/tutorial.md"
BLOCK = re.compile(r"^```(yaml|text|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Tutorial(unittest.TestCase):
    def test_page(self):
        commands = 0
        with tempfile.TemporaryDirectory(prefix="weir-tutorial-") as folder:
            for kind, body in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
                first, rest = body.split("\n", 1)
                if kind != "console":
                    self.assertTrue(first.startswith("# "), first)
                    (pathlib.Path(folder) / first[2:]).write_text(rest, encoding="utf-8")
                    continue
                self.assertTrue(first.startswith("$ weir "), first)
                words = [str(WEIR), *shlex.split(first[2:])[1:]]
                done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=60)
                printed = done.stdout + done.stderr
                self.assertEqual(done.returncode, 0, first + "\n" + printed)
                for line in rest.splitlines():
                    self.assertIn(line, printed, first)
                commands += 1
        self.assertGreaterEqual(commands, 6)


if __name__ == "__main__":
    unittest.main()
