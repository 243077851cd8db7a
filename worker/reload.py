"""Edits of policy, labels and rules come into force while the worker runs; those with a mistake do not."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path

import structlog

from worker import metrics
from worker.config import ConfigError
from worker.rulebook import Rulebook

log = structlog.get_logger(__name__)


def fingerprint(paths: Iterable[Path]) -> str:
    """A hash of the content of files, and of the YAML files of folders.

    Neither times nor links count, so that it sees the swap of a mounted ConfigMap, and no touch. What cannot be read
    is a content too: that it becomes so is a change.
    """
    told = hashlib.sha256()
    for path in paths:
        for file in sorted(path.glob("*.yaml")) if path.is_dir() else [path]:
            told.update(f"\0{file}\0".encode())
            try:
                told.update(file.read_bytes())
            except OSError as error:
                told.update(f"\0{error.strerror}".encode())
    return told.hexdigest()


class Reloader:
    """Holds the Rulebook in force, and replaces it when the content of its files changes.

    ``load`` reads it and raises ConfigError, naming file and line; ``seen`` is a fingerprint of what it reads.
    Whoever handles a batch asks ``current`` once: the swap is that of one reference.
    """

    def __init__(self, load: Callable[[], Rulebook], seen: Callable[[], str]) -> None:
        self._load, self._seen_now = load, seen
        self._seen = seen()
        self._current = load()
        self._looking: Future[None] = Future()

    def current(self) -> Rulebook:
        """What is in force. Raises what ended the looking, so that a worker that sees no edits any more ends too."""
        if self._looking.done():
            self._looking.result()
        return self._current

    def look(self) -> None:
        """Read the files anew if their content changed. One that changes meanwhile is left to the next look."""
        seen = self._seen_now()
        if seen == self._seen:
            return
        try:
            book, problems = self._load(), ()  # type: tuple[Rulebook | None, tuple[str, ...]]
        except ConfigError as error:
            book, problems = None, error.problems
        if self._seen_now() != seen:
            return
        self._seen = seen
        if book is None:
            metrics.RELOADS_REFUSED.inc()
            log.warning("edit refused, what was in force stays", problems=problems, **_versions(self._current))
        else:
            self._current = book
            metrics.RELOADS.inc()
            log.info("edit in force", **_versions(book))

    def start(self, stack: ExitStack, every_s: float) -> None:
        """Look every so many seconds, in a thread of its own, until the stack is closed."""
        stop = threading.Event()
        stack.callback(stop.set)
        threading.Thread(target=self._run, args=(stop, every_s), name="reload", daemon=True).start()

    def _run(self, stop: threading.Event, every_s: float) -> None:
        try:
            while not stop.wait(every_s):
                self.look()
        except BaseException as error:  # noqa: BLE001 - handed to the thread that asks for what is in force
            self._looking.set_exception(error)


def _versions(book: Rulebook) -> dict[str, str]:
    return {"lexicon": book.finder.version, "policy": book.policy.version}
