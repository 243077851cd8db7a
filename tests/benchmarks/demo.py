"""`pinocchio demo --once` as a user meets it: seconds to the first flag and to the end.

python -m tests.benchmarks.demo [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time

COMMAND = [sys.executable, "-u", "-m", "worker.cli", "demo", "--once", "--dir"]


def once() -> dict[str, float]:
    """Seconds from the start of the command to lines of its output."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        seen: dict[str, float] = {}
        with subprocess.Popen([*COMMAND, folder], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as demo:
            for line in demo.stdout or ():
                if line.strip():
                    seen.setdefault("first_flag_s", time.perf_counter() - began)
        return seen | {"end_s": time.perf_counter() - began}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    runs = [once() for _ in range(parser.parse_args().rounds)]
    names = sorted({name for run in runs for name in run})
    print(json.dumps({n: round(statistics.median(r[n] for r in runs if n in r), 1) for n in names}))


if __name__ == "__main__":
    main()
