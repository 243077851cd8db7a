"""What is left of lines once they have been spoken and heard: the written words, through the air.

    python -m models.training.heard --data models/data/claims/validation.jsonl --out runs/heard/validation.jsonl

    python -m models.training.heard --data models/data/claims/train.jsonl --out models/data/claims/heard.jsonl --pairs

Every line is spoken by espeak-ng in one of its voices, worn by a room and a background where ``--clean`` is not
given, and recognised as the worker does. A line keeps its labels and its id; its text is what was heard, and
``avg_logprob`` how sure of it the recogniser was. With --pairs only what was said and what was heard is written, which
is what training reads. Lines that stand in the file already are kept, so that a run that was ended goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.asr import Row, Transcriber
from models.labelled import BadData, Line, lines
from models.training import sounds
from models.training.voices import EN_VOICES, RATE, ZH_VOICES, Speaker, units_of

SPEECH = Path(__file__).parent.parent / "weights" / "speech"
PAIR = ("lang", "said", "text", "avg_logprob")
_LONGEST_S = 30


def heard(of: Sequence[Line], ear: Transcriber, *, clean: bool) -> Iterator[Line]:
    """Each line as it is heard, in a voice and a room drawn by its id; what cannot be spoken is left out."""
    speaker = Speaker()
    for line in of:
        sound = _spoken(line, speaker, clean=clean)
        if sound is None:
            continue
        (said,) = ear.transcribe([Row(ear.features(sound), len(sound) / RATE, line.lang)])
        yield line.model_copy(update={"text": said.text, "spans": (), "avg_logprob": round(said.avg_logprob, 3)})


def _spoken(line: Line, speaker: Speaker, *, clean: bool) -> Any:
    """16 kHz samples of a line; None where nothing of it can be spoken."""
    rng = np.random.default_rng(zlib.crc32(line.id.encode()))
    voices = ZH_VOICES if line.lang == "zh" else EN_VOICES
    units, _ = units_of(line.text.lower() if line.lang == "en" else line.text, line.lang)
    if not units:
        return None
    spoken = speaker.say(units, voices[rng.integers(len(voices))], int(rng.integers(180, 221))).samples
    sound = np.pad(spoken, RATE // 5)[: _LONGEST_S * RATE]
    return sound if clean else sounds.worn(rng, sound)


def _run(options: argparse.Namespace) -> None:
    wanted = lines(options.data)[: options.most]
    done = _said(options.out)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    ear = Transcriber.load(str(options.speech_model), "cpu", threads=1)
    left = {line.id: line for line in wanted if (line.lang, line.text) not in done}
    with options.out.open("a", encoding="utf-8") as out:
        for line in heard(list(left.values()), ear, clean=options.clean):
            row = {"said": left[line.id].text, **line.model_dump(mode="json")}
            kept = {name: row[name] for name in PAIR} if options.pairs else row
            out.write(json.dumps(kept, ensure_ascii=False) + "\n")


def _said(path: Path) -> set[tuple[str, str]]:
    """Language and words of the lines that were spoken already."""
    if not path.is_file():
        return set()
    rows = (json.loads(row) for row in path.read_text(encoding="utf-8").splitlines())
    return {(row["lang"], row["said"]) for row in rows}


def main(arguments: Sequence[str] | None = None) -> int:
    """0: done; 1: failed, with one line on standard error; 2: wrong usage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="labelled lines, as JSON lines")
    parser.add_argument("--out", type=Path, required=True, help="file to write or to go on with")
    parser.add_argument("--most", type=int, default=None, help="so many lines only")
    parser.add_argument("--pairs", action="store_true", help="write only what was said and what was heard")
    parser.add_argument("--clean", action="store_true", help="neither rooms nor backgrounds")
    parser.add_argument("--speech-model", type=Path, default=SPEECH, help="folder of the recogniser")
    try:
        _run(parser.parse_args(arguments))
    except (BadData, OSError) as error:
        print(f"models.training.heard: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
