"""What the shop says of a good, and whether what the host said of it agrees.

Listings come from a file or from the topic ``live.listings``, which of them is shown from ``live.shown``. A spoken
fact is compared with the listing that held when it was said, field by field; docs/facts.md has the rules.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from models.amounts import amounts, sizes
from models.certificates import same_certificate
from models.materials import contradicts
from models.places import same_place
from models.results import SpokenFact
from worker.codec import Encoded
from worker.records import Listing, Outcome, ProductShown

MONEY = 0.005
"""Of a price, coupon or fee: half a per cent is the cents that hosts leave out (99.9 for 99.99)."""
AMOUNT = 0.03
"""Of a weight or size: packers and rulers are that exact, and a 寸 is 33.3 mm only on paper."""
ROUGH = 0.1
"""Of what is said to be about so much."""
STOCK = 0.2
"""Of the stock: it sells while the host speaks, so fewer than listed is no lie until a fifth is missing."""

FAR: Mapping[str, float] = {"price": 2.0, "weight_g": 2.5, "quantity": 4.0, "size": 2.5}
"""So many times more or less than listed is no contradiction where only the amount itself speaks for the field: hosts
who stretch a fact stretch it by a tenth or a half, and a bottle of seven millilitres is the sample beside it."""

LABELS: Mapping[str, str] = {
    "price": "PRICE_MISMATCH",
    "coupon": "PRICE_MISMATCH",
    "shipping": "PRICE_MISMATCH",
    "reference_price": "PRICE_FAKE_REFERENCE",
    "weight_g": "FACT_QUANTITY",
    "quantity": "FACT_QUANTITY",
    "size": "FACT_QUANTITY",
    "material": "FACT_MATERIAL",
    "origin": "FACT_ORIGIN",
    "stock": "SCARCITY_FAKE",
    "certificate": "CERT_FAKE",
    "brand": "FACT_COUNTERFEIT",
}
"""Each field of a spoken fact -> the label of a claim that contradicts the listing on it."""

LISTED: Mapping[str, str] = {"coupon": "coupons", "reference_price": "lowest_price_7d", "certificate": "certificates"}
"""Where a field of a fact has another name in the listing."""


class BadListing(ValueError):
    """The listing file cannot be used; the message names the file, the listing and the field."""


class Compared(NamedTuple):
    """The outcome for one fact, and the listing that decided it (None where there was none to compare with)."""

    fact: SpokenFact
    outcome: Outcome
    listing: Listing | None

    @property
    def listed(self) -> Any:
        """What the listing says of the field."""
        return None if self.listing is None else listed(self.listing, self.fact.field)


def listed(listing: Listing, field: str) -> Any:
    """What a listing says of a field of a fact."""
    return getattr(listing, LISTED.get(field, field))


def compare(fact: SpokenFact, listing: Listing) -> Outcome:
    """Whether the listing agrees with a fact, contradicts it, or does not tell.

    Only what is better for the host than the listing contradicts it: a lower price, a larger weight, fewer left.
    """
    if "other" in fact.notes:
        return Outcome.CANNOT_TELL
    if fact.field in _NUMBERS and isinstance(fact.value, str):
        return Outcome.CANNOT_TELL
    wrong = _COMPARED[fact.field](fact, listing) if fact.field in _COMPARED else None
    if wrong is None:
        return Outcome.CANNOT_TELL
    if wrong and "weak" in fact.notes and _far(fact, listing):
        return Outcome.CANNOT_TELL
    return Outcome.CONTRADICTS if wrong else Outcome.AGREES


def _far(fact: SpokenFact, listing: Listing) -> bool:
    """Whether a number is so far from the listing's that it is more likely of something else."""
    limit = FAR.get(fact.field)
    theirs = listed(listing, fact.field)
    if limit is None or not theirs:
        return False
    if fact.field == "size":
        one = next(iter(sizes(str(fact.value))), None)
        ratios = [one.value / other.value for other in sizes(theirs) if one and other.kind == one.kind and other.value]
    else:
        ratios = [_number(fact) / theirs]
    return all(not 1 / limit <= ratio <= limit for ratio in ratios)


def against(facts: Iterable[SpokenFact], listings: Sequence[Listing]) -> list[Compared]:
    """Each fact against all candidates: it contradicts only if none agrees; without any nobody can tell."""
    return [_against(fact, listings) for fact in facts]


def _against(fact: SpokenFact, listings: Sequence[Listing]) -> Compared:
    answers = {outcome: one for one in reversed(listings) for outcome in [compare(fact, one)]}
    for outcome in (Outcome.AGREES, Outcome.CONTRADICTS, Outcome.CANNOT_TELL):
        if outcome in answers:
            return Compared(fact, outcome, answers[outcome])
    return Compared(fact, Outcome.CANNOT_TELL, None)


# Each comparison gives True where the fact is against the listing, None where the listing does not tell -------------


def _price(fact: SpokenFact, listing: Listing) -> bool | None:
    if listing.price is None:
        return None
    asked = listing.price
    if "coupon" in fact.notes:
        asked -= _taken_off(listing, stacked="stacked" in fact.notes)
    said = _number(fact)
    if "per_unit" in fact.notes:
        grams = next((float(note.split()[1]) for note in fact.notes if note.startswith("per ")), None)
        if grams is None or not listing.weight_g:
            return None
        said *= listing.weight_g / grams
    return said < asked * (1 - _slack(fact, MONEY))


def _taken_off(listing: Listing, *, stacked: bool) -> float:
    """What the coupons that this price is high enough for take off: the best one, or all where they stack."""
    values = [value for value, least in map(_coupon_of, listing.coupons) if least <= (listing.price or 0)]
    return (sum(values) if stacked else max(values, default=0.0)) if values else 0.0


def _coupon_of(text: str) -> tuple[float, float]:
    """What a coupon takes off, and the order it needs: 满99减20, 20元券, $5 off orders over $30, 9折 (nothing told)."""
    numbers = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", text.replace(",", ""))]
    if not numbers or re.search(r"折|%", text):
        return 0.0, 0.0
    if len(numbers) == 1:
        return numbers[0], 0.0
    needed = re.search(r"(?:满|over|above|spend|of|min\w*)\D{0,4}(\d+(?:\.\d+)?)", text, re.IGNORECASE)
    least = float(needed[1]) if needed else max(numbers)
    rest = [number for number in numbers if number != least] or [least]
    return rest[0], least


def _coupon(fact: SpokenFact, listing: Listing) -> bool | None:
    if not listing.coupons:
        return None
    return max(value for value, _ in map(_coupon_of, listing.coupons)) < _number(fact) * (1 - MONEY)


def _shipping(fact: SpokenFact, listing: Listing) -> bool | None:
    if listing.shipping is None:
        return None
    fees = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", listing.shipping)]
    free = re.search(r"包邮|免运费|免邮|\bfree\b|included", listing.shipping, re.IGNORECASE) is not None
    conditional = bool(fees) and (
        re.search(r"满\d|over \$?\d|orders? of|above \$?\d|spend", listing.shipping, re.IGNORECASE) is not None
    )
    if not free and not fees:
        return None
    said = 0.0 if fact.value == "free" else float(fact.value)
    if free and not conditional:
        return bool(fees) and said == 0 and "everywhere" in fact.notes
    if free:
        needed = min(fees)
        return None if listing.price is None else listing.price < needed and said == 0
    return said < max(0.0, min(fees)) * (1 - MONEY)


def _reference(fact: SpokenFact, listing: Listing) -> bool | None:
    if "elsewhere" in fact.notes or listing.lowest_price_7d is None:
        return None
    return _number(fact) > listing.lowest_price_7d * (1 + MONEY)


def _weight(fact: SpokenFact, listing: Listing) -> bool | None:
    return None if not listing.weight_g else _number(fact) > listing.weight_g * (1 + _slack(fact, AMOUNT))


def _quantity(fact: SpokenFact, listing: Listing) -> bool | None:
    return None if listing.quantity is None else _number(fact) > listing.quantity


def _stock(fact: SpokenFact, listing: Listing) -> bool | None:
    return None if listing.stock is None else _number(fact) < listing.stock * (1 - STOCK)


def _size(fact: SpokenFact, listing: Listing) -> bool | None:
    """Against the lengths, or volumes, of the listing: one of them must be the said one."""
    said = next(iter(sizes(str(fact.value))), None)
    if said is None or listing.size is None:
        return None
    theirs = [one.value for one in sizes(listing.size) if one.kind == said.kind]
    if not theirs and said.kind == "length":
        theirs = [one.value for one in amounts(listing.size, "zh") if one.kind == "bare" and "圈口" in listing.size]
    if not theirs:
        return None
    slack = _slack(fact, AMOUNT)
    return all(abs(said.value - one) > slack * one for one in theirs)


def _material(fact: SpokenFact, listing: Listing) -> bool | None:
    return None if not listing.material else contradicts(str(fact.value), listing.material)


def _origin(fact: SpokenFact, listing: Listing) -> bool | None:
    if not listing.origin:
        return None
    same = same_place(str(fact.value), listing.origin)
    return None if same is None else not same


def _certificate(fact: SpokenFact, listing: Listing) -> bool | None:
    if not listing.certificates:
        return None
    same = [same_certificate(str(fact.value), one) for one in listing.certificates]
    if True in same:
        return False
    return None if None in same else True


def _brand(fact: SpokenFact, listing: Listing) -> bool | None:
    if not listing.brand:
        return None
    said, theirs = (re.sub(r"[\s'.-]+|牌$|®|™", "", text).lower() for text in (str(fact.value), listing.brand))
    names = {said} | {other for pair in _SAME_BRAND if said in pair for other in pair}
    return not any(name in theirs or theirs in name for name in names)


_SAME_BRAND = (
    {"耐克", "nike"}, {"阿迪达斯", "阿迪", "adidas"}, {"苹果", "apple", "iphone", "airpods"}, {"古驰", "gucci"},
    {"路易威登", "驴牌", "lv", "louisvuitton"}, {"香奈儿", "chanel"}, {"迪奥", "dior"}, {"爱马仕", "hermes"},
    {"戴森", "dyson"}, {"华为", "huawei"}, {"小米", "xiaomi"}, {"三星", "samsung"}, {"索尼", "sony"}, {"乐高", "lego"},
    {"雅诗兰黛", "esteelauder"}, {"兰蔻", "lancome"}, {"劳力士", "rolex"}, {"飞利浦", "philips"}, {"普拉达", "prada"},
)  # fmt: skip

_NUMBERS = frozenset({"price", "coupon", "reference_price", "weight_g", "quantity", "stock"})
_COMPARED: Mapping[str, Callable[[SpokenFact, Listing], bool | None]] = {
    "price": _price, "coupon": _coupon, "shipping": _shipping, "reference_price": _reference, "weight_g": _weight,
    "quantity": _quantity, "size": _size, "material": _material, "origin": _origin, "stock": _stock,
    "certificate": _certificate, "brand": _brand,
}  # fmt: skip


def _number(fact: SpokenFact) -> float:
    return float(fact.value)


def _slack(fact: SpokenFact, usual: float) -> float:
    return ROUGH if "about" in fact.notes else usual


# Files and messages -------------------------------------------------------------------------------------------------


def read_listings(path: Path) -> tuple[Listing, ...]:
    """The listings of a file: one object or an array of them; one without a sku becomes ``item-N``.

    They hold at any time, whatever their ``valid_from``: a recording may be older than its listing. No sku may stand
    there twice. Raises BadListing, and OSError where the file cannot be read.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:  # not UTF-8, no JSON, a number too long, too deep
        raise BadListing(f"{path}: is not JSON: {error}") from error
    entries = data if isinstance(data, list) else [data]
    listings: dict[str, Listing] = {}
    for number, entry in enumerate(entries, start=1):
        one = _listing(path, number, entry)
        if one.sku in listings:
            raise BadListing(f"{path}: listing {number}: sku: {one.sku!r} stands there twice")
        listings[one.sku] = one.model_copy(update={"valid_from": None})
    return tuple(listings.values())


def encode_listing(listing: Listing, stream_id: str) -> Encoded:
    """A listing as JSON under its id, as sold in one stream."""
    of_stream = listing.model_copy(update={"stream_id": stream_id})
    valid_from = f"{listing.valid_from:%Y-%m-%dT%H:%M:%SZ}" if listing.valid_from else ""
    value = of_stream.model_dump_json(exclude_none=True).encode()
    key = f"{stream_id}/{listing.sku}/{valid_from}"
    return Encoded(Listing.topic, key, value, (("content-type", b"application/json"),))


def encode_shown(shown: ProductShown) -> Encoded:
    """What a host shows, as JSON under its stream."""
    value = shown.model_dump_json(exclude_none=True).encode()
    return Encoded(ProductShown.topic, shown.stream_id, value, (("content-type", b"application/json"),))


def _listing(path: Path, number: int, entry: Any) -> Listing:
    if not isinstance(entry, dict):
        raise BadListing(f"{path}: listing {number}: expected an object with fields such as title and price")
    try:
        json.dumps(entry, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise BadListing(f"{path}: listing {number}: holds half a character, such as \\ud800") from error
    try:
        return Listing.model_validate({"sku": f"item-{number}"} | entry)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadListing(f"{path}: listing {number}: {where}: {first['msg']}") from error
