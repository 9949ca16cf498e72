#!/usr/bin/python3
"""The rules of a running weir, as an operator sees them: reload, status, rollback, resume, floods, restore, stats."""

import json
import os
import pathlib
import shutil
import signal
import sqlite3
import tempfile
import time
import unittest

from support.program import PATIENCE, Failure, Run, weir
from support.wire import OK, Producer, batch

LOADED = ("rules_reloaded", "rules_partly_reloaded", "rules_rolled_back")


def pack(name, word, extra="", more=""):
    return (f"pack: {name}\nrules:\n  - id: {name}.word\n    patterns: {{it: {{words: [{word}]}}}}\n"
            f"    tests: {{hits: [a {word}], clean: [nothing]}}\n{extra}{more}")  # fmt: skip


class RulesLive(unittest.TestCase):
    settings = "reload: {settle_ms: 5}\n"

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-live-"))
        self.packs = self.folder / "packs"
        self.packs.mkdir()
        self.write("a", "zebra")
        self.write("b", "giraffe")
        self.run_ = Run(self.folder, [self.packs], self.settings)
        self.number = 0

    def tearDown(self):
        self.run_.__exit__()
        shutil.rmtree(self.folder)

    def write(self, name, word, **more):
        (self.packs / f"{name}.yaml").write_text(pack(name, word, **more), encoding="utf-8")

    def start(self):
        return self.run_.start()

    def wait_load(self, seen, name="rules_reloaded"):
        return self.run_.wait_event(name, seen)

    def seen(self):
        return len(self.run_.events)

    def rules(self, *words, code=0):
        result = weir("rules", *words, "--data", self.run_.data, check=False)
        self.assertEqual(result.returncode, code, f"weir rules {words}: {result.stdout}{result.stderr}")
        return result

    def status(self, code=0):
        return json.loads(self.rules("status", "--json", code=code).stdout)

    def wait_status(self, wanted):
        """Until the status that the process writes says so: it comes shortly after the event."""
        deadline = time.monotonic() + PATIENCE
        while True:
            state = json.loads(weir("rules", "status", "--json", "--data", self.run_.data, check=False).stdout)
            if wanted(state):
                return state
            if time.monotonic() > deadline:
                raise Failure(json.dumps(state, indent=1))

    def send(self, *texts):
        """Sends one batch and waits for its receipt; returns {text: {rule: generation}}."""
        self.number += 1
        producer = Producer(self.run_.endpoint)
        ids = {f"{self.number}.{index}": text for index, text in enumerate(texts)}
        producer.send(batch(f"b{self.number}", [{"message_id": name, "conversation_id": name, "text": text}
                                                for name, text in ids.items()]))  # fmt: skip
        receipt = producer.receipts(1)[f"b{self.number}"]
        producer.close()
        self.assertEqual(receipt.status, OK)
        with sqlite3.connect(f"file:{self.run_.data / 'alerts.db'}?mode=ro", uri=True) as database:
            return {text: dict(database.execute("SELECT rule, generation FROM hits WHERE message_id = ?", (name,)))
                    for name, text in ids.items()}  # fmt: skip

    def live(self, text):
        return set(self.send(text)[text])

    def test_every_way_to_save(self):
        self.start()
        path = self.packs / "a.yaml"

        def in_place(word):
            self.write("a", word)

        def renamed(word):
            temporary = self.folder / "new"
            temporary.write_text(pack("a", word), encoding="utf-8")
            temporary.rename(path)

        def backup_and_new(word):  # as some editors do
            path.rename(self.packs / "a.yaml~")
            self.write("a", word)

        def link(word):
            target = self.folder / f"target-{word}"
            target.write_text(pack("a", word), encoding="utf-8")
            path.unlink()
            path.symlink_to(target)

        def through_link(word):
            path.write_text(pack("a", word), encoding="utf-8")

        def whole_folder(word):  # a new folder in the place of the old one
            fresh = self.folder / f"fresh-{word}"
            shutil.copytree(self.packs, fresh, symlinks=False)
            (fresh / "a.yaml").write_text(pack("a", word), encoding="utf-8")
            self.packs.rename(self.folder / f"old-{word}")
            fresh.rename(self.packs)

        for number, save in enumerate((in_place, renamed, backup_and_new, link, through_link, whole_folder, in_place)):
            with self.subTest(save.__name__):
                seen, word = self.seen(), f"okapi{'abcdefgh'[number]}"
                save(word)
                self.wait_until_live(word, seen)
                self.assertEqual(self.live("a zebra"), set())

    def wait_until_live(self, word, seen):
        deadline = time.monotonic() + PATIENCE
        while not self.live(f"a {word}"):
            if time.monotonic() > deadline:
                raise Failure(f"{word} did not come alive:\n" + "\n".join(self.run_.log[seen:]))

    def test_new_and_deleted_packs(self):
        self.start()
        seen = self.seen()
        self.write("c", "okapi")
        self.assertEqual(self.wait_load(seen)["rules"], 3)
        self.assertEqual(self.live("an okapi"), {"c.word"})
        seen = self.seen()
        (self.packs / "a.yaml").unlink()
        self.assertEqual(self.wait_load(seen)["rules"], 2)
        self.assertEqual(self.live("a zebra"), set())
        seen = self.seen()
        shutil.rmtree(self.packs)  # the last rules stay, whatever happens to the folder
        self.wait_load(seen, "rules_partly_reloaded")
        self.assertEqual(self.live("a giraffe"), {"b.word"})
        state = self.wait_status(lambda state: state["refused"])
        self.assertTrue(state["refused"][0]["kept"])
        seen = self.seen()
        self.packs.mkdir()
        self.write("a", "gnu")
        self.wait_until_live("gnu", seen)
        self.assertEqual(self.live("a giraffe"), set())

    def test_list_and_swapped_data_folder(self):
        """A volume of Kubernetes: packs and lists are links into ..data, which is a link that is swapped."""
        volume = self.folder / "volume"
        volume.mkdir()

        def fill(word):
            fresh = volume / f"..{word}"
            fresh.mkdir()
            (fresh / "words.txt").write_text(word + "\n", encoding="utf-8")
            (fresh / "v.yaml").write_text("pack: v\nrules:\n  - id: v.list\n    patterns: "
                                          "{it: {list: words.txt, kind: words}}\n", encoding="utf-8")  # fmt: skip
            (volume / "..data_tmp").symlink_to(fresh.name)
            (volume / "..data_tmp").rename(volume / "..data")

        fill("okapi")
        for name in ("v.yaml", "words.txt"):
            (volume / name).symlink_to(f"..data/{name}")
        self.run_ = Run(self.folder, [self.packs, volume / "v.yaml"], self.settings)
        self.start()
        self.assertEqual(self.live("an okapi"), {"v.list"})
        for word in ("gnu", "eland"):
            seen = self.seen()
            fill(word)
            self.wait_until_live(word, seen)
            self.assertEqual(self.live("an okapi"), set())
        seen = self.seen()
        (volume / "..eland" / "words.txt").write_text("kudu\n", encoding="utf-8")
        self.wait_until_live("kudu", seen)

    def test_bad_pack_is_refused_and_told(self):
        self.start()
        good = self.status()["live"]["generation"]
        bad = (
            ("unknown key", "  - id: x\n    patern: {}\n", 6),
            ("a test that fails", "  - id: a.x\n    patterns: {it: {words: [gnu]}}\n    tests: {hits: [nothing]}\n", 8),
            ("not YAML", "  - id: [\n", None),
        )
        for what, text, line in bad:
            with self.subTest(what):
                seen = self.seen()
                self.write("a", "okapi", extra=text)
                event = self.wait_load(seen, "rules_partly_reloaded")
                self.assertEqual(event["refused_packs"], 1)
                self.assertEqual(event["generation"], good)
                self.assertEqual(self.live("a zebra and an okapi"), {"a.word"})
                state = self.wait_status(lambda state, seen=seen: state["refused"] and state["live"]["generation"] == good)
                self.assertEqual([item["path"] for item in state["refused"]], [str(self.packs / "a.yaml")])
                self.assertTrue(state["refused"][0]["kept"])
                self.assertTrue(line is None or line in [item["line"] for item in state["findings"]], state["findings"])
                shown = self.rules("status", code=1)
                self.assertIn("its last good version is live", shown.stdout)
                self.assertIn("a.yaml", shown.stdout)
        self.assertEqual(self.run_.metric("weir_rules_reloads_total", result="partly"), 3)
        self.assertEqual(self.run_.metric("weir_rules_refusals_total"), 3)
        self.assertEqual(self.run_.metric("weir_rules_refused_packs"), 1)
        seen = self.seen()
        self.write("a", "okapi")
        self.wait_load(seen)
        self.assertEqual(self.wait_status(lambda state: not state["refused"])["findings"], [])
        self.rules("status")

    def test_new_pack_cannot_push_out_a_live_one(self):
        """A pack that takes another one's name is refused, whichever comes first in the alphabet."""
        self.start()
        seen = self.seen()
        (self.packs / "0.yaml").write_text(pack("b", "okapi"), encoding="utf-8")
        self.wait_load(seen, "rules_partly_reloaded")
        self.assertEqual(self.live("a giraffe, an okapi"), {"b.word"})
        self.assertEqual(self.live("an okapi"), set())
        state = self.wait_status(lambda state: state["refused"])
        self.assertEqual(state["refused"], [{"path": str(self.packs / "0.yaml"), "kept": False}])

    def test_restart_with_a_bad_pack(self):
        self.start()
        seen = self.seen()
        self.write("a", "okapi")
        self.wait_load(seen)
        self.run_.stop(signal.SIGKILL)
        self.write("a", "gnu", extra="  - id: [\n")
        self.start()
        self.run_.last_event("rules_of_last_time")
        self.assertEqual(self.live("an okapi"), {"a.word"})
        self.assertEqual([item["kept"] for item in self.status(code=1)["refused"]], [True])
        self.run_.stop()
        # A pack that never was good would be left out: then somebody must look first.
        (self.packs / "c.yaml").write_text("pack: [\n", encoding="utf-8")
        self.run_.start(wait=False)
        self.assertEqual(self.run_.process.wait(PATIENCE), 1)

    def test_rollback_and_resume(self):
        self.start()
        generations = [self.status()["live"]["generation"]]
        for word in ("okapi", "gnu"):
            seen = self.seen()
            self.write("a", word)
            generations.append(self.wait_load(seen)["generation"])
        kept = [item["generation"] for item in self.wait_status(lambda state: len(state["generations"]) == 3)["generations"]]
        self.assertEqual(kept, generations[::-1])
        hits = self.send("a zebra", "an okapi", "a gnu")
        self.assertEqual([set(found.values()) for found in hits.values()], [set(), set(), {generations[2]}])

        self.rules("rollback")
        self.assertEqual(self.send("an okapi")["an okapi"], {"a.word": generations[1]})
        self.rules("rollback")
        self.assertEqual(self.live("a zebra"), {"a.word"})
        self.assertIn("no earlier", self.rules("rollback", code=1).stderr)
        self.assertIn("no generation", self.rules("rollback", "ffffffff", code=1).stderr)
        self.rules("rollback", "123", code=2)
        self.assertEqual(self.run_.metric("weir_rules_pinned"), 1)

        # Pinned: neither a change nor a signal nor a restart after a kill brings the files back.
        self.write("a", "eland")
        seen = self.seen()
        self.run_.send_signal(signal.SIGHUP)
        self.run_.wait_event("rules_pinned", seen)
        self.wait_status(lambda state: state["pinned"] and state["pinned"]["changed_on_disk"])
        self.assertEqual(self.live("a zebra and an eland"), {"a.word"})
        self.run_.stop(signal.SIGKILL)
        self.start()
        self.assertEqual(self.send("a zebra")["a zebra"], {"a.word": generations[0]})
        self.assertIn("pinned", self.rules("status").stdout)

        result = json.loads(self.rules("resume", "--json").stdout)
        self.assertEqual(result["result"], "resumed")
        self.assertEqual(self.live("an eland"), {"a.word"})
        self.assertEqual(json.loads(self.rules("resume", "--json").stdout)["result"], "not_pinned")
        self.assertEqual(self.run_.metric("weir_rules_pinned"), 0)

    def test_rollback_without_a_process(self):
        self.start()
        seen = self.seen()
        self.write("a", "okapi")
        self.wait_load(seen)
        self.wait_status(lambda state: len(state["generations"]) == 2)
        self.run_.stop()
        self.assertIn("not running", self.rules("status", code=3).stdout)
        self.assertIn("no weir is running", self.rules("rollback").stderr)
        self.start()
        self.assertEqual(self.live("a zebra"), {"a.word"})
        self.run_.stop()
        self.rules("resume")
        self.start()
        self.assertEqual(self.live("an okapi"), {"a.word"})

    def test_damaged_generation_is_not_taken(self):
        self.start()
        seen = self.seen()
        self.write("a", "okapi")
        self.wait_load(seen)
        self.wait_status(lambda state: len(state["generations"]) == 2)
        for item in (self.run_.data / "rules" / "objects").iterdir():
            if b"zebra" in item.read_bytes():
                item.write_text(pack("a", "forged"), encoding="utf-8")
        self.assertIn("nothing was changed", self.rules("rollback", code=1).stderr)
        self.assertEqual(self.live("an okapi, forged, a zebra"), {"a.word"})
        self.assertEqual(self.live("forged and zebra"), set())
        self.assertFalse(self.status(code=1)["pinned"]["live"])
        seen = self.seen()
        self.write("a", "gnu")  # a pin that could not be obeyed does not stop the files
        self.wait_load(seen)
        self.assertEqual(self.live("a gnu"), {"a.word"})
        self.rules("resume")
        self.rules("status")

    def test_files_are_private(self):
        os.umask(0)
        try:
            self.start()
            self.rules("status")
        finally:
            os.umask(0o022)
        for item in (self.run_.data / "rules").rglob("*"):
            self.assertEqual(item.stat().st_mode & 0o077, 0, item)

    def test_flood_and_restore(self):
        self.write("a", "zebra", more="    max_per_minute: 3\n")
        self.start()
        hits = self.send(*(f"a zebra {number} giraffe" for number in range(10)))
        found = sorted(sorted(rules) for rules in hits.values())  # in any order: there are several workers
        self.assertEqual(found, [["a.word", "b.word"]] * 3 + [["b.word"]] * 7)
        self.run_.wait_event("rule_demoted")
        self.send("a zebra")
        self.assertEqual(sum(event.get("event") == "rule_demoted" for event in self.run_.events), 1)
        self.assertEqual(self.run_.metric("weir_rule_demotions_total", rule="a.word"), 1)
        self.assertEqual(self.run_.metric("weir_rule_shadow_hits_total", rule="a.word"), 8)
        state = self.wait_status(lambda state: state["demoted"])
        self.assertEqual([(item["rule"], item["max_per_minute"]) for item in state["demoted"]], [("a.word", 3)])
        self.assertIn("a.word", self.rules("status", code=1).stdout)
        # Another pack's edit does not bring it back, nor does a restart.
        seen = self.seen()
        self.write("b", "okapi")
        self.wait_load(seen)
        self.assertEqual(self.live("a zebra"), set())
        self.run_.stop(signal.SIGKILL)
        self.start()
        self.assertEqual(self.live("a zebra"), set())
        # A command does, with an empty minute; so does a change of its own pack.
        self.rules("restore", "nobody", code=1)
        self.rules("restore", code=2)
        self.rules("restore", "a.word")
        self.assertEqual(self.live("a zebra"), {"a.word"})
        self.send("zebra 1", "zebra 2", "zebra 3", "zebra 4")
        self.assertEqual(self.live("a zebra"), set())
        self.wait_status(lambda state: state["demoted"])
        seen = self.seen()
        self.write("a", "zebra", more="    max_per_minute: 4\n")
        self.wait_load(seen)
        self.assertEqual(self.live("a zebra"), {"a.word"})
        self.wait_status(lambda state: not state["demoted"])
        self.rules("status")

    def test_stats(self):
        self.settings = "alerts: {queues: [{name: shown, shadow_text: true}]}\n"
        extra = ("  - {id: b.hidden, status: shadow, patterns: {it: {words: [okapi]}}}\n"
                 "  - {id: b.shown, status: shadow, queue: shown, patterns: {it: {words: [okapi]}}}\n")  # fmt: skip
        self.write("b", "giraffe", extra=extra)
        self.run_ = Run(self.folder, [self.packs], self.settings)
        self.start()
        generation = self.status()["live"]["generation"]
        self.send("zebra one okapi", "zebra two", "zebra three", "an okapi alone", "nothing")
        for case, decision in ((1, "violation"), (2, "no_violation")):
            claim = json.loads(weir("alerts", "claim", case, "--as", "ann", "--json", "--data", self.run_.data).stdout)
            weir("alerts", "decide", case, "--as", "ann", "--token", claim["token"], "--decision", decision, "--data",
                 self.run_.data)  # fmt: skip
        self.run_.stop()  # what was counted is stored
        stats = {item["rule"]: item for item in map(json.loads, self.rules("stats", "--json").stdout.splitlines())}
        self.assertEqual(sorted(stats), ["a.word", "b.hidden", "b.shown"])
        a = stats["a.word"]
        self.assertEqual([a[key] for key in ("hits", "cases", "open", "violation", "no_violation", "unsure")], [3, 3, 1, 1, 1, 0])
        self.assertEqual(a["precision"], 0.5)
        self.assertAlmostEqual(a["precision_95"][0], 0.0945, 3)
        self.assertAlmostEqual(a["precision_95"][1], 0.9055, 3)
        hidden = stats["b.hidden"]
        self.assertEqual([hidden[key] for key in ("hits", "shadow_hits", "cases")], [0, 2, 0])
        self.assertEqual((hidden["shadow_violation"], hidden["shadow_no_violation"]), (1, 0))
        self.assertIsNone(hidden["precision"])
        by = [json.loads(line) for line in self.rules("stats", "b", "--by-generation", "--json").stdout.splitlines()]
        self.assertEqual([(item["rule"], item["generation"]) for item in by], [("b.hidden", generation), ("b.shown", generation)])
        shown = self.rules("stats").stdout
        self.assertIn("50% (9-91)", shown)
        self.assertIn("~100%", shown)
        self.assertTrue(all(len(line) <= 80 for line in shown.splitlines()), shown)
        self.rules("stats", "nobody", code=1)
        # Texts only where the queue's policy keeps them, and only to somebody who says who he is.
        samples = [json.loads(line) for line in self.rules("stats", "b.shown", "--samples", "--json").stdout.splitlines()]
        self.assertEqual({item["message_id"] for item in samples}, {"1.0", "1.3"})
        self.assertFalse(any("text" in item for item in samples))
        read = ("--samples", "--text", "--as", "ann", "--reason", "a look")
        self.assertIn("an okapi alone", self.rules("stats", "b.shown", *read).stdout)
        result = self.rules("stats", "b.hidden", *read)
        self.assertNotIn("okapi", result.stdout)
        self.assertIn("no texts were kept", result.stderr)
        with sqlite3.connect(f"file:{self.run_.data / 'alerts.db'}?mode=ro", uri=True) as database:
            audit = database.execute("SELECT who, rule, why FROM sample_audit ORDER BY id").fetchall()
            texts = database.execute("SELECT count(*) FROM rule_samples WHERE text IS NOT NULL").fetchone()[0]
        self.assertEqual(audit, [("ann", "b.shown", "a look"), ("ann", "b.hidden", "a look")])
        self.assertEqual(texts, 2)

    def test_watching_can_be_switched_off(self):
        self.run_ = Run(self.folder, [self.packs], "reload: {watch: false}\n")
        self.start()
        self.write("a", "okapi")
        self.assertEqual(self.live("a zebra"), {"a.word"})
        self.assertIn("not watched", self.rules("status").stdout)
        seen = self.seen()
        self.run_.send_signal(signal.SIGHUP)
        self.wait_load(seen)
        self.assertEqual(self.live("an okapi"), {"a.word"})
        self.rules("rollback")  # commands work all the same
        self.assertEqual(self.live("a zebra"), {"a.word"})

    def test_wrong_usage(self):
        for words in (("status", "x"), ("status", "--rules", "x"), ("rollback", "a", "b"), ("stats", "--samples"),
                      ("stats", "x", "--text"), ("restore", "--all", "x")):  # fmt: skip
            with self.subTest(words):
                self.start() if self.run_.ended else None
                self.rules(*words, code=2)
        result = weir("rules", "status", "--data", self.folder / "nowhere", check=False)
        self.assertEqual(result.returncode, 3)
        self.assertIn("data folder", result.stderr)


if __name__ == "__main__":
    unittest.main()
