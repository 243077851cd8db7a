"""What a host is told at once: claims that the words alone decide, that are surely heard and score high."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

from models.law import notice
from worker.bus import Partition
from worker.records import Claim, Flag, Reminder, Status, Tier
from worker.rulebook import Rulebook

BUCKET_S = 300
_REMEMBERED = 100_000

Where = tuple[Partition, int]
"""The assignment that the words were read under."""


class _First(NamedTuple):
    """The flag that led to a reminder, and the assignment that its words were read under."""

    flag_id: str
    partition: Partition
    epoch: int

    def is_over(self, other: _First) -> bool:
        """Whether the same partition was assigned anew since."""
        return self.partition == other.partition and self.epoch != other.epoch


class Reminders:
    """At most one per stream, label and five minutes of the wall clock, in speech and writing together.

    The id derives from these three, so that a repeat, after a crash or from another worker, is the same Reminder to
    whoever shows it; within one worker a second is not made at all.
    """

    def __init__(self, jurisdiction: str) -> None:
        self._jurisdiction = jurisdiction
        self._first: OrderedDict[str, _First] = OrderedDict()

    def of(self, flag: Flag, rulebook: Rulebook, where: Where) -> list[Reminder]:
        """The reminders that a flag leads to. The same flag again gives the same again."""
        if flag.status is not Status.OK:
            return []
        return [self._reminder(flag, claim, rulebook) for claim in self._claims(flag, rulebook, where)]

    def _claims(self, flag: Flag, rulebook: Rulebook, where: Where) -> Iterator[Claim]:
        for claim in flag.claims:
            sure = claim.tier is Tier.T1 and claim.score >= rulebook.policy.of(claim.label).remind
            if sure and self._is_first(_id(flag, claim), _First(flag.flag_id, *where)):
                yield claim

    def _is_first(self, reminder_id: str, one: _First) -> bool:
        """Whether no other flag led to the reminder: none, or one whose assignment is over, so that what it led to
        may never have been published."""
        first = self._first.get(reminder_id)
        if first is not None and first.flag_id != one.flag_id and not first.is_over(one):
            return False
        self._first[reminder_id] = one
        if len(self._first) > _REMEMBERED:
            self._first.popitem(last=False)
        return True

    def _reminder(self, flag: Flag, claim: Claim, rulebook: Rulebook) -> Reminder:
        label, said_on = rulebook.labels[claim.label], flag.started_at.date()
        return Reminder(
            reminder_id=_id(flag, claim),
            stream_id=flag.stream_id,
            streamer_id=flag.streamer_id,
            label=claim.label,
            flag_id=flag.flag_id,
            language=flag.language,
            said=claim.text,
            said_at=flag.started_at,
            why=label.name_in(flag.language),
            advice=claim.advice,
            law=tuple(law for law in claim.law if law.may_be_shown(said_on)),
            notice=notice(label, flag.language, self._jurisdiction, said_on),
        )


def _id(flag: Flag, claim: Claim) -> str:
    return f"{flag.stream_id}/{claim.label}/{int(flag.started_at.timestamp()) // BUCKET_S}"
