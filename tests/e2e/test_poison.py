#!/usr/bin/python3
"""A message that kills the program each time it is scanned ends with people, and the messages around it are scanned.

No real message is known that does so. Here one takes long to scan, and the program is killed whenever its file of what
is being scanned says that it has begun.
"""

import signal
import struct
import sqlite3
import sys
import tempfile
import time

from support import pack
from support.program import PATIENCE, Failure, Run
from support.wire import OK, Producer, batch

# Of scanner/suspects.c: the head, the suspects, then what each worker scans.
HEAD = struct.Struct("<8sII")
SUSPECTS, SUSPECT_SIZE = 16384, 16
FIRST_WORKER = HEAD.size + SUSPECTS * SUSPECT_SIZE

# Confirming these takes as long as the match limit lets it, one after the other.
SLOW = {f"slow.r{number}": pack.regex(rf"^(a+)+(?=[bc]|x{{{number}}})") for number in range(1, 400)}
POISON = "a" * 60 + "!"


def scanning(data):
    """How many messages the worker scans at this moment."""
    try:
        with open(data / "scanning", "rb") as file:
            file.seek(FIRST_WORKER)
            return struct.unpack("<I", file.read(4))[0]
    except FileNotFoundError:
        return 0


def die_scanning(run, producer, expected):
    """Kills the program while it scans the poison among `expected` messages. False: it was done before."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        count = scanning(run.data)
        if count == expected:
            if producer.receipt(0.002):  # it was not the slow one: all are done
                return False
            if scanning(run.data) == expected:
                run.stop(signal.SIGKILL)
                return True
        if producer.receipt(0):
            return False
    raise Failure("the poison was never scanned")


def main():
    with tempfile.TemporaryDirectory() as folder:
        rules = pack.write(f"{folder}/slow.yaml", "slow", SLOW)
        run = Run(folder, [rules], "scanner:\n  workers: 1\n")
        messages = [
            {"message_id": f"m{i}", "conversation_id": "c", "text": POISON if i == 2 else "hello"} for i in range(4)
        ]
        made = batch("b", messages)
        # First among the others of its batch, then alone.
        for crash, expected in enumerate((4, 1, 1, 1)):
            run.start()
            producer = Producer(run.endpoint)
            producer.send(made)
            if not die_scanning(run, producer, expected):
                raise Failure(f"crash {crash + 1}: the batch was acknowledged before the program could be killed")
            producer.socket.close(0)
        run.start()
        died = run.last_event("last_run_died_scanning")
        assert (died["messages"], died["poisonous"]) == (1, 1), died
        producer = Producer(run.endpoint)
        producer.send(made)
        receipt = producer.receipt(PATIENCE)
        assert receipt and receipt.status == OK and receipt.accepted == 4, receipt
        assert run.metric("weir_scanner_poisonous_messages") == 1
        assert run.stop() == 0
        with sqlite3.connect(f"file:{run.data / 'alerts.db'}?mode=ro", uri=True) as database:
            hits = database.execute("SELECT message_id, rule, reason FROM hits").fetchall()
        assert hits == [("m2", "weir.unscanned", "crash")], hits
        seen = len(run.events)
        run.start()
        run.stop()
        assert "last_run_died_scanning" not in [event.get("event") for event in run.events[seen:]]
    print("the message that killed the program four times is with people; the others were scanned")


if __name__ == "__main__":
    sys.exit(main())
