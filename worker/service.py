"""The loop: poll -> prepare -> handle -> publish -> flush and check -> commit. Never anything else, never earlier.

The thread that polls does no work, so the group hears from it while models run. ``prepare`` of
batch k+1 runs beside ``handle`` of batch k, each in order. What is committed is the longest run of
free offsets from the front of each partition, after everything made of them is safely written.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Generic

import structlog

from worker import metrics
from worker.assigned import Assigned
from worker.batches import Batch, Handler, Outcome, Result, Spot, W
from worker.bus import Bus, Commit, CommitFailed, Gone, Message, Partition, Unavailable
from worker.codec import Rejected, dead_letter, encode
from worker.patience import Failures, Waiter
from worker.positions import Crashes, Progress
from worker.records import Place

log = structlog.get_logger(__name__)

_NEWS_S = 2.0
_TELL_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much at a time, how long to wait, and when to give up."""

    batch_messages: int = 8
    batch_bytes: int = 16 * 1024 * 1024
    in_flight: int = 3
    tick_s: float = 1.0
    grace_s: float = 30.0
    failing_streams: int = 20
    failing_window_s: float = 60.0
    careful_rows: int = 64
    back_s: float = 0.0
    """How far, by the log's own time, to read back what was handled before a partition became ours."""


@dataclass(slots=True)
class _Flight(Generic[W]):
    """A batch on its way from poll to commit."""

    rejected: list[Rejected]
    alone: bool
    past: list[Message] = field(default_factory=list)
    batch: Batch = Batch((), frozenset(), frozenset(), 0.0)
    prepared: Future[W] | None = None
    handled: Future[Outcome] | None = None
    spots: list[Spot] = field(default_factory=list)


class Service(Generic[W]):
    """One consumer group's loop over a bus. ``depends`` says what does not answer, or None; ``name`` is for metrics."""

    def __init__(
        self,
        bus: Bus,
        handler: Handler[W],
        limits: Limits,
        *,
        pools: tuple[Executor, Executor] | None = None,
        depends: Callable[[], str | None] = lambda: None,
        clock: Callable[[], float] = time.time,
        name: str = metrics.SERVICES[0],
    ) -> None:
        self._name = name
        self._bus, self._handler, self._limits = bus, handler, limits
        self._pools = pools or (ThreadPoolExecutor(1, "prepare"), ThreadPoolExecutor(1, "handle"))
        self._depends, self._clock = depends, clock
        self._flights: deque[_Flight[W]] = deque()
        self._backlog: deque[Message] = deque()
        self._assigned: dict[Partition, Assigned] = {}
        self._arriving: dict[Partition, int] = {}
        self._gone: set[tuple[Partition, int]] = set()
        self._failures = Failures(limits.failing_streams, limits.failing_window_s)
        self._waiter = Waiter()
        self._ticked = self._paused_at = self._told_at = 0.0
        self._behind: dict[str, int] = {}
        self.waiting_for: str | None = "assignment"
        bus.on_assigned(self._on_assigned)
        bus.on_revoked(self._on_revoked)
        bus.on_lost(self._on_lost)

    def run(self, stop: Event, beat: Callable[[], None] = lambda: None) -> bool:
        """Work until ``stop``; then finish what is on its way. False if it was not done within the grace time."""
        self._waiter.stop = stop
        while not stop.is_set():
            beat()
            self.step()
        return self._wind_up()

    def step(self, timeout: float = 0.05) -> None:
        """One turn. An Unavailable dependency ends the turn early; the next one does the same again."""
        try:
            self._finish()
            self._open()
            self._take(timeout)
            self._advance()
            self._tell()
        except Unavailable as error:
            self._wait_for(str(error))
            self._keep_in_touch()
        except CommitFailed as error:
            log.info("commit refused, the group is rebalancing", reason=str(error))
            self._keep_in_touch()

    def _keep_in_touch(self) -> None:
        """Let the group hear from us, and hear of a rebalance, also in a turn that ended early."""
        with suppress(Unavailable):
            self._poll_nothing(0.0)

    def _tell(self) -> None:
        """About once a second: how many messages of each topic are not read yet; 0 where nothing is ours any more."""
        now = self._clock()
        if now - self._told_at < _TELL_S:
            return
        self._told_at, self._behind = now, dict.fromkeys(self._behind, 0)
        ends = self._bus.ends()
        for partition, at in self._bus.positions().items():
            unread = max(0, ends.get(partition, at) - at)
            self._behind[partition.topic] = self._behind.get(partition.topic, 0) + unread
        for topic, unread in self._behind.items():
            metrics.BEHIND.labels(topic).set(unread)

    @property
    def busy(self) -> bool:
        """Whether anything polled is not committed or held yet."""
        return bool(self._flights or self._backlog)

    # -- assignment: callbacks of the bus, run inside poll

    def _on_assigned(self, partitions: Mapping[Partition, int]) -> None:
        self._arriving.update(partitions)

    def _on_revoked(self, partitions: Collection[Partition]) -> Mapping[Partition, Commit]:
        """Give back what is free; the death that taking up counted is taken off: this is a hand-over."""
        commits = {p: a.commit(clean=True) for p in partitions if (a := self._assigned.get(p))}
        self._on_lost(partitions)
        return commits

    def _on_lost(self, partitions: Collection[Partition]) -> None:
        lost = set(partitions)
        for partition in lost:
            self._arriving.pop(partition, None)
            if assigned := self._assigned.pop(partition, None):
                self._gone.add((partition, assigned.epoch))
        self._backlog = deque(m for m in self._backlog if m.source not in lost)
        metrics.PARTITIONS.labels(self._name).set(len(self._assigned))

    def _open(self) -> None:
        """Take up new partitions: once all dependencies answer, count a death in advance and store it."""
        if not self._arriving:
            return
        if missing := self._depends():
            raise Unavailable(missing)
        for partition, epoch in list(self._arriving.items()):
            stored = self._bus.committed(partition)
            start = stored.offset if stored else self._first_read(partition)
            crashes = Crashes.from_metadata(stored.metadata if stored else "", start).started()
            if crashes.suspicious:
                log.warning("no progress since the last starts: trying rows one by one", topic=partition.topic,
                            partition=partition.number, deaths=crashes.deaths, offset=crashes.frontier)  # fmt: skip
            careful = range(start, crashes.frontier + self._limits.careful_rows if crashes.suspicious else start)
            commit = Commit(start, crashes.to_metadata(), epoch)
            back = start if crashes.suspicious else self._back(partition, start)
            self._bus.commit({partition: commit})
            if back < start:
                self._bus.seek(partition, back)
                self._backlog = deque(m for m in self._backlog if m.source != partition)  # read again from there
            self._assigned[partition] = Assigned(
                epoch, start, Progress(start), crashes, commit, crashes.frontier, careful
            )
            del self._arriving[partition]
            metrics.DEATHS.inc(crashes.deaths > 1)
        metrics.PARTITIONS.labels(self._name).set(len(self._assigned))

    def _first_read(self, partition: Partition) -> int:
        """Where reading began in a partition the group never committed: the poll that assigned it may have read."""
        waiting = [m.offset for m in self._backlog if m.source == partition]
        return min(waiting, default=self._bus.positions().get(partition, 0))

    def _back(self, partition: Partition, start: int) -> int:
        """Where to begin to read back. After deaths without progress nothing is: what kills may be there."""
        if not self._limits.back_s or start == 0:
            return start
        try:
            last = self._bus.fetch(Place(partition.topic, partition.number, start - 1))
        except Gone:
            return start
        return min(start, self._bus.since(partition, last.timestamp - int(self._limits.back_s * 1000)))

    # -- poll: messages and ticks into flights

    def _take(self, timeout: float) -> None:
        """Poll when there is room; when not, poll with everything paused, so that the group hears from us."""
        full = len(self._flights) >= self._limits.in_flight or (bool(self._flights) and self._flights[-1].alone)
        if not full and not self._backlog:
            wait = timeout if not self._flights else timeout / 10
            with metrics.stage("poll", self._name):
                messages = self._bus.poll(self._limits.batch_messages, wait)
            self._backlog.extend(messages)  # callbacks inside poll may have changed the backlog
        else:
            self._poll_nothing(timeout / 10)
        if self._arriving:
            self._open()
        if not full:
            self._take_off()

    def _poll_nothing(self, timeout: float) -> None:
        self._paused_at = self._clock()
        ours = list(self._bus.assignment())
        self._bus.pause(ours)
        messages = self._bus.poll(1, timeout)
        self._backlog.extend(messages)
        self._bus.resume([p for p in ours if p in self._bus.assignment()])

    def _take_off(self) -> None:
        """Send the next batch on its way, or a tick when there is none and time went by."""
        now = self._clock()
        alone = bool(self._backlog) and self._suspect(self._backlog[0])
        if alone:
            if self._flights:
                return
            self._try_alone(self._backlog[0])
        messages = [self._backlog.popleft()] if alone else self._next_messages()
        tick = now - self._ticked >= self._limits.tick_s and bool(self._assigned)
        if not messages and not tick and not self._gone:
            return
        flight: _Flight[W] = _Flight([], alone)
        admitted = [m for m in messages if self._admit(m, flight)]
        idle = frozenset() if self._backlog else self._idle(now)
        flight.batch = Batch(admitted, idle, frozenset(self._gone), now, alone, flight.past)
        self._ticked = now
        self._gone.clear()
        self._flights.append(flight)
        flight.prepared = self._pools[0].submit(self._prepare, flight.batch)
        if messages:
            metrics.BATCH_FILL.labels(self._name).observe(len(messages) / self._limits.batch_messages)

    def _next_messages(self) -> list[Message]:
        """Up to a batch from the backlog, none of them suspect."""
        messages: list[Message] = []
        room = self._limits.batch_bytes
        while self._backlog and len(messages) < self._limits.batch_messages and not self._suspect(self._backlog[0]):
            room -= len(self._backlog[0].value or b"")
            if messages and room < 0:
                break
            messages.append(self._backlog.popleft())
        return messages

    def _suspect(self, message: Message) -> bool:
        """Whether a row may be the killing one: it runs alone, from the committed position on, since the sound
        that kills may be held."""
        assigned = self._assigned.get(message.source)
        if assigned is None or assigned.epoch != message.epoch or message.offset in assigned.crashes.skip:
            return False
        return message.offset in assigned.careful

    def _try_alone(self, message: Message) -> None:
        """Write down which row runs alone before it does."""
        assigned = self._assigned[message.source]
        crashes = replace(assigned.crashes, trying=message.offset)
        commit = Commit(assigned.progress.committable, crashes.to_metadata(), assigned.epoch)
        self._bus.commit({message.source: commit})
        assigned.crashes, assigned.committed = crashes, commit

    def _admit(self, message: Message, flight: _Flight[W]) -> bool:
        """Whether the handler gets the message: not when it is of an old assignment, or was set aside as deadly."""
        assigned = self._assigned.get(message.source)
        if assigned is None or assigned.epoch != message.epoch:
            return False
        if message.offset < assigned.start:
            flight.past.append(message)
            return False
        assigned.progress.read(message.offset)
        flight.spots.append(Spot(message.source, message.epoch, message.offset))
        if message.offset not in assigned.crashes.skip:
            return True
        if message.offset >= assigned.unheard_from:  # its dead letter is not written yet
            detail = "the process died each time it handled this message"
            flight.rejected.append(Rejected(message, "crashed", detail, max(1, assigned.crashes.deaths - 1)))
        return False

    def _idle(self, now: float) -> frozenset[Partition]:
        """Partitions read to their end; none just after a pause, when the broker's ends are not news yet."""
        if now - self._paused_at < _NEWS_S:
            return frozenset()
        positions, ends = self._bus.positions(), self._bus.ends()
        return frozenset(p for p, at in positions.items() if at >= ends.get(p, at + 1))

    def _prepare(self, batch: Batch) -> W:
        """Prepare, again and again while a dependency does not answer, so that no later batch comes first."""
        with metrics.stage("prepare", self._name):
            while True:
                try:
                    work = self._handler.prepare(batch)
                except Unavailable as error:
                    self._wait_for(str(error))
                    if self._waiter.stop.is_set():
                        raise
                else:
                    self.waiting_for = None
                    return work

    # -- handle, publish, commit

    def _advance(self) -> None:
        """Hand the next prepared batch over to be handled, one after the other."""
        for flight in self._flights:
            if flight.handled is None:
                if flight.prepared is not None and flight.prepared.done():
                    flight.handled = self._pools[1].submit(self._handle, flight.prepared.result())
                return

    def _handle(self, work: W) -> Outcome:
        with metrics.stage("handle", self._name):
            return self._handler.handle(work)

    def _finish(self) -> None:
        """Publish, flush and commit what is handled, in order. A flight stays until all of that is done."""
        while self._flights and (handled := self._flights[0].handled) is not None and handled.done():
            flight, outcome = self._flights[0], handled.result()
            rejected = [*flight.rejected, *outcome.rejected]
            results = [r for r in outcome.results if self._ours(r.partition, r.epoch)]
            with metrics.stage("publish", self._name):
                self._publish(results, rejected)
            self._flights.popleft()
            self.waiting_for = None
            metrics.count(flight.batch.messages, results, rejected, self._clock())
            self._settle(flight, outcome)
            self._failures.add(rejected, self._clock())
            with metrics.stage("commit", self._name):
                self._commit()
            self._failures.check()

    def _publish(self, results: Iterable[Result], rejected: Iterable[Rejected]) -> None:
        for encoded in [*(encode(r.record) for r in results), *(dead_letter(r) for r in rejected)]:
            self._bus.publish(encoded.topic, encoded.key, encoded.value, encoded.headers)
        self._bus.flush()

    def _ours(self, partition: Partition, epoch: int) -> bool:
        assigned = self._assigned.get(partition)
        return assigned is not None and assigned.epoch == epoch

    def _settle(self, flight: _Flight[W], outcome: Outcome) -> None:
        given = {Spot(m.source, m.epoch, m.offset) for m in flight.batch.messages}
        kept_back = [spot for spot in flight.spots if spot not in given]
        for spot in flight.spots:
            if self._ours(spot.partition, spot.epoch):
                self._assigned[spot.partition].progress.handled([spot.offset])
        for spot in [*outcome.free, *kept_back]:
            if self._ours(spot.partition, spot.epoch):
                self._assigned[spot.partition].progress.freed([spot.offset])
        metrics.HELD_SECONDS.labels(self._name).set(self._handler.held_seconds())
        metrics.IN_FLIGHT.labels(self._name).set(len(self._flights))

    def _commit(self) -> None:
        commits = {p: a.commit() for p, a in self._assigned.items()}
        changed = {p: c for p, c in commits.items() if c != self._assigned[p].committed}
        if not changed:
            return
        self._bus.commit(changed)
        for partition, commit in changed.items():
            assigned = self._assigned.get(partition)
            if assigned is not None:
                assigned.committed = commit
                assigned.crashes = Crashes.from_metadata(commit.metadata, commit.offset)

    # -- waiting and stopping

    def _wait_for(self, what: str) -> None:
        if self.waiting_for != what:
            log.warning("waiting for a dependency", reason=what)
        self.waiting_for = what
        self._waiter.wait()

    def _wind_up(self) -> bool:
        """Finish what is on its way, commit what is free, leave the group so that others take over at once."""
        deadline, told = self._clock() + self._limits.grace_s, ""
        while self._flights and self._clock() < deadline and not self._given_up():
            try:
                self._finish()
                self._advance()
            except (Unavailable, CommitFailed) as error:
                if str(error) != told:
                    log.warning("not done while stopping", reason=str(error))
                told = str(error)
            time.sleep(0.01)
        done = not self._flights
        try:
            self._bus.commit({p: a.commit(clean=True) for p, a in self._assigned.items()})
        except (Unavailable, CommitFailed) as error:
            log.warning("last commit refused; the next owner hears a little again", reason=str(error))
        self._bus.close()
        for pool in self._pools:
            pool.shutdown(wait=done, cancel_futures=True)
        return done

    def _given_up(self) -> bool:
        """Whether the next batch was never prepared, since what it depends on does not answer."""
        prepared = self._flights[0].prepared
        return prepared is not None and prepared.done() and isinstance(prepared.exception(), Unavailable)
