"""English: facts that are words and not amounts: free shipping, material, origin, certificate, brand."""

from __future__ import annotations

import re
from collections.abc import Iterator

from models.around import ends, starts
from models.clauses import Clause
from models.materials import digits
from models.places import ENGLISH, WITHIN
from models.results import SpokenFact

_I = re.IGNORECASE
_FREE = re.compile(
    r"\b(?:free (?:\w+ ){0,2}(?:shipping|delivery|postage)|(?:ships?|shipped|shipping it|"
    r"delivered|mailed) (?:to you )?(?:totally |completely |absolutely )?(?:for )?free\b|"
    r"(?:shipping|delivery|postage)(?:'s| is|,)? (?:\w+ )?(?:also |totally |completely |"
    r"always |absolutely )?(?:free|on (?:us|me|the house)|included|covered|paid|zero)\b"
    r"|no (?:shipping|delivery) (?:fees?|costs?|charges?)|(?:zero|"
    r"no) (?:dollars )?(?:for )?shipping\b|(?:we|i)(?:'ll| will|'re|'m)? (?:cover|covering|"
    r"pay|paying|eat|eating)(?: for)? (?:the |your |all the )?(?:shipping|postage|delivery)|"
    r"post(?:age)?[- ]free)",
    _I,
)
_EVERYWHERE = re.compile(
    (
        r"\b(?:worldwide|anywhere|everywhere|all (?:fifty|50)|every (?:single )?(?:state|country|"
        r"corner)|internationally|no matter where|wherever|alaska|hawaii|whole (?:world|country)|"
        r"to everybody|canada|coast to coast)\b"
    ),
    _I,
)
_FREE_IF = re.compile(
    (
        r"\b(?:over|above|orders? (?:of|over|above)|if you spend|when you spend|when you buy|not|"
        r"isn't|no longer|except|minimum|can't|cannot|qualif\w+|used to|unless|members?)\b"
    ),
    _I,
)

_PURE = (
    r"solid|pure|real|genuine|100 ?%|(?:a |one )?hundred percent|100 percent|all[- ]|"
    r"full[- ]grain|top[- ]grain|natural|untreated|unheated|organic|\d{2} ?(?:%|percent)|"
    r"(?:eighteen|fourteen|ten|twenty[- ]four|\d{2})[- ](?:karat|carat)|\d{2} ?kt?|"
    r"nine(?:ty)?[- ]two[- ]?five|nine twenty[- ]five|925|sterling|mulberry|merino|pima|"
    r"egyptian|grade[- ]a|type[- ]a|triple[- ]a|freshwater|raw|baltic|gold[- ]plated|"
    r"silver[- ]plated|plated|faux|vegan|304|316|18/10|cold[- ]rolled|kiln[- ]dried|white|"
    r"authentic|virgin|italian|thick|heavy|honest[- ]to[- ]god|ring[- ]spun|brushed|belgian|"
    r"european|vintage|turkish|hand[- ]carved|surgical|natural,? untreated|proper|"
    r"long[- ]staple|american|black|genuine,? natural"
)
_STRONG_PREFIX = re.compile(
    (
        r"solid|pure|real|genuine|100|hundred|all[- ]|grain|natural|untreated|unheated|organic|"
        r"\d{2} ?(?:%|percent|k)|karat|carat|925|nine|sterling|mulberry|merino|grade|type|plated|"
        r"faux|vegan|304|316|18/10|authentic|surgical|pima|egyptian"
    ),
    _I,
)
_BASE = (
    r"sterling silver|silver|platinum|vermeil|gold|lambswool|wool|cashmere|alpaca|mohair|"
    r"cotton|denim|silk|satin|linen|hemp|leather|suede|cowhide|calfskin|lambskin|sheepskin|"
    r"white oak|oak|black walnut|walnut|teak|maple|acacia|beech|birch|cherry ?wood|bamboo|"
    r"rosewood|mahogany|hardwood|pine|wood|stainless steel|stainless|carbon steel|steel|"
    r"cast iron|titanium|copper|brass|aluminum|bone china|porcelain|stoneware|ceramic|"
    r"borosilicate glass|borosilicate|glass|memory foam|latex|jadeite|jade|pearls?|diamonds?|"
    r"moissanite|amber|turquoise|rubies|ruby|sapphires?|emeralds?|opals?|crystal|beeswax|"
    r"soy wax|goose down|duck down|down(?= fill)|silicone|polyester|nylon|microfiber|tencel|"
    r"modal|marble|slate|granite|leather"
)
_MATERIAL = re.compile(
    rf"(?<![\w-])(?P<prefix>(?:(?:{_PURE})(?:[ -]|, )?(?:of )?){{0,3}})(?P<base>{_BASE})(?![\w])", _I
)
_IS_MADE = ends(
    r"\b(?:it's|it is|is|are|they're|these are|this is|made (?:out )?of|made from|made with|"
    r"made in|crafted (?:from|in|out of)|carved from|woven from|cut from|hewn from|knit from|"
    r"spun from|material is|fabric is|shell is|body is|filled with|fill is|stuffed with|"
    r"lined with|band is|stone is|all)\s*(?:\b(?:all|just|actually|a|an|the|one|piece|solid|"
    r"of|from|thick|honest|really|truly|every|bit)\b\s*){0,3}"
)
_MADE_RIGHT = starts(
    r"\s*(?:through and through|throughout|all the way through|inside and out|top to bottom|"
    r"construction|no (?:fillers?|blends?|veneer|plating)|$)"
)
_NOT_MADE = ends(
    r"\b(?:not|isn't|aren't|no|non|without|like|as|looks like|feels like|imitation|instead of|"
    r"never|than|fake|free of|compared to|versus|vs|rather than|resembles?|fake|simulated|"
    r"mimics?|ain't|zero|my|the color|color|love|hate|between|for your|with your|matches|"
    r"of your|than real|wasn't|on your)\s*(?:\b(?:a|an|the|any|it|is|it's|some|actual|real|"
    r"genuine|pure|solid|old)\b\s*){0,2}"
)
_AS_IF = starts(
    r"[ -]?(?:like\b|look\b|look-?alike|feel\b|effect|tone|colou?r|colou?red|print|touch|"
    r"finish|hair|tan\b|jubilee|medal|star|lining up|mine|rush|cleaner|polish|care|scent|soap|"
    r"plate (?:special)|iron skillet recipe|table\b(?! (?:is|top))|floor|tiles?\b)"
)

_PLACE = (
    rf"(?:(?:southern|northern|eastern|western|central|upstate|rural|mainland|the (?:hills|"
    rf"mountains|highlands) of) )?(?:the )?(?:{ENGLISH})(?:,? (?:{ENGLISH}))?(?![a-z])"
)
_FROM = re.compile(
    (
        rf"\b(?P<cue>made (?:right |by hand |entirely |start to finish )?(?:here )?in|made over in|"
        rf"product of|grown (?:right |only )?(?:here )?in|imported (?:straight |directly |"
        rf"all the way )?from|straight (?:out of|from)|straight in from|direct(?:ly)? from|"
        rf"(?:hand)?crafted in|hand-?made in|woven in|sewn in|built in|forged in|blown in|"
        rf"bottled in|brewed in|roasted in|sourced (?:from|in)|harvested (?:from|in)|pressed in|"
        rf"cut in|milled in|knit(?:ted)? in|tanned in|comes? (?:straight |directly |"
        rf"all the way )?from|came (?:straight |directly |all the way )?from|flown in from|"
        rf"shipped over from|from(?: a (?:tiny|small|family)[\w -]{{0,24}} in)?|born in|out of|"
        rf"manufactured in|mined in|caught in|fired in|carved in|origin is|raised in|picked in|"
        rf"painted in|designed and made in|assembled in|stitched in|"
        rf"produced in) (?P<place>{_PLACE})"
    ),
)
_CAPITAL = re.compile(
    r"\b(?:[Mm]ade|[Gg]rown|[Pp]roduct|[Hh]andmade|[Hh]andcrafted|[Cc]rafted|[Bb]uilt|"
    r"[Rr]oasted|[Ww]oven) (?:right here )?(?:in|"
    r"of) (?:the )?(?P<place>[A-Z][a-z]+(?:,? [A-Z][a-z]+){0,2})"
)
_ADJECTIVE = re.compile(
    r"\b(?P<place>(?:Italian|French|German|Japanese|Korean|Swiss|Swedish|Norwegian|Danish|"
    r"Dutch|Belgian|Spanish|Portuguese|Turkish|Greek|Irish|Scottish|English|British|Canadian|"
    r"Mexican|Brazilian|Chilean|Peruvian|Colombian|Ethiopian|Kenyan|Egyptian|Moroccan|Indian|"
    r"Thai|Vietnamese|Burmese|Australian|Tasmanian|New Zealand|Icelandic|Polish|Russian|"
    r"Ukrainian|American|Hawaiian|Alaskan|Vermont|Tuscan|Kashmir|Persian|Chinese|Taiwanese|"
    r"Madagascar|Ceylon|Texas|Georgia|California|Florida|Oregon|Maine|Kona|Finnish|Austrian|"
    r"Mongolian|Guatemalan|Sri Lankan|Costa Rican|Italy|Japan|Germany|Swiss|USA|American))"
    r"(?:[- ](?:made|built|grown|crafted|born)\b|[- ](?:(?:full-grain|top-grain|extra|virgin|"
    r"dark|single-origin|raw|organic|pure|hand-?\w+|fine|genuine|cold-pressed|stainless|milk|"
    r"aged|long-staple|wildflower|maple|goose|merino|medium|roast|manuka|real|calf|buttery|"
    r"cow|carbon|olive|green|black|ceremonial|grade|lambs?)[ -]){0,3}(?:leather|steel|coffee|"
    r"beans|olive oil|oil|wool|cashmere|cotton|linen|silk|chocolate|honey|syrup|maple syrup|"
    r"cheese|wine|tea|matcha|saffron|vanilla|crystal|porcelain|ceramics?|glass|knife|knives|"
    r"denim|lamb|beef|salmon|peaches|pecans|movement|watch|lavender|rug|towels?|down|amber|"
    r"jade|jadeite|emeralds?|sapphires?|rubies|oak|walnut|flax|craftsmanship|import|suede|"
    r"calfskin|skincare|sunscreen|salt|pasta|marble|lace|butter|lobster|blueberries|potatoes|"
    r"oranges|avocados)\b)"
)
_NO_ORIGIN = re.compile(
    (
        r"\b(?:not|isn't|style|inspired|watching|tuning in|viewers?|anyone|hello|hi|shout ?out|"
        r"hey|welcome|my (?:trip|cousin|aunt|friend|flight|vacation|grandma|mom)|ship(?:s|"
        r"ping)? (?:to|out of|from)|ships|warehouse|i'm|i am|we're|moved|accent|live in|recipe|"
        r"looks|like|except|designed in|customers?|ladies|friend|lady|order from|orders from|"
        r"love from|flew|visit|vacation)\b"
    ),
    _I,
)

_MARK = (
    r"USDA|FDA|CE|UL|ETL|GIA|IGI|AGS|ISO ?\d*|NSF|GOTS|OEKO-?TEX(?: Standard)?(?: 100)?|"
    r"Fair ?[Tt]rade|FSC|Energy Star|EPA|EWG|Non-GMO(?: Project)?|B Corp|RoHS|FCC|"
    r"[Tt]hird[- ]party(?: lab)?|[Ll]ab|[Oo]rganic|Leaping Bunny|CPSC|CertiPUR(?:-US)?|"
    r"GreenGuard(?: Gold)?|Greenguard(?: Gold)?|kosher|Kosher|halal|Halal|ASTM|DOT|GMP|cGMP|"
    r"USP|NGTC|UMF|MFI|IFOS|vegan|Vegan|cruelty-free|dermatologist|Woolmark|safety|Prop 65|"
    r"Made Safe|gem lab|gemological|independent lab|GRS|SGS|TUV|MSC|BRC|Rainforest Alliance|"
    r"bank-grade|Medical|AGL"
)
_CERTIFICATE = re.compile(
    (
        rf"\b(?:(?:{_MARK})[ -]+){{1,3}}(?:certified|approved|approval|registered|listed|verified|"
        rf"certifications?|certificates?|certs?|tested|(?:lab |test )?reports?|graded|cleared|"
        rf"grading report|mark|seal|rated|compliant|inspected|papers)\b|"
        rf"\b[Cc]ertificates? of (?:[Aa]uthenticity|[Aa]nalysis|[Oo]rigin|[Cc]onformity)|\b(?:lab|"
        rf"test|inspection|appraisal|grading) reports?\b|\b(?:certified|registered|"
        rf"approved) (?:by (?:the )?)?(?:{_MARK})\b|\b(?:patent(?:ed)?\b(?! (?:leather|number|"
        rf"no))(?: (?:design|technology|pending))?)|\bcertified (?:organic|gemologist report)\b|"
        rf"\b(?:appraisal|hallmark(?:ed)?)\b|\bCOA\b"
    ),
)
_PATENT = re.compile(
    r"\b(?P<kind>(?:[Pp]atent|[Cc]ertificate|[Rr]eport|[Ll]icen[sc]e|[Rr]egistration|GIA|IGI|"
    r"[Cc]ert|[Ss]erial|EPA|FCC|NPN)(?: (?:number|no\.?|report|certificate|reg(?:istration)?|"
    r"id|ID|#))*(?: is|:)?) ?#?(?P<number>(?:(?:US|EP|GB|CN|"
    r"ZL)[ -]?)?[A-Z]{0,4}[ -]?\d[\d,.-]{4,}\d(?: ?[A-Z]\d?)?)"
)
_NO_CERTIFICATE = ends(
    r"\b(?:not|isn't|no|without|never|aren't|don't have|doesn't have|don't have any|"
    r"waiting (?:on|for)|pending|applying for|applied for|need|lost|haven't got|hasn't been|"
    r"wasn't|do not have|fake|ain't|have no)\s*(?:\b(?:a|an|the|any|our|been|yet|is|"
    r"it)\b\s*){0,3}"
)

_BRANDS = (
    r"Nike|Adidas|Puma|New Balance|Converse|Vans|Crocs|Birkenstock|UGGs?|Lululemon|Patagonia|"
    r"North Face|The North Face|Columbia|Carhartt|Levi's|Levis|Ray-?Bans?|Oakley|Gucci|"
    r"Louis Vuitton|LV|Chanel|Dior|Prada|Herm[eè]s|Burberry|Coach|Michael Kors|Kate Spade|"
    r"Tory Burch|Rolex|Omega|Cartier|Tiffany|Pandora|Swarovski|Apple|AirPods|iPhones?|iPads?|"
    r"Samsung|Sony|Bose|Beats|JBL|Dyson|KitchenAid|Ninja|Instant Pot|Vitamix|Cuisinart|Keurig|"
    r"Nespresso|Le Creuset|Staub|Lodge|Yeti|YETI|Stanley|Hydro Flask|Lego|LEGO|Barbie|Disney|"
    r"Nintendo|Xbox|PlayStation|Olay|Clinique|Est[eé]e Lauder|Lanc[oô]me|La Mer|SK-II|"
    r"Drunk Elephant|CeraVe|Neutrogena|MAC|Fenty|Charlotte Tilbury|Olaplex|Roomba|iRobot|"
    r"Shark|Philips|Oral-B|Braun|DeWalt|Dewalt|Milwaukee|Makita|Bosch|Hoover|Canon|Nikon|"
    r"GoPro|Fitbit|Garmin|Kindle|Casper|Tempur-?Pedic|Purple|Wusthof|Wüsthof|Henckels|"
    r"Zwilling|All-Clad|Pyrex|Waterford|Wedgwood|Steiff|Moleskine|Montblanc|Zippo|Gerber|"
    r"Leatherman|Weber|Traeger|Coleman|Osprey|Samsonite|Rimowa|Tumi|Away|Brooks Brothers|"
    r"Ralph Lauren|Polo|Calvin Klein|Tommy Hilfiger|Hugo Boss|Armani|Versace|Balenciaga|Fendi|"
    r"Givenchy|Saint Laurent|YSL|Bulova|Seiko|Citizen|Casio|Timex|Fossil|Godiva|Lindt|"
    r"Ghirardelli|Starbucks"
)
_BRAND = re.compile(
    rf"\b(?:(?:[Gg]enuine|[Aa]uthentic|[Rr]eal|[Oo]fficial|[Oo]riginal|[Ll]egit(?:imate)?|"
    rf"actual|bona fide|true|[Bb]rand[- ]new|[Bb]rand[- ]name)(?:,? (?:authentic|genuine|real|"
    rf"official|original|brand[- ]new))? (?P<genuine>{_BRANDS})"
    rf"|(?:[Ii]t's|[Ii]t is|[Tt]his is|[Tt]hese are|[Tt]hey're|[Tt]hat's|[Tt]hose are) (?:a |"
    rf"an |the |all |actual |your |my )*(?:real |genuine |authentic |actual |official |"
    rf"brand[- ]new |legit )*(?P<is>{_BRANDS})"
    rf"|(?:[Bb]rand(?: name)? (?:is|here is)|made by|[Mm]anufactured by|brand called|"
    rf"by the brand|from the brand|the brand is) (?:called |"
    rf"by )?(?P<named>[A-Z][\w'&-]+(?: (?:& |and )?[A-Z][\w'&-]+){{0,2}})"
    rf"|(?P<brand>[A-Z][\w'&-]+(?: [A-Z][\w'&-]+){{0,2}}) brand\b)"
)
_NO_BRAND = re.compile(
    (
        r"\b(?:like|dupes?|inspired|compatible|works with|fits|similar|compared?|same (?:factory|"
        r"line|people|maker|quality|supplier)|instead of|style|styled?|knock-?offs?|not|isn't|"
        r"alternative|than|replaces?|as good|case|charger for|cover for|used to|remind\w*|vibes?|"
        r"looks|versus|off-brand|rip-?off|aren't|never|no)\b"
    ),
    _I,
)


def word_facts(clause: Clause) -> Iterator[SpokenFact]:
    """The facts of a clause that are words."""
    yield from _shipping(clause)
    yield from _materials(clause)
    yield from _origins(clause)
    yield from _certificates(clause)
    yield from _brands(clause)


def _at(
    clause: Clause, field: str, value: str, span: tuple[int, int], notes: frozenset[str] = frozenset()
) -> SpokenFact:
    return SpokenFact(field, value, clause.start + span[0], clause.start + span[1], notes)


def _shipping(clause: Clause) -> Iterator[SpokenFact]:
    match = _FREE.search(clause.text)
    if match is None or _FREE_IF.search(clause.text):
        return
    wide = _EVERYWHERE.search(clause.sentence)
    yield _at(clause, "shipping", "free", match.span(), frozenset({"everywhere"}) if wide else frozenset())


def _materials(clause: Clause) -> Iterator[SpokenFact]:
    text = clause.text
    for match in _MATERIAL.finditer(text):
        left, right = text[: match.start()], text[match.end() :]
        if _NOT_MADE(left) or _AS_IF(right):
            continue
        strong = _STRONG_PREFIX.search(match["prefix"]) or match["base"].lower() in (
            "sterling silver",
            "mulberry silk",
            "bone china",
            "vermeil",
        )
        if strong or _IS_MADE(left) or _MADE_RIGHT(right) and _IS_MADE(left[:-1]):
            start = match.start() + len(match.group()) - len(match.group().lstrip())
            yield _at(clause, "material", digits(match.group().strip()), (start, match.end()))


def _origins(clause: Clause) -> Iterator[SpokenFact]:
    text = clause.text
    if _NO_ORIGIN.search(text):
        return
    taken: list[tuple[int, int]] = []
    for pattern in (_FROM, _CAPITAL, _ADJECTIVE):
        for match in pattern.finditer(text):
            start, end = match.span("place")
            if any(start < last and first < end for first, last in taken):
                continue
            if text[start:end].startswith("the "):
                start += 4
            taken.append((start, end))
            yield _at(clause, "origin", text[start:end], (start, end))


def _certificates(clause: Clause) -> Iterator[SpokenFact]:
    text = clause.text
    taken: list[tuple[int, int]] = []
    for match in _PATENT.finditer(text):
        taken.append(match.span())
        yield _at(clause, "certificate", match["number"].strip(), match.span("number"))
    for match in _CERTIFICATE.finditer(text):
        overlaps = any(start < match.end() and match.start() < end for start, end in taken)
        if not overlaps and not _NO_CERTIFICATE(text[: match.start()]):
            yield _at(clause, "certificate", match.group(), match.span())


def _brands(clause: Clause) -> Iterator[SpokenFact]:
    text = clause.text
    match = _BRAND.search(text)
    if match is None or _NO_BRAND.search(text):
        return
    name = next(key for key in ("genuine", "is", "named", "brand") if match[key])
    if len(match[name]) > 2 and match[name] not in WITHIN:
        yield _at(clause, "brand", match[name], match.span(name))
