#!/usr/bin/python3
"""The producer in docs/wire.md works as it stands there."""

import importlib
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support.load import stored_hits, write_pack  # noqa: E402
from support.program import ROOT, Run  # noqa: E402


def main():
    page = (ROOT / "docs/wire.md").read_text(encoding="utf-8")
    source = re.search(r"```python\n(.*?)```", page, re.DOTALL).group(1)
    with tempfile.TemporaryDirectory(prefix="weir-e2e-") as name:
        folder = pathlib.Path(name)
        (folder / "producer.py").write_text(source, encoding="utf-8")
        command = ["protoc", f"--python_out={folder}", f"--proto_path={ROOT / 'proto'}", str(ROOT / "proto/weir.proto")]
        subprocess.run(command, check=True)
        sys.path.insert(0, name)
        with Run(folder, [write_pack(folder)]) as run:
            lines = b"\n".join(b"zyzzyvaplanted" if i % 10 == 0 else b"hello \xff" for i in range(1000))
            done = subprocess.run(
                [sys.executable, str(folder / "producer.py"), run.endpoint], input=lines, capture_output=True, check=True
            )
            assert done.stdout == b"1000 safe, 0 refused\n", done.stdout
            producer = importlib.import_module("producer")
            safe, refused = producer.send(run.endpoint, [("x1", "c", "s", b"hello"), ("x1", "c", "s", b"zyzzyvaplanted")])
            assert (safe, refused) == (1, [("x1+64", 1, "duplicate_message_id")]), (safe, refused)
            assert run.stop() == 0
            assert len(stored_hits(run.data)[0]) == 100
    print("the producer of docs/wire.md sent 1,000 messages; 100 hits are stored")


if __name__ == "__main__":
    main()
