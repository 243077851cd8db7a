"""Everything docs/benchmarks.md holds, one after the other. Takes some minutes; needs espeak-ng, kcat, Java and Maven.

python -m tests.benchmarks
"""

from __future__ import annotations

import subprocess
import sys

COMMANDS = (
    ("claims found by rules on the blind set",
     ["models.evaluate", "claims", "--data", "models/data/blind/claims.jsonl", "--json", "/dev/null"]),
    ("speech of the samples",
     ["models.evaluate", "speech", "--data", "configs/samples", "--absent", "configs/samples/held_out.txt",
      "--json", "/dev/null"]),
    ("the worker against a plain loop", ["tests.benchmarks.overhead"]),
    ("the demo", ["tests.benchmarks.demo"]),
    ("an hour of speech", ["tests.benchmarks.hour"]),
    ("from a worker's death to the next flag", ["tests.benchmarks.failover"]),
)  # fmt: skip


def main() -> None:
    for title, arguments in COMMANDS:
        print(f"== {title}: python -m {' '.join(arguments)}", flush=True)
        subprocess.run([sys.executable, "-m", *arguments], check=True)


if __name__ == "__main__":
    main()
