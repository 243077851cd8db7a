"""Copies of training lines as hosts and recognition spoil them: sound-alikes, lost characters, fillers."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from models.labelled import Line
from models.sounds import toneless

SOUND_ALIKE = 0.08
LOST = 0.03
FILLER = 0.06
"""The share of characters (English: words) that sound alike, are lost, or have a filler before them."""

_FILLERS = {
    "zh": ("嗯", "啊", "呃", "那个", "就是", "然后", "这个", "来", "哎", "对吧"),
    "en": ("um", "uh", "like", "you know", "so", "okay", "well", "right"),
}

Homophones = Mapping[str, Sequence[str]]


def homophones(texts: Iterable[str]) -> Homophones:
    """Each Han character of the texts -> the others among them with the same toneless sound, near sounds folded."""
    of: dict[str, set[str]] = defaultdict(set)
    for text in texts:
        for sound, start, end in toneless(text):
            of[sound].add(text[start:end])
    return {char: sorted(chars - {char}) for chars in of.values() if len(chars) > 1 for char in chars}


def copies(lines: Sequence[Line], share: float, seed: int) -> list[Line]:
    """Spoilt copies of a share of the lines, drawn anew where the share is above 1. The same seed, the same copies."""
    draw = random.Random(seed)  # noqa: S311 (nothing secret)
    alike = homophones(line.text for line in lines)
    chosen = [line for _ in range(int(share)) for line in lines] + draw.sample(
        list(lines), round(share % 1 * len(lines))
    )
    return [line.model_copy(update={"text": spoilt(line, alike, draw), "spans": ()}) for line in chosen]


def in_company(lines: Sequence[Line], share: float, seed: int) -> list[Line]:
    """Copies of a share of the lines, of which those without sentences before them have one to three of others.

    Of the written lines mostly those have sentences before them whose claim they make. On air every
    utterance has, and what was said there must not count as said again.
    """
    draw = random.Random(seed)  # noqa: S311 (nothing secret)
    said = {lang: [line.text for line in lines if line.lang == lang] for lang in {line.lang for line in lines}}
    chosen = draw.sample(list(lines), round(share * len(lines)))
    return [
        line.model_copy(update={"before": line.before or tuple(draw.choices(said[line.lang], k=draw.randint(1, 3)))})
        for line in chosen
    ]


def spoilt(line: Line, alike: Homophones, draw: random.Random) -> str:
    """The text of a line with some of it changed; never empty."""
    if line.lang == "zh":
        return "".join(_spoilt(list(line.text), "zh", alike, draw)) or line.text
    words = _spoilt(line.text.split(), "en", alike, draw)
    return " ".join(_misheard(word, draw) for word in words) or line.text


def _spoilt(tokens: list[str], language: str, alike: Homophones, draw: random.Random) -> list[str]:
    out = []
    for token in tokens:
        if draw.random() < FILLER:
            out.append(draw.choice(_FILLERS[language]))
        if draw.random() < LOST:
            continue
        others = alike.get(token, ())
        out.append(draw.choice(others) if others and draw.random() < SOUND_ALIKE else token)
    return out


def _misheard(word: str, draw: random.Random) -> str:
    """An English word, sometimes with a letter lost, as in quick typing and bad hearing."""
    if len(word) < 5 or draw.random() >= SOUND_ALIKE:
        return word
    at = draw.randrange(1, len(word) - 1)
    return word[:at] + word[at + 1 :]
