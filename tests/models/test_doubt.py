"""What text is believed: talk that repeats itself passes, a decoder going round in circles does not."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from models.doubt import Gates, believable, doubt, loops, silent, stock

TALK = (Path(__file__).parent.parent / "data" / "ordinary_talk.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    "text",
    [
        *(
            "来来来来来",
            "对对对，对对对",
            "三二一上链接，三二一上链接，三二一上链接",
            "好的好的好的谢谢谢谢",
            "哈哈哈哈哈哈哈哈",
        ),
        *("", "嗯", "buy it buy it buy it now", "no no no no no", "十块十块十块十块十块"),
    ],
)
def test_hosts_repeat_themselves(text: str) -> None:
    """Short calls said a few times over are talk."""
    assert not loops(text)


@pytest.mark.parametrize(
    "text",
    [
        *("这款" * 8, "一" * 15, "开头没有问题然后就" + "我们的面霜" * 6, "的面霜很好用，" * 5),
        *("the " * 20, "thank you so much " * 5, "我们" * 40),
    ],
)
def test_decoders_go_round(text: str) -> None:
    """A piece said five times or more without a break over fifteen characters or words is a loop."""
    assert loops(text)


def test_ordinary_talk_is_no_loop() -> None:
    """Neither lines of ordinary talk nor some thirty seconds of them joined look like loops or stock phrases."""
    lines = [line for line in TALK if line]
    joined = ["".join(lines[at : at + 6]) for at in range(0, len(lines), 6)]
    assert len(lines) > 100
    assert [line for line in lines + joined if loops(line) or stock(line)] == []


@pytest.mark.parametrize(
    "text",
    [
        *("请不吝点赞 订阅 转发 打赏支持明镜与点点栏目", "中文字幕由 Amara.org 社群提供", "谢谢观看！", "Thank you."),
        *("Thanks for watching!", "Subtitles by the Amara.org community"),
    ],
)
def test_stock_phrases(text: str) -> None:
    """What Whisper writes over silence is known by its letters, whatever its punctuation and case."""
    assert stock(text)
    assert not believable(text, -0.1, Gates())


@pytest.mark.parametrize(
    "text", ["谢谢观看我们直播间的宝宝们", "thank you for the order", "you can buy it now", "大家点赞订阅一下"]
)
def test_what_hosts_say_themselves(text: str) -> None:
    """The same words within a host's sentence are talk."""
    assert not stock(text)


def test_gates() -> None:
    """Unlikely text is not believed, nor is text whose odds are no number; silence takes both signs."""
    gates = Gates(min_logprob=-0.5, max_no_speech=0.6)
    assert believable("今天天气不错", -0.5, gates)
    assert not believable("今天天气不错", -0.51, gates)
    assert not believable("今天天气不错", math.nan, gates)
    assert silent(-0.6, 0.7, gates)
    assert not silent(-0.4, 0.7, gates)
    assert not silent(-0.6, 0.6, gates)


@pytest.mark.parametrize(
    ("logprob", "expected"), [(0, 0), (-0.2, 0), (-0.325, 0.5), (-0.45, 1), (-5, 1), (math.nan, 1)]
)
def test_doubt_grows_as_certainty_falls(logprob: float, expected: float) -> None:
    """None where nearly all words are right, full where every other is wrong, and where nothing is known."""
    assert doubt(logprob) == pytest.approx(expected)
