#!/usr/bin/env python3
"""Both ends of the wire against stock ones: `weir send` to a ROUTER of pyzmq, and pyzmq's sockets to `weir run`.

Nothing here shares code with Weir: messages go through python3-protobuf and classes that protoc made from weir.proto.
"""

import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

import zmq

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support import pack  # noqa: E402
from support.program import PATIENCE, WEIR, Run  # noqa: E402
from support.wire import MALFORMED, OK, RETRY_LATER, Batch, Receipt, batch  # noqa: E402

PATIENCE_MS = int(PATIENCE * 1000)


class Server:
    """A ROUTER that answers as it is told."""

    def __init__(self, endpoint="tcp://127.0.0.1:*"):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.LINGER, PATIENCE_MS)
        self.socket.setsockopt(zmq.RCVTIMEO, PATIENCE_MS)
        self.socket.bind(endpoint)
        self.endpoint = self.socket.getsockopt(zmq.LAST_ENDPOINT).decode().rstrip("\0")

    def receive(self):
        peer, frame = self.socket.recv_multipart()
        return peer, Batch.FromString(frame)

    def answer(self, peer, made, status=OK, **fields):
        if status == OK and "accepted" not in fields:
            fields["accepted"] = len(made.messages) - len(fields.get("rejected", []))
        receipt = Receipt(batch_id=made.batch_id, status=status, **fields)
        self.socket.send_multipart([peer, receipt.SerializeToString()])

    def serve(self, count):
        """Takes `count` batches and answers each OK; their messages in order."""
        messages = []
        for _ in range(count):
            peer, made = self.receive()
            messages += made.messages
            self.answer(peer, made)
        return messages

    def close(self):
        self.socket.close()
        self.context.term()


class TestSend(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.temporary = tempfile.TemporaryDirectory(prefix="weir-send-")
        self.process = None

    def tearDown(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process:
            self.process.stdout.close()
            self.process.stderr.close()
        self.server.close()
        self.temporary.cleanup()

    def file(self, name, content):
        path = pathlib.Path(self.temporary.name) / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def start(self, *arguments, **options):
        command = [WEIR, "send", "--to", self.server.endpoint, *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)

    def finish(self, code):
        """The summary, and what was said."""
        out, said = self.process.communicate(timeout=PATIENCE)
        self.assertEqual(self.process.returncode, code, said)
        return json.loads(out.splitlines()[-1]), said

    def test_every_field_arrives(self):
        given = {
            "message_id": "m1",
            "conversation_id": "c1",
            "sender_id": "s1",
            "recipient_ids": ["r1", "r2"],
            "sent_at_ms": 1700000000123,
            "text": "h\u00e9llo \U0001f52a\u0000!",
            "locale": "pt-BR",
            "attributes": {"k": "v", "l": ""},
            "label": "ignored",
        }
        self.start(self.file("x.jsonl", json.dumps(given) + "\n" + '{"text_base64": "/wA="}\n'))
        first, second = self.server.serve(1)
        self.assertEqual(
            (first.message_id, first.conversation_id, first.sender_id, list(first.recipient_ids), first.sent_at_ms),
            ("m1", "c1", "s1", ["r1", "r2"], 1700000000123),
        )
        self.assertEqual((first.text.decode(), first.locale, dict(first.attributes)), (given["text"], "pt-BR", given["attributes"]))
        self.assertEqual((second.message_id, second.conversation_id, second.text), ("2", "2", b"\xff\0"))
        summary, said = self.finish(0)
        self.assertEqual((summary["messages"], summary["acked"], summary["resent"], said), (2, 2, 0, ""))

    def test_batches_and_rounds(self):
        path = self.file("x.jsonl", "".join('{"text": "t", "message_id": "m%d", "conversation_id": "c"}\n' % i for i in range(10)))
        self.start("--batch", "4", "--repeat", "3", path)
        messages = self.server.serve(8)  # rounds share batches
        self.assertEqual(len({message.message_id for message in messages}), 30)
        self.assertEqual({message.conversation_id for message in messages}, {"c"})
        self.assertEqual(messages[29].message_id, "r3-m9")
        summary, _ = self.finish(0)
        self.assertEqual((summary["messages"], summary["acked"], summary["batches"]), (30, 30, 8))

    def test_the_window_is_kept(self):
        self.start("--batch", "1", "--window", "3", self.file("x", "a\nb\nc\nd\n"))
        held = [self.server.receive() for _ in range(3)]
        self.assertEqual(self.server.socket.poll(100), 0)
        self.server.answer(*held[1])
        held[1] = self.server.receive()
        for entry in held:
            self.server.answer(*entry)
        self.assertEqual(self.finish(0)[0]["acked"], 4)

    def test_retry_later_is_honoured(self):
        self.start(self.file("x", "a\n"))
        peer, made = self.server.receive()
        self.server.answer(peer, made, RETRY_LATER, retry_after_ms=300)
        self.assertEqual(self.server.socket.poll(150), 0)
        again = self.server.receive()
        self.assertEqual(again, (peer, made))
        self.server.answer(*again)
        summary, _ = self.finish(0)
        self.assertEqual((summary["retry_later"], summary["resent"], summary["acked"]), (1, 0, 1))

    def test_a_lost_receipt_is_asked_for_again(self):
        self.start("--timeout-ms", "100", self.file("x", "a\nb\n"))
        peer, made = self.server.receive()
        again = self.server.receive()
        self.assertEqual(again, (peer, made))
        self.server.answer(*again)
        summary, _ = self.finish(0)
        self.assertGreaterEqual(summary["resent"], 2)
        self.assertEqual(summary["acked"], 2)

    def test_a_restart_of_the_server(self):
        self.start("--batch", "1", self.file("x", "a\nb\nc\n"))
        taken = [self.server.receive() for _ in range(3)]
        self.server.answer(*taken[0])
        endpoint = self.server.endpoint
        self.server.close()
        self.server = Server(endpoint)
        texts = sorted(message.text for message in self.server.serve(2))
        self.assertEqual(texts, [b"b", b"c"])  # well before any timeout, and nothing that was acked
        summary, _ = self.finish(0)
        self.assertEqual((summary["acked"], summary["resent"]), (3, 2))
        self.assertLess(summary["seconds"], 8)

    def test_starts_before_the_server(self):
        endpoint = self.server.endpoint
        self.server.close()
        self.start(self.file("x", "a\n"))
        self.server = Server(endpoint)
        self.server.serve(1)
        self.assertEqual(self.finish(0)[0]["acked"], 1)

    def test_rejected_messages_are_named(self):
        self.start(self.file("x.jsonl", 'SECRET\n{"text": "SECRET", "message_id": "mine"}\n{"text": "SECRET"}\n'))
        peer, made = self.server.receive()
        self.server.answer(peer, made, rejected=[Receipt.Rejected(index=0, reason="text_too_long")])
        summary, said = self.finish(1)
        self.assertIn("line 1: not a JSON object", said)
        self.assertIn("line 2, message mine: rejected: text_too_long", said)
        self.assertNotIn("SECRET", said)
        self.assertEqual(
            (summary["messages"], summary["acked"], summary["rejected"], summary["faulty_lines"], summary["unacked"]),
            (2, 1, 1, 1, 0),
        )

    def test_a_batch_that_is_too_much_goes_in_halves(self):
        self.start(self.file("x", "a\nb\nc\nd\ne\n"))
        texts = []
        for _ in range(5):  # 5 -> 2, 3 -> 3 goes as 1, 2
            peer, made = self.server.receive()
            if len(made.messages) > 2:
                self.server.answer(peer, made, MALFORMED, reason="too_many_messages")
            else:
                texts += [message.text for message in made.messages]
                self.server.answer(peer, made)
        self.assertEqual(sorted(texts), [b"a", b"b", b"c", b"d", b"e"])
        summary, _ = self.finish(0)
        self.assertEqual((summary["acked"], summary["malformed"]), (5, 2))

    def test_a_batch_that_is_refused(self):
        self.start(self.file("x", "a\nb\n"))
        peer, made = self.server.receive()
        self.server.answer(peer, made, MALFORMED, reason="not_a_batch")
        summary, said = self.finish(1)
        self.assertIn("lines 1 to 2: the batch was refused: not_a_batch", said)
        self.assertEqual((summary["rejected"], summary["acked"]), (2, 0))

    def test_junk_from_the_server(self):
        self.start("--timeout-ms", "200", self.file("x", "a\n"))
        peer, made = self.server.receive()
        for junk in (b"\xff\xff", b"", Receipt(batch_id="other", status=OK).SerializeToString()):
            self.server.socket.send_multipart([peer, junk])
        self.server.answer(*self.server.receive())
        self.assertEqual(self.finish(0)[0]["acked"], 1)

    def test_a_pipe_that_falls_silent(self):
        self.start("-", stdin=subprocess.PIPE)
        self.process.stdin.write("one\ntwo\n")
        self.process.stdin.flush()
        first = self.server.serve(1)  # does not wait for the batch to be full
        self.process.stdin.write("three\n")
        self.process.stdin.close()
        self.process.stdin = None
        second = self.server.serve(1 if len(first) == 2 else 2)
        self.assertEqual([message.text for message in [*first, *second]], [b"one", b"two", b"three"])
        self.finish(0)

    def test_giving_up(self):
        self.start("--give-up-after", "1", self.file("x", "a\n"))
        self.server.receive()
        summary, said = self.finish(3)
        self.assertIn("gave up", said)
        self.assertEqual((summary["messages"], summary["acked"], summary["unacked"]), (1, 0, 1))

    def test_interrupted(self):
        self.start(self.file("x", "a\nb\n"))
        self.server.receive()
        self.process.send_signal(signal.SIGINT)
        summary, said = self.finish(3)
        self.assertIn("interrupted", said)
        self.assertEqual((summary["messages"], summary["unacked"]), (2, 2))

    def test_rate(self):
        self.start("--rate", "100", self.file("x", "t\n" * 50))
        messages = self.server.serve(5)  # ten batches a second
        self.assertEqual(len(messages), 50)
        summary, _ = self.finish(0)
        self.assertGreater(summary["seconds"], 0.2)

    def test_too_large_for_any_server(self):
        self.start(self.file("x", b"a" * (5 << 20) + b"\nb\n"))
        self.assertEqual([message.text for message in self.server.serve(1)], [b"b"])
        summary, said = self.finish(1)
        self.assertIn("line 1: too large", said)
        self.assertEqual((summary["acked"], summary["rejected"]), (1, 1))

    def test_wrong_usage(self):
        path = self.file("x", "a\n")
        for arguments in (
            [path],
            ["--to", "tcp://127.0.0.1:1"],
            ["--to", "nonsense", path],
            ["--to", "inproc://x", path],
            ["--to", "tcp://127.0.0.1:1", "--batch", "0", path],
            ["--to", "tcp://127.0.0.1:1", "--format", "xml", path],
            ["--to", "tcp://127.0.0.1:1", "--repeat", "2", "-"],
            ["--to", "tcp://127.0.0.1:1", "--what", path],
        ):
            result = subprocess.run([WEIR, "send", *arguments], capture_output=True, text=True, check=False)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertEqual(result.stdout, "")
        result = subprocess.run([WEIR, "send", "--to", "tcp://127.0.0.1:1", path + "-not"], capture_output=True, check=False)
        self.assertEqual(result.returncode, 3)


class TestIngest(unittest.TestCase):
    """Shapes of clients that test_pipeline.py does not have."""

    SETTINGS = "ingest:\n  frame_bytes_max: 65536\n"

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="weir-ingest-")
        folder = pathlib.Path(cls.temporary.name)
        rules = pack.write(folder / "pack.yaml", "e2e", {"e2e.word": {"patterns": "{it: {words: [zyzzyva]}}"}})
        cls.run_ = Run(folder, [rules], cls.SETTINGS).start()
        cls.context = zmq.Context()

    @classmethod
    def tearDownClass(cls):
        cls.context.destroy(linger=0)
        cls.run_.__exit__()
        cls.temporary.cleanup()

    def connect(self, kind, endpoint=None):
        socket = self.context.socket(kind)
        socket.setsockopt(zmq.RCVTIMEO, PATIENCE_MS)
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(endpoint or self.run_.endpoint)
        self.addCleanup(socket.close)
        return socket

    @staticmethod
    def frame(name, count=1, text="hello"):
        fields = [{"message_id": f"{name}-{i}", "conversation_id": name, "text": text} for i in range(count)]
        return batch(name, fields).SerializeToString()

    def expect(self, frame, name, status=OK, accepted=1, reason=""):
        receipt = Receipt.FromString(frame)
        self.assertEqual(
            (receipt.batch_id, receipt.status, receipt.accepted, receipt.reason), (name, status, accepted, reason)
        )

    def test_dealer_with_delimiter(self):
        dealer = self.connect(zmq.DEALER)
        dealer.send_multipart([b"", self.frame("delimited")])
        delimiter, receipt = dealer.recv_multipart()
        self.assertEqual(delimiter, b"")
        self.expect(receipt, "delimited")

    def test_through_a_proxy(self):
        front, back = self.context.socket(zmq.ROUTER), self.connect(zmq.DEALER)
        self.addCleanup(front.close, 0)
        front.setsockopt(zmq.RCVTIMEO, PATIENCE_MS)
        port = front.bind_to_random_port("tcp://127.0.0.1")
        clients = [self.connect(zmq.REQ, f"tcp://127.0.0.1:{port}") for _ in range(3)]
        for number, client in enumerate(clients):
            client.send(self.frame(f"proxied-{number}"))
            back.send_multipart(front.recv_multipart())
        for _ in clients:
            front.send_multipart(back.recv_multipart())
        for number, client in enumerate(clients):
            self.expect(client.recv(), f"proxied-{number}")

    def test_two_frames_are_refused(self):
        dealer = self.connect(zmq.DEALER)
        dealer.send_multipart([b"x", self.frame("second")])
        self.expect(dealer.recv(), "", MALFORMED, 0, "unexpected_frames")

    def test_frames_over_the_limit(self):
        dealer = self.connect(zmq.DEALER)
        dealer.send(self.frame("over", 2, "x" * 40000))
        self.expect(dealer.recv(), "over", MALFORMED, 0, "frame_too_large")
        flooder = self.connect(zmq.DEALER)
        flooder.send(b"\0" * (32 << 20))  # cut off by the transport
        dealer.send(self.frame("after"))
        self.expect(dealer.recv(), "after")

    def test_a_crowd_of_producers(self):
        dealers = [self.connect(zmq.DEALER) for _ in range(50)]
        for number, dealer in enumerate(dealers):
            for part in range(10):
                dealer.send(self.frame(f"crowd-{number}-{part}", 3))
        for number, dealer in enumerate(dealers):
            got = set()
            while len(got) < 10:
                receipt = Receipt.FromString(dealer.recv())
                if receipt.status == RETRY_LATER:
                    dealer.send(self.frame(receipt.batch_id, 3))
                    continue
                self.assertEqual((receipt.status, receipt.accepted), (OK, 3))
                got.add(receipt.batch_id)
            self.assertEqual(got, {f"crowd-{number}-{part}" for part in range(10)})


if __name__ == "__main__":
    unittest.main()
