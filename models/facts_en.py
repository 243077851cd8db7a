"""English: which fact an amount states, by the words around it."""

from __future__ import annotations

import re

from models.around import Around, Role, ends, starts

_FILL = (
    r"(?:\s|,|-|:|\b(?:just|only|like|um|uh|literally|now|today|tonight|right|here|for|at|is|"
    r"it|it's|its|you|guys|y'all|all|the|a|an|about|around|roughly|get|gets|getting|them|this|"
    r"these|that|going|to|be|are|was|were|comes?|coming|out|in|us|me|folks|honey|friends|so|"
    r"of|i'm|we're|we|i|my|our|whole|total|exactly|even|still|down|by|another|extra|an extra|"
    r"up|more)\b){0,8}"
)
_FORMER = (
    r"\b(?:was|were|used to (?:be|sell|go|cost|run)|usually|normally|regular(?:ly)?|"
    r"regular price|originally|original(?: price)?|last (?:week|month|year|night|time|show|"
    r"stream)|yesterday|before|previously|going back (?:up )?to|back (?:up )?to|goes back to|"
    r"list price|listed at|full price|earlier this \w+|down from|marked down from|"
    r"reduced from|instead of|crossed out|slashed from|sold (?:it|this|these|them) (?:for|at)|"
    r"we sold|i sold|had (?:it|this|them) (?:at|for)|from)\b"
)
_ELSEWHERE = (
    r"\b(?:in (?:the )?(?:stores?|shops?|malls?|boutiques?)|at (?:the )?(?:stores?|malls?|"
    r"counter|department stores?|boutiques?|mall|supermarket|grocery store|spa|salon|"
    r"jewelers?|target|walmart|costco|sephora|macy's|nordstrom|whole foods)|retails?|"
    r"retailing|retail(?: price| value)?|msrp|rrp|on amazon|amazon|ebay|etsy|elsewhere|"
    r"everywhere else|anywhere else|other (?:sellers|sites|stores|shops|places|streams|hosts|"
    r"websites)|online|department stores?|the mall|boutiques?|big box|store price|they charge|"
    r"they want|they sell|charges?|high street|jewelry stores?|the brand(?:'s)? (?:site|"
    r"website)|their (?:site|website|store)|competitors?|walmart|target|costco|sephora|macy's|"
    r"nordstrom|valued at|next door|other channels)\b"
)
_NOW = (
    r"\b(?:today|tonight|now|right now|you pay|yours for|my price|our price|i'm (?:doing|"
    r"asking|giving|letting)|we're doing|just|only|for you|here|steal it|grab it|this stream|"
    r"on this (?:show|stream|live))\b"
)
_REFERENCE = re.compile(f"(?P<former>{_FORMER})|(?P<elsewhere>{_ELSEWHERE})|(?P<now>{_NOW})", re.IGNORECASE)
_ELSE = re.compile(_ELSEWHERE, re.IGNORECASE)
_REFERENCE_AFTER = starts(
    r"\s*(?:(?:dollars? )?(?:(?P<else>in (?:the )?(?:stores?|shops?|malls?|boutiques?)|"
    r"at (?:the )?(?:stores?|mall|counter|department|boutique|spa|salon|target|walmart|costco|"
    r"sephora)|on amazon|elsewhere|everywhere else|anywhere else|retail\b|msrp|at retail|"
    r"online)))"
)
_FORMER_AFTER = starts(
    r"\s*(?:last (?:week|month|year|time|night|show)|yesterday|before (?:tonight|today)|(?:is|"
    r"was) (?:the|our|my) (?:regular|original|old|usual|normal)|regular(?:ly)?\b|originally|"
    r"normally|usually)"
)

_MONEY_OFF = starts(r"\s*(?:dollars? )?(?:off\b|coupon|discount|voucher|credit|gift card|savings|rebate|promo)")
_MONEY_OFF_LEFT = ends(
    (
        r"\b(?:save|saves|saving|knock(?:s|ing)?(?: off)?|take(?:s)?(?: off)?|taking|takes off|"
        r"coupon (?:for|of|is|gives you|takes off|worth)|coupon|code (?:for|gives you|takes off)|"
        r"minus|discount of|knocks|shave(?:s)?(?: off)?)"
    )
    + _FILL
)
_SHIPPING = (
    ends(
        (
            r"\b(?:shipping|postage|delivery|handling|s and h)(?:'s)?(?: fee| cost| charge)?(?: is|"
            r" runs| comes to| of| at| for| costs| will be|:)?"
        )
        + _FILL
    ),
    starts(r"\s*(?:for |flat[- ]rate |flat |standard |us |domestic )*(?:shipping|postage|delivery|to ship|handling)\b"),
)
_DROP_LEFT = ends(
    r"\b(?:over|spend|spent|worth|win|prize|tip|rent|paid me|made|earn(?:ed)?|lost|lose|"
    r"raised|donate[sd]?|bet|paycheck|salary|fine|bill|bills|refund|deposit|gift|owe|"
    r"orders? (?:over|above)|"
    r"above|per (?:day|use|cup|serving|wear)|each (?:cup|serving|use)|works out to|"
    r"comes out to|breaks down to|cents? a|value of|valued at|a \$?|insured for)"
    + r"\s*(?:\b(?:a|an|the|about|like|just|only|me|you|us)\b\s*){0,3}"
)
_DROP_RIGHT = starts(
    r"\s*(?:a|per|each|every) (?:day|cup|serving|use|wear|wash|month|week|night|shave|dose|"
    r"load|meal|year)\b|\s*(?:fine|refund|prize|giveaway|latte|lunch|haircut|coffee|bill|"
    r"dinner|tip|gift bag|value)\b|\s*(?:minimum|or more)\b"
)
_NOT_SO = ends(
    (
        r"\b(?:not|isn't|ain't|never|no longer|not even|forget|don't pay|won't pay|not paying|"
        r"not asking|not going to be|wasn't)"
    )
    + r"\s*(?:\b(?:a|an|the|for|at|going|to|be|even|you|charging|asking|paying|doing)\b\s*){0,4}"
)
_LIFE = re.compile(
    (
        r"\b(?:my (?:rent|electric|grocery|mom|dad|husband|wife|sister|kid|son|daughter|landlord|"
        r"gas|car|dentist|babysitter)|haircut|lunch|dinner|latte|coffee run|parking|the vet|"
        r"gas money|paycheck|i paid|i spent|giveaway|raffle|uber|tips?|sent me|plane ticket)\b"
    ),
    re.I,
)
_AT_MOST_LEFT = ends(
    r"\b(?:under|less than|below|not even|no more than|at most|up to|cheaper than|within)"
    + r"\s*(?:\b(?:a|an|the)\b\s*)?"
)
_AT_MOST_RIGHT = starts(r"\s*(?:or less|or under|tops|max\b)")
_ABOUT_LEFT = ends(
    r"\b(?:about|around|roughly|approximately|nearly|almost|close to|some|maybe|like)\s*(?:\b(?:a|an)\b\s*)?"
)
_ABOUT_RIGHT = starts(r"\s*(?:or so|give or take|-?ish)\b")
_PRICE_LEFT = ends(
    r"\b(?:price(?:'s|d)?|for|only|just|at|pay|costs?|yours|asking|it's|it is|that's|they're|"
    r"these are|this is|sells?|selling|going|grab (?:it|this|one|them)|take it home|steal|"
    r"down to|drop(?:ped|ping)?(?: it| this)?(?: down)? to|"
    r"comes? to|total|doing|was|were|usually|normally|regularly|regular|originally|retails?|"
    r"charges?|from|get it|buy|marked|checkout|run|runs|ring up|rings up|lets?|letting it go|"
    r"back to|to|under|less than|below)" + _FILL
)
_STRONG = ends(
    (
        r"\b(?:price(?:'s|d)?|pay|costs?|yours|asking|sells?|selling|steal|down to|dropp?(?:ed|"
        r"ing)?(?: it| this)?(?: down)? to|retails?|going back to|ring(?:s|ing)? up|checkout|"
        r"grab (?:it|this|one|them|yours)|take (?:it|one|them) home|letting (?:it|them|these) go|"
        r"used to be|originally|regularly|normally|usually|was|were|marked)"
    )
    + _FILL
)
_NOT_BARE = starts(
    r"\s*(?:%|percent|am\b|pm\b|o'?clock|years?|months?|weeks?|days?|hours?|minutes?|seconds?|"
    r"people|viewers|times|stars?|degrees|colou?rs?|of (?!these)|sizes?|inches|st\b|nd\b|rd\b|"
    r"th\b|more|left|orders?|reviews?|followers|x\b|in stock|remaining|[-–]|steps?|layers?|"
    r"threads?|thread|ply|watts?|volts?|mah|gb|tb|hz|spf|proof|calories|left|out of|different|"
    r"shades|flavou?rs?|ways|speeds?|settings?|ladies|guys|folks|customers|kids|a\.m|p\.m|"
    r"point|k\b|\.\d|:\d|and a|(?:to|or) \w+ (?:working|business|days|weeks|minutes)|"
    r"on the clock|states|miles|blocks|doors|ingredients|grams|years)"
)

_NO_WEIGHT = ends(
    (
        r"\b(?:lost|lose|gained|i weigh|he weighs|she weighs|weighing me|holds?|hold up to|"
        r"supports?|support up to|lifts?|lifting|up to|hauls?|carry|carries|rated for|every|per|"
        r"capacity of|fits?|under|squat|bench|dog|cat|baby|a day|eats?|handles?|max|than)"
    )
    + r"\s*(?:\b(?:a|an|about|around|up|to|over|like|like a|almost|the|down|in|is|only)\b\s*){0,4}"
)
_NO_WEIGHT_RIGHT = starts(
    r"\s*(?:of (?:protein|sugar|fat|fiber|fibre|carbs|sodium|added sugar|collagen|caffeine|"
    r"weight|pressure|force|water|laundry|body)|protein|sugar|fiber|carbs|heavier|lighter|"
    r"more than|less than|per serving|a day|a serving|each day|a person|dog|dumbbell|baby|"
    r"overweight|person|capacity|weight limit)\b"
)
_NO_LENGTH = ends(
    (
        r"\b(?:i'm|i am|he's|she's|away|within|about me|my (?:son|husband|daughter|wife)(?: is)?|"
        r"stands?|grew|longer by|model is|from me|snow|rain|got|drop(?:s|ped)?(?: from)?|waist|"
        r"hips|every|cut|trim(?:med)?|lost|inseam is|back up|than)"
    )
    + r"\s*(?:\b(?:a|an|about|around|like|almost|the|only|just|of)\b\s*){0,3}"
)
_NO_LENGTH_RIGHT = starts(
    r"\s*(?:tall(?= (?:and|so|guy|girl|woman|man|person))|away|of (?:snow|rain|water|space|"
    r"room)|longer|shorter|taller|wider|deeper|bigger|smaller|off (?:my|your)|apart|"
    r"from (?:me|here|the)|\d|drop)\b"
)
_NO_VOLUME = ends(
    r"\b(?:drink|drank|drinks|add|pour|boil|every|per|with|into|in|holds up to|mix)"
    + r"\s*(?:\b(?:a|an|about|around|like|up|to|the)\b\s*){0,3}"
)

_MANY = ends(
    (
        r"\b(?:get|gets|getting|comes? with|comes? in|includes?|including|contains?|pack of|"
        r"packs? of|set of|sets of|box of|case of|bag of|bundle of|lot of|carton of|bottle of|"
        r"jar of|tin of|total of|total|inside|there are|there's|you receive|receive|receiving|has|"
        r"holds|have|order gets you|sending you|ship you|send you|packed with|with|of|all|whole|"
        r"it's|is|one order is|for)"
    )
    + (
        r"\s*(?:\b(?:a|an|the|all|you|full|total|of|whole|just|like|exactly|not one not two but|"
        r"to|your|home|us|them)\b\s*){0,5}"
    )
)
_OF = ends(
    r"\b(?:pack|packs?|set|sets|box|case|bag|bundle|carton|bottle|jar|tin|total|lot|count|"
    r"order|package|kit)s? (?:of|has|holds|contains|is|comes with|includes|"
    r"gets you)\s*(?:\b(?:a|an|the|all|you|full|total|exactly)\b\s*){0,2}"
)
_NO_COUNT = ends(
    (
        r"\b(?:take|takes|took|taking|use|uses|used|eat|eats|drink|sold|selling|only|just|last|"
        r"buy|bought|ordered|order|limit|limit of|link|number|step|every|per|gone through|"
        r"went through|have|had|first|grab|need|tried|try|opened|add|pick|choose|left|remaining|"
        r"another|these|those|day|my|spend|on|between|or|shipped|lost|broke|want|gave|give|giving|"
        r"free|bonus|extra)"
    )
    + r"\s*(?:\b(?:a|an|the|about|around|like|all|you|us|me|up|to|out)\b\s*){0,3}"
)
_COUNT_RIGHT = starts(
    r"\s*(?:inside|in (?:every|each|the|a|one|total|here|this)|included|per (?:box|bag|pack|"
    r"order|jar|bottle|case|set)|total|in all|for (?:just |only )?\$?\d|for (?:the price|"
    r"one price)|to a (?:box|pack|bag|case)|all together|come|comes|each order)\b"
)
_UNIT_SET = re.compile(r"^(?:pack|packs|count|ct|piece|set)$")
_A_DAY = starts(
    r"\s*(?:a|per|each|every|in the) (?:day|night|morning|evening|week|month)|\s*(?:daily|"
    r"sold|shipped|gone|ago|away|so far)\b"
)

_STOCK_LEFT = ends(
    (
        r"\b(?:only|just|last|final|down to|down to the last|down to my last|there are|there's|"
        r"i have|we have|i've got|we've got|got|stock is|inventory is|remaining|left|to the last)"
    )
    + (
        r"\s*(?:\b(?:about|like|only|just|got|the|my|our|last|final|have|exactly|literally|under|"
        r"fewer|than|at|a|more)\b\s*){0,4}"
    )
)
_STOCK_RIGHT = starts(
    r"\s*(?:of (?:these|them|those|this)\s*|units?\s*|pieces?\s*|pairs?\s*|sets?\s*|"
    r"bottles?\s*|jars?\s*|boxes\s*|bags?\s*|packs?\s*|more\s*|pcs\s*|items?\s*|"
    r"in (?:the )?(?:cart|warehouse)\s*|\w+s?\s*){0,3}(?:left\b|remaining|remain\b|in stock|"
    r"in the warehouse|to go\b|available|until (?:it's|they're|we're) (?:gone|out|sold)|"
    r"and (?:it's|they're|then it's|then they're|that's it|then i'm)|before (?:it's|they're|"
    r"we're) gone|on the shelf|in inventory)"
)
_LAST = ends(
    r"\b(?:the last|my last|our last|last|final|down to|stock is|stock is at|inventory is at|"
    r"left with)\s*(?:\b(?:about|the|my|our|only|just|last|under)\b\s*){0,2}"
)
_NOT_STOCK = starts(
    r"\s*(?:minutes?|seconds?|hours?|days?|weeks?|months?|years?|questions?|colou?rs?|sizes?|"
    r"links?|things?|people|viewers|spots?|times?|episodes?|shows?|chances?)\b"
)


def role(around: Around) -> Role | None:
    """The field, value and notes of the fact that an amount states; None where it states none."""
    amount = around.amount
    if amount.kind == "weight" and amount.unit.startswith("pound") and _is_sterling(around):
        return _money(around, amount.value / 453.6)
    match amount.kind:
        case "money":
            return _money(around, amount.value)
        case "bare":
            return _bare(around)
        case "weight":
            return _weight(around)
        case "length" | "volume":
            return _size(around)
    return _count(around)


def _is_sterling(around: Around) -> bool:
    """Pounds as money: after a price word, or off something; and ``four pound to you``."""
    if (
        around.amount.unit == "pound"
        and around.amount.value > 500
        and re.match(r"$|\s*(?:to you|shipped|each|delivered|the (?:lot|pair|set))\b", around.right)
    ):
        return True
    priced = re.search(
        (
            r"\b(?:price|pay|costs?|yours for|selling|sells for|for only|for just|shipping is|was|"
            r"were|used to be|down to|save|just|only|at|retails)\b[\w\s]{0,8}$"
        ),
        around.left,
        re.I,
    )
    weighed = re.search(r"weigh|net|jar|bag|bottle|box|holds|of \w+|lb", around.clause.text, re.I)
    return bool(_MONEY_OFF(around.right)) or bool(priced and not weighed)


def _money(around: Around, value: float) -> Role | None:
    left, right = around.left_and_before, around.right
    if _MONEY_OFF(right) or (_MONEY_OFF_LEFT(around.left) and not starts(r"\s*(?:a|an) \w+")(right)):
        return None if _DROP_LEFT(around.left) or re.search(r"\bmore than\b", left) else Role("coupon", value)
    if _SHIPPING[0](around.left) or _SHIPPING[1](right):
        return None if re.search(r"\bfree\b", around.clause.text) else Role("shipping", value)
    if _NOT_SO(around.left) and not _AT_MOST_LEFT(around.left):
        return None
    if _DROP_LEFT(around.left) or _DROP_RIGHT(right) or _LIFE.search(around.clause.text) or value <= 0:
        return None
    return _price(around, value)


def _price(around: Around, value: float) -> Role | None:
    said = around.left_and_before
    elsewhere = frozenset({"elsewhere"})
    if _REFERENCE_AFTER(around.right):
        return Role("reference_price", value, elsewhere)
    if _FORMER_AFTER(around.right):
        return Role("reference_price", value)
    for cue in reversed(list(_REFERENCE.finditer(said))):
        if cue["now"]:
            if re.search(r"\b(?:was|were|used to be)\s+(?:just|only)?\s*$", said[: cue.end()], re.I):
                return Role("reference_price", value)
            break
        if cue["elsewhere"] or _ELSE.search(said[: cue.start()]):
            return Role("reference_price", value, elsewhere)
        if cue["former"].lower() == "from" and not re.search(
            r"(?:down|reduced|marked|slashed|went|dropped) *$", said[: cue.start()], re.I
        ):
            break
        return Role("reference_price", value)
    return Role("price", value, _limits(around) | around.price_notes() | _per(around))


def _per(around: Around) -> frozenset[str]:
    match = re.match(r"\s*(?:a|per|an) (pound|ounce|kilo)\b", around.right, re.I)
    grams = {"pound": "per 453.6 g", "ounce": "per 28.35 g", "kilo": "per 1000 g"}
    return frozenset({"per_unit", grams[match[1].lower()]}) if match else frozenset()


def _limits(around: Around) -> frozenset[str]:
    notes = set()
    if _AT_MOST_LEFT(around.left) or _AT_MOST_RIGHT(around.right):
        notes.add("at_most")
    if _ABOUT_LEFT(around.left) or _ABOUT_RIGHT(around.right):
        notes.add("about")
    return frozenset(notes)


def _bare(around: Around) -> Role | None:
    left, right, amount = around.left_and_before, around.right, around.amount
    if amount.digits.lower() in ("one", "half", "a half", "zero", "1", "0", "a", "an", "two") and not _STOCK_RIGHT(
        right
    ):
        return None
    if _NOT_STOCK(right):
        return None
    if (
        _LAST(around.left)
        and re.match(r"\s*$|\s*(?:of (?:these|them|those)|in|and)\b", right)
        and amount.value == int(amount.value)
        and not re.search(r"price|drop", left)
    ):
        return Role("stock", amount.value)
    if _STOCK_RIGHT(right) and not re.match(r"\s*(?:and|to go|available)\b", right):
        return Role("stock", amount.value, _limits(around))
    if _OF(around.left):
        return None if re.match(r"\s*\w*(?:link|step)", right) or _NOT_BARE(right) else Role("quantity", amount.value)
    if _MONEY_OFF(right):
        return Role("coupon", amount.value)
    if _SHIPPING[0](around.left) and not _NOT_BARE(right):
        return Role("shipping", amount.value)
    if (
        _NOT_BARE(right)
        or _NOT_SO(around.left)
        and not _AT_MOST_LEFT(around.left)
        or _LIFE.search(around.clause.text)
        or _DROP_RIGHT(right)
    ):
        return None
    if re.search(
        (
            r"\b(?:link|number|item|no\.?|lot|size|step|chapter|route|room|age|aged|turns?|turned|"
            r"channel|page|class of|since|in|option|top|model|grade)\s*$"
        ),
        left,
        re.I,
    ):
        return None
    cents = amount.value != int(amount.value) and abs(round(amount.value * 100) - amount.value * 100) < 1e-6
    whole = (
        re.match(
            (
                r"\s*$|\s*(?:for|with|shipped|free|and (?:that|free|it|you|shipping)|today|tonight|now|"
                r"right|plus|at|on|all|until|here|if|because|so|y'all|guys|folks|honey)\b"
            ),
            right,
        )
        is not None
    )
    strong = _STRONG(left) and amount.value >= 3
    if (
        cents
        and (whole or strong)
        and (_PRICE_LEFT(left) or around.alone or re.match(r"\s*(?:now|today|tonight|so)\b", around.left, re.I))
    ) or (strong and whole):
        return _price(around, amount.value)
    if (
        _PRICE_LEFT(around.left)
        and whole
        and amount.value >= 5
        and re.search(r"\b(?:for|only|just|at|under|it's|down to|pay)\W*(?:a|just|only|you)?\s*$", around.left, re.I)
        and re.search(
            r"price|pay|cost|deal|take|grab|steal|yours|home|buy|bucks|get|under|tonight|today|sell",
            around.clause.text + around.clause.before,
            re.I,
        )
    ):
        return _price(around, amount.value)
    return None


def _weight(around: Around) -> Role | None:
    left, right, amount = around.left, around.right, around.amount
    if _NO_WEIGHT_RIGHT(right) or (_NO_WEIGHT(left) and not re.search(r"net|weighs in", left)) or _NOT_SO(left):
        return None
    if around.after_money and re.match(r"\s*(?:a|per|an)\s*$", left):
        return None
    if re.search(
        r"\b(?:i|he|she|my (?:dog|cat|husband|son)) weighs?\b|\bsuitcase can\b|weight limit|per serving|protein",
        around.clause.text,
        re.I,
    ):
        return None
    return None if amount.value > 60_000 else Role("weight_g", amount.value, _limits(around))


def _size(around: Around) -> Role | None:
    left, right, amount = around.left, around.right, around.amount
    if _NOT_SO(left):
        return None
    if amount.kind == "volume":
        return None if _NO_VOLUME(left) else Role("size", f"{amount.value:g} ml", _limits(around))
    tall = re.search(
        (
            r"\b(?:i'm|i am|he is|she is|he's|she's|who(?:'s| is) (?:like )?|model is|my (?:husband|"
            r"son|daughter|wife|mom|sister))\b"
        ),
        around.clause.text,
        re.I,
    )
    if _NO_LENGTH(left) or _NO_LENGTH_RIGHT(right) or (tall and amount.value > 1_300):
        return None
    return Role("size", f"{amount.value:g} mm", _limits(around))


def _count(around: Around) -> Role | None:
    left, right, amount = around.left, around.right, around.amount
    whole = amount.value == int(amount.value)
    if not whole or _A_DAY(right) or _NOT_SO(left):
        return None
    if amount.unit not in ("pack", "count", "ct") and (
        _STOCK_RIGHT(right)
        or (_LAST(left) and amount.value > 1)
        or re.match(r"\s*(?:left|remaining|in stock|to go)\b", right)
    ):
        return Role("stock", amount.value, _limits(around))
    if not 1 < amount.value <= 2_000:
        return None
    hyphen = "-" in around.clause.text[amount.start : amount.end][len(amount.digits) :][:1] or amount.unit in (
        "pack",
        "count",
        "ct",
    )
    if hyphen and (_UNIT_SET.match(amount.unit) or amount.unit in ("piece", "pack", "count", "ct")):
        return Role("quantity", amount.value)
    if _NO_COUNT(left) and not (_OF(left) or _COUNT_RIGHT(right)):
        return None
    if _MANY(left) or _COUNT_RIGHT(right) or _OF(left) or around.after_money and not left.strip(" ,for"):
        return Role("quantity", amount.value)
    return None


_GIFT = re.compile(r"\bbuy (one|two|three|1|2|3)[, ]+get (one|two|three|1|2|3) (?:for )?free\b", re.I)
_BOGO = re.compile(r"\bbogo\b", re.I)
_DIGITS = {"one": 1.0, "two": 2.0, "three": 3.0, "1": 1.0, "2": 2.0, "3": 3.0}


def extra(text: str) -> list[tuple[str, float, int, int]]:
    """What whole phrases say: buy two get one free is three pieces."""
    found = [
        ("quantity", _DIGITS[m[1].lower()] + _DIGITS[m[2].lower()], m.start(), m.end()) for m in _GIFT.finditer(text)
    ]
    return found + [("quantity", 2.0, m.start(), m.end()) for m in _BOGO.finditer(text)]
