"""The program under test: `weir run` on free ports in a folder of its own, and `weir ANYTHING`.

The environment names it: WEIR is the program, WEIR_BUILD the build folder. Without them the release build is taken.
"""

import json
import os
import pathlib
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
WEIR = os.environ.get("WEIR", str(ROOT / "build/release/weir"))
BUILD = pathlib.Path(os.environ.get("WEIR_BUILD", pathlib.Path(WEIR).parent))
PATIENCE = 60.0  # seconds until something that must happen has failed to; generous, for sanitizers on a busy machine


class Failure(AssertionError):
    pass


def weir(*arguments, check=True, text=True, **options):
    """Runs `weir arguments...` to its end; returns subprocess's result."""
    result = subprocess.run(
        [WEIR, *map(str, arguments)], capture_output=True, text=text, timeout=PATIENCE * 10, check=False, **options
    )
    if check and result.returncode != 0:
        raise Failure(f"weir {' '.join(map(str, arguments))}: exit code {result.returncode}\n{result.stderr}")
    return result


class Run:
    """One `weir run`. Its log is read as it comes; wait_event waits for an event and for nothing else."""

    def __init__(self, folder, rules, settings="", listen="tcp://127.0.0.1:*", data=None):
        self.folder = pathlib.Path(folder)
        self.data = pathlib.Path(data) if data else self.folder / "data"
        self.settings = self.folder / "weir.yaml"
        self.settings.write_text("api:\n  listen: http://127.0.0.1:0\n" + settings, encoding="utf-8")
        self.command = [WEIR, "run", "-c", str(self.settings), "--data", str(self.data), "--listen", listen]
        for path in rules:
            self.command += ["--rules", str(path)]
        self.process = None
        self.log = []  # every line, as text, over all starts
        self.events = []  # the same as objects
        self.changed = threading.Condition()
        self.ended = True
        self.endpoint = self.api = None

    def start(self, wait=True):
        self.ended = False
        seen = len(self.events)
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.reader = threading.Thread(target=self._read, args=(self.process.stderr,), daemon=True)
        self.reader.start()
        if wait:
            ready = self.wait_event("ready", seen)
            self.endpoint, self.api = ready["listen"], ready["api"]
        return self

    def _read(self, stream):
        for line in stream:
            text = line.decode("utf-8", "surrogateescape").rstrip("\n")
            try:
                event = json.loads(text)
            except ValueError:
                event = {"event": None, "line": text}
            with self.changed:
                self.log.append(text)
                self.events.append(event)
                self.changed.notify_all()
        stream.close()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait_event(self, name, seen=0, patience=PATIENCE):
        """The first event of that name from event number `seen` on."""
        deadline = time.monotonic() + patience
        with self.changed:
            while True:
                for event in self.events[seen:]:
                    if event.get("event") == name:
                        return event
                left = deadline - time.monotonic()
                if self.ended or left <= 0:
                    tail = "\n".join(self.log[-20:])
                    how = "ended" if self.ended else "says nothing"
                    raise Failure(f"waiting for the event {name}: weir run {how}. Its last words:\n{tail}")
                self.changed.wait(left)

    def last_event(self, name):
        """The last event of that name, when the log is complete."""
        for event in reversed(self.events):
            if event.get("event") == name:
                return event
        raise Failure(f"there is no event {name}:\n" + "\n".join(self.log[-20:]))

    def send_signal(self, number):
        self.process.send_signal(number)

    def stop(self, number=signal.SIGTERM, patience=PATIENCE):
        """Ends it with a signal and returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(patience)
        self.reader.join(patience)
        return code

    def get(self, path):
        """(status, body) of an HTTP GET."""
        try:
            with urllib.request.urlopen(self.api + path, timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name, **labels):
        """The sum of a metric's samples that have these labels; 0 if there is none."""
        total = 0.0
        for line in self.get("/metrics")[1].splitlines():
            if line.startswith("#") or " " not in line:
                continue
            sample, value = line.rsplit(" ", 1)
            if sample.split("{")[0] == name and all(f'{key}="{text}"' in sample for key, text in labels.items()):
                total += float(value)
        return total

    def wait_metric(self, name, at_least, **labels):
        deadline = time.monotonic() + PATIENCE
        while self.metric(name, **labels) < at_least:
            if time.monotonic() > deadline:
                raise Failure(f"{name} did not reach {at_least}:\n{self.get('/metrics')[1]}")
            with self.changed:
                self.changed.wait(0.05)  # there is no event for a metric: look again soon

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process:
            self.reader.join(PATIENCE)
