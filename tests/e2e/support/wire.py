"""A producer that shares no code with Weir: Debian's python3-zmq and python3-protobuf, and proto/weir.proto."""

import importlib
import pathlib
import subprocess
import sys
import tempfile
import time

import zmq

ROOT = pathlib.Path(__file__).resolve().parents[3]

with tempfile.TemporaryDirectory() as folder:
    subprocess.run(
        ["protoc", f"--python_out={folder}", f"--proto_path={ROOT / 'proto'}", str(ROOT / "proto/weir.proto")], check=True
    )
    sys.path.insert(0, folder)
    weir_pb2 = importlib.import_module("weir_pb2")
    sys.path.remove(folder)

Batch, Receipt = weir_pb2.Batch, weir_pb2.Receipt
OK, RETRY_LATER, MALFORMED = Receipt.OK, Receipt.RETRY_LATER, Receipt.MALFORMED


def batch(batch_id, messages):
    """A Batch from dictionaries with the field names of DirectMessage; text may be str."""
    made = Batch(batch_id=batch_id)
    for fields in messages:
        fields = dict(fields)
        attributes = fields.pop("attributes", {})
        if isinstance(fields.get("text"), str):
            fields["text"] = fields["text"].encode()
        message = made.messages.add(**fields)
        message.attributes.update(attributes)
    return made


class Producer:
    """A DEALER that keeps every batch until its receipt, and sends it again after a while without."""

    def __init__(self, endpoint, resend_after=5.0):
        self.context = zmq.Context()
        self.endpoint = endpoint
        self.resend_after = resend_after
        self.socket = None
        self.in_flight = {}  # batch id -> [frame, when to send it again]
        self.sent = self.resent = self.retries = 0
        self.connect()

    def connect(self):
        if self.socket:
            self.socket.close(0)
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RECONNECT_IVL, 20)
        self.socket.setsockopt(zmq.RECONNECT_IVL_MAX, 200)
        self.socket.setsockopt(zmq.SNDHWM, 0)
        self.socket.connect(self.endpoint)

    def send(self, made):
        frame = made.SerializeToString()
        self.in_flight[made.batch_id] = [frame, time.monotonic() + self.resend_after]
        self.socket.send(frame)
        self.sent += 1

    def send_raw(self, frame):
        self.socket.send(frame)

    def resend_all(self):
        for entry in self.in_flight.values():
            entry[1] = 0.0

    def receipt(self, wait):
        """
        The next receipt within `wait` seconds, or None. RETRY_LATER is dealt with here: the batch is sent again after the
        pause that it asks for. So is what has been in flight for too long.
        """
        deadline = time.monotonic() + wait
        while True:
            now = time.monotonic()
            for entry in self.in_flight.values():
                if entry[1] <= now:
                    self.socket.send(entry[0])
                    entry[1] = now + self.resend_after
                    self.resent += 1
            due = min([deadline] + [entry[1] for entry in self.in_flight.values()])
            if self.socket.poll(max(0, min(due - now, deadline - now)) * 1000 + 1):
                receipt = Receipt.FromString(self.socket.recv())
                if receipt.status == RETRY_LATER and receipt.batch_id in self.in_flight:
                    self.retries += 1
                    self.in_flight[receipt.batch_id][1] = time.monotonic() + receipt.retry_after_ms / 1000
                    continue
                self.in_flight.pop(receipt.batch_id, None)
                return receipt
            if time.monotonic() >= deadline:
                return None

    def receipts(self, count, wait=60.0):
        """Exactly `count` receipts, by batch id."""
        got = {}
        deadline = time.monotonic() + wait
        while len(got) < count:
            receipt = self.receipt(max(0.0, deadline - time.monotonic()))
            if receipt is None:
                raise AssertionError(f"{len(got)} of {count} receipts within {wait} s")
            got[receipt.batch_id] = receipt
        return got

    def close(self):
        self.socket.close(0)
        self.context.term()
