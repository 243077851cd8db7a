"""Sound from strangers: what is heard, what is refused and why, and what a bad value may cost."""

import os
import signal
import struct
import subprocess
import sys
import time
from functools import cache
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest

from models import audio
from models.audio import SAMPLE_RATE, BadAudio, DecoderPool, decode, duration_of, is_raw, read_file

MEGABYTE = 2**20


def tone(seconds: float, rate: int = SAMPLE_RATE, pitch: float = 440.0) -> np.ndarray:
    at = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * pitch * at)).astype(np.float32)


def encode(samples: np.ndarray, container: str, codec: str, rate: int = SAMPLE_RATE, layout: str = "mono") -> bytes:
    """The samples (channels x count, or mono) in a container."""
    out = BytesIO()
    with av.open(out, "w", format=container) as file:
        write_stream(file, samples, codec, rate, layout)
    return out.getvalue()


def write_stream(file, samples, codec, rate, layout="mono") -> None:
    stream = file.add_stream(codec, rate=rate)
    stream.layout = layout
    frame = av.AudioFrame.from_ndarray(np.atleast_2d(samples).astype(np.float32), format="fltp", layout=layout)
    frame.sample_rate = rate
    resampler = av.AudioResampler(format=stream.format, layout=layout, rate=rate, frame_size=stream.frame_size or 4096)
    for made in (*resampler.resample(frame), *resampler.resample(None)):
        file.mux(stream.encode(made))
    file.mux(stream.encode(None))


def pitch_of(samples: np.ndarray) -> float:
    """The strongest frequency in Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * SAMPLE_RATE / len(samples)


CONTAINERS = {
    "ogg/opus": ("ogg", "libopus", 48_000),
    "webm/opus": ("webm", "libopus", 48_000),
    "flac": ("flac", "flac", SAMPLE_RATE),
    "mp3": ("mp3", "libmp3lame", 44_100),
    "mp4/aac": ("mp4", "aac", 44_100),
    "adts/aac": ("adts", "aac", 44_100),
    "mpegts/aac": ("mpegts", "aac", 48_000),
    "wav/s16": ("wav", "pcm_s16le", SAMPLE_RATE),
    "wav/f32": ("wav", "pcm_f32le", 8_000),
}


@pytest.mark.parametrize(("container", "codec", "rate"), CONTAINERS.values(), ids=CONTAINERS)
def test_every_documented_container_is_heard(container: str, codec: str, rate: int) -> None:
    """A second of 440 Hz comes back as mono float32 at 16 kHz, of that pitch and loudness and about that length."""
    samples = decode(encode(tone(1.0, rate), container, codec, rate), "audio/x", 10)
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert abs(len(samples) - SAMPLE_RATE) <= 0.1 * SAMPLE_RATE
    assert abs(pitch_of(samples) - 440) < 3
    assert 0.25 < np.sqrt(np.mean(samples[4000:12000] ** 2)) < 0.45


# Raw PCM --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type", ["audio/L16;rate=16000", "AUDIO/l16 ; Rate=16000; channels=1", 'audio/L16; rate="16000"']
)
def test_raw_pcm_is_little_endian_and_read_exactly(content_type: str) -> None:
    """Raw 16-bit samples are read little-endian and come back as their value over 32768."""
    assert is_raw(content_type)
    samples = decode(struct.pack("<4h", 0, 1, 16384, -32768), content_type, 1)
    assert samples.tolist() == [0.0, 1 / 32768, 0.5, -1.0]


def test_raw_stereo_is_mixed() -> None:
    """The channels of raw sound lie side by side and are averaged."""
    samples = decode(struct.pack("<4h", 16384, 0, -16384, -16384), "audio/L16;rate=16000;channels=2", 1)
    assert samples.tolist() == [0.25, -0.5]


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_raw_pcm_of_another_rate_is_resampled(rate: int) -> None:
    """A second at any rate is a second at 16 kHz, of the same pitch."""
    value = (tone(1.0, rate) * 32767).astype("<i2").tobytes()
    samples = decode(value, f"audio/L16;rate={rate}", 2)
    assert len(samples) == SAMPLE_RATE
    assert abs(pitch_of(samples) - 440) < 3


@pytest.mark.parametrize(
    ("value", "content_type", "reason"),
    [
        (b"\0" * 3, "audio/L16;rate=16000", "no whole number of 16-bit samples"),
        (b"\0" * 6, "audio/L16;rate=16000;channels=2", "no whole number of 16-bit samples"),
        (b"\0" * 4, "audio/L16", "names no rate"),
        (b"\0" * 4, "audio/L16;rate=", "rate in its content type is not a number"),
        (b"\0" * 4, "audio/L16;rate=-16000", "rate in its content type is not a number"),
        (b"\0" * 4, "audio/L16;rate=1", "is not one of sound"),
        (b"\0" * 4, "audio/L16;rate=16000000", "rate in its content type is not a number"),
        (b"\0" * 4, "audio/L16;rate=16000;channels=0", "channels in its content type"),
        (b"\0" * 64_002, "audio/L16;rate=16000", "more than 2 seconds"),
        (b"", "audio/L16;rate=16000", "the value is empty"),
    ],
)
def test_bad_raw_pcm_is_refused(value: bytes, content_type: str, reason: str) -> None:
    """Raw sound that cannot be as it is said to be is BadAudio, and the message says why."""
    with pytest.raises(BadAudio, match=reason):
        decode(value, content_type, 2)


# Bad containers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [b"not sound at all", b"\0" * 50_000, b"OggS" + b"\xff" * 5_000, np.random.default_rng(7).bytes(20_000)],
    ids=["text", "zeros", "a torn head", "noise"],
)
def test_what_is_no_sound_is_refused(value: bytes) -> None:
    """Bytes that are no sound are BadAudio whatever their content type says."""
    with pytest.raises(BadAudio):
        decode(value, "audio/ogg", 10)


def test_an_empty_value_is_refused() -> None:
    """No bytes are no sound."""
    with pytest.raises(BadAudio, match="empty"):
        decode(b"", "audio/ogg", 10)


def test_a_container_without_sound_is_refused() -> None:
    """A container with an audio stream and no packet in it is BadAudio, not an empty sound."""
    with pytest.raises(BadAudio):
        decode(encode(tone(1.0), "wav", "pcm_s16le").partition(b"data")[0] + b"data\0\0\0\0", "audio/wav", 10)


def test_silence_is_sound() -> None:
    """A container full of silence is heard as silence."""
    samples = decode(encode(np.zeros(SAMPLE_RATE), "flac", "flac"), "audio/flac", 10)
    assert len(samples) == SAMPLE_RATE
    assert not samples.any()


def test_a_truncated_value_is_heard_as_far_as_it_goes() -> None:
    """Half an Ogg file is about half its sound."""
    value = encode(tone(4.0, 48_000), "ogg", "libopus", 48_000)
    assert 1 < len(decode(value[: len(value) // 2], "audio/ogg", 10)) / SAMPLE_RATE < 3


def test_a_truncated_file_without_its_index_is_refused() -> None:
    """An MP4 cut off before its index holds nothing that can be found."""
    value = encode(tone(4.0, 44_100), "mp4", "aac", 44_100)
    with pytest.raises(BadAudio):
        decode(value[: len(value) // 2], "audio/mp4", 10)


def test_torn_packets_are_left_out() -> None:
    """Noise in the middle of a file costs its own packets, not the sound around it."""
    value = bytearray(encode(tone(4.0, 44_100), "mp3", "libmp3lame", 44_100))
    middle = len(value) // 2
    value[middle : middle + 500] = np.random.default_rng(7).bytes(500)
    assert 3.5 < len(decode(bytes(value), "audio/mpeg", 10)) / SAMPLE_RATE < 4.2


def test_an_unknown_codec_is_refused() -> None:
    """A stream that nothing here decodes is BadAudio."""
    value = encode(tone(1.0, 48_000), "matroska", "libopus", 48_000)
    assert b"A_OPUS" in value
    with pytest.raises(BadAudio):
        decode(value.replace(b"A_OPUS", b"A_NOPE"), "audio/webm", 10)


def test_a_title_that_is_no_unicode_does_no_harm() -> None:
    """Sound with a title in another encoding is heard."""
    out = BytesIO()
    with av.open(out, "w", format="flac") as file:
        file.metadata["title"] = "QQQQ"
        write_stream(file, tone(1.0), "flac", SAMPLE_RATE)
    value = out.getvalue()
    assert b"QQQQ" in value
    assert len(decode(value.replace(b"QQQQ", b"\xff\xfe\xfd\xfc"), "audio/flac", 10)) == SAMPLE_RATE


def test_samples_stay_between_minus_one_and_one() -> None:
    """Floats that are too loud or no numbers become loud or silent samples, never a number that spoils a batch."""
    wild = tone(1.0)
    wild[[100, 200, 300, 400]] = [np.nan, np.inf, -np.inf, 7.0]
    samples = decode(encode(wild, "wav", "pcm_f32le"), "audio/wav", 10)
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() == 1.0
    assert samples[100] == 0.0


def test_an_absurd_rate_in_a_container_is_refused() -> None:
    """A WAV of one sample per second would grow sixteen thousandfold; it is refused."""
    value = encode(tone(1.0), "wav", "pcm_s16le").replace(struct.pack("<I", SAMPLE_RATE), struct.pack("<I", 1), 1)
    with pytest.raises(BadAudio, match="rate of 1 is not one of sound"):
        decode(value, "audio/wav", 10)


@cache
def long_silence(hours: float) -> bytes:
    """FLAC of nothing: hours in about a megabyte."""
    out = BytesIO()
    with av.open(out, "w", format="flac") as file:
        stream = file.add_stream("flac", rate=SAMPLE_RATE)
        stream.layout, stream.format = "mono", "s16"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1152), np.int16), format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        for number in range(round(hours * 3600 * SAMPLE_RATE / 1152)):
            frame.pts = number * 1152
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return out.getvalue()


def test_hours_in_a_small_value_are_refused_at_once() -> None:
    """Two hours of silence in 1.3 MB are refused after the limit, at the cost of the limit."""
    value = long_silence(2.0)
    assert len(value) < 2 * MEGABYTE
    began = time.process_time()
    with pytest.raises(BadAudio, match="more than 30 seconds"):
        decode(value, "audio/flac", 30)
    assert time.process_time() - began < 1.0


HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"
CONCAT = "ffconcat version 1.0\nfile secret.ts\n"
SDP = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 4000 RTP/AVP 0\n"


@pytest.fixture
def secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A local file that nobody's value may make us open; it lies where we stand."""
    path = tmp_path / "secret.ts"
    path.write_bytes(encode(tone(1.0, 48_000), "mpegts", "aac", 48_000))
    monkeypatch.chdir(tmp_path)
    return path


def heard_by_ffmpeg(source) -> bool:
    """Whether FFmpeg hears something when nothing is forbidden: then the script is a real one."""
    with av.open(source) as file:
        return sum(frame.samples for frame in file.decode(audio=0)) > 0


@pytest.mark.usefixtures("secret")
def test_a_script_opens_nothing() -> None:
    """A value that names a local file for FFmpeg to open is BadAudio, and the file is not heard."""
    assert heard_by_ffmpeg(BytesIO(CONCAT.encode()))
    for script in (CONCAT, HLS.format("secret.ts"), SDP):
        with pytest.raises(BadAudio):
            decode(script.encode(), "audio/ogg", 10)


def test_a_script_on_disk_opens_nothing(secret: Path) -> None:
    """A recording that is a playlist or script is BadAudio too."""
    scripts = {"a.m3u8": HLS.format(secret), "b.m3u8": HLS.format(f"file://{secret}"), "c.ffconcat": CONCAT}
    for name, script in scripts.items():
        Path(name).write_text(script)
        with Path(name).open("rb") as file:
            assert heard_by_ffmpeg(file)
        with pytest.raises(BadAudio):
            list(read_file(name, 1.0))


# Several streams ------------------------------------------------------------------------------------------------------


def a_video(*pitches: float) -> bytes:
    """A second of video with an audio stream for each pitch, in Matroska."""
    out = BytesIO()
    with av.open(out, "w", format="matroska") as file:
        picture = file.add_stream("mpeg4", rate=10)
        picture.width = picture.height = 64
        sounds = [file.add_stream("flac", rate=SAMPLE_RATE, layout="mono", format="s16") for _ in pitches]
        for stream, pitch in zip(sounds, pitches, strict=True):
            samples = (tone(1.0, pitch=pitch) * 32767).astype(np.int16).reshape(1, -1)
            for first in range(0, SAMPLE_RATE, 4000):
                part = np.ascontiguousarray(samples[:, first : first + 4000])
                frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
                frame.sample_rate, frame.pts = SAMPLE_RATE, first
                file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
        for number in range(10):
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            frame.pts = number
            file.mux(picture.encode(frame))
        file.mux(picture.encode(None))
    return out.getvalue()


def test_pictures_are_ignored_and_the_first_sound_counts() -> None:
    """Of a video with two audio streams the first is heard."""
    assert abs(pitch_of(decode(a_video(300, 900), "video/webm", 10)) - 300) < 3


def test_a_silent_film_is_refused() -> None:
    """A video without sound is BadAudio."""
    with pytest.raises(BadAudio, match="no audio stream"):
        decode(a_video(), "video/webm", 10)


def test_a_stream_that_changes_its_shape_is_heard_whole() -> None:
    """A broadcast that goes from mono to stereo and another rate in the middle is heard to its end."""
    mono = encode(tone(1.0, 48_000, 300), "adts", "aac", 48_000)
    stereo = encode(np.stack([tone(1.0, 44_100, 900)] * 2), "adts", "aac", 44_100, "stereo")
    samples = decode(mono + stereo, "audio/aac", 10)
    assert 1.9 < len(samples) / SAMPLE_RATE < 2.3
    assert abs(pitch_of(samples[2000:14000]) - 300) < 3
    assert abs(pitch_of(samples[20000:32000]) - 900) < 3


# Recordings -----------------------------------------------------------------------------------------------------------


def test_a_recording_comes_in_blocks(tmp_path: Path) -> None:
    """A file is read in blocks of the length asked for, the last one shorter, and they join to the whole."""
    path = tmp_path / "show.mkv"
    path.write_bytes(a_video(440))
    blocks = list(read_file(path, 0.3))
    assert [len(block) for block in blocks] == [4800, 4800, 4800, 1600]
    assert np.array_equal(np.concatenate(blocks), decode(path.read_bytes(), "video/webm", 10))


def test_a_recording_knows_its_length(tmp_path: Path) -> None:
    """Seconds are what the file says."""
    path = tmp_path / "tone.flac"
    path.write_bytes(encode(tone(2.5), "flac", "flac"))
    assert duration_of(path) == pytest.approx(2.5, abs=0.01)


def test_a_recording_without_a_length_has_none(tmp_path: Path) -> None:
    """What a live recorder wrote does not say how long it is."""
    path = tmp_path / "live.webm"
    out = BytesIO()
    with av.open(out, "w", format="webm", options={"live": "1"}) as file:
        write_stream(file, tone(1.0, 48_000), "libopus", 48_000)
    path.write_bytes(out.getvalue())
    assert duration_of(path) is None
    assert len(np.concatenate([*read_file(path, 1.0)])) > 15_000


@pytest.mark.parametrize("read", [duration_of, lambda path: list(read_file(path, 1.0))])
def test_what_is_no_recording_is_refused(read, tmp_path: Path) -> None:
    """A text is BadAudio, a missing file FileNotFoundError."""
    (tmp_path / "list.txt").write_text("eggs, milk")
    (tmp_path / "mute.mkv").write_bytes(a_video())
    with pytest.raises(BadAudio, match="no sound that can be read"):
        read(tmp_path / "list.txt")
    with pytest.raises(BadAudio, match="no audio stream"):
        read(tmp_path / "mute.mkv")
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "nowhere.wav")


MEASURE = """
import resource, sys
from models.audio import read_file
path = sys.argv[1]
next(read_file(path, 5.0))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
seconds = sum(len(block) for block in read_file(path, 5.0)) / 16000
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_long_recording_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    """Two hours (460 MB of samples) are read in less than 30 MB beyond the first block."""
    path = tmp_path / "long.flac"
    path.write_bytes(long_silence(2.0))
    run = subprocess.run([sys.executable, "-c", MEASURE, path], capture_output=True, text=True, check=True)  # noqa: S603
    seconds, kilobytes = run.stdout.split()
    assert float(seconds) == pytest.approx(7200, abs=1)
    assert int(kilobytes) < 30 * 1024


# The children ---------------------------------------------------------------------------------------------------------

DIE, HANG, EAT, STOP, BREAK = b"die", b"hang", b"eat", b"stop", b"break"


def dangerous(value: bytes, content_type: str, _limit_s: float) -> np.ndarray:
    """Runs in the child: does to it what bad codecs do; any other value comes back as its length and the child's id."""
    if value == DIE:
        os.kill(os.getpid(), signal.SIGSEGV)
    if value == HANG:
        time.sleep(600)
    if value == STOP:
        os.kill(os.getpid(), signal.SIGSTOP)
    if value == EAT:
        np.ones(3 * 2**30, np.uint8)
    if value == BREAK:
        raise ZeroDivisionError
    if content_type == "audio/once" and not Path(value.decode()).exists():
        Path(value.decode()).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return np.array([len(value), os.getpid()], np.float32)


def answers(pool: DecoderPool, *values: bytes) -> list[str | int]:
    """For each value its length as the child saw it, or the reason why not."""
    results = pool.decode_all([(value, "audio/x") for value in values])
    return [str(result) if isinstance(result, BadAudio) else int(result[0]) for result in results]


@pytest.fixture(scope="module")
def pool():
    with DecoderPool(2, limit_s=10, wall_s=1.0, decode=dangerous) as made:
        yield made


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (DIE, "crashes the decoder"),
        (HANG, "takes longer than 1 seconds"),
        (STOP, "takes longer than 1 seconds"),
        (EAT, "takes more than 512 MB of memory"),
        (BREAK, "crashes the decoder"),
    ],
    ids=["dies", "hangs", "is stopped", "eats memory", "has a bug"],
)
def test_a_bad_job_costs_only_itself(pool: DecoderPool, bad: bytes, reason: str) -> None:
    """The job that kills, hangs or fills its child is BadAudio; those before, beside and after it come out in order."""
    good = [b"x" * size for size in range(1, 9)]
    found = answers(pool, *good[:4], bad, *good[4:])
    assert reason in str(found.pop(4))
    assert found == [1, 2, 3, 4, 5, 6, 7, 8]
    assert answers(pool, *good) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_many_bad_jobs_at_once(pool: DecoderPool) -> None:
    """Every second job kills its child, and every other one is answered."""
    found = answers(pool, *[DIE if number % 2 else b"x" * number for number in range(12)])
    assert found[::2] == [0, 2, 4, 6, 8, 10]
    assert all("crashes" in str(reason) for reason in found[1::2])


def test_a_job_whose_child_was_killed_by_chance_gets_another(pool: DecoderPool, tmp_path: Path) -> None:
    """A child killed from outside while it decodes loses no sound: the job is tried once more in a fresh one."""
    marker = str(tmp_path / "tried").encode()
    [result] = pool.decode_all([(marker, "audio/once")])
    assert not isinstance(result, BadAudio)
    assert result[0] == len(marker)


def test_children_killed_while_idle_are_replaced(pool: DecoderPool) -> None:
    """Killing idle children (as the kernel does when memory is short) costs no job."""
    ids = {int(result[1]) for result in pool.decode_all([(b"x", "audio/x")] * 20) if not isinstance(result, BadAudio)}
    for child in ids:
        os.kill(child, signal.SIGKILL)
    time.sleep(0.1)
    assert answers(pool, *[b"x"] * 20) == [1] * 20


def test_every_restart_is_told() -> None:
    """A job that kills its child twice is two restarts; one that is merely no sound is none."""
    restarts: list[int] = []
    with DecoderPool(1, decode=dangerous, on_restart=lambda: restarts.append(1)) as pool:
        assert answers(pool, b"x", DIE, b"xx") == [1, "decoding it crashes the decoder", 2]
    assert len(restarts) == 2


def test_children_live_long(pool: DecoderPool) -> None:
    """Forty jobs are done by no more than two processes, none of them ours."""
    results = pool.decode_all([(b"x", "audio/x")] * 40)
    ids = {int(result[1]) for result in results if not isinstance(result, BadAudio)}
    assert 1 <= len(ids) <= 2
    assert os.getpid() not in ids


def test_big_values_go_both_ways() -> None:
    """A value and a sound far larger than a socket's buffer arrive whole and in order; raw PCM stays here."""
    loud = encode(tone(50.0), "wav", "pcm_s16le")
    raw = (tone(1.0) * 32767).astype("<i2").tobytes()
    with DecoderPool(1) as pool:
        heard, as_raw, bad = pool.decode_all([(loud, "audio/wav"), (raw, "audio/L16;rate=16000"), (b"no", "audio/ogg")])
    assert np.array_equal(heard, decode(loud, "audio/wav", 60))
    assert np.array_equal(as_raw, decode(raw, "audio/L16;rate=16000", 60))
    assert isinstance(bad, BadAudio)
    assert "no sound that can be read" in str(bad)


def test_limits_hold_in_children() -> None:
    """The limit on seconds holds in a child and for raw sound, and the reason reaches the caller."""
    with DecoderPool(1, limit_s=2.0) as pool:
        results = pool.decode_all([(long_silence(0.1), "audio/flac"), (b"\0" * 80_000, "audio/L16;rate=16000")])
    assert [str(result) for result in results] == ["it holds more than 2 seconds of sound"] * 2


def test_real_sound_fits_into_little_memory() -> None:
    """A minute of Opus, MP3, AAC and FLAC decodes in a quarter of the memory allowed by default."""
    kinds = [CONTAINERS[name] for name in ("ogg/opus", "mp3", "adts/aac", "flac")]
    made = [encode(tone(59.0, rate), box, codec, rate) for box, codec, rate in kinds]
    with DecoderPool(1, memory_mb=128) as pool:
        results = pool.decode_all([(value, "audio/x") for value in made])
    assert [type(result) for result in results] == [np.ndarray] * len(made)


def test_a_child_that_cannot_start_is_no_fault_of_the_sound() -> None:
    """If no decoding process starts, the caller hears of it as an error, and no sound is called bad."""

    def nowhere(value: bytes, content_type: str, limit_s: float) -> np.ndarray:
        raise NotImplementedError

    with DecoderPool(1, decode=nowhere) as pool, pytest.raises(RuntimeError, match="does not start"):
        pool.decode_all([(b"x", "audio/x")])


def test_children_end_with_the_pool_and_with_its_process() -> None:
    """No child outlives ``close``, nor a parent that is killed."""
    script = (
        "import os, time\nfrom pathlib import Path\nfrom models.audio import DecoderPool\n"
        "pool = DecoderPool(2)\npool.decode_all([(b'x', 'a')] * 4)\n"
        "print(Path(f'/proc/{os.getpid()}/task/{os.getpid()}/children').read_text(), flush=True)\n"
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:  # noqa: S603
        assert parent.stdout is not None
        children = [int(word) for word in parent.stdout.readline().split()]
        parent.kill()
    assert len(children) == 2
    assert all(gone_within(child, 5.0) for child in children)
    with DecoderPool(1, decode=dangerous) as pool:
        [result] = pool.decode_all([(b"x", "audio/x")])
    assert not isinstance(result, BadAudio)
    assert gone_within(int(result[1]), 1.0)


def test_ctrl_c_leaves_the_children_alone() -> None:
    """An interrupt of the whole terminal lets the service finish its work: the children still answer, and quietly."""
    script = (
        "import os, signal\nfrom models.audio import DecoderPool\nsignal.signal(signal.SIGINT, lambda *_: None)\n"
        "with DecoderPool(1) as pool:\n    pool.decode_all([(b'x', 'a')])\n"
        "    children = f'/proc/{os.getpid()}/task/{os.getpid()}/children'\n    before = open(children).read()\n"
        "    os.killpg(0, signal.SIGINT)\n    pool.decode_all([(b'x', 'a')])\n"
        "    assert before == open(children).read()"
    )
    command = [sys.executable, "-c", script]
    run = subprocess.run(command, capture_output=True, text=True, start_new_session=True, check=False)  # noqa: S603
    assert (run.returncode, run.stderr) == (0, "")


def gone_within(process: int, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        state = Path(f"/proc/{process}/stat")
        if not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return True
        time.sleep(0.02)
    return False


def test_a_child_imports_little() -> None:
    """What decodes the sound of strangers loads no model library and nothing of the service."""
    code = "import sys, models.audio; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    loaded = set(run.stdout.split())
    assert "av" in loaded
    assert not loaded & {
        "torch",
        "faster_whisper",
        "ctranslate2",
        "onnxruntime",
        "multiprocessing",
        "pydantic",
        "worker",
    }
    assert audio.SAMPLE_RATE == SAMPLE_RATE
