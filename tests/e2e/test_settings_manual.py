#!/usr/bin/python3
"""docs/settings.md holds the table that `weir config reference` prints. --update writes it there."""

import pathlib
import re
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support.program import ROOT, weir  # noqa: E402

MANUAL = ROOT / "docs/settings.md"
BEGIN, END = "<!-- begin: weir config reference -->\n", "<!-- end: weir config reference -->\n"


def parts():
    before, rest = MANUAL.read_text(encoding="utf-8").split(BEGIN)
    table, after = rest.split(END)
    return before, table, after


class SettingsManual(unittest.TestCase):
    maxDiff = None

    def test_table_is_the_programs(self):
        update = f"the settings have changed: run {pathlib.Path(__file__).name} --update"
        self.assertEqual(parts()[1], weir("config", "reference").stdout, update)

    def test_examples_are_valid(self):
        examples = re.findall(r"```yaml\n(.*?)```", parts()[0], re.DOTALL)
        self.assertTrue(examples)
        with tempfile.TemporaryDirectory() as folder:
            for example in examples:
                path = pathlib.Path(folder) / "weir.yaml"
                path.write_text(example, encoding="utf-8")
                weir("config", "check", path)

    def test_every_setting_is_there_once(self):
        names = re.findall(r"^\| `([^`]+)`", parts()[1], re.MULTILINE)
        self.assertEqual(len(names), len(set(names)))
        for setting in ("rules", "data", "ingest.sources[].endpoint", "alerts.queues[].name", "api.listen"):
            self.assertIn(setting, names)


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        start, _, finish = parts()
        MANUAL.write_text(start + BEGIN + weir("config", "reference").stdout + END + finish, encoding="utf-8")
        sys.exit(0)
    unittest.main(verbosity=2)
