#!/usr/bin/python3
"""Words in disguise: 200 words, each disguised in twelve ways by a generator of our own, must be found by a word rule.

At least 95% of them, with spans that hold the word; and on clean chat (WEIR_SHARED_DATA) the same list must not flag more
than 2 messages in 10,000 that do not have the word in plain sight.
"""

import json
import os
import random
import re
import subprocess
import sys
import tempfile

WEIR = os.environ.get("WEIR", "weir")
SEED = int(os.environ.get("WEIR_SEED", "1"))

# Words that moderators look for: frauds, drugs, weapons, threats and abuse.
WORDS = """
scam scammer fraud phishing bitcoin ethereum litecoin crypto wallet giftcard voucher moneygram paypal cashapp venmo
invest investment investor profit jackpot lottery winner casino gambling betting loan payday refund inheritance
password passcode verify account banking routing iban transfer wire courier customs ransom extort blackmail leaked
hacker hacking botnet malware trojan keylogger exploit carding skimmer counterfeit forged passport license
cocaine heroin ketamine fentanyl cannabis marijuana weed hashish ecstasy molly crystal meth opium oxycodone xanax
valium percocet adderall steroids dealer plug drugs pills tabs shrooms mescaline codeine morphine tramadol
pistol rifle shotgun revolver handgun silencer ammo ammunition grenade explosive bomb bomber bombing detonator firearm
knife machete murder murderer kill killer killing stab stabbing shoot shooter shooting strangle poison torture behead
hang hanging suicide suicidal overdose cutting bleed bleeding corpse massacre terror terrorist jihad hostage kidnap
rape rapist raping molest molester pedophile grooming incest nudes naked porn pornography escort hooker prostitute
whore slut bitch bastard cunt pussy dick cock penis vagina boobs tits asshole dickhead motherfucker fuck fucker
fucking shit bullshit piss wanker twat moron idiot retard imbecile loser ugly worthless pathetic disgusting
smuggler traffick burglar arsonist looting swindle pyramid forgery nazi hitler fascist racist savage vermin subhuman cripple
degenerate pervert creep stalker stalking
""".split()

LEET = {"a": "4", "e": "3", "i": "1", "o": "0", "s": "5", "t": "7", "g": "9", "b": "8", "z": "2"}
SYMBOLS = {"a": "@", "s": "$", "i": "!", "l": "|", "t": "+", "e": "€", "c": "¢"}
CYRILLIC = dict(zip("aceiopsxyjhd", "асеіорѕхујһԁ"))
GREEK = {"o": "ο", "v": "ν", "u": "υ", "i": "ι", "p": "ρ", "a": "α", "n": "η", "t": "τ", "k": "κ"}
SMALL_CAPITALS = dict(zip("abcdefghijklmnopqrtuvwyz", "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀᴛᴜᴠᴡʏᴢ"))


def some(word, table, chance):
    """Replaces some of the letters that the table has, at least one; digits where it has none."""
    places = [i for i, letter in enumerate(word) if letter in table]
    if not places:
        table, places = {**LEET, **CYRILLIC}, [i for i, c in enumerate(word) if c in LEET or c in CYRILLIC]
    if not places:
        return "-".join(word)
    must = chance.choice(places)
    return "".join(table[c] if i == must or (i in places and chance.random() < 0.6) else c for i, c in enumerate(word))


def stretched(word, chance):
    at = chance.randrange(len(word))
    return word[:at] + word[at] * chance.randint(3, 6) + word[at + 1 :]


def styled(word, chance):
    first = chance.choice([0xFF41, 0x24D0, 0x1D41A, 0x1D5BA, 0x1D4EA, 0x1F170, 0x1F1E6])
    return "".join(chr(first + ord(c) - ord("a")) for c in word)


def between(word, parts, chance):
    return "".join(c + (chance.choice(parts) if i + 1 < len(word) else "") for i, c in enumerate(word))


WAYS = {
    "digits": lambda word, chance: some(word, LEET, chance),
    "symbols": lambda word, chance: some(word, SYMBOLS, chance),
    "spaces": lambda word, chance: " ".join(word),
    "wide spaces": lambda word, chance: ("  " if chance.random() < 0.5 else " . ").join(word.upper()),
    "dots": lambda word, chance: chance.choice(".-_*/~").join(word),
    "emoji": lambda word, chance: chance.choice("🔥💀👀❤").join(word),
    "stretched": stretched,
    "hidden": lambda word, chance: between(word, "\u200b\u200d\u00ad\u2060\u202e\u2066\ufeff", chance),
    "look-alikes": lambda word, chance: some(word, chance.choice([CYRILLIC, GREEK]), chance),
    "styled": styled,
    "marks": lambda word, chance: between(word + " ", ["\u0336", "\u0301\u0323", "\u0334\u0307"], chance)[:-1],
    "small capitals": lambda word, chance: some(word, SMALL_CAPITALS, chance),
}


def scan(pack, messages, folder):
    path = os.path.join(folder, "messages.jsonl")
    with open(path, "w", encoding="utf-8") as out:
        for i, text in enumerate(messages):
            out.write(json.dumps({"message_id": str(i), "text": text}) + "\n")
    done = subprocess.run(
        [WEIR, "scan", "--rules", pack, "--format", "jsonl", path], stdout=subprocess.PIPE, check=False, timeout=300
    )
    if done.returncode != 0:
        sys.exit(f"weir scan ended with {done.returncode}")
    hits = {}
    for line in done.stdout.splitlines():
        hit = json.loads(line)
        hits.setdefault(int(hit["message_id"]), []).append(hit)
    return hits


def write_pack(folder):
    path = os.path.join(folder, "pack.yaml")
    with open(path, "w", encoding="utf-8") as out:
        out.write("pack: disguise\nrules:\n  - id: disguise.word\n    patterns:\n")
        out.write(f"      word: {{words: [{', '.join(WORDS)}]}}\n")
        out.write(f"    tests: {{hits: ['{WORDS[0]}'], clean: ['hello']}}\n")
    return path


def check_found(pack, folder):
    chance = random.Random(SEED)
    cases = [(word, name, way(word, chance)) for word in WORDS for name, way in WAYS.items()]
    messages = [f"well then, {disguised} was what they said" for _, _, disguised in cases]
    hits = scan(pack, messages, folder)
    found = dict.fromkeys(WAYS, 0)
    for i, (word, name, disguised) in enumerate(cases):
        text = messages[i].encode()
        exact = text.index(disguised.encode()), text.index(disguised.encode()) + len(disguised.encode())
        spans = [(span["start"], span["end"]) for hit in hits.get(i, []) for span in hit["spans"]]
        good = [span for span in spans if span[0] == exact[0] and exact[1] - 8 <= span[1] <= exact[1]]
        if spans and not good:
            sys.exit(f"{word}, {name}: {disguised!r} is at {exact}, reported at {spans}")
        found[name] += bool(good)
        if not good and os.environ.get("WEIR_VERBOSE"):
            print(f"missed: {word}, {name}: {disguised}")
    for name, count in found.items():
        print(f"{name:15} {count:4} of {len(WORDS)}")
    share = sum(found.values()) / len(cases)
    print(f"found {100 * share:.2f}% of {len(cases)} (seed {SEED})")
    return share


def check_divided(pack, folder):
    """Short words divided once, between groups of letters: `fu-ck`. Not one of the ways, as long words are not found so."""
    chance = random.Random(SEED)
    words = [word for word in WORDS if 4 <= len(word) <= 8]
    cases = []
    for word in words:
        at = chance.randrange(2, len(word) - 1)
        cases.append(word[:at] + chance.choice("-_*~") + word[at:])
    messages = [f"well then, {divided} was what they said" for divided in cases]
    hits = scan(pack, messages, folder)
    for i, divided in enumerate(cases):
        start = messages[i].index(divided)
        expected = {"start": start, "end": start + len(divided), "view": "skeleton", "pattern": "word"}
        spans = [span for hit in hits.get(i, []) for span in hit["spans"] if span["view"] == "skeleton"]
        assert expected in spans, (divided, spans)
    print(f"divided: all of {len(cases)}")


def check_clean(pack, folder, path):
    with open(path, encoding="utf-8") as lines:
        messages = [json.loads(line)["text"] for line in lines]
    plain = re.compile(r"(?<![^\W])(?:" + "|".join(WORDS) + r")(?!\w)")
    hits = scan(pack, messages, folder)
    false = []
    for i, found in hits.items():
        spans = [span for hit in found for span in hit["spans"] if span["view"] == "skeleton"]
        if spans and not plain.search(messages[i].casefold()):
            raw = messages[i].encode()
            false.append([raw[span["start"] : span["end"]].decode() for span in spans])
    rate = 10000 * len(false) / len(messages)
    print(f"{os.path.basename(path)}: {len(false)} false alarms in {len(messages)} messages, {rate:.2f} in 10,000: {false}")
    return rate


def check_views(folder):
    """What `view` says: words look at both views unless told otherwise, a regex sees the skeleton only if told."""
    path = os.path.join(folder, "views.yaml")
    patterns = {
        "both": "{words: [scam artist]}",
        "skeleton": "{words: [scam artist], view: skeleton}",
        "folded": "{words: [scam artist], view: folded}",
        "plain": r"{regex: '\bscam artist'}",
        "regex": r"{regex: '\bscam artist', view: skeleton}",
    }
    with open(path, "w", encoding="utf-8") as out:
        out.write("pack: v\nrules:\n")
        for name, pattern in patterns.items():
            out.write(f"  - id: v.{name}\n    patterns: {{it: {pattern}}}\n    tests: {{hits: [scam artist]}}\n")
        out.write(
            "  - id: v.link\n    patterns: {it: {list: domains.txt, kind: domains}}\n    tests: {hits: [evil.example]}\n"
        )
    with open(os.path.join(folder, "domains.txt"), "w", encoding="utf-8") as out:
        out.write("evil.example\n")
    hits = scan(path, ["a 5cam artist", "a scam artist", "see hxxp://evil[.]example/x", "a clean one"], folder)
    seen = {i: {hit["rule"]: [tuple(span.values()) for span in hit["spans"]] for hit in found} for i, found in hits.items()}
    disguised, plain = [("it", "skeleton", 2, 13)], [("it", "folded", 2, 13)]
    assert seen == {
        0: {"v.both": disguised, "v.skeleton": disguised, "v.regex": disguised},
        1: {
            "v.both": plain,
            "v.skeleton": plain,
            "v.folded": plain,
            "v.plain": plain,
            "v.regex": disguised,
        },
        2: {"v.link": [("it", "skeleton", 11, 25)]},
    }, seen


def main():
    words = sorted(set(WORDS))
    if len(words) < 200:
        sys.exit(f"only {len(words)} words")
    del WORDS[200:]
    with tempfile.TemporaryDirectory() as folder:
        check_views(folder)
        pack = write_pack(folder)
        assert check_found(pack, folder) >= 0.95
        check_divided(pack, folder)
        data = os.environ.get("WEIR_SHARED_DATA")
        for name in ("chat_irc.jsonl", "chat_topical.jsonl") if data else ():
            assert check_clean(pack, folder, os.path.join(data, "messages", name)) <= 2


main()
