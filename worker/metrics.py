"""Every number the worker exports. No label ever holds a stream or a host: their number has no bound."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Literal, Protocol, get_args

from prometheus_client import REGISTRY as REGISTRY
from prometheus_client import Counter, Gauge, Histogram

from worker.bus import Message
from worker.codec import Rejected
from worker.records import Fact, Flag, Outcome, Record, Reminder, ShadowFlag, Source, Status, StreamHeard, Transcript

Stage = Literal["poll", "prepare", "handle", "publish", "commit"]
SERVICES = ("detection", "sequences")
"""The services that run in one worker, each with a loop and a group of its own."""

CODES = (
    "bad_audio", "bad_headers", "bad_json", "blob_changed", "blob_missing", "blob_outside", "blob_too_large",
    "crashed", "empty",
)  # fmt: skip
"""Why messages become dead letters; any other code is counted as ``other``, so that labels stay few."""

# Messages done with, by topic and by what became of them: ok or dead_letter.
MESSAGES = Counter("pinocchio_messages_total", "Messages done with", ["topic", "result"])
# How long one run of a step takes. handle is the models' time; publish waits until the broker has written.
STAGE_SECONDS = Histogram(
    "pinocchio_stage_seconds", "Seconds of one run of a step", ["service", "stage"],
    buckets=(0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 12, 30, 60),
)  # fmt: skip
# How full batches are, 1 = as many messages as may be: always full means more work than the worker can do.
BATCH_FILL = Histogram(
    "pinocchio_batch_fill_ratio", "Messages in a batch of those that fit", ["service"],
    buckets=(0.01, 0.1, 0.25, 0.5, 0.75, 0.99, 1),
)  # fmt: skip
# Sound decoded. Its rate is how many live streams the worker keeps up with.
AUDIO_SECONDS = Counter("pinocchio_audio_seconds_total", "Seconds of sound heard")
# Utterances by how far their text can be trusted: ok, low_confidence, asr_failed.
UTTERANCES = Counter("pinocchio_utterances_total", "Utterances recognised", ["status"])
# Claims published, by the label's code.
FLAGS = Counter("pinocchio_flags_total", "Claims flagged", ["label"])
# Claims of labels and rules in shadow, by the label's code: what would be flagged if they went live.
SHADOW = Counter("pinocchio_shadow_claims_total", "Claims of labels and rules in shadow", ["label"])
# Edits of policy, labels or rules that were refused; what was in force stays. Alerts look at this one.
RELOADS_REFUSED = Counter("pinocchio_reload_refused_total", "Edits refused")
# Edits that came into force.
RELOADS = Counter("pinocchio_reloads_total", "Edits in force")
# Hosts reminded at once, by the label's code.
REMINDERS = Counter("pinocchio_reminders_total", "Reminders sent", ["label"])
# Spoken facts of goods, by how they and the listing go together: agrees, contradicts, cannot_tell.
FACTS = Counter("pinocchio_facts_total", "Spoken facts compared with the listing", ["outcome"])
# Claims of the words alone that were dropped, since the listing bears them out, by the label's code.
SETTLED = Counter("pinocchio_claims_settled_total", "Claims dropped since the listing bears them out", ["label"])
# Messages given up, by code. Alerts look at this one.
DEAD_LETTERS = Counter("pinocchio_dead_letters_total", "Messages given up", ["reason"])
# From the end of an utterance (or the sending of a text) to its published flag: what the service promises.
FLAG_SECONDS = Histogram(
    "pinocchio_flag_seconds", "Seconds from the end of an utterance to its flag", ["source"],
    buckets=(0.5, 1, 2, 3, 5, 8, 13, 20, 30, 45, 60, 90, 120, 300),
)  # fmt: skip
# Sound kept for utterances that are not over, of all streams.
HELD_SECONDS = Gauge("pinocchio_held_seconds", "Seconds of sound held", ["service"])
# Batches between poll and commit.
IN_FLIGHT = Gauge("pinocchio_in_flight_batches", "Batches at work", ["service"])
# Messages written and not yet polled, in the partitions assigned to this worker. Autoscaling looks at this one.
BEHIND = Gauge("pinocchio_behind_messages", "Messages not yet read", ["topic"])
# Partitions assigned to this worker; 0 is an idle member of its group.
PARTITIONS = Gauge("pinocchio_partitions_assigned", "Partitions assigned", ["service"])
# Starts on a partition that had no progress since an earlier start: the process died there.
DEATHS = Counter("pinocchio_deaths_total", "Earlier deaths found on assigned partitions")
# Decoding processes lost to what they decoded: each is a crash, a hang or too much memory.
DECODER_RESTARTS = Counter("pinocchio_decoder_restarts_total", "Decoding processes started anew")

# What alerts ask for is there from the start: a counter that appears with its first event shows no rise.
for _service in SERVICES:
    for _stage in get_args(Stage):
        STAGE_SECONDS.labels(_service, _stage)
for _code in (*CODES, "other"):
    DEAD_LETTERS.labels(_code)
for _status in Status:
    UTTERANCES.labels(_status)
for _outcome in Outcome:
    FACTS.labels(_outcome)
for _source in Source:
    FLAG_SECONDS.labels(_source)


class Published(Protocol):
    """What the loop published: the record, and more that does not count here."""

    @property
    def record(self) -> Record: ...


@contextmanager
def stage(name: Stage, service: str = SERVICES[0]) -> Iterator[None]:
    """Measure one run of a step, also one that ends in an exception."""
    began = perf_counter()
    try:
        yield
    finally:
        STAGE_SECONDS.labels(service, name).observe(perf_counter() - began)


def count(
    messages: Iterable[Message], results: Iterable[Published], rejected: Collection[Rejected], now: float
) -> None:
    """Count a batch that is published: its messages, what was made of them, and what was given up.

    ``rejected`` may hold messages that are not among ``messages``: those set aside unheard. ``now`` is
    in epoch seconds.
    """
    given_up = {letter.message.place for letter in rejected}
    for message in messages:
        if message.place not in given_up:
            MESSAGES.labels(message.topic, "ok").inc()
    for letter in rejected:
        MESSAGES.labels(letter.message.topic, "dead_letter").inc()
        DEAD_LETTERS.labels(letter.code if letter.code in CODES else "other").inc()
    for result in results:
        _count_record(result.record, now)


def _count_record(record: Record, now: float) -> None:
    match record:
        case StreamHeard():
            AUDIO_SECONDS.inc(record.seconds)
        case Transcript(source=Source.SPEECH):
            UTTERANCES.labels(record.status).inc()
        case Flag():
            FLAG_SECONDS.labels(record.source).observe(max(0.0, now - record.ended_at.timestamp()))
            for claim in record.claims:
                FLAGS.labels(claim.label).inc()
        case ShadowFlag():
            for claim in record.claims:
                SHADOW.labels(claim.label).inc()
        case Fact():
            FACTS.labels(record.outcome).inc()
            if record.settles:
                SETTLED.labels(record.settles).inc()
        case Reminder():
            REMINDERS.labels(record.label).inc()
