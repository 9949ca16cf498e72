"""Message sets for the benchmarks, as files that every program reads alike: UTF-8, one message a line."""

import json
import pathlib
import subprocess

SETS = {
    "sms": ("sms_spam.tsv", "text messages, each once"),
    "irc": ("chat_irc.jsonl", "chat of a project"),
    "topical": ("chat_topical.jsonl", "talks about given topics"),
    "tweets": ("abuse_tweets.jsonl", "tweets collected by offensive words"),
}
MADE_UP = "made-up"


def texts(path):
    with open(path, encoding="utf-8", errors="replace", newline="\n") as lines:
        for line in lines:
            line = line.rstrip("\r\n")
            yield line.split("\t", 1)[1] if path.suffix == ".tsv" else json.loads(line)["text"]


def one_line(text):
    """Line breaks of any kind become spaces: grep and its like read lines. A surrogate cannot be written."""
    return " ".join(text.splitlines()).replace("\0", " ").encode("utf-8", "replace").decode()


def make(folder, name, out):
    """Writes a set and returns its path."""
    source = folder / SETS[name][0]
    found = (one_line(text) for text in texts(source))
    if source.suffix == ".tsv":
        found = dict.fromkeys(found)  # this set repeats itself
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{name}.lines"
    path.write_text("".join(text + "\n" for text in found if text), encoding="utf-8")
    return path


def make_up(program, count, out):
    """The stream that `weir demo` makes up."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{MADE_UP}.lines"
    with open(path, "wb") as lines:
        subprocess.run([program, str(count)], stdout=lines, check=True)
    return path


def sample(path, count, out):
    """At most `count` messages, spread evenly, in a file of their own."""
    lines = path.read_bytes().split(b"\n")[:-1]
    count = min(count, len(lines))
    chosen = [lines[i * len(lines) // count] for i in range(count)]
    name = out / f"{path.stem}-{count}.lines"
    name.write_bytes(b"".join(line + b"\n" for line in chosen))
    return name


def size(path):
    """(messages, bytes of text)"""
    data = pathlib.Path(path).read_bytes()
    return data.count(b"\n"), len(data) - data.count(b"\n")
