"""`pinocchio scan` on an hour of speech: seconds of sound a second, and the memory it took.

    python -m tests.benchmarks.hour [--speech-model M]

The hour is the sample broadcasts one after the other, again and again, as one FLAC file. Memory is the largest
resident set of that process, which decodes by itself.
"""

from __future__ import annotations

import argparse
import json
import resource as usage
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np

from models.audio import read_file
from worker.resources import resource

SECONDS = 3600


def an_hour(path: Path) -> None:
    sounds = [np.concatenate(list(read_file(one, 10.0))) for one in sorted(resource("configs/samples").glob("*.opus"))]
    whole = np.tile(np.concatenate(sounds), 3)[: SECONDS * 16_000]
    with av.open(str(path), "w", format="flac") as out:
        stream = out.add_stream("flac", rate=16_000, layout="mono")
        for first in range(0, len(whole), 16_000):
            frame = av.AudioFrame.from_ndarray(
                (whole[first : first + 16_000] * 32767).astype(np.int16)[None], format="s16", layout="mono"
            )
            frame.sample_rate, frame.pts = 16_000, first
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speech-model")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hour.flac"
        an_hour(path)
        model = ["--speech-model", options.speech_model] if options.speech_model else []
        command = [sys.executable, "-m", "worker.cli", "scan", str(path), "--format", "jsonl", "--out", "/dev/null"]
        began = time.perf_counter()
        subprocess.run([*command, *model], check=True, stderr=subprocess.DEVNULL)
        wall = time.perf_counter() - began
    spent = usage.getrusage(usage.RUSAGE_CHILDREN)
    print(json.dumps({
        "wall_s": round(wall, 1), "audio_s_per_s": round(SECONDS / wall, 1),
        "cpu_s": round(spent.ru_utime + spent.ru_stime, 1), "peak_rss_mb": round(spent.ru_maxrss / 1024),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
