"""What normalising costs, and how much of ordinary text it changes.

    python -m tests.benchmarks.normalising

Speed: utterances of 30 characters per second on one core, by each view and by all. Changed: of 2,000 clean
Mandarin utterances and as many English ones (models/data/speech), the share of letters, digits and characters that
are not what they were but for width, case and traditional forms; amounts are a view of their own and not counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from difflib import SequenceMatcher
from pathlib import Path

from models.figures import figures
from models.normalise import normalise
from models.sounds import toneless
from models.variants import Variants, load_variants
from models.views import Normalised
from worker.resources import resource

FOLDER = Path(__file__).parent.parent.parent / "models" / "data" / "speech"
FILES = {"zh": ("zh_everyday.txt", "zh_shop.txt"), "en": ("en.txt",)}
COUNT, LENGTH = 2_000, 30


def clean(language: str) -> list[str]:
    """Lines spread over the text that the speech models learn from: ordinary speech, nobody hides a word in it."""
    lines = [line for name in FILES[language] for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]
    return [lines[number * len(lines) // COUNT] for number in range(COUNT)]


def changed(lines: Iterable[str], variants: Variants) -> tuple[int, int]:
    """How many of the characters that bear meaning are changed, and how many there are."""
    wrong = total = 0
    for line in lines:
        before, after = _bare(normalise(line, Variants.none())), _bare(normalise(line, variants))
        total += len(before)
        steps = SequenceMatcher(None, before, after, autojunk=False).get_opcodes() if before != after else []
        wrong += sum(max(b - a, d - c) for step, a, b, c, d in steps if step != "equal")
    return wrong, total


def _bare(view: Normalised) -> str:
    return "".join(char for char in view.text if char.isalnum() or char in "%+")


def per_second(work: Callable[[str], object], texts: Sequence[str]) -> float:
    """The best of five rounds, in seconds of this process."""
    best = float("inf")
    for _ in range(5):
        before = time.process_time()
        for text in texts:
            work(text)
        best = min(best, time.process_time() - before)
    return len(texts) / best


def main() -> None:
    variants = load_variants(resource("configs/lexicon/variants.yaml"))

    def every_view(text: str) -> None:
        plain = normalise(text, variants)
        figures(plain, variants)
        toneless(plain.text)

    for language in FILES:
        wrong, total = changed(clean(language), variants)
        print(f"{language}: changed {wrong} of {total} characters of {COUNT} clean utterances, {wrong / total:.3%}")
        joined = "，".join(clean(language))
        texts = [joined[start : start + LENGTH] for start in range(0, min(len(joined), COUNT * LENGTH), LENGTH)]
        plain = {text: normalise(text, variants) for text in texts}
        for name, work in (
            ("all views", every_view),
            ("normalise", lambda text: normalise(text, variants)),
            ("figures", lambda text, plain=plain: figures(plain[text], variants)),
            ("toneless", lambda text, plain=plain: toneless(plain[text].text)),
        ):
            print(f"{language}: {name}: {per_second(work, texts):,.0f} utterances of {LENGTH} characters a second")


if __name__ == "__main__":
    main()
