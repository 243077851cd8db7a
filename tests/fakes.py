"""Working stand-ins: no mocks, real behaviour, no model files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor, Future
from typing import Any

from models.asr import Row
from models.results import Found, Utterance, Word
from worker.bus import Commit, Headers, Partition
from worker.memory_bus import MemoryBus, MemoryLog


class PowerCut(BaseException):
    """The process dies here. Not an Exception, so that nothing can mistake it for one."""


class Inline(Executor):
    """Runs a job at once, in the caller's thread: the loop, step by step."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Lazy(Executor):
    """Runs a job when its result is looked at: handle of k runs after prepare of k+1, as beside each other."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return _Later(lambda: fn(*args, **kwargs))


class _Later(Future[Any]):
    def __init__(self, job: Callable[[], Any]) -> None:
        super().__init__()
        self._job = job

    def done(self) -> bool:
        return True

    def result(self, timeout: float | None = None) -> Any:  # noqa: ARG002  it takes no time
        if not super().done():
            self.set_result(self._job())
        return super().result()


class Fuse:
    """Blows at its n-th use; counts across restarts."""

    def __init__(self, blows_at: int | None) -> None:
        self.left = blows_at

    def use(self) -> None:
        if self.left is None:
            return
        self.left -= 1
        if self.left == 0:
            self.left = None
            raise PowerCut


class DyingBus(MemoryBus):
    """A bus whose process dies at a publish, flush or commit: before it, or (``late``) right after it."""

    def __init__(self, log: MemoryLog, group: str, topics: Collection[str], fuse: Fuse, late: bool = False) -> None:
        super().__init__(log, group, topics)
        self._fuse, self._late = fuse, late

    def publish(self, topic: str, key: str | None, value: bytes | None, headers: Headers = ()) -> None:
        self._around(lambda: super(DyingBus, self).publish(topic, key, value, headers))

    def flush(self) -> None:
        self._around(lambda: super(DyingBus, self).flush())

    def commit(self, commits: Mapping[Partition, Commit]) -> None:
        self._around(lambda: super(DyingBus, self).commit(commits))

    def _around(self, action: Callable[[], None]) -> None:
        if not self._late:
            self._fuse.use()
        action()
        if self._late:
            self._fuse.use()


class Parrot:
    """Hears the same words in every window, whole seconds of them; each word as long as the others."""

    name = "parrot"

    def __init__(self, text: str = "这款全网最低价", fuse: Fuse | None = None) -> None:
        self._text, self._fuse = text, fuse or Fuse(None)

    def transcribe(self, rows: Sequence[Row]) -> list[Utterance]:
        self._fuse.use()
        one = Utterance(text=self._text, language="zh", avg_logprob=-0.1, no_speech_prob=0.0, supported=True)
        return [one] * len(rows)

    def align(self, row: Row, text: str) -> list[Word]:
        step = row.seconds / max(1, len(text))
        return [Word(start=n * step, end=(n + 1) * step, text=c, probability=1.0) for n, c in enumerate(text)]


class Keywords:
    """Finds literal words; a working finder in five lines."""

    version = "keywords"

    def __init__(self, labels: Mapping[str, str]) -> None:
        self._labels = labels

    def find(self, text: str, language: str, category: str | None = None) -> list[Found]:  # noqa: ARG002  the same words in any language and of any goods
        return [
            Found(
                label=label, score=0.9, threshold=0.5, rule_id=f"kw-{label}",
                start=at, end=at + len(word), normalised=word,
            )
            for word, label in self._labels.items()
            if (at := text.find(word)) >= 0
        ]  # fmt: skip
