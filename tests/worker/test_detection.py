"""Words to claims: what a Flag says, who is flagged, who is reminded, and how long it took."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

import numpy as np
import pytest

from models.asr import Row
from models.labels import Label, LegalBasis
from models.results import Found, Judged, Text, Utterance, Word
from models.speech import CutRules
from tests.worker.sounds import STARTED_AT, InPlace, Loudness, batch, chunk_message, sound, text_message
from worker.batches import Batch, Outcome
from worker.bus import Message, Partition
from worker.detection import Detection
from worker.hearing import Hearing
from worker.policy import Mode, Policy, Treatment
from worker.records import Fact, Flag, Listing, Place, Reminder, ShadowFlag, Status, StreamHeard, Transcript
from worker.rulebook import Rulebook

STATUTE = LegalBasis(
    jurisdiction="cn", kind="statute", title_zh="广告法", title_en="Advertising Law", article_zh="第9条",
    article_en="Art. 9", in_force_from=date(2015, 9, 1), verified=True,
)  # fmt: skip


def label(code: str, tier: str = "T1", severity: str = "minor", law: Sequence[LegalBasis] = (STATUTE,)) -> Label:
    return Label(
        code=code, zh=f"{code}名", en=f"{code} name", group="A", tier=tier, severity=severity, found_by="text",  # type: ignore[arg-type]
        definition="d", question_zh="q", question_en="q", advice_zh="这样说", advice_en="say it so",
        examples={}, law=tuple(law),
    )  # fmt: skip


BUCKET = STARTED_AT // 300_000
LEFT_MS = (BUCKET + 1) * 300_000 - STARTED_AT
"""From STARTED_AT to the next five minutes."""

LABELS = {
    one.code: one
    for one in (label("BEST"), label("CURE", severity="critical"), label("RANK", "T2", "major"), label("DRAMA", "T3"))
}
WORDS = {"最好": "BEST", "best": "BEST", "根治": "CURE", "cures": "CURE", "第一": "RANK", "哭": "DRAMA"}


POLICY = Policy(defaults=Treatment(remind=0.5), version="policy-1")
"""All that is found is sure enough to be told."""


class Script:
    """A recogniser that says the given utterances in turn, and remembers which rows it was asked to align."""

    name = "script"

    def __init__(self, *said: Utterance | str, clock: "Clock | None" = None, probability: float = 1.0) -> None:
        self._said = [utterance(one) if isinstance(one, str) else one for one in said]
        self._clock, self._probability = clock, probability
        self.rows: list[Row] = []
        self.aligned: list[str] = []

    def transcribe(self, rows: Sequence[Row]) -> list[Utterance]:
        assert rows, "a recogniser is not asked for nothing"
        self.rows += rows
        if self._clock:
            self._clock.now += 2.0
        return [self._said.pop(0) for _ in rows]

    def align(self, row: Row, text: str) -> list[Word]:  # noqa: ARG002
        self.aligned.append(text)
        if self._clock:
            self._clock.now += 0.25
        p = self._probability
        return [Word(start=0.1 * n, end=0.1 * n + 0.1, text=c, probability=p) for n, c in enumerate(text)]


class Clock:
    def __init__(self, now: float = STARTED_AT / 1000 + 100) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Rules:
    """Every place of every word, the later ones surer."""

    version = "rules-1"

    def __init__(self, words: Mapping[str, str] = WORDS) -> None:
        self._words = words
        self.asked: list[tuple[str, str]] = []

    def find(self, text: str, language: str, category: str | None = None) -> list[Found]:  # noqa: ARG002
        self.asked.append((text, language))
        return [
            Found(
                label=code, score=0.5 + at / 1000, threshold=0.5, rule_id=f"r.{word}", start=at, end=at + len(word),
                normalised=word.upper(),
            )
            for word, code in self._words.items()
            for at in places(text, word)
        ]  # fmt: skip


def places(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)


def utterance(text: str, *, language: str = "zh", supported: bool = True, failed: bool = False) -> Utterance:
    return Utterance(
        text=text, language=language, avg_logprob=-0.2, no_speech_prob=0.1, supported=supported, failed=failed
    )


def detection(
    script: Script, *, finder: Rules | None = None, labels: Mapping[str, Label] = LABELS, jurisdiction: str = "cn",
    clock: Clock | None = None, goods: "Shop | None" = None, classifier: "Learnt | None" = None,
    policy: Policy | None = None, on_trial: Rules | None = None, books: "list[Rulebook] | None" = None,
) -> Detection:  # fmt: skip
    ears = Hearing(
        InPlace(),
        Loudness(),  # type: ignore[arg-type]  its state is its own
        CutRules(),
        lambda samples: np.zeros((80, len(samples) // 160), np.float32),
    )
    book = Rulebook(
        labels=labels, finder=finder or Rules(), classifier=classifier, policy=policy or POLICY, on_trial=on_trial
    )
    current = (lambda: books.pop(0)) if books is not None else (lambda: book)
    return Detection(ears, script, current, goods=goods, jurisdiction=jurisdiction, clock=clock or Clock())


SPOKEN = sound("." * 5 + "#" * 20)


def said(sequence: int = 0, at_ms: int = 0, **more: object) -> Message:
    """A chunk whose speech is over with it: 2.27 seconds of window from 0.224 on, after ``at_ms``."""
    return chunk_message(SPOKEN, sequence=sequence, offset_ms=at_ms, end=True, **more)  # type: ignore[arg-type]


def run(worker: Detection, *messages: Message) -> Outcome:
    return worker.handle(worker.prepare(batch(messages)))


def only(outcome: Outcome, kind: type) -> list:  # type: ignore[type-arg]
    return [result.record for result in outcome.results if isinstance(result.record, kind)]


def flag_of(outcome: Outcome) -> Flag:
    (flag,) = only(outcome, Flag)
    assert isinstance(flag, Flag)
    return flag


# Speech -----------------------------------------------------------------------------------------------------------


def test_a_flag_of_speech() -> None:
    """An utterance with a claim gives its Transcript, one Flag and, at once, a Reminder; their ids derive from it."""
    outcome = run(detection(Script("这是最好的")), said(sequence=3, at_ms=10_000))
    assert [type(r.record) for r in outcome.results] == [StreamHeard, Transcript, Flag, Reminder]
    flag, (transcript,), (reminder,) = flag_of(outcome), only(outcome, Transcript), only(outcome, Reminder)
    assert flag.flag_id == transcript.transcript_id == reminder.flag_id == "s1/3/224"
    assert reminder.reminder_id == f"s1/BEST/{BUCKET}"
    assert (flag.stream_id, flag.streamer_id, flag.source, flag.status) == ("s1", "host-of-s1", "speech", "ok")
    assert (flag.start_ms, flag.end_ms) == (transcript.start_ms, transcript.end_ms) == (10_224, 12_500)
    assert flag.started_at.timestamp() * 1000 == STARTED_AT + 10_224
    assert flag.ended_at.timestamp() * 1000 == STARTED_AT + 12_500
    assert (flag.transcript, flag.language, flag.context_before) == ("这是最好的", "zh", "")
    assert flag.sound == transcript.sound == (Place("live.audio", 0, 3),)
    assert flag.speech == transcript.speech
    assert flag.versions.model_dump() == {
        "speech": "script",
        "classifier": None,
        "lexicon": "rules-1",
        "policy": "policy-1",
    }
    assert (flag.tier, flag.severity, flag.suggestion) == ("T1", "minor", "review")
    assert {(r.partition, r.epoch) for r in outcome.results} == {(said().source, 1)}
    assert [s.offset for s in outcome.free] == [3]


def test_a_claim() -> None:
    """It names the words, where they stand in code points, when they sounded, its rule, and what to say instead."""
    (claim,) = flag_of(run(detection(Script("👍这是最好的")), said(at_ms=10_000))).claims
    assert (claim.claim_id, claim.label, claim.finder, claim.rule_id) == ("s1/0/224/BEST", "BEST", "rule", "r.最好")
    assert (claim.text, claim.span, claim.normalised) == ("最好", (3, 5), "最好")
    assert (claim.start_ms, claim.end_ms) == (10_224 + 300, 10_224 + 500)
    assert (claim.score, claim.threshold) == (0.503, 0.5)
    assert (claim.tier, claim.severity, claim.advice, claim.sku, claim.listing) == ("T1", "minor", "这样说", None, None)


def test_words_that_stand_twice() -> None:
    """The second of two equal words has the time of the second; one claim per label, at its surest place."""
    (claim,) = flag_of(run(detection(Script("最好最好")), said())).claims
    assert (claim.span, claim.start_ms, claim.end_ms) == ((2, 4), 424, 624)


def test_several_labels() -> None:
    """Claims come in the order of the text; the gravest and the surest tier stand for the Flag."""
    flag = flag_of(run(detection(Script("第一 根治 最好 根治")), said()))
    assert [c.claim_id for c in flag.claims] == ["s1/0/224/RANK", "s1/0/224/BEST", "s1/0/224/CURE"]
    assert (flag.severity, flag.tier, flag.suggestion) == ("critical", "T1", "urgent")
    assert len({c.claim_id for c in flag.claims}) == 3


def test_english() -> None:
    """What is said in English gets English advice; the times are those of the whole words."""
    outcome = run(detection(Script(utterance("this is best", language="en"))), said())
    (claim,) = flag_of(outcome).claims
    (reminder,) = only(outcome, Reminder)
    assert (claim.advice, reminder.why, reminder.language) == ("say it so", "BEST name", "en")


class Mute(Script):
    """Cannot tell when words sounded."""

    def align(self, row: Row, text: str) -> list[Word]:  # noqa: ARG002
        return []


def test_without_times_of_words() -> None:
    """Where alignment gives nothing, a claim has the times of its utterance."""
    flag = flag_of(run(detection(Mute("这是最好的")), said()))
    assert (flag.claims[0].start_ms, flag.claims[0].end_ms) == (flag.start_ms, flag.end_ms)


def test_only_claims_are_aligned() -> None:
    """The recogniser is asked for times of words only where there is a claim."""
    script = Script("今天天气好", "这是最好的", "再见")
    run(detection(script), *[said(n, n * 10_000) for n in range(3)])
    assert script.aligned == ["这是最好的"]


def test_all_rows_at_once() -> None:
    """Windows of all streams go to the recogniser in one call, each with its stream's language."""
    script = Script("一", "二")
    worker = detection(script)
    messages = [
        said(headers={"language": "zh-CN"}),
        said(stream="s2", offset=1),
    ]
    outcome = run(worker, *messages)
    assert [row.language for row in script.rows] == ["zh-CN", None]
    assert [t.stream_id for t in only(outcome, Transcript)] == ["s1", "s2"]


def test_nothing_said() -> None:
    """A window without words is a Transcript without words; one that could not be recognised is told as such."""
    outcome = run(detection(Script("", utterance("", supported=False, failed=True))), said(), said(1, 10_000))
    silent, transcript = only(outcome, Transcript)
    assert (silent.status, silent.text) == ("ok", "")
    assert (transcript.status, transcript.text, transcript.start_ms) == (Status.ASR_FAILED, "", 10_224)
    assert only(outcome, Flag) == []


def test_a_doubtful_utterance_needs_sure_words() -> None:
    """Where the whole is doubtful, a claim counts only if its own words were heard: .6 on the mean, not less."""
    for probability, flags in ((0.6, 1), (0.59, 0)):
        script = Script(utterance("这是最好的", supported=False), probability=probability)
        outcome = run(detection(script), said())
        assert len(only(outcome, Flag)) == flags
        assert len(only(outcome, Transcript)) == 1


def test_words_that_are_doubtful() -> None:
    """Doubtful words may be flagged, for people to judge, but are never told to the host."""
    outcome = run(detection(Script(utterance("这是最好的", supported=False))), said())
    assert (flag_of(outcome).status, only(outcome, Reminder)) == (Status.LOW_CONFIDENCE, [])


@pytest.mark.parametrize(
    ("text", "reminded"), [("最好", ["BEST"]), ("第一", []), ("哭", []), ("第一最好哭根治", ["BEST", "CURE"])]
)
def test_only_what_words_decide_is_reminded(text: str, reminded: list[str]) -> None:
    """Labels that need data or behaviour to decide (T2, T3) are flagged and never told to the host."""
    outcome = run(detection(Script(text)), said())
    assert len(flag_of(outcome).claims) == sum(word in text for word in WORDS)
    assert [r.label for r in only(outcome, Reminder)] == reminded


def test_reminders_by_time() -> None:
    """One of each label in five minutes of a stream, in speech and writing together, and across batches."""
    worker = detection(Script("最好", "最好根治", "最好"))
    first = run(worker, said(0, 0), text_message("最好", offset=1, sent_at=STARTED_AT + 1_000))
    second = run(worker, said(1, LEFT_MS - 10_000, offset=2), said(2, LEFT_MS, offset=3))
    assert [r.reminder_id for r in only(first, Reminder)] == [f"s1/BEST/{BUCKET}"]
    assert [r.reminder_id for r in only(second, Reminder)] == [f"s1/CURE/{BUCKET}", f"s1/BEST/{BUCKET + 1}"]
    assert [len(only(outcome, Flag)) for outcome in (first, second)] == [2, 2]


def test_the_same_again() -> None:
    """Handled by another worker, the same messages give the same records."""
    texts = ("这是最好的", "根治")
    one, two = (run(detection(Script(*texts)), said(), said(1, 10_000)) for _ in range(2))
    assert one == two


# Context ----------------------------------------------------------------------------------------------------------


def test_the_sentences_before() -> None:
    """A Flag holds up to three sentences of its stream, of the last minute, and not itself."""
    texts = ["零", "一", "二", "三", "最好"]
    worker = detection(Script(*texts))
    outcome = run(worker, *[said(n, n * 10_000) for n in range(5)])
    assert flag_of(outcome).context_before == "一 二 三"


def test_what_was_said_long_ago() -> None:
    """Sentences older than a minute, of later or of other streams are no context; failed ones leave no gap."""
    script = Script("老", "近", utterance("", failed=True, supported=False), "别处", "最好")
    messages = [
        said(0, 0),
        said(1, 70_000),
        said(2, 80_000),
        said(0, 90_000, stream="s2", offset=3),
        said(3, 100_000, offset=4),
    ]
    outcome = run(detection(script), *messages)
    assert flag_of(outcome).context_before == "近"


def test_context_of_a_line() -> None:
    """A host's line has what the stream said before it; lines are nobody's context."""
    worker = detection(Script("你好"))
    lines = [
        text_message("大家好", offset=0, sent_at=STARTED_AT + 5_000),
        text_message("最好", offset=1, sent_at=STARTED_AT + 9_000),
    ]
    assert flag_of(run(worker, said(), *lines)).context_before == "你好"


# Live text --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "role", "source"),
    [
        ("chat", "host", "chat"),
        ("chat", "assistant", "chat"),
        ("pinned", "viewer", "chat"),
        ("pinned", "unknown", "chat"),
        ("title", "unknown", "listing"),
        ("product", "platform", "listing"),
    ],
)
def test_a_flag_of_text(kind: str, role: str, source: str) -> None:
    """What the host answers for is flagged under the text's own id, without times in the stream or sound."""
    outcome = run(detection(Script()), text_message("这是最好的", kind=kind, author_role=role, text_id="t:9", offset=4))
    flag = flag_of(outcome)
    assert (flag.flag_id, flag.source, flag.text_kind, flag.status) == ("t:9", source, kind, "ok")
    assert [flag.start_ms, flag.end_ms, flag.speech, flag.sound] == [None, None, None, ()]
    assert [flag.claims[0].start_ms, flag.claims[0].end_ms, flag.claims[0].claim_id] == [None, None, "t:9/BEST"]
    assert flag.started_at == flag.ended_at
    assert flag.versions.speech is None
    assert [r.reminder_id for r in only(outcome, Reminder)] == [f"s1/BEST/{STARTED_AT // 300_000}"]
    assert [s.offset for s in outcome.free] == [4]


@pytest.mark.parametrize("role", ["viewer", "unknown", "platform"])
def test_others_are_never_flagged(role: str) -> None:
    """A viewer's, unknown or platform line gives its Transcript and nothing else, whatever it says."""
    finder = Rules()
    outcome = run(detection(Script(), finder=finder), text_message("最好 根治 第一", author_role=role))
    (transcript,) = [r.record for r in outcome.results]
    assert isinstance(transcript, Transcript)
    assert (transcript.author_role, transcript.source, transcript.text) == (role, "chat", "最好 根治 第一")
    assert finder.asked == []


@pytest.mark.parametrize(
    ("text", "given", "language"),
    [
        ("加我VX", None, "zh"),
        ("add me", None, "en"),
        ("add me", "zh-CN", "zh"),
        ("add me", "cmn-Hans", "zh"),
        ("加我", "en_US", "en"),
        ("加我", "", "zh"),
    ],
)
def test_the_language_of_a_line(text: str, given: str | None, language: str) -> None:
    """A line's language is the one it came with, told in two letters, else that of its script."""
    (transcript,) = only(run(detection(Script()), text_message(text, language=given)), Transcript)
    assert transcript.language == language


def test_advice_in_a_regional_language() -> None:
    """A host whose client says zh-CN is told in Chinese."""
    (reminder,) = only(run(detection(Script()), text_message("最好", language="zh-CN")), Reminder)
    assert (reminder.advice, reminder.why) == ("这样说", "BEST名")


# Goods ------------------------------------------------------------------------------------------------------------

GOODS_LABELS = LABELS | {code: label(code, "T2") for code in ("PRICE_MISMATCH", "FACT_MATERIAL", "SCARCITY_FAKE")}


class Shop:
    """Shows the same listings in stream s1, always."""

    def __init__(self, *listings: Listing) -> None:
        self._listings = listings

    def shown(self, stream_id: str, at: datetime) -> Sequence[Listing]:  # noqa: ARG002
        return self._listings if stream_id == "s1" else ()


def with_goods(script: Script, *listings: Listing, words: Mapping[str, str] = WORDS) -> Detection:
    return detection(script, finder=Rules(words), labels=GOODS_LABELS, goods=Shop(*listings))


def test_a_claim_against_the_listing() -> None:
    """Both values stand in the claim, and the fact is published before the flag that it leads to."""
    outcome = run(with_goods(Script("今天只要九十九块"), Listing(sku="a", price=129)), said())
    assert [type(r.record) for r in outcome.results] == [StreamHeard, Transcript, Fact, Flag]
    (claim,) = flag_of(outcome).claims
    assert (claim.claim_id, claim.label, claim.finder) == ("s1/0/224/PRICE_MISMATCH", "PRICE_MISMATCH", "listing")
    assert (claim.sku, claim.listing) == ("a", {"field": "price", "said": 99.0, "listed": 129.0})
    assert (claim.text, claim.span, claim.rule_id, claim.tier) == ("九十九块", (4, 8), None, "T2")
    assert (claim.start_ms, claim.end_ms, claim.advice, claim.law[0].kind) == (624, 1024, "这样说", "statute")
    (fact,) = only(outcome, Fact)
    assert (fact.fact_id, fact.key, fact.outcome, fact.label) == (
        "s1/0/224/price",
        "s1/a",
        "contradicts",
        "PRICE_MISMATCH",
    )
    assert (fact.value, fact.listed, fact.words, fact.span) == (99.0, 129.0, "九十九块", (4, 8))
    assert (fact.start_ms, fact.end_ms) == (claim.start_ms, claim.end_ms)


def test_a_fact_that_agrees_or_cannot_be_told() -> None:
    """Every fact is published; without a listing under no sku; the second one of a field has a number."""
    outcome = run(with_goods(Script("九十九块，全国包邮，长三十厘米，宽五十厘米"), Listing(sku="a", price=99)), said())
    assert [(f.fact_id.rpartition("/")[2], f.outcome, f.sku) for f in only(outcome, Fact)] == [
        ("price", "agrees", "a"), ("shipping", "cannot_tell", "a"),
        ("size", "cannot_tell", "a"), ("size2", "cannot_tell", "a"),
    ]  # fmt: skip
    assert only(outcome, Flag) == []
    (fact,) = only(run(detection(Script("九十九块")), said()), Fact)
    assert (fact.sku, fact.listed, fact.outcome, fact.key) == (None, None, "cannot_tell", "s1/")


@pytest.mark.parametrize(("stock", "flags", "settles"), [(50, 0, "SCARCITY_FAKE"), (500, 1, None), (None, 1, None)])
def test_a_claim_of_words_that_the_listing_bears_out(stock: int | None, flags: int, settles: str | None) -> None:
    """It is dropped, and the fact says so; where the listing contradicts, its claim stands for both."""
    worker = with_goods(Script("最后五十单"), Listing(sku="a", stock=stock), words={"最后": "SCARCITY_FAKE"})
    outcome = run(worker, said())
    assert [f.settles for f in only(outcome, Fact)] == [settles]
    found = [claim.finder for flag in only(outcome, Flag) for claim in flag.claims]
    assert found == {50: [], 500: ["listing"], None: ["rule"]}[stock]
    assert len(found) == flags


def test_another_field_settles_nothing() -> None:
    """A price that agrees does not drop a claim about the material, nor does a fact far away in the text."""
    words = {"顶级": "FACT_MATERIAL"}
    for text in ("顶级的，九十九块", "顶级的，" + "大家好，" * 6 + "是真丝的"):
        outcome = run(with_goods(Script(text), Listing(sku="a", price=99, material="真丝"), words=words), said())
        assert [claim.label for claim in flag_of(outcome).claims] == ["FACT_MATERIAL"]


def test_doubtful_words_against_the_listing() -> None:
    """In a doubtful utterance the fact is published with its status; it is a claim only if its words were heard."""
    for probability, flags in ((0.6, 1), (0.59, 0)):
        script = Script(utterance("只要九十九块", supported=False), probability=probability)
        outcome = run(with_goods(script, Listing(sku="a", price=129)), said())
        assert [f.status for f in only(outcome, Fact)] == [Status.LOW_CONFIDENCE]
        assert len(only(outcome, Flag)) == flags


def test_facts_of_lines() -> None:
    """The host's lines state facts, a viewer's do not."""
    worker = with_goods(Script(), Listing(sku="a", price=129))
    host, viewer = text_message("只要99元"), text_message("只要99元", offset=1, author_role="viewer")
    assert [(f.fact_id, f.start_ms) for f in only(run(worker, host, viewer), Fact)] == [("t0/price", None)]


# Law --------------------------------------------------------------------------------------------------------------

SAID_ON = date(2026, 9, 21)
"""The day STARTED_AT lies in."""


@pytest.mark.parametrize(
    ("change", "told", "shown"),
    [
        ({}, True, True),
        ({"kind": "regulation"}, True, True),
        ({"kind": "platform_rule"}, True, True),
        ({"in_force_from": None}, True, True),
        ({"verified": False}, True, False),
        ({"in_force_from": SAID_ON}, True, True),
        ({"in_force_from": date(2026, 9, 22)}, False, False),
        ({"in_force_until": SAID_ON}, True, True),
        ({"in_force_until": date(2026, 9, 20)}, False, False),
        ({"kind": "guideline"}, True, False),
        ({"kind": "case"}, True, False),
        ({"jurisdiction": "eu"}, False, False),
    ],
)
def test_which_law_is_shown(change: dict[str, object], told: bool, shown: bool) -> None:
    """Moderators see the jurisdiction's law in force when it was said; the host only what of it is verified, and
    binding or the platform's own; what nobody has dated counts as in force."""
    law = replace(STATUTE, **change)  # type: ignore[arg-type]
    outcome = run(detection(Script("最好"), labels=LABELS | {"BEST": label("BEST", law=(law,))}), said())
    (claim,), (reminder,) = flag_of(outcome).claims, only(outcome, Reminder)
    assert (len(claim.law), len(reminder.law)) == (int(told), int(shown))
    assert ("《广告法》第9条" in reminder.notice) is shown


# Latency ----------------------------------------------------------------------------------------------------------


def test_how_long_it_took() -> None:
    """Queue is up to recognition, speech is recognition, claims all after it, total all since the utterance ended."""
    clock = Clock(STARTED_AT / 1000 + 2.5 + 3.0)
    script = Script("最好", clock=clock)
    latency = flag_of(run(detection(script, clock=clock), said())).latency_ms
    assert latency.model_dump() == {"queue": 3_000, "speech": 2_000, "claims": 250, "total": 5_250}


def test_a_clock_behind() -> None:
    """A producer whose clock is ahead of ours gives no negative times."""
    clock = Clock(STARTED_AT / 1000 - 60)
    latency = flag_of(run(detection(Script("最好"), clock=clock), said())).latency_ms
    assert (latency.queue, latency.total) == (0, 0)


def test_what_was_set_aside_and_held() -> None:
    """What could not be read is handed on, and what is held is told."""
    worker = detection(Script())
    outcome = run(worker, chunk_message(sound("#" * 20)), chunk_message(b"x", sequence=1))
    assert [r.code for r in outcome.rejected] == ["bad_audio"]
    assert [s.offset for s in outcome.free] == [1]
    assert worker.held_seconds() == 2.0


# Both finders -----------------------------------------------------------------------------------------------------


class Learnt:
    """A classifier that knows one word by its characters, and remembers what it was asked."""

    version = "learnt-1"

    def __init__(self, word: str, code: str, score: float = 0.9, ruled_out: frozenset[str] = frozenset()) -> None:
        self._word, self._code, self._score, self._out = word, code, score, ruled_out
        self.asked: list[list[Text]] = []

    def judge(self, texts: Sequence[Text]) -> list[Judged]:
        self.asked.append(list(texts))
        found = [(self._found(text.text),) if self._word in text.text else () for text in texts]
        return [Judged(one, self._out) for one in found]

    def _found(self, text: str) -> Found:
        at = text.index(self._word)
        return Found(
            label=self._code, score=self._score, threshold=0.8, finder="classifier", start=at,
            end=at + len(self._word), normalised=self._word,
        )  # fmt: skip


def test_a_claim_that_only_the_classifier_finds() -> None:
    """It says who found it, its score and threshold, and has no rule; the Flag names the model."""
    flag = flag_of(run(detection(Script("这个包好用"), classifier=Learnt("包好", "CURE")), said()))
    (claim,) = flag.claims
    assert (claim.finder, claim.rule_id, claim.score, claim.threshold) == ("classifier", None, 0.9, 0.8)
    assert (claim.span, claim.text, claim.normalised) == ((2, 4), "包好", "包好")
    assert flag.versions.classifier == "learnt-1"


@pytest.mark.parametrize(("score", "kept"), [(0.9, 0.9), (0.3, 0.502)])
def test_what_both_find_is_one_claim(score: float, kept: float) -> None:
    """The rule's name and words, the higher score; another label of the classifier stands beside it."""
    learnt = Learnt("这是最好的", "BEST", score)
    (claim,) = flag_of(run(detection(Script("这是最好的"), classifier=learnt), said())).claims
    assert (claim.finder, claim.rule_id, claim.span, claim.score) == ("rule", "r.最好", (2, 4), kept)

    two = flag_of(run(detection(Script("这是最好的"), classifier=Learnt("这是", "CURE")), said())).claims
    assert [(one.label, one.finder) for one in two] == [("CURE", "classifier"), ("BEST", "rule")]


def test_a_rule_that_the_classifier_rules_out_is_not_told() -> None:
    """The words of a claim in a warning: the rule knows the words alone."""
    learnt = Learnt("never", "CURE", ruled_out=frozenset({"BEST"}))
    assert not [r for r in run(detection(Script("这是最好的"), classifier=learnt), said()) if isinstance(r, Flag)]
    assert flag_of(run(detection(Script("这是最好的"), classifier=Learnt("never", "CURE")), said())).claims


@pytest.mark.parametrize(("probability", "told"), [(0.61, ["BEST", "CURE"]), (0.59, [])])
def test_a_spoken_claim_needs_words_that_were_surely_heard(probability: float, told: list[str]) -> None:
    """Also where the utterance as a whole is believed, whoever found it."""
    script = Script("这是最好的包好", probability=probability)
    outcome = run(detection(script, classifier=Learnt("包好", "CURE")), said())
    assert sorted(claim.label for flag in only(outcome, Flag) for claim in flag.claims) == told


def test_the_classifier_is_told_how_surely_words_were_heard() -> None:
    """Of speech by the recogniser's certainty; what was written is in no doubt."""
    learnt = Learnt("never", "CURE")
    doubtful = replace(utterance("这个包好用"), avg_logprob=-0.325)
    run(detection(Script("大家好", doubtful), classifier=learnt), said(0), said(1, 10_000))
    run(detection(Script(), classifier=learnt), text_message("这个包好用", author_role="host"))
    assert [one.doubt for asked in learnt.asked for one in asked] == pytest.approx([0, 0.5, 0])


def test_the_classifier_is_asked_once_for_a_batch_with_what_was_said_before() -> None:
    """All utterances at once, each with the sentences before it."""
    learnt = Learnt("包好", "CURE")
    run(detection(Script("大家好", "这个包好用"), classifier=learnt), said(0), said(1, 10_000))
    assert [[(one.text, one.before) for one in asked] for asked in learnt.asked] == [
        [("大家好", ()), ("这个包好用", ("大家好",))]
    ]


def test_the_classifier_is_not_asked_about_viewers() -> None:
    """What a viewer writes is never a claim."""
    learnt = Learnt("包好", "CURE")
    run(detection(Script(), classifier=learnt), text_message("这个包好用", author_role="viewer"))
    assert learnt.asked == []


def test_without_a_classifier_no_flag_names_one() -> None:
    """Rules alone."""
    assert flag_of(run(detection(Script("最好")), said())).versions.classifier is None


# Policy -----------------------------------------------------------------------------------------------------------


def treated(**treatments: Treatment) -> Policy:
    return Policy(treatments, POLICY.defaults, "policy-2")


SHADOW, OFF = Treatment(mode=Mode.SHADOW, remind=0.5), Treatment(mode=Mode.OFF, remind=0.5)


def test_a_label_in_shadow_is_never_told() -> None:
    """Its claim is in a record of its own, for those who try it out: in no Flag, and no Reminder."""
    outcome = run(detection(Script("最好第一"), policy=treated(BEST=SHADOW)), said())
    (shadow,) = only(outcome, ShadowFlag)
    assert [claim.label for claim in flag_of(outcome).claims] == ["RANK"]
    assert [claim.label for claim in shadow.claims] == ["BEST"]
    assert (shadow.topic, shadow.flag_id, shadow.versions) == (
        "moderation.shadow",
        "s1/0/224",
        flag_of(outcome).versions,
    )
    assert shadow.versions.policy == "policy-2"
    assert (shadow.claims[0].start_ms, shadow.claims[0].text) == (224, "最好")
    assert only(outcome, Reminder) == []
    assert (shadow.severity, shadow.tier) == ("minor", "T1")


def test_only_shadow() -> None:
    """An utterance whose claims are all in shadow has no Flag at all."""
    outcome = run(detection(Script("最好"), policy=treated(BEST=SHADOW)), said())
    assert [type(r.record) for r in outcome.results] == [StreamHeard, Transcript, ShadowFlag]


def test_a_label_that_is_off() -> None:
    """Its claims are nowhere, and nobody asks when their words sounded."""
    script = Script("最好")
    outcome = run(detection(script, policy=treated(BEST=OFF)), said())
    assert [type(r.record) for r in outcome.results] == [StreamHeard, Transcript]
    assert script.aligned == []


def test_the_score_a_rule_must_reach() -> None:
    """A surer place of the same words is told, and the claim says what it had to reach."""
    policy = treated(BEST=Treatment(rule=0.502, remind=0.9))
    (claim,) = flag_of(run(detection(Script("最好 最好"), policy=policy), said())).claims
    assert (claim.span, claim.score, claim.threshold) == ((3, 5), 0.503, 0.502)
    assert only(run(detection(Script("最好"), policy=policy), said()), Flag) == []


def test_the_listing_s_claims_have_a_mode_too() -> None:
    """A price that the listing contradicts, in shadow; the fact is published as ever."""
    goods = Shop(Listing(sku="a", price=129))
    worker = detection(
        Script("今天只要九十九块"), labels=GOODS_LABELS, goods=goods, policy=treated(PRICE_MISMATCH=SHADOW)
    )
    outcome = run(worker, said())
    assert [type(r.record) for r in outcome.results] == [StreamHeard, Transcript, Fact, ShadowFlag]


def test_rules_on_trial() -> None:
    """What they find is in shadow though its label is live; what is off stays off."""
    trial = Rules({"根治": "CURE", "第一": "RANK"})
    worker = detection(Script("最好根治第一"), finder=Rules({"最好": "BEST"}), on_trial=trial, policy=treated(RANK=OFF))
    outcome = run(worker, said())
    assert [claim.label for claim in flag_of(outcome).claims] == ["BEST"]
    assert [[claim.label for claim in one.claims] for one in only(outcome, ShadowFlag)] == [["CURE"]]
    assert [reminder.label for reminder in only(outcome, Reminder)] == ["BEST"]


def test_doubtful_words_in_shadow() -> None:
    """They too need to be surely heard."""
    for probability, shadows in ((0.6, 1), (0.59, 0)):
        script = Script(utterance("最好", supported=False), probability=probability)
        outcome = run(detection(script, policy=treated(BEST=SHADOW)), said())
        assert len(only(outcome, ShadowFlag)) == shadows


def test_a_batch_is_judged_by_one_rulebook() -> None:
    """It is asked for once for each batch, so that an edit in between changes the next batch and not half of this."""
    books = [
        Rulebook(labels=LABELS, finder=Rules(), policy=policy)
        for policy in (POLICY, treated(BEST=OFF), treated(BEST=SHADOW))
    ]
    worker = detection(Script("最好", "最好", "最好", "最好"), books=books)
    first = run(worker, said(0), said(1, 10_000))
    second = run(worker, said(2, 20_000))
    third = run(worker, said(3, 30_000))
    assert [len(only(outcome, Flag)) for outcome in (first, second, third)] == [2, 0, 0]
    assert [len(only(outcome, ShadowFlag)) for outcome in (first, second, third)] == [0, 0, 1]
    assert books == []


def test_a_surely_heard_claim_is_not_lost_behind_an_unsure_one_of_its_label() -> None:
    """The surer by score was misheard; the other was not."""

    class TwoVoices(Script):
        def align(self, row: Row, text: str) -> list[Word]:
            words = super().align(row, text)
            return [replace(word, probability=0.95 if at < len(words) // 2 else 0.2) for at, word in enumerate(words)]

    (claim,) = flag_of(run(detection(TwoVoices("最好的东西最好")), said())).claims
    assert claim.span == (0, 2)


def test_a_rule_on_trial_is_not_told_as_the_listing_s() -> None:
    """Where the listing contradicts and a rule on trial finds the same label, each is told as what it is."""
    trial = Rules({"只要": "PRICE_MISMATCH"})
    worker = detection(
        Script("只要九十九块"),
        finder=Rules({}),
        labels=GOODS_LABELS,
        goods=Shop(Listing(sku="a", price=129)),
        on_trial=trial,
    )
    outcome = run(worker, said())
    assert [one.finder for one in flag_of(outcome).claims] == ["listing"]
    (shadow,) = only(outcome, ShadowFlag)
    assert [(one.finder, one.rule_id, one.listing) for one in shadow.claims] == [("rule", "r.只要", None)]


def test_what_is_heard_again_is_not_its_own_context() -> None:
    """After a rebalance the same utterance comes once more."""
    worker = detection(Script("这是最好的", "这是最好的"))
    first = flag_of(run(worker, said()))
    worker.prepare(Batch((), frozenset(), frozenset({(Partition("live.audio", 0), 1)}), 0.0))
    again = flag_of(run(worker, said()._replace(epoch=2)))
    assert (first.flag_id, first.context_before) == (again.flag_id, again.context_before)
