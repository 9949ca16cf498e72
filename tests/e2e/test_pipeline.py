#!/usr/bin/python3
"""The whole pipeline, `weir run`, spoken to by a stock client: what goes in, what comes out, what must never be seen."""

import json
import pathlib
import signal
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support import pack, wire  # noqa: E402
from support.program import PATIENCE, Run, weir  # noqa: E402
from support.wire import MALFORMED, OK, Producer, Receipt, batch  # noqa: E402

RULES = {
    "e2e.gift-card": {
        "title": "Asks for gift cards",
        "severity": "high",
        "patterns": r"{ask: {regex: '\b(?:buy|get)\b.{0,40}\bgift\s+cards?\b'}, code: {words: [scratch off]}}",
        "condition": "ask and code",
    },
    "e2e.word": {"queue": "words", "patterns": "{it: {words: [zyzzyva]}}"},
    "e2e.shadow": {"status": "shadow", "patterns": "{it: {words: [shadowword]}}"},
}
GIFT = "please buy two gift cards and scratch off the code"
CLEAN = "CLEANPLANTED-5f0c see you at seven"  # must be found nowhere
FLAGGED = "FLAGGEDPLANTED-77aa zyzzyva"  # must be found in no log


def message(number, text, conversation="c1", **more):
    return {"message_id": f"m{number}", "conversation_id": conversation, "sender_id": "s1", "text": text, **more}


def cases(data, *options):
    """`weir alerts list --json`, as a list whatever its outer shape."""
    out = weir("alerts", "list", "--data", data, "--json", *options).stdout
    try:
        found = json.loads(out)
    except ValueError:
        found = [json.loads(line) for line in out.splitlines()]
    if isinstance(found, dict):
        found = found["cases"] if "cases" in found else [found]
    return found


class Pipeline(unittest.TestCase):
    SETTINGS = ""

    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="weir-e2e-")
        self.folder = pathlib.Path(self.temporary.name)
        self.pack = pack.write(self.folder / "pack.yaml", "e2e", RULES)
        self.run_ = Run(self.folder, [self.pack], self.SETTINGS).start()
        self.producer = Producer(self.run_.endpoint)

    def tearDown(self):
        self.producer.close()
        self.run_.__exit__()
        self.temporary.cleanup()

    def send(self, *messages, name="b"):
        self.producer.send(batch(name, messages))
        return self.producer.receipts(1)[name]

    def stored(self, sql="SELECT message_id, rule FROM hits ORDER BY 1, 2"):
        with sqlite3.connect(f"file:{self.run_.data / 'alerts.db'}?mode=ro", uri=True) as database:
            return database.execute(sql).fetchall()


class TestHits(Pipeline):
    SETTINGS = """
alerts:
  queues:
    - {name: words, service_level_minutes: 60, context_messages: 5}
"""

    def test_exactly_the_hits(self):
        receipt = self.send(
            message(1, "hello"), message(2, GIFT), message(3, "nothing here"), message(4, "a ZyZZyva.", "c2"),
            message(5, "buy a gift card"), message(6, "a shadowword"),
        )  # fmt: skip
        self.assertEqual((receipt.status, receipt.accepted, len(receipt.rejected)), (OK, 6, 0))
        self.assertEqual(self.stored(), [("m2", "e2e.gift-card"), ("m4", "e2e.word")])
        listed = cases(self.run_.data)
        self.assertEqual([(case["queue"], case["conversation_id"]) for case in listed], [("fraud", "c1"), ("words", "c2")])
        self.assertEqual([case["severity"] for case in listed], ["high", "medium"])
        self.assertEqual(self.run_.metric("weir_ingest_messages_total"), 6)
        self.assertEqual(self.run_.metric("weir_alerts_hits_total", state="new"), 2)

    def test_sending_twice_alerts_once(self):
        for _ in range(3):
            self.assertEqual(self.send(message(1, GIFT)).status, OK)
        self.assertEqual(self.stored(), [("m1", "e2e.gift-card")])
        self.assertEqual(self.run_.metric("weir_alerts_hits_total", state="known"), 2)

    def test_a_conversation_is_one_case(self):
        self.send(message(1, "zyzzyva"), message(2, "zyzzyva again"), message(3, "zyzzyva", "c2"))
        self.assertEqual(sorted(case["conversation_id"] for case in cases(self.run_.data)), ["c1", "c2"])

    def test_claim_show_decide(self):
        self.send(message(1, "before"), message(2, FLAGGED, attributes={"app": "web"}))
        data = self.run_.data
        claimed = json.loads(weir("alerts", "claim", "--data", data, "--as", "ana", "--json").stdout)
        case = str(claimed.get("id") or claimed.get("case") or claimed["case_id"])
        shown = weir("alerts", "show", case, "--data", data, "--as", "ana", "--reason", "e2e").stdout
        self.assertIn("zyzzyva", shown)
        taken = weir("alerts", "claim", case, "--data", data, "--as", "ben", check=False)
        self.assertEqual(taken.returncode, 1)
        wrong = weir("alerts", "decide", case, "--data", data, "--as", "ben", "--token", int(claimed["token"]) + 1,
                     "--decision", "violation", check=False)  # fmt: skip
        self.assertEqual(wrong.returncode, 1)
        weir("alerts", "decide", case, "--data", data, "--as", "ana", "--token", claimed["token"],
             "--decision", "violation")  # fmt: skip
        self.assertEqual(cases(data), [])
        self.assertEqual(len(cases(data, "--all")), 1)

    def test_nothing_of_a_text_where_it_must_not_be(self):
        self.send(message(1, CLEAN, "clean"), message(2, FLAGGED, "flagged"), message(3, GIFT, "flagged"))
        self.producer.send_raw(b"\xff" + FLAGGED.encode())
        self.producer.receipt(PATIENCE)
        # Also while it runs, with the write-ahead log beside the database; and after it has stopped.
        self.assertNotIn(CLEAN.split()[0].encode(), self.every_byte())
        self.assertIn(FLAGGED.split()[0].encode(), self.every_byte())
        self.assertNotIn("PLANTED", self.run_.get("/metrics")[1])
        self.assertEqual(self.run_.stop(), 0)
        self.assertNotIn(CLEAN.split()[0].encode(), self.every_byte())
        self.assertNotIn("PLANTED", "\n".join(self.run_.log))
        self.assertNotIn("scratch", "\n".join(self.run_.log))

    def every_byte(self):
        files = [path for path in self.run_.data.rglob("*") if path.is_file()]
        self.assertTrue(files)
        return b"\n".join(path.read_bytes() for path in files)

    def test_hostile_texts(self):
        texts = [b"", b"\0", b"\xff\xfe zyzzyva", b"zyzzyva\0", b"a" * 65536, "😀 zyzzyva \u202e".encode(), b"\xc3"]
        receipt = self.send(*(message(i, text, f"c{i}") for i, text in enumerate(texts)))
        self.assertEqual((receipt.status, receipt.accepted), (OK, len(texts)))
        self.assertEqual(self.stored(), [("m2", "e2e.word"), ("m3", "e2e.word"), ("m5", "e2e.word")])


class TestReceipts(Pipeline):
    SETTINGS = """
ingest:
  frame_bytes_max: 65536
  text_bytes_max: 1000
  batch_messages_max: 10
"""

    def raw(self, frame):
        self.producer.send_raw(frame)
        receipt = self.producer.receipt(PATIENCE)
        self.assertIsNotNone(receipt, "no receipt")
        return receipt

    def test_malformed_frames_are_told_and_the_pipeline_goes_on(self):
        whole = batch("b", [message(i, "hello") for i in range(5)]).SerializeToString()
        frames = [
            (b"\xff\xff\xff\xff", "not_a_batch", ""),
            (whole[:-3], "not_a_batch", None),
            (b"\x0b", "not_a_batch", ""),
            (b"\x12\x80\x80\x80\x80\x10", "not_a_batch", None),
            (batch("", [message(1, "x")]).SerializeToString(), "missing_batch_id", ""),
            (batch("many", [message(i, "x") for i in range(11)]).SerializeToString(), "too_many_messages", "many"),
            (batch("large", [message(1, "x" * 70000)]).SerializeToString(), "frame_too_large", None),
        ]
        for frame, reason, batch_id in frames:
            receipt = self.raw(frame)
            self.assertEqual((receipt.status, receipt.reason), (MALFORMED, reason), frame[:20])
            if batch_id is not None:
                self.assertEqual(receipt.batch_id, batch_id)
            self.assertEqual(receipt.accepted, 0)
        self.assertEqual(self.send(message(1, GIFT)).status, OK)
        self.assertEqual(self.stored(), [("m1", "e2e.gift-card")])
        self.assertEqual(self.run_.metric("weir_ingest_malformed_total"), len(frames))

    def test_faulty_messages_are_rejected_and_the_others_taken(self):
        receipt = self.send(
            message(1, GIFT), {"conversation_id": "c", "text": "x"}, {"message_id": "m9", "text": "x"},
            message(1, "again"), message(2, "x" * 1001), message(3, GIFT),
            {"message_id": "i" * 257, "conversation_id": "c", "text": "x"}, message(4, "x" * 1000),
        )  # fmt: skip
        self.assertEqual((receipt.status, receipt.accepted), (OK, 3))
        self.assertEqual(
            [(rejected.index, rejected.reason) for rejected in receipt.rejected],
            [(1, "missing_message_id"), (2, "missing_conversation_id"), (3, "duplicate_message_id"),
             (4, "text_too_long"), (6, "id_too_long")],
        )  # fmt: skip
        self.assertEqual(self.stored(), [("m1", "e2e.gift-card"), ("m3", "e2e.gift-card")])

    def test_an_empty_batch_is_fine(self):
        self.assertEqual(self.raw(batch("empty", []).SerializeToString()).status, OK)

    def test_many_in_flight(self):
        for number in range(200):
            self.producer.send(batch(f"b{number}", [message(f"{number}.{i}", GIFT, f"c{number}") for i in range(3)]))
        receipts = self.producer.receipts(200)
        self.assertEqual({receipt.status for receipt in receipts.values()}, {OK})
        self.assertEqual(self.stored("SELECT count(*) FROM hits"), [(600,)])

    def test_req_socket(self):
        import zmq

        socket = self.producer.context.socket(zmq.REQ)
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(self.run_.endpoint)
        try:
            socket.send(batch("r", [message(1, GIFT)]).SerializeToString())
            self.assertTrue(socket.poll(PATIENCE * 1000), "no receipt")
            self.assertEqual(Receipt.FromString(socket.recv()).batch_id, "r")
        finally:
            socket.close()


class TestOverload(Pipeline):
    SETTINGS = """
ingest: {batches_in_flight_max: 2, retry_after_ms: 5}
"""

    def test_overload_is_told_and_nothing_is_lost(self):
        for number in range(100):
            self.producer.send(batch(f"b{number}", [message(f"{number}.{i}", GIFT, f"c{i}") for i in range(20)]))
        receipts = self.producer.receipts(100)
        self.assertEqual({receipt.status for receipt in receipts.values()}, {OK})
        self.assertGreater(self.producer.retries, 0)
        self.assertGreater(self.run_.metric("weir_ingest_batches_total", status="retry_later"), 0)
        self.assertEqual(self.stored("SELECT count(*) FROM hits"), [(2000,)])


class TestRunning(Pipeline):
    def reload(self, event_names):
        seen = len(self.run_.events)
        self.run_.send_signal(signal.SIGHUP)
        for name in event_names:
            self.run_.wait_event(name, seen)

    def test_reload_takes_a_good_pack_and_refuses_a_bad_one(self):
        self.send(message(1, "newword zyzzyva"), name="b1")
        good = dict(RULES, **{"e2e.new": {"patterns": "{it: {words: [newword]}}"}})
        pack.write(self.pack, "e2e", good)
        self.reload(["rules_reloaded"])
        self.send(message(2, "newword zyzzyva"), name="b2")
        self.pack.write_text("pack: e2e\nrules:\n  - id: e2e.word\n    patern: {it: {words: [x]}}\n", encoding="utf-8")
        self.reload(["finding", "rules_partly_reloaded"])
        self.send(message(3, "newword zyzzyva"), name="b3")
        self.assertEqual(
            self.stored(),
            [("m1", "e2e.word"), ("m2", "e2e.new"), ("m2", "e2e.word"), ("m3", "e2e.new"), ("m3", "e2e.word")],
        )
        finding = self.run_.wait_event("finding")
        self.assertGreater(finding["line"], 0)
        self.assertGreater(finding["column"], 0)

    def test_a_bad_pack_stops_the_first_start(self):
        bad = self.folder / "bad.yaml"
        bad.write_text("pack: bad\nrules:\n  - id: bad.one\n    patterns: {it: {regex: '('}}\n", encoding="utf-8")
        other = Run(self.folder, [bad], data=self.folder / "other").start(wait=False)
        self.assertEqual(other.process.wait(PATIENCE), 1)
        other.reader.join(PATIENCE)
        self.assertIn("bad.yaml", "\n".join(other.log))

    def test_probes_and_metrics(self):
        self.assertEqual(self.run_.get("/healthz")[0], 200)
        self.assertEqual(self.run_.get("/readyz")[0], 200)
        status, text = self.run_.get("/metrics")
        self.assertEqual(status, 200)
        self.assertIn("# TYPE weir_ingest_batches_total counter", text)
        self.assertEqual(self.run_.get("/nothing")[0], 404)

    def test_sigterm_drains(self):
        for number in range(20):
            self.producer.send(batch(f"b{number}", [message(f"{number}.{i}", GIFT, f"c{i}") for i in range(50)]))
        self.producer.receipts(1)
        self.run_.send_signal(signal.SIGTERM)
        while self.run_.process.poll() is None:
            self.producer.receipt(0.05)
        while self.producer.receipt(0.2):
            pass
        self.assertEqual(self.run_.process.wait(PATIENCE), 0)
        self.run_.reader.join(PATIENCE)
        stored = self.stored("SELECT count(*) FROM hits")[0][0]
        acked = 20 - len(self.producer.in_flight)
        # Whatever was taken in was finished and acknowledged: nothing stored is sent again.
        self.assertEqual(stored, acked * 50)
        self.assertEqual(self.run_.last_event("stopped")["unsettled_batches"], 0)

    def test_a_restart_keeps_the_cases(self):
        self.send(message(1, GIFT))
        before = cases(self.run_.data)
        self.assertEqual(self.run_.stop(), 0)
        self.run_.start()
        self.producer.close()
        self.producer = Producer(self.run_.endpoint)
        self.assertEqual(cases(self.run_.data), before)
        self.assertEqual(self.send(message(1, GIFT)).status, OK)
        self.assertEqual(self.stored(), [("m1", "e2e.gift-card")])

    def test_one_run_a_folder(self):
        other = Run(self.folder, [self.pack], data=self.run_.data).start(wait=False)
        self.assertEqual(other.process.wait(PATIENCE), 3)
        self.assertEqual(self.send(message(1, GIFT)).status, OK)
        # The lock dies with its holder.
        self.run_.stop(signal.SIGKILL)
        self.run_.start()

    def test_the_port_is_taken(self):
        other = Run(self.folder, [self.pack], data=self.folder / "other", listen=self.run_.endpoint).start(wait=False)
        self.assertEqual(other.process.wait(PATIENCE), 3)

    def test_the_folder_is_private(self):
        self.send(message(1, GIFT))
        self.assertEqual(self.run_.data.stat().st_mode & 0o777, 0o700)
        for path in self.run_.data.rglob("*"):
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)

    def test_weir_send(self):
        lines = self.folder / "messages.jsonl"
        with open(lines, "w", encoding="utf-8") as out:
            for number in range(500):
                text = GIFT if number % 50 == 0 else "hello"
                out.write(json.dumps({"message_id": f"s{number}", "conversation_id": "c", "text": text}) + "\n")
        done = weir("send", "--to", self.run_.endpoint, "--batch", "16", lines)
        summary = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual((summary["messages"], summary["acked"], summary["rejected"]), (500, 500, 0))
        self.assertEqual(self.stored("SELECT count(*) FROM hits"), [(10,)])


class TestSources(unittest.TestCase):
    def test_pull_and_ipc(self):
        import zmq

        with tempfile.TemporaryDirectory(prefix="weir-e2e-") as name:
            folder = pathlib.Path(name)
            rules = pack.write(folder / "pack.yaml", "e2e", RULES)
            run = Run(
                folder, [rules],
                f"ingest:\n  sources:\n    - {{kind: acked, endpoint: 'ipc://{folder}/acked'}}\n"
                f"    - {{kind: pull, endpoint: 'ipc://{folder}/pull'}}\n",
            )  # fmt: skip
            at = run.command.index("--listen")
            del run.command[at : at + 2]
            with run:
                context = zmq.Context()
                socket = context.socket(zmq.PUSH)
                socket.connect(f"ipc://{folder}/pull")
                socket.send(b"\xff")
                socket.send(batch("p", [message(1, GIFT)]).SerializeToString())
                run.wait_metric("weir_alerts_hits_total", 1, state="new")
                socket.close(0)
                context.term()
                producer = Producer(f"ipc://{folder}/acked")
                producer.send(batch("a", [message(2, GIFT)]))
                self.assertEqual(producer.receipts(1)["a"].status, OK)
                producer.close()
                self.assertEqual(run.stop(), 0)


class TestUsage(unittest.TestCase):
    def test_wrong_usage(self):
        for arguments in (["run", "--nonsense"], ["nonsense"], ["send"], ["run", "extra"]):
            self.assertEqual(weir(*arguments, check=False).returncode, 2, arguments)

    def test_help_goes_to_stdout(self):
        for command in ("run", "send", "scan", "alerts", "rules", "config", "doctor", "demo"):
            done = weir(command, "--help")
            self.assertIn("weir", done.stdout)
            self.assertEqual(done.stderr, "")


if __name__ == "__main__":
    if subprocess.run(["protoc", "--version"], capture_output=True, check=False).returncode != 0:
        sys.exit(77)
    assert wire.RETRY_LATER == 2
    unittest.main(verbosity=2)
