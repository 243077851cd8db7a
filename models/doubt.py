"""Whether recognised text can be what was said: certainty, loops, and the phrases Whisper invents on silence."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

STOCK_ANYWHERE = (
    "请不吝点赞订阅转发打赏支持明镜与点点栏目",
    "明镜与点点栏目",
    "amaraorg",
    "字幕志愿者",
    "中文字幕提供",
    "字幕由",
    "字幕by",
    "subtitlesby",
    "transcriptionby",
)
"""Credits in the subtitles Whisper learnt from; no host says them. Letters and digits only, lower case."""

STOCK_ALONE = (
    "谢谢观看", "谢谢大家观看", "感谢观看", "谢谢收看", "感谢收看", "谢谢大家", "请订阅", "请点赞订阅", "下期再见",
    "我们下期再见", "you", "bye", "thankyou", "thanksforwatching", "thankyouforwatching", "thankyousomuchforwatching",
    "pleasesubscribe", "dontforgettosubscribe", "seeyounexttime", "seeyouinthenextvideo",
)  # fmt: skip
"""What Whisper writes over music and silence; a host may say it within a longer sentence."""

_UNIT = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]|[^\W\u3400-\u4dbf\u4e00-\u9fff]+")
_LONGEST_PERIOD = 20
_FEWEST_ROUNDS = 5
_SHORTEST_LOOP = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """What a text must pass to be believed; the defaults are faster-whisper's.

    ``min_logprob`` is the mean natural log-probability per token; ``max_no_speech`` counts only where
    that fails too; ``max_compression`` is the text's bytes over its bytes compressed by zlib.
    """

    min_logprob: float = -1.0
    max_no_speech: float = 0.6
    max_compression: float = 2.4


_SURE, _UNSURE = -0.2, -0.45
"""Mean log-probabilities of a token: of words that are nearly all right, and of those where every other is wrong."""


def doubt(avg_logprob: float) -> float:
    """How far recognised words may be others than were said, from 0 to 1; not a number is 1.

    >>> doubt(-0.1), round(doubt(-0.325), 2), doubt(-2.0)
    (0.0, 0.5, 1.0)
    """
    share = (_SURE - avg_logprob) / (_SURE - _UNSURE)
    return min(max(share, 0.0), 1.0) if share == share else 1.0


def silent(avg_logprob: float, no_speech_prob: float, gates: Gates) -> bool:
    """Whether nobody spoke: silence is likely and the text is not."""
    return no_speech_prob > gates.max_no_speech and not avg_logprob >= gates.min_logprob


def believable(text: str, avg_logprob: float, gates: Gates) -> bool:
    """Whether the text is likely enough (NaN is not), does not go round in circles and is no stock phrase."""
    return avg_logprob >= gates.min_logprob and not loops(text, gates.max_compression) and not stock(text)


def loops(text: str, max_compression: float = 2.4) -> bool:
    """Whether the text repeats itself as a decoder that lost its way does.

    Hosts repeat themselves too ("来来来", a call to buy three times over), so a loop is a piece said five
    times or more without a break, over at least 15 characters or words in all.
    """
    raw = text.encode()
    if len(raw) / len(zlib.compress(raw)) > max_compression:
        return True
    units = _UNIT.findall(text.lower())
    return any(_goes_round(units, period) for period in range(1, min(_LONGEST_PERIOD, len(units) // 2) + 1))


def _goes_round(units: list[str], period: int) -> bool:
    """Whether some stretch of units repeats with this period for long enough."""
    enough = max(_SHORTEST_LOOP, period * _FEWEST_ROUNDS) - period
    same = 0
    for before, unit in zip(units, units[period:], strict=False):
        same = same + 1 if unit == before else 0
        if same >= enough:
            return True
    return False


def stock(text: str) -> bool:
    """Whether the text is, or holds, a phrase that Whisper is known to invent where nobody speaks.

    Sources: https://github.com/openai/whisper/discussions/2015, https://arxiv.org/abs/2501.11378.
    """
    bare = re.sub(r"[\W_]+", "", text).lower()
    return bare in STOCK_ALONE or any(phrase in bare for phrase in STOCK_ANYWHERE)
