"""Pages of the manual that are run as they stand.

```yaml and ```text blocks are files: their first line is `# NAME` and is not part of the file. ```console blocks are
commands, each a line `$ weir ...` and below it lines that must be in what it prints; a last line `(exit status N)` is
what it must end with, 0 without one.
"""

import pathlib
import re
import shlex
import subprocess

from support.program import WEIR

BLOCK = re.compile(r"^```(yaml|text|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STATUS = re.compile(r"\(exit status (\d)\)")


def commands(body):
    """(command line, lines that it must print, exit status) of a console block."""
    for part in re.split(r"^(?=\$ )", body, flags=re.MULTILINE):
        if part:
            first, *lines = part.splitlines()
            status = STATUS.fullmatch(lines[-1]) if lines else None
            yield first, lines[: -1 if status else None], int(status.group(1)) if status else 0


def run(test, page, folder):
    """Runs the page in a folder. Returns (names of its files, number of its commands)."""
    names, count = [], 0
    for kind, body in BLOCK.findall(pathlib.Path(page).read_text(encoding="utf-8")):
        if kind != "console":
            first, rest = body.split("\n", 1)
            test.assertTrue(first.startswith("# "), first)
            (pathlib.Path(folder) / first[2:]).write_text(rest, encoding="utf-8")
            names.append(first[2:])
            continue
        for first, lines, status in commands(body):
            test.assertTrue(first.startswith("$ weir "), first)
            words = [str(WEIR), *shlex.split(first[2:])[1:]]
            done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120)
            printed = done.stdout + done.stderr
            test.assertEqual(done.returncode, status, first + "\n" + printed)
            for line in lines:
                test.assertIn(line, printed, first)
            count += 1
    return names, count
