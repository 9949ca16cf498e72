#!/usr/bin/python3
"""docs/rules/recipes.md is run as it stands: each pack loads, is formatted, has no warning, and its tests pass."""

import json
import pathlib
import re
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support import pages  # noqa: E402
from support.program import ROOT, weir  # noqa: E402

PAGE = ROOT / "docs/rules/recipes.md"
FAILS_ON_PURPOSE = {"trial.yaml"}  # the page says so


class Recipes(unittest.TestCase):
    def test_page(self):
        with tempfile.TemporaryDirectory(prefix="weir-recipes-") as name:
            folder = pathlib.Path(name)
            names, commands = pages.run(self, PAGE, folder)
            self.assertGreaterEqual(commands, 4)
            packs = [name for name in names if name.endswith(".yaml") and (folder / name).read_text().startswith("pack: ")]
            self.assertGreaterEqual(len(packs), 14)
            for pack in packs:
                with self.subTest(pack):
                    self.check(folder / pack, pack not in FAILS_ON_PURPOSE)
            self.assertEqual(len({json.dumps(re.findall(r"id: (\S+)", (folder / pack).read_text())) for pack in packs}), len(packs))

    def check(self, path, sound):
        weir("rules", "fmt", "--check", path)
        done = weir("rules", "check", "--json", path, check=False)
        found = json.loads(done.stdout)
        told = [f"{finding['name']} at line {finding['line']}: {finding['text']}" for finding in found["findings"]
                if finding["level"] != "hint"]  # fmt: skip
        if not sound:
            self.assertEqual([entry.split(" ")[0] for entry in told], ["failing-test"])
            return
        self.assertEqual(told, [], path.name)
        self.assertEqual(done.returncode, 0)
        self.assertGreaterEqual(found["tests"], 2 * found["rules"])

    def test_every_recipe_is_in_the_table_of_contents(self):
        text = PAGE.read_text(encoding="utf-8")
        sections = re.findall(r"^## (.+)$", text, re.MULTILINE)
        links = re.findall(r"\[([^\]]+)\]\(#([a-z0-9-]+)\)", re.sub(r"\s+", " ", text.split("\n## ", 1)[0]))
        self.assertEqual([title for title, _ in links], sections)
        for title, anchor in links:
            self.assertEqual(re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-"), anchor)


if __name__ == "__main__":
    unittest.main()
