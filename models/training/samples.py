"""Sample broadcasts: texts with claims and near-misses -> recordings with the times of every claim.

    python -m models.training.samples [--out configs/samples]

Of each ``configs/samples/NAME.yaml`` it makes ``NAME.opus``, ``NAME.truth.json`` and ``NAME.listing.json``.
They are committed, so that the demo and the tests hear them without espeak-ng. The times come from the
synthesiser, not from listening. The same espeak-ng gives the same recording.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import av
import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.training import sounds
from models.training.voices import RATE, Speaker, units_of

FOLDER = Path(__file__).parent.parent.parent / "configs" / "samples"
BIT_RATE = 16_000
PAUSE_S = (0.35, 1.4)
"""The shortest and the longest pause between two lines."""

_PEAK = 0.7
_HAN = re.compile(r"[\u4e00-\u9fff]")

Sound = NDArray[np.float32]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Claim(_Part):
    """Words of a line that make a claim of this label."""

    label: str
    words: str


class Line(_Part):
    """What is said in one breath; ``near_miss`` names the label that it only resembles."""

    text: str
    claims: tuple[Claim, ...] = ()
    near_miss: str | None = None


class Manner(_Part):
    """How a broadcast is spoken: espeak-ng's voice, words a minute and pitch, and what is heard behind it."""

    voice: str
    rate: Annotated[int, Field(ge=180, le=230)]
    pitch: Annotated[int, Field(ge=0, le=99)]
    background: Literal["none", "noise", "music"] = "none"
    snr_db: Annotated[float, Field(ge=12, le=25)] = 25


class Broadcast(_Part):
    """A sample as its YAML tells it."""

    name: str
    title: str
    language: Literal["zh", "en"]
    stream_id: str
    streamer_id: str
    speech: Manner
    listing: dict[str, Any]
    lines: tuple[Line, ...]


class Said(NamedTuple):
    """A line in the recording: where it begins, in samples, and where each of its units lies from there."""

    line: Line
    at: int
    units: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A recording, 16 kHz mono in [-1, 1], and what is true of it."""

    samples: Sound
    truth: dict[str, Any]


def read(path: Path) -> Broadcast:
    """One sample's YAML. Raises ValueError that names the file and what is wrong in it."""
    try:
        return Broadcast.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError) as error:
        raise ValueError(f"{path}: {error}") from error


def read_all(folder: Path = FOLDER) -> list[Broadcast]:
    """All samples of a folder, by name."""
    return [read(path) for path in sorted(folder.glob("*.yaml"))]


def render(broadcast: Broadcast, speaker: Speaker) -> Rendered:
    """Speak a broadcast line by line, with seeded pauses and background, and write down when what was said."""
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(broadcast.name.encode()).digest()[:8]))
    pieces: list[Sound] = []
    said: list[Said] = []
    at = 0
    for line in broadcast.lines:
        pause = np.zeros(int(rng.uniform(*PAUSE_S) * RATE), np.float32)
        voice, units = _spoken(line, broadcast, speaker, rng)
        said.append(Said(line, at + len(pause), units))
        pieces += [pause, voice]
        at += len(pause) + len(voice)
    pieces.append(np.zeros(int(PAUSE_S[1] * RATE), np.float32))
    samples = _mixed(np.concatenate(pieces), said, broadcast.speech, rng)
    return Rendered(samples, _truth(broadcast, said, len(samples)))


def render_anew(broadcast: Broadcast) -> Rendered:
    """``render`` in a process of its own: what espeak-ng said before changes its times by some milliseconds."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(_first, broadcast).result()


def _first(broadcast: Broadcast) -> Rendered:
    return render(broadcast, Speaker())


def _spoken(
    line: Line, broadcast: Broadcast, speaker: Speaker, rng: np.random.Generator
) -> tuple[Sound, tuple[tuple[int, int], ...]]:
    """A line's sound without the silence around it, and its units."""
    manner = broadcast.speech
    units, _ = units_of(line.text, broadcast.language)
    rate, pitch = manner.rate + int(rng.integers(-6, 7)), manner.pitch + int(rng.integers(-3, 4))
    spoken = speaker.say(units, manner.voice, rate, pitch)
    first, last = spoken.units[0][0], spoken.units[-1][1]
    return spoken.samples[first:last], tuple((start - first, end - first) for start, end in spoken.units)


def _mixed(voice: Sound, said: list[Said], manner: Manner, rng: np.random.Generator) -> Sound:
    """Voice over its background, so many dB below the voice while it speaks."""
    spoken = np.concatenate([voice[one.at : one.at + one.units[-1][1]] for one in said])
    power = float(np.sqrt(np.mean(spoken**2)))
    if manner.background != "none":
        behind = (sounds.noise if manner.background == "noise" else sounds.music)(rng, len(voice))
        voice = voice + behind * np.float32(power * 10 ** (-manner.snr_db / 20))
    return (voice * np.float32(_PEAK / np.abs(voice).max())).astype(np.float32)


def _truth(broadcast: Broadcast, said: list[Said], length: int) -> dict[str, Any]:
    return {
        "name": broadcast.name,
        "language": broadcast.language,
        "voice": broadcast.speech.voice,
        "seconds": round(length / RATE, 3),
        "lines": [_line_truth(one, broadcast.language) for one in said],
    }


def _line_truth(said: Said, language: str) -> dict[str, Any]:
    start, end = _ms(said, 0, len(said.units))
    claims = []
    for claim in said.line.claims:
        first, last = _ms(said, *units_between(said.line.text, claim.words, language))
        claims.append({"label": claim.label, "words": claim.words, "start_ms": first, "end_ms": last})
    return {
        "start_ms": start,
        "end_ms": end,
        "text": said.line.text,
        "claims": claims,
        "near_miss": said.line.near_miss,
    }


def _ms(said: Said, first: int, last: int) -> tuple[int, int]:
    """When units [first, last) of a line sound, in milliseconds of the recording."""
    per_ms = RATE / 1000
    return round((said.at + said.units[first][0]) / per_ms), round((said.at + said.units[last - 1][1]) / per_ms)


def units_between(text: str, words: str, language: str) -> tuple[int, int]:
    """Which units [first, last) of a text are these words. Raises ValueError if they do not stand in it.

    >>> units_between("说句实话，它最好", "它最好", "zh")
    (4, 7)
    """
    at = text.index(words)
    if language == "zh":
        first = len(_HAN.findall(text[:at]))
        return first, first + len(_HAN.findall(words))
    first = len(text[:at].split())
    return first, first + len(words.split())


def write_opus(path: Path, samples: Sound) -> None:
    """Ogg/Opus, mono; the same samples give the same bytes with the same libopus."""
    pcm = np.clip(np.rint(samples * 32767), -32768, 32767).astype(np.int16)
    with av.open(str(path), "w", format="ogg", container_options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libopus", rate=RATE, options={"application": "voip", "frame_duration": "20"})
        stream.bit_rate = BIT_RATE
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate = RATE
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)


def write(broadcast: Broadcast, rendered: Rendered, folder: Path) -> Iterator[Path]:
    """The recording, its truth and its listing; gives each file when it is written."""
    sound = folder / f"{broadcast.name}.opus"
    write_opus(sound, rendered.samples)
    yield sound
    for kind, content in (("truth", rendered.truth), ("listing", broadcast.listing)):
        path = folder / f"{broadcast.name}.{kind}.json"
        path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        yield path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder to write to")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for broadcast in read_all():
        rendered = render_anew(broadcast)
        for path in write(broadcast, rendered, options.out):
            print(f"{path}: {path.stat().st_size} bytes")
        print(f"{broadcast.name}: {rendered.truth['seconds']} s in {broadcast.speech.voice}")


if __name__ == "__main__":
    main()
