#!/usr/bin/python3
"""docs/rules/reference.md describes every key and value of docs/rules/pack.schema.json, and no others; its links lead somewhere."""

import json
import pathlib
import re
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support.program import ROOT, weir  # noqa: E402

RULES = ROOT / "docs/rules"
PAGE = (RULES / "reference.md").read_text(encoding="utf-8")
SCHEMA = json.loads((RULES / "pack.schema.json").read_text(encoding="utf-8"))
RULE = SCHEMA["definitions"]["rule"]["properties"]
# Where the keys of each map are described.
SECTIONS = {
    "The file": SCHEMA["properties"],
    "defaults": SCHEMA["properties"]["defaults"]["properties"],
    "A rule": RULE,
    "Patterns": SCHEMA["definitions"]["pattern"]["properties"],
    "across": SCHEMA["definitions"]["across"]["properties"],
    "Tests": RULE["tests"]["properties"],
}
VALUES = {"severity": "A rule", "status": "A rule", "view": "view", "kind": "Patterns", "from": "across"}


def section(title):
    """The text below a heading, up to the next one of any level."""
    return re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)[1]


def anchors(text):
    return {re.sub(r"[^\w -]", "", title.lower().replace("`", "")).replace(" ", "-")
            for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}  # fmt: skip


class Reference(unittest.TestCase):
    def test_keys(self):
        for title, properties in SECTIONS.items():
            with self.subTest(title):
                rows = re.findall(r"^\| `([a-z_]+)` \|", section(title), re.MULTILINE)
                self.assertEqual(sorted(rows), sorted(properties))

    def test_values(self):
        for key, title in VALUES.items():
            owner = SCHEMA["definitions"].get(key) or SECTIONS[title][key]
            for value in owner["enum"]:
                with self.subTest(f"{key}: {value}"):
                    self.assertIn(f"`{value}`", section(title))

    def test_examples_of_a_rule_load(self):
        with tempfile.TemporaryDirectory(prefix="weir-reference-") as name:
            folder = pathlib.Path(name)
            (folder / "packs").mkdir()
            (folder / "lists").mkdir()
            (folder / "lists/gift-card-merchants.txt").write_text("shop.example\n")
            path = folder / "packs/a.yaml"
            path.write_text(re.search(r"```yaml\n(pack: .*?)```", PAGE, re.DOTALL)[1])
            done = weir("rules", "check", "--json", path)
            self.assertEqual(json.loads(done.stdout)["rules"], 1)

    def test_links_of_the_manual(self):
        for page in sorted(RULES.glob("*.md")):
            text = page.read_text(encoding="utf-8")
            for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)):
                if target.startswith(("http:", "https:")):
                    continue
                path, _, anchor = target.partition("#")
                other = (page.parent / path).resolve() if path else page
                with self.subTest(f"{page.name}: {target}"):
                    self.assertTrue(other.exists())
                    if anchor:
                        self.assertIn(anchor, anchors(other.read_text(encoding="utf-8")))


if __name__ == "__main__":
    unittest.main()
