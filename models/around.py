"""An amount and the words around it: what rules look at to tell which fact it states."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from models.amounts import Amount
from models.clauses import Clause
from models.wording import AmountRule, Wording

_ONE = ("一", "1", "a", "an", "one")
_NEAR = 3
_SEEN = 40
"""Characters before an amount that are looked at."""
_LEFT = 80
"""Characters that are kept of what stands before an amount: words farther off do not tell of it."""


@dataclass(frozen=True)
class Around:
    """An amount in its clause; ``position`` is its place among the clause's ``amounts``."""

    text: str
    clause: Clause
    amounts: tuple[Amount, ...]
    position: int
    wording: Wording

    @property
    def amount(self) -> Amount:
        return self.amounts[self.position]

    @cached_property
    def last(self) -> Amount | None:
        """The amount before it in the clause; the one of 一天, 一场 is none."""
        before = self.amounts[: self.position]
        return next((one for one in reversed(before) if one.kind != "bare" or one.digits.lower() not in _ONE), None)

    @cached_property
    def left(self) -> str:
        """The words since the amount before, or since the clause began; one of anything (一箱, 一天) is none here."""
        start = max(0, self.amount.start - _LEFT)
        for one in self.amounts[: self.position]:
            if one.kind not in ("bare", "count") or one.digits.lower() not in _ONE:
                start = max(start, one.end)
        return self.clause.text[start : self.amount.start]

    @cached_property
    def own(self) -> str:
        """The same without fillers."""
        return self.wording.fill.sub("", self.left)

    @cached_property
    def before(self) -> str:
        """``left``; with the clause before where it says nothing itself: 原价呢，三百九十九."""
        bare = self.last is None and not self.own.strip()
        return (f"{self.clause.before} {self.left}".strip() if bare else self.left)[-_SEEN:]

    @cached_property
    def right(self) -> str:
        """The rest of the clause."""
        return self.clause.text[self.amount.end :]

    @property
    def after_money(self) -> bool:
        """Whether an amount of money stands right before it."""
        return self.last is not None and self.last.kind in ("money", "bare") and len(self.own) <= 1

    @property
    def in_box(self) -> bool:
        """Whether one box, bag or set was counted right before it."""
        last = self.last
        return last is not None and last.kind == "count" and last.value == 1 and self.amount.start - last.end <= _NEAR

    @property
    def piece(self) -> str | None:
        """The measure word of the one piece that it is the weight or content of: 九百克一罐, 一袋一斤, a pound each."""
        if self.in_box and self.last is not None:
            return self.last.unit
        ways = self.wording.around
        each = ways["each_after"].match(self.right) or ways["each_before"].search(self.left)
        return None if each is None else each.groupdict().get("piece") or ""

    def fits(self, rule: AmountRule) -> bool:
        """Whether all of a rule holds here."""
        amount = self.amount
        if amount.kind not in rule.kinds or not rule.least <= amount.value <= rule.most:
            return False
        if rule.cents and (amount.value == int(amount.value) or round(amount.value, 2) != amount.value):
            return False
        if rule.whole and amount.value != int(amount.value):
            return False
        if rule.units and not rule.units.search(amount.unit):
            return False
        return self._words_fit(rule) and self._place_fits(rule)

    def _words_fit(self, rule: AmountRule) -> bool:
        text, left, right = self.clause.text, self.before, self.right
        return (
            (rule.before is None or rule.before.search(left) is not None)
            and (rule.tight is None or rule.tight.search(self.left[-_SEEN:]) is not None)
            and (rule.after is None or rule.after.match(right) is not None)
            and (rule.left is None or rule.left.search(self.left) is not None)
            and (rule.text is None or rule.text.search(self.text) is not None)
            and (rule.near is None or rule.near.search(f"{self.clause.before} {text}") is not None)
            and (rule.inside is None or rule.inside.search(text) is not None)
            and (rule.not_before is None or rule.not_before.search(left) is None)
            and (rule.not_after is None or rule.not_after.match(right) is None)
            and (rule.not_inside is None or rule.not_inside.search(text) is None)
        )

    @property
    def _what_it_costs(self) -> bool:
        """Whether the amount right before it is what it buys: 三斤一百."""
        return self.last is not None and self.last.kind in ("weight", "count") and not self.own.strip()

    def _place_fits(self, rule: AmountRule) -> bool:
        if rule.close is not None and not (rule.price_before or self.last is None or self._what_it_costs):
            return False
        if rule.close is not None and len(self.own) > rule.close:
            return False
        if rule.alone and (self.own.strip() or self.right.strip(" 啊呀吧了哦,，")):
            return False
        if rule.box and not self.in_box:
            return False
        if rule.price_before is not None and self.after_money is not rule.price_before:
            return False
        return not rule.price_for or (self.after_money and self.amount.digits.lower() in _ONE)
