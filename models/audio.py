"""Sound in any container or codec -> 16 kHz mono float32, bounded in time and memory.

``decode`` reads one value, ``read_file`` a recording of any length. ``DecoderPool`` decodes values of
strangers in child processes, so that one that crashes, hangs or eats memory costs only itself.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import struct
import subprocess  # noqa: S404
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from io import BytesIO
from math import ceil
from pathlib import Path
from queue import SimpleQueue
from time import monotonic
from typing import BinaryIO, Self

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
Samples = NDArray[np.float32]

_LIVE_FORMATS = "ogg,matroska,flac,mp3,mov,aac,mpegts,wav"
_FILE_FORMATS = _LIVE_FORMATS + ",avi,flv,asf,mpeg,aiff,au,caf,w64,amr,rm,wv,ape,ac3,eac3,dts,live_flv"
_LOWEST_RATE, _HIGHEST_RATE = 4_000, 384_000
_MOST_CHANNELS = 64


class BadAudio(Exception):
    """The sound cannot be used; the message says why in one plain sentence."""


def is_raw(content_type: str) -> bool:
    """Whether the value is raw PCM (``audio/L16``), which is read in place and needs no decoder."""
    return content_type.partition(";")[0].strip().lower() == "audio/l16"


def decode(value: bytes, content_type: str, limit_s: float) -> Samples:
    """One value as mono samples in [-1, 1]; raises BadAudio if it is no sound or more than ``limit_s`` of it.

    Raw PCM is ``audio/L16;rate=R;channels=C`` with the samples in *little*-endian order, as
    ``ffmpeg -f s16le`` cuts it and unlike RFC 2586. Everything else is a container with its head; which
    one is read from the bytes, not from ``content_type``. Where a container holds several audio
    streams, the first counts. Packets that do not decode are left out.
    """
    if not value:
        raise BadAudio("the value is empty")
    if is_raw(content_type):
        return _read_raw(value, content_type, limit_s)
    blocks = []
    left = round(limit_s * SAMPLE_RATE)
    with _opened(BytesIO(value), _LIVE_FORMATS) as (container, stream):
        for block in _resampled(_frames(container, stream)):
            left -= len(block)
            if left < 0:
                raise BadAudio(f"it holds more than {limit_s:g} seconds of sound")
            blocks.append(block)
    if not blocks:
        raise BadAudio("no sound in it could be decoded")
    return _joined(blocks)


def read_file(path: str | Path, block_s: float) -> Iterator[Samples]:
    """The sound of an audio or video file of any length, in blocks of ``block_s`` seconds (the last is shorter).

    Holds about one block at a time. Raises BadAudio, and FileNotFoundError or another OSError where the
    file itself cannot be read; all of them when the first block is asked for.
    """
    size = max(1, round(block_s * SAMPLE_RATE))
    held: list[Samples] = []
    count = total = 0
    with Path(path).open("rb") as file, _opened(file, _FILE_FORMATS) as (container, stream):
        for samples in _resampled(_frames(container, stream)):
            held.append(samples)
            count += len(samples)
            total += len(samples)
            if count >= size:
                joined = _joined(held)
                whole = count - count % size
                yield from joined[:whole].reshape(-1, size)
                held, count = [joined[whole:]], count - whole
    if count:
        yield _joined(held)
    if not total:
        raise BadAudio("no sound in it could be decoded")


def duration_of(path: str | Path) -> float | None:
    """How many seconds the file says it lasts, None where it does not say. Raises as ``read_file`` does."""
    with Path(path).open("rb") as file, _opened(file, _FILE_FORMATS) as (container, stream):
        if stream.duration is not None and stream.time_base is not None:
            return float(stream.duration * stream.time_base)
        return None if container.duration is None else container.duration / av.time_base


def _read_raw(value: bytes, content_type: str, limit_s: float) -> Samples:
    rate = _parameter(content_type, "rate", None, _HIGHEST_RATE)
    channels = _parameter(content_type, "channels", 1, _MOST_CHANNELS)
    if rate < _LOWEST_RATE:
        raise BadAudio(f"a sample rate of {rate} is not one of sound")
    if len(value) % (2 * channels):
        raise BadAudio(f"{len(value)} bytes are no whole number of 16-bit samples of {channels} channels")
    if len(value) > limit_s * rate * 2 * channels:
        raise BadAudio(f"it holds more than {limit_s:g} seconds of sound")
    samples = np.frombuffer(value, "<i2").astype(np.float32)
    if channels > 1:
        samples = samples.reshape(-1, channels).mean(axis=1, dtype=np.float32)
    samples *= np.float32(1 / 32768)
    if rate == SAMPLE_RATE:
        return samples
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout="mono")
    frame.sample_rate = rate
    return _joined([np.zeros(0, np.float32), *_resampled(iter([frame]))])


def _parameter(content_type: str, name: str, default: int | None, most: int) -> int:
    """A whole number among the parameters of a media type, such as 16000 in ``audio/L16; rate=16000``."""
    for part in content_type.split(";")[1:]:
        key, _, text = part.partition("=")
        if key.strip().lower() == name:
            text = text.strip().strip('"')
            if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
                raise BadAudio(f"the {name} in its content type is not a number from 1 to {most}")
            return int(text)
    if default is None:
        raise BadAudio(f"its content type names no {name}")
    return default


@contextmanager
def _opened(file: BinaryIO, formats: str) -> Iterator[tuple[InputContainer, AudioStream]]:
    """The container and its first audio stream.

    Only formats that hold sound themselves, and no protocol at all: a playlist or script (HLS, DASH,
    concat) must not make us open files or addresses. FFmpeg's errors inside the block become BadAudio.
    """
    options = {"format_whitelist": formats, "protocol_whitelist": "none"}
    try:
        with av.open(file, "r", options=options, metadata_errors="replace") as container:
            if not container.streams.audio:
                raise BadAudio("it holds no audio stream")
            stream = container.streams.audio[0]
            if stream.codec_context is None:
                raise BadAudio("there is no decoder for its codec")
            yield container, stream
    except av.error.FFmpegError as error:
        raise BadAudio(f"it is no sound that can be read: {error.strerror}") from error


def _frames(container: InputContainer, stream: AudioStream) -> Iterator[av.AudioFrame]:
    with suppress(av.error.InvalidDataError):  # a torn end: what came before it counts
        for packet in container.demux(stream):
            with suppress(av.error.InvalidDataError):  # a torn packet: the next one may be whole
                yield from (frame for frame in packet.decode() if isinstance(frame, av.AudioFrame))


def _resampled(frames: Iterator[av.AudioFrame]) -> Iterator[Samples]:
    """The frames as mono 16 kHz; they may change their rate and channels on the way, as broadcasts do."""
    resampler: av.AudioResampler | None = None
    shape = None
    for frame in _grouped(frames):
        if resampler is None or shape != _shape(frame):
            if not _LOWEST_RATE <= frame.sample_rate <= _HIGHEST_RATE:
                raise BadAudio(f"a sample rate of {frame.sample_rate} is not one of sound")
            if resampler is not None:
                yield from _mono(resampler.resample(None))
            resampler, shape = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE), _shape(frame)
        yield from _mono(resampler.resample(frame))
    if resampler is not None:
        yield from _mono(resampler.resample(None))


def _grouped(frames: Iterator[av.AudioFrame]) -> Iterator[av.AudioFrame]:
    """Frames of about half a second: resampling 20 ms at a time costs as much again as decoding does."""
    queue, shape = av.AudioFifo(), None
    for frame in frames:
        if shape != _shape(frame):
            yield from _rest(queue)
            queue, shape = av.AudioFifo(), _shape(frame)
        frame.pts = None  # the container's clock may jump; only the samples count
        queue.write(frame)
        if queue.samples >= frame.sample_rate // 2:
            yield from _rest(queue)
    yield from _rest(queue)


def _rest(queue: av.AudioFifo) -> Iterator[av.AudioFrame]:
    frame = queue.read()
    if frame is not None:
        yield frame


def _shape(frame: av.AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


def _mono(frames: list[av.AudioFrame]) -> Iterator[Samples]:
    for frame in frames:
        yield frame.to_ndarray()[0]


def _joined(blocks: list[Samples]) -> Samples:
    """The blocks as one, within [-1, 1]: files of floats may hold anything, also what is no number."""
    samples = np.concatenate(blocks)
    if not np.isfinite(samples).all():
        np.nan_to_num(samples, copy=False, nan=0.0)
    return np.clip(samples, -1.0, 1.0, out=samples)


# The decoding children ------------------------------------------------------------------------------------------------

Decode = Callable[[bytes, str, float], Samples]

_REQUEST = struct.Struct("<II")  # bytes of the content type, bytes of the value
_REPLY = struct.Struct("<?I")  # whether it is sound, bytes of the samples or of the reason
_READY = b"+"
_START_S = 60.0
_BOOT = "import sys; from models.audio import _serve; _serve(sys.argv[1])"


class DecoderPool:
    """A few long-lived child processes that decode, each with limits; for several threads.

    A job that crashes its child (twice, for the first time may be chance), runs longer than ``wall_s`` or
    needs more than ``memory_mb`` beyond what the idle child has mapped is BadAudio; no other job notices.
    Children get their own sockets and answer in bytes that are never unpickled, so a child taken over by
    what it decodes can only tell a wrong sound. ``decode`` may be any function at the top of a module;
    ``on_restart`` is called, in any thread, for each child that was lost and started anew.
    """

    def __init__(
        self,
        children: int = 2,
        *,
        limit_s: float = 60.0,
        wall_s: float = 20.0,
        memory_mb: int = 512,
        decode: Decode = decode,
        on_restart: Callable[[], object] = lambda: None,
    ) -> None:
        self._limit_s = limit_s
        task = _Task(decode, limit_s, wall_s, memory_mb)
        self._children = [_Child(task, on_restart) for _ in range(children)]
        self._idle: SimpleQueue[_Child] = SimpleQueue()
        for child in self._children:
            self._idle.put(child)
        self._threads = ThreadPoolExecutor(children, thread_name_prefix="decode")

    def decode_all(self, jobs: Sequence[tuple[bytes, str]]) -> list[Samples | BadAudio]:
        """The sound of each ``(value, content_type)``, or why there is none, in the order of the jobs.

        Raises RuntimeError if no child can be started: that is no fault of the sound.
        """
        at_work = [None if is_raw(kind) else self._threads.submit(self._decode, value, kind) for value, kind in jobs]
        return [
            self._read_here(value, kind) if future is None else future.result()
            for future, (value, kind) in zip(at_work, jobs, strict=True)
        ]

    def close(self) -> None:
        """Finish what is at work and end the children."""
        self._threads.shutdown()
        for child in self._children:
            child.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read_here(self, value: bytes, content_type: str) -> Samples | BadAudio:
        try:
            return decode(value, content_type, self._limit_s)
        except BadAudio as error:
            return error

    def _decode(self, value: bytes, content_type: str) -> Samples | BadAudio:
        child = self._idle.get()
        try:
            return child.decode(value, content_type)
        finally:
            self._idle.put(child)


class _Task:
    """What a child is told when it starts."""

    def __init__(self, decode: Decode, limit_s: float, wall_s: float, memory_mb: int) -> None:
        self.module, self.name = decode.__module__, decode.__qualname__
        self.limit_s, self.wall_s, self.memory_mb = limit_s, wall_s, memory_mb

    def for_child(self, fd: int) -> str:
        return json.dumps({"fd": fd, **vars(self)})


class _Child:
    """One decoding process; started at once, and again after it was lost."""

    def __init__(self, task: _Task, on_restart: Callable[[], object]) -> None:
        self._task, self._on_restart = task, on_restart
        self._start()

    def decode(self, value: bytes, content_type: str) -> Samples | BadAudio:
        for _ in range(2):
            self._wait_until_ready()
            try:
                return self._ask(value, content_type.encode())
            except TimeoutError:
                self._restart()
                return BadAudio(f"decoding it takes longer than {self._task.wall_s:g} seconds")
            except (OSError, EOFError):
                self._restart()
        return BadAudio("decoding it crashes the decoder")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._socket.close()

    def _restart(self) -> None:
        self.stop()
        self._start()
        self._on_restart()

    def _start(self) -> None:
        # Not multiprocessing: its children import the parent's main module, and with it the whole service.
        self._socket, theirs = socket.socketpair()
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-P", "-c", _BOOT, self._task.for_child(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=os.environ | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the service, which ends its children itself
            )
        self._ready = False

    def _wait_until_ready(self) -> None:
        if self._ready:
            return
        try:
            _receive(self._socket, len(_READY), monotonic() + _START_S)
        except (OSError, EOFError) as error:
            raise RuntimeError("a decoding process does not start") from error
        self._ready = True

    def _ask(self, value: bytes, content_type: bytes) -> Samples | BadAudio:
        until = monotonic() + self._task.wall_s
        self._socket.settimeout(self._task.wall_s)
        self._socket.sendall(_REQUEST.pack(len(content_type), len(value)) + content_type)
        self._socket.sendall(value)
        is_sound, size = _REPLY.unpack(_receive(self._socket, _REPLY.size, until))
        if size > max(4 * SAMPLE_RATE * self._task.limit_s, 10_000):
            raise EOFError("a child that answers too much is out of its mind")
        answer = _receive(self._socket, size, until)
        return np.frombuffer(answer, "<f4") if is_sound else BadAudio(answer.decode(errors="replace"))


def _receive(link: socket.socket, size: int, until: float | None = None) -> bytearray:
    """Exactly ``size`` bytes. Raises TimeoutError after ``until`` (monotonic), EOFError when the other side is gone."""
    answer = bytearray(size)
    view = memoryview(answer)
    while view:
        if until is not None:
            left = until - monotonic()
            if left <= 0:
                raise TimeoutError
            link.settimeout(left)
        count = link.recv_into(view)
        if not count:
            raise EOFError
        view = view[count:]
    return answer


def _serve(told: str) -> None:
    """A child's whole life: decode what comes, until the other side closes."""
    task = json.loads(told)
    decode_it: Decode = getattr(importlib.import_module(task["module"]), task["name"])
    _limit_memory(task["memory_mb"])
    with socket.socket(fileno=task["fd"]) as link, suppress(EOFError, ConnectionError):
        link.sendall(_READY)
        while True:
            kind_size, size = _REQUEST.unpack(_receive(link, _REQUEST.size))
            kind, value = _receive(link, kind_size).decode(), bytes(_receive(link, size))
            signal.alarm(ceil(task["wall_s"]) + 5)  # ends a child that hangs after its parent died
            is_sound, answer = _answer(decode_it, value, kind, task)
            signal.alarm(0)
            link.sendall(_REPLY.pack(is_sound, len(answer)))
            link.sendall(answer)


def _answer(decode_it: Decode, value: bytes, kind: str, task: dict[str, float]) -> tuple[bool, bytes]:
    try:
        return True, decode_it(value, kind, task["limit_s"]).astype("<f4", copy=False).tobytes()
    except BadAudio as error:
        return False, str(error).encode()
    except MemoryError:
        return False, f"decoding it takes more than {task['memory_mb']} MB of memory".encode()


def _limit_memory(megabytes: int) -> None:
    """Allow so much address space beyond what is mapped now. On Linux only: elsewhere nothing tells how much is."""
    if sys.platform == "linux":
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + megabytes * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
