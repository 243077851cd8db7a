"""An amount and the words around it: what rules look at to tell which fact it states."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from models.amounts import Amount
from models.clauses import Clause

_COUPON = re.compile(
    r"券后|用券|领券|领了|领完|领个|优惠券|叠加|满减|减完|折后|的券|券|with (?:the|that|my|"
    r"your) (?:coupon|code)|after (?:the )?(?:coupon|code)"
    r"|coupon|promo code|clip",
    re.IGNORECASE,
)
_STACKED = re.compile(r"叠加|再叠|一起用|都能用|stack|on top of|combine", re.IGNORECASE)


class Role(NamedTuple):
    """The fact that an amount states."""

    field: str
    value: float | str
    notes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Around:
    """An amount in its clause; ``position`` is its place among the clause's ``amounts``."""

    text: str
    clause: Clause
    amounts: tuple[Amount, ...]
    position: int

    @property
    def amount(self) -> Amount:
        return self.amounts[self.position]

    @cached_property
    def before(self) -> Amount | None:
        """The amount before it in the clause."""
        return self.amounts[self.position - 1] if self.position else None

    @cached_property
    def left(self) -> str:
        """The words since the amount before, or since the clause began."""
        return self.clause.text[self.before.end if self.before else 0 : self.amount.start]

    @cached_property
    def upto(self) -> str:
        """The whole clause before the amount."""
        return self.clause.text[: self.amount.start]

    @cached_property
    def right(self) -> str:
        """The rest of the clause."""
        return self.clause.text[self.amount.end :]

    @cached_property
    def left_and_before(self) -> str:
        """The words before it; of the clause before too where its own are few: ``原价呢，三百九十九``."""
        short = self.before is None and len(re.sub(r"[\s就是才也呢啊的]", "", self.left)) <= (
            3 if self.left.isascii() else 2
        )
        return f"{self.clause.before} {self.left}".strip() if short or (short and self.left.isascii()) else self.left

    @property
    def alone(self) -> bool:
        """Whether the clause holds nothing else."""
        return not self.left.strip() and not self.right.strip("块啊吧了哦 ")

    @property
    def after_money(self) -> bool:
        return self.before is not None and self.before.kind in ("money", "bare")

    @property
    def money_before(self) -> bool:
        return bool(re.search(r"价|卖|块|元|\$|price|dollars", self.clause.before))

    @property
    def after_box(self) -> bool:
        """Whether one box, bag or set was counted just before."""
        return self.before is not None and self.before.kind == "count" and self.before.value == 1

    def price_notes(self) -> frozenset[str]:
        """Whether a coupon of the listing is said to be used."""
        if not _COUPON.search(self.text):
            return frozenset()
        return frozenset({"coupon", "stacked"}) if _STACKED.search(self.text) else frozenset({"coupon"})


def ends(pattern: str) -> Callable[[str], bool]:
    """Whether a text ends with the pattern, seen in its last 24 characters."""
    found = re.compile(rf"(?:{pattern})$", re.IGNORECASE)
    return lambda text: found.search(text[-40:]) is not None


def starts(pattern: str) -> Callable[[str], bool]:
    """Whether a text begins with the pattern."""
    found = re.compile(pattern, re.IGNORECASE)
    return lambda text: found.match(text) is not None
