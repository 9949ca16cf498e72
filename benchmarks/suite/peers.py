"""Other matchers over the same patterns and messages. One that is missing or fails is reported, and nothing else."""

import json
import os
import resource
import shutil
import subprocess

CARGO = """[package]
name = "rust_regex"
version = "0.0.0"
edition = "2021"

[[bin]]
name = "rust_regex"
path = "{source}"

[dependencies]
regex = "1"
"""
# Debian's packages of crates lie here; nothing is fetched.
CARGO_SOURCE = """[source.crates-io]
replace-with = "debian"

[source.debian]
directory = "/usr/share/cargo/registry"
"""
NAMES = {
    "re2": "RE2::Set",
    "pcre2": "PCRE2-JIT, pattern by pattern",
    "rust": "Rust regex, RegexSet",
    "grep": "grep -F -w -i -f",
    "ripgrep": "rg -i -f",
}


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1][:80] if lines else "no words"


class Peers:
    """Builds those of `wanted` that can be built, once, and runs them."""

    def __init__(self, wanted, sources, out, pcre2, say):
        self.sources, self.out, self.say = sources, out, say
        self.out.mkdir(parents=True, exist_ok=True)
        self.missing = {}
        self.programs = {"pcre2": pcre2}
        for name, build in (("re2", self.build_re2), ("rust", self.build_rust)):
            if name in wanted:
                self.try_to(name, build)
        for name, command in (("grep", "grep"), ("ripgrep", "rg")):
            if shutil.which(command):
                self.programs[name] = shutil.which(command)
            else:
                self.missing[name] = f"there is no {command}"

    def try_to(self, name, build):
        try:
            self.programs[name] = build()
        except (OSError, subprocess.CalledProcessError) as fault:
            words = last_line(fault.stderr) if isinstance(fault, subprocess.CalledProcessError) else str(fault)
            self.missing[name] = f"it cannot be built: {words}"
            self.say(f"peers: {NAMES[name]}: not available: {self.missing[name]}")

    def is_new(self, program, source):
        return program.exists() and program.stat().st_mtime > source.stat().st_mtime

    def build_re2(self):
        program, source = self.out / "re2_set", self.sources / "re2_set.cc"
        if not self.is_new(program, source):
            self.say("peers: building re2_set")
            command = ["c++", "-O2", "-std=c++17", str(source), "-lre2", "-lpthread", "-o", str(program)]
            subprocess.run(command, check=True, capture_output=True, text=True)
        return program

    def build_rust(self):
        source, folder = self.sources / "rust_regex.rs", self.out / "rust"
        program = folder / "target/release/rust_regex"
        if not self.is_new(program, source):
            self.say("peers: building rust_regex")
            (folder / ".cargo").mkdir(parents=True, exist_ok=True)
            (folder / "Cargo.toml").write_text(CARGO.format(source=source), encoding="utf-8")
            (folder / ".cargo/config.toml").write_text(CARGO_SOURCE, encoding="utf-8")
            command = ["cargo", "build", "--release", "--offline", "--quiet"]
            subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder)
        return program

    def run(self, name, expressions, entries, messages, count, seconds):
        """{"ns", "flagged", ...} or {"not_available": why}."""
        if name in self.missing:
            return {"not_available": self.missing[name]}
        program = str(self.programs[name])
        if name == "grep":
            if entries is None:
                return {"not_available": "it cannot express these patterns"}
            return self.lines([program, "-c", "-i", "-w", "-F", "-f", str(entries)], messages, count, seconds)
        if name == "ripgrep":
            if entries is None:
                return {"not_available": "it cannot express these patterns"}
            return self.lines([program, "-c", "-i", "-f", str(expressions)], messages, count, seconds)
        try:
            command = [program, str(expressions), str(messages), "3"]
            run = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            return {"not_available": f"it took more than {seconds} s"}
        if run.returncode != 0:
            return {"not_available": last_line(run.stderr) if run.stderr else f"it ended with {run.returncode}"}
        return json.loads(run.stdout)

    def lines(self, command, messages, count, seconds):
        """A program that reads a file of lines: its time over all of them less its time over none, for each."""
        try:
            flagged, whole = self.child(command + [str(messages)], seconds)
            _, start = self.child(command + ["/dev/null"], seconds)
        except subprocess.TimeoutExpired:
            return {"not_available": f"it took more than {seconds} s"}
        except (OSError, ValueError) as fault:
            return {"not_available": f"it failed: {fault}"}
        return {"ns": max(whole - start, 0.0) * 1e9 / count, "flagged": flagged, "load_seconds": start}

    def child(self, command, seconds):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False,
                             env={**os.environ, "LC_ALL": "C"})  # as the others: only ASCII letters have cases  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if run.returncode > 1:
            raise OSError(last_line(run.stderr))
        return int(run.stdout.strip() or 0), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
