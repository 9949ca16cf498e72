#!/usr/bin/python3
"""docs/rules/pack.schema.json keeps step with the reader of rule files, and the packs that ship are valid by it."""

import json
import pathlib
import re
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support.program import ROOT, weir  # noqa: E402

SCHEMA = json.loads((ROOT / "docs/rules/pack.schema.json").read_text(encoding="utf-8"))
RULE = SCHEMA["definitions"]["rule"]["properties"]
PATTERN = SCHEMA["definitions"]["pattern"]["properties"]

# A pack with a key that nobody knows: the remedy lists those that are known there.
PLACES = {
    "pack": ("qqqqqqqq: 1\npack: p\nrules: []\n", SCHEMA["properties"]),
    "defaults": ("pack: p\ndefaults: {qqqqqqqq: 1}\nrules: []\n", SCHEMA["properties"]["defaults"]["properties"]),
    "rule": ("pack: p\nrules:\n  - {qqqqqqqq: 1, id: p.a, patterns: {a: {words: [x]}}}\n", RULE),
    "pattern": ("pack: p\nrules:\n  - {id: p.a, patterns: {a: {words: [x], qqqqqqqq: 1}}}\n", PATTERN),
    "tests": ("pack: p\nrules:\n  - {id: p.a, patterns: {a: {words: [x]}}, tests: {qqqqqqqq: 1}}\n",
              RULE["tests"]["properties"]),
    "across": ("pack: p\nrules:\n  - {id: p.a, patterns: {a: {words: [x]}}, across: {qqqqqqqq: 1}}\n",
               SCHEMA["definitions"]["across"]["properties"]),
}  # fmt: skip
# And values that nobody knows: the reason lists those that are.
VALUES = {
    "severity": ("pack: p\nrules:\n  - {id: p.a, severity: qqqqqqqq, patterns: {a: {words: [x]}}}\n", "severity"),
    "status": ("pack: p\nrules:\n  - {id: p.a, status: qqqqqqqq, patterns: {a: {words: [x]}}}\n", "status"),
    "view": ("pack: p\nrules:\n  - {id: p.a, patterns: {a: {words: [x], view: qqqqqqqq}}}\n", "view"),
}


class Schema(unittest.TestCase):
    def findings(self, text):
        with tempfile.TemporaryDirectory(prefix="weir-schema-") as folder:
            path = pathlib.Path(folder) / "pack.yaml"
            path.write_text(text, encoding="utf-8")
            return json.loads(weir("rules", "check", "--json", path, check=False).stdout)["findings"]

    def test_the_keys_are_those_of_the_reader(self):
        for place, (text, properties) in PLACES.items():
            with self.subTest(place):
                remedies = [finding["remedy"] or "" for finding in self.findings(text) if "qqqqqqqq" in finding["text"]]
                known = [re.fullmatch("known here: (.*)", remedy) for remedy in remedies]
                self.assertEqual(len(known), 1, remedies)
                self.assertEqual(set(known[0][1].split(", ")), set(properties))

    def test_the_values_are_those_of_the_reader(self):
        for key, (text, definition) in VALUES.items():
            with self.subTest(key):
                told = [re.search(r"must be one of (.*), found", finding["text"]) for finding in self.findings(text)]
                told = [match[1].split(", ") for match in told if match]
                self.assertEqual(told, [SCHEMA["definitions"][definition]["enum"]])

    def test_what_a_rule_can_allow(self):
        names = json.loads(weir("rules", "check", "--names", "--json").stdout)
        self.assertEqual({row["name"] for row in names if row["level"] != "error"}, set(RULE["allow"]["properties"]))

    def test_packs(self):
        try:
            import jsonschema
            import yaml
        except ImportError:
            self.skipTest("needs Debian's python3-jsonschema and python3-yaml")
        validator = jsonschema.Draft7Validator(SCHEMA)
        jsonschema.Draft7Validator.check_schema(SCHEMA)
        packs = sorted((ROOT / "rules/packs").glob("*.yaml"))
        self.assertGreater(len(packs), 4)
        for path in packs:
            with self.subTest(path.name):
                pack = yaml.safe_load(path.read_text(encoding="utf-8"))
                self.assertEqual([error.message for error in validator.iter_errors(pack)], [])
        good = {"id": "p.a", "patterns": {"a": {"regex": "x"}},
                "tests": {"hits": ["x", ["x", 7, {"text": "x", "from": 5, "minutes": 10080}]], "clean": [["y"]]}}  # fmt: skip
        for change in ({"id": "a b"}, {"severty": "high"}, {"severity": "grave"}, {"patterns": {}}, {"patterns": {"and": {"regex": "x"}}},
                       {"patterns": {"a": {"regex": "x", "words": ["y"]}}}, {"patterns": {"a": {"list": "x.txt"}}},
                       {"patterns": {"a": {"words": []}}}, {"patterns": {"a": {"regex": "x", "kind": "words"}}}, {"tests": {"hit": ["x"]}},
                       {"tests": {"hits": [[]]}}, {"tests": {"hits": [{"text": "x"}]}}, {"tests": {"hits": [["x", ["y"]]]}},
                       {"tests": {"hits": [[{"from": "a"}]]}}, {"tests": {"hits": [[{"text": "x", "minutes": -1}]]}},
                       {"tests": {"clean": [[{"text": "x", "at": 1}]]}}, {"tests": {"hits": [["x"] * 201]}},
                       {"allow": {"nothing": "x"}}, {"allow": ["no-tests"]}, {"max_per_minute": 0}):  # fmt: skip
            self.assertEqual(list(validator.iter_errors({"pack": "p", "rules": [good]})), [])
            self.assertNotEqual(list(validator.iter_errors({"pack": "p", "rules": [good | change]})), [], change)


if __name__ == "__main__":
    unittest.main(verbosity=2)
