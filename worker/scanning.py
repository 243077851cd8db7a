"""Files scanned one after the other, each as a broadcast of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from rich.console import Console

from models.audio import BadAudio, duration_of
from worker import console, recordings, screens
from worker.codec import Encoded
from worker.listings import encode_listing, encode_shown
from worker.local import LocalRun
from worker.plain import complain, one_line
from worker.records import Listing, ProductShown

CHUNK_S = 10.0


class Scan:
    """Scans with the same parts again and again; ``run`` makes a local run by a clock of epoch seconds."""

    def __init__(
        self,
        run: Callable[[Callable[[], float]], LocalRun],
        listings: Iterable[Listing],
        language: str | None,
    ) -> None:
        self._run, self._listings, self._language = run, tuple(listings), language
        self._names: set[str] = set()

    def show(self, path: Path, printer: screens.Printer, err: Console) -> bool:
        """Whether the file could be scanned; if not, a line says why, and others may go on."""
        live = recordings.Live(self._name(path), "host", recordings.recorded_at(path), self._language)
        shift = live.started_at.timestamp() - time.time()  # latency counts as if it were played from now on
        results = self._run(lambda: time.time() + shift).results(self._messages(path, live))
        try:
            total = None if recordings.is_text(path) else duration_of(path)
            screens.show_scan(path.name, results, printer, console.Going(err, path.name, total))
        except (BadAudio, recordings.BadText) as error:
            complain(f"{path}: {one_line(error)}")
            return False
        return True

    def _messages(self, path: Path, live: recordings.Live) -> Iterator[Encoded]:
        for one in self._listings:  # all of them are shown all the time
            yield encode_listing(one, live.stream_id)
            yield encode_shown(ProductShown(stream_id=live.stream_id, sku=one.sku, at=live.started_at))
        if recordings.is_text(path):
            yield from (recordings.encode_text(line) for line in recordings.lines(path, live))
        else:
            yield from (message for _, message in recordings.whole(path, live, CHUNK_S))

    def _name(self, path: Path) -> str:
        """The stream's name; files of the same name get a number."""
        first = name = recordings.name_of(path)
        number = 1
        while name in self._names:
            number += 1
            name = f"{first}-{number}"
        self._names.add(name)
        return name
