"""A stream of batches with planted hits whose places are known: what was acked must be in the store, once."""

import random
import sqlite3

from support import pack
from support.wire import batch

# Several rules hit what is planted, for two queues, so that what a message adds to a case is more than one hit.
RULES = ("planted.token", "planted.token-2", "planted.other", "planted.other-2", "planted.other-3")
FILLER = (
    "are you coming tonight", "ok see you then", "did you get the tickets", "lol", "no way", "what time does it start",
    "happy birthday", "my phone died sorry", "call me when you get home", "nice photo", "can you send me the notes",
)  # fmt: skip


def write_pack(folder):
    rules = {
        rule: {"patterns": "{it: {words: [zyzzyvaplanted]}}", "queue": "other" if "other" in rule else "token"}
        for rule in RULES
    }
    return pack.write(folder / "planted.yaml", "planted", rules)


class Load:
    """Makes batches; remembers which message ids of which batch were planted, and which batches were acked."""

    def __init__(self, seed, batch_messages=20, planted_share=0.05):
        self.chance = random.Random(seed)
        self.batch_messages = batch_messages
        self.planted_share = planted_share
        self.planted = {}  # batch id -> [message id]
        self.acked = set()
        self.number = 0

    def next_batch(self):
        self.number += 1
        batch_id = f"b{self.number}"
        messages, planted = [], []
        for index in range(self.batch_messages):
            message_id = f"{self.number}.{index}"
            text = self.chance.choice(FILLER)
            if self.chance.random() < self.planted_share:
                text += " zyzzyvaplanted"
                planted.append(message_id)
            messages.append({"message_id": message_id, "conversation_id": f"c{self.chance.randrange(500)}",
                             "sender_id": "s", "text": text})  # fmt: skip
        self.planted[batch_id] = planted
        return batch(batch_id, messages)

    def ack(self, receipt):
        assert receipt.accepted == self.batch_messages, receipt
        self.acked.add(receipt.batch_id)

    def planted_in(self, batch_ids):
        return {message_id for batch_id in batch_ids for message_id in self.planted[batch_id]}


def stored_hits(data):
    """
    {message id: how many times}, and what SQLite itself says of the file. A message counts when every rule has a hit in
    it, and as often as the rule with the most has.
    """
    with sqlite3.connect(f"file:{data / 'alerts.db'}?mode=ro", uri=True) as database:
        rows = database.execute(
            "SELECT message_id, max(hits) FROM (SELECT message_id, rule, count(*) AS hits FROM hits GROUP BY 1, 2) "
            "GROUP BY 1 HAVING count(*) = ?", (len(RULES),)
        ).fetchall()  # fmt: skip
        wanted = ", ".join("?" for _ in RULES)
        strangers = database.execute(f"SELECT count(*) FROM hits WHERE rule NOT IN ({wanted})", RULES).fetchone()[0]
        orphans = database.execute(
            "SELECT coalesce(sum(hit_count), 0) - (SELECT count(*) FROM hits WHERE case_id IN (SELECT id FROM cases) "
            "AND message IN (SELECT id FROM messages)) FROM message_hits"
        ).fetchone()[0]
        check = database.execute("PRAGMA integrity_check").fetchone()[0]
    return dict(rows), strangers, orphans, check
