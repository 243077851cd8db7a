"""Rows of cues in the transcripts of one stream: what is found, what stays silent, whatever the order of arrival."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache, partial
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from models.cues import Cues, CuesError
from models.labels import load_labels
from models.variants import load_variants
from tests.benchmarks.scenes import judged, named_right
from tests.worker.scenes import STARTED, flags_of, played, read_scenes, transcript
from worker.batches import Batch, Spot
from worker.bus import Message, Partition
from worker.codec import encode
from worker.policy import Policy, Treatment
from worker.records import AuthorRole, Flag, Place, Source, Status, TextKind, Transcript
from worker.sequences import KEPT_S, FixedTerms, Said, Sequences, Watch

ROOT = Path(__file__).parent.parent.parent
FILE = ROOT / "configs" / "sequences.yaml"
LABELS = load_labels(ROOT / "configs" / "labels.yaml")
VARIANTS = load_variants(ROOT / "configs" / "lexicon" / "variants.yaml")
CUES = Cues.load(FILE, LABELS, VARIANTS)

HAGGLE = ("host: 老板，这个锅今天九十九给不给", "host: 不行不行，九十九我亏死了", "host: 算了算了，九十九上链接")
GONE, BACK = "host: 三号链接没了没了", "host: 运营再给我加十单"
CALL = "host: 没拍的也帮我打已拍"


def watch() -> Watch:
    return Watch(CUES, LABELS)


def found(scene: Sequence[str]) -> list[str]:
    return [flag.claims[0].rule_id or "" for flag in flags_of(watch(), played(scene))]


def ids(said: Iterable[Transcript]) -> set[str]:
    return {flag.flag_id for flag in flags_of(watch(), said)}


# -- the words, and the examples in the file


def test_the_cues_find_their_own_examples() -> None:
    """Each way of giving a cue finds its hits and none of its misses."""
    assert CUES.problems() == []


SCENES = [(rule.id, scene, True) for rule in CUES.rules for scene in rule.hits]
SCENES += [(rule.id, scene, False) for rule in CUES.rules for scene in rule.misses]


@pytest.mark.parametrize(("rule", "scene", "fires"), SCENES)
def test_the_rules_find_their_own_scenes(rule: str, scene: tuple[str, ...], fires: bool) -> None:
    """Each rule makes one claim of a scene that is a hit, and none of one that is a miss."""
    assert found(scene).count(rule) == int(fires)


def test_ordinary_talk_makes_no_row() -> None:
    """Three hundred lines of talk about anything, five seconds apart, make no claim."""
    talk = (ROOT / "tests" / "data" / "ordinary_talk.txt").read_text(encoding="utf-8").splitlines()
    said = [transcript(n, "host", line, 5.0 * n) for n, line in enumerate(talk)]
    assert len(said) > 300
    assert flags_of(watch(), said) == []


# -- a flag


def test_a_flag_names_all_its_cues() -> None:
    """Ids, times, words and sound of every utterance, so that a clip can be cut; the id is the first one's."""
    said = played((GONE, "host: 大家别急", "viewer: 怎么办", BACK))
    (flag,) = flags_of(watch(), said)
    (claim,) = flag.claims
    assert flag.flag_id == claim.claim_id == f"{said[0].transcript_id}/SCARCITY_FAKE/sequence"
    assert [cue.cue for cue in claim.cues] == ["stock_gone", "stock_back"]
    assert [cue.transcript_id for cue in claim.cues] == [said[0].transcript_id, said[3].transcript_id]
    assert [cue.text[slice(*cue.span)] for cue in claim.cues] == ["链接没了", "再给我加十单"]
    assert [(cue.start_ms, cue.end_ms) for cue in claim.cues] == [(0, 4000), (30_000, 34_000)]
    assert flag.sound == (Place("live.audio", 0, 0), Place("live.audio", 0, 3))
    assert (flag.start_ms, flag.end_ms) == (0, 34_000)
    assert (flag.started_at, flag.ended_at) == (said[0].started_at, said[3].ended_at)
    assert flag.transcript[slice(*claim.span)] == claim.text
    assert (claim.finder, claim.rule_id, claim.tier, claim.label) == ("sequence", "restock", "T2", "SCARCITY_FAKE")
    assert {law.jurisdiction for law in claim.law} == {"cn"}
    assert flag.versions.lexicon == CUES.version
    assert Flag.model_validate_json(encode(flag).value) == flag


def test_a_flood_is_named_line_by_line() -> None:
    """The call, and as many lines as it takes; those have no time in the stream."""
    said = played((CALL, "viewer: 主播好", "viewer x9: 已拍"))
    (flag,) = flags_of(watch(), said)
    cues = flag.claims[0].cues
    assert [cue.cue for cue in cues] == ["not_only_buyers", "comments_asked", *["flood"] * 5]
    assert [cue.transcript_id for cue in cues[2:]] == [one.transcript_id for one in said[2:7]]
    assert flag.ended_at == said[6].ended_at
    assert (flag.source, flag.start_ms, flag.end_ms) == (Source.SPEECH, 0, 4000)
    assert flag.transcript.splitlines() == ["没拍的也帮我打已拍", *["已拍"] * 5]


def test_latency_counts_from_the_last_cue() -> None:
    """Only the time that the caller gives counts; there is no clock inside."""
    one, two = played((GONE, BACK))
    seen = watch()
    seen.add(seen.read(one, 0.0), 0.0)
    (flag,) = seen.add(seen.read(two, 0.0), two.ended_at.timestamp() + 2.5)
    assert flag.latency_ms.total == 2500


# -- who says it, and how


def test_only_the_host_s_side_gives_cues() -> None:
    """Viewers may say that it is gone and that it is back."""
    assert found(("viewer: 没货了", "viewer: 又有货了")) == []
    assert found((GONE, "assistant: 库存补好了")) == ["restock"]


@pytest.mark.parametrize(
    "change",
    [
        {"status": Status.LOW_CONFIDENCE},
        {"source": Source.LISTING, "text_kind": TextKind.PRODUCT},
        {"text": ""},
    ],
    ids=["doubtful", "product text", "no words"],
)
def test_what_was_not_surely_said_is_no_cue(change: dict[str, object]) -> None:
    """A doubtful utterance, the text of a product and silence."""
    one, two = played((GONE, BACK))
    assert ids((one, two)) != set()
    assert ids((one.model_copy(update=change), two)) == set()


def test_words_written_around_are_still_heard() -> None:
    """Traditional characters, symbols between them and full width."""
    assert found(("host: 全 部·没 貨 了", "host: 再給你們加１０單")) == ["restock"]


def test_an_utterance_heard_twice_is_no_row() -> None:
    """After a crash its second half may be heard again under another id; "back, then gone" is still no "gone, back"."""
    one = transcript(0, "host", "又有货了大家快抢，没了没了", 10)
    again = transcript(1, "host", "又有货了大家快抢，没了没了", 10.3)
    assert ids((one, again)) == set()


def test_streams_do_not_mix() -> None:
    """Gone in one room and back in another is nothing."""
    seen = watch()
    assert flags_of(seen, [*played((GONE,), "a"), *played((BACK,), "b", STARTED + timedelta(seconds=20))]) == []


# -- time and order


def test_a_row_is_at_most_five_minutes_long() -> None:
    """At 300 seconds it is one, at 301 it is none."""
    assert found((GONE, BACK.replace("host", "host +300"))) == ["restock"]
    assert found((GONE, BACK.replace("host", "host +301"))) == []


def test_chat_that_comes_long_before_the_speech_it_answers_counts() -> None:
    """Speech may be heard minutes after the lines that were written meanwhile."""
    call, *lines = played((CALL, "viewer x8: 已拍"))
    seen = watch()
    late = STARTED.timestamp() + 240
    assert [f for one in lines for f in seen.add(seen.read(one, one.started_at.timestamp()), 0.0)] == []
    assert [f.claims[0].rule_id for f in seen.add(seen.read(call, late), 0.0)] == ["asked_of_all"]


def test_one_flag_per_label_and_five_minutes() -> None:
    """A restock every half minute for a quarter of an hour is one flag in each five minutes."""
    said = played((GONE, BACK) + ("host +20: 卖完了", BACK) * 29)
    flags = flags_of(watch(), said)
    assert len({flag.flag_id for flag in flags}) == len(flags)
    blocks = [int(flag.started_at.timestamp()) // 300 for flag in flags]
    assert blocks == sorted(set(blocks))
    assert len(blocks) == 3


def scene_of_all() -> list[Transcript]:
    """Each kind of row once, ordinary talk between."""
    return played(
        (
            "host: 大家好",
            *HAGGLE,
            "viewer: 便宜",
            GONE,
            "viewer x3: 主播好",
            "host: 看下一款",
            BACK,
            CALL,
            "viewer x9: 已拍",
        )
    )


def test_all_of_them_in_one_broadcast() -> None:
    """The rows do not hide each other."""
    said = scene_of_all()
    assert {flag.claims[0].rule_id for flag in flags_of(watch(), said)} == {"haggle", "restock", "asked_of_all"}


@cache
def heard() -> tuple[Said, ...]:
    return tuple(watch().read(one, STARTED.timestamp()) for one in scene_of_all())


def told(order: Iterable[int]) -> list[str]:
    """The flag ids, as they come of the lines in this order."""
    seen, said = watch(), heard()
    return [flag.flag_id for one in order for flag in seen.add(said[one], 0.0)]


@given(st.data())
def test_repeats_and_swapped_neighbours_change_nothing(data: st.DataObject) -> None:
    """Any message twice, and any neighbours in the other order: the same flag ids, each told once."""
    said = scene_of_all()
    order = list(range(len(said)))
    at = data.draw(st.sets(st.integers(0, len(said) // 2 - 1)))
    for one in sorted(at):
        order[2 * one], order[2 * one + 1] = order[2 * one + 1], order[2 * one]
    again = data.draw(st.lists(st.integers(0, len(said) - 1), max_size=10))
    arrived = order[:]
    for one in again:
        arrived.insert(data.draw(st.integers(arrived.index(one) + 1, len(arrived))), one)
    assert sorted(told(arrived)) == sorted(told(range(len(said))))


@given(st.randoms(use_true_random=False))
def test_any_order_of_arrival_makes_the_same_claims(shuffle: random.Random) -> None:
    """However late things come, the same labels are claimed, once each."""
    mixed = list(range(len(scene_of_all())))
    shuffle.shuffle(mixed)
    labels = sorted(flag_id.rsplit("/", 2)[1] for flag_id in told(mixed))
    assert labels == ["HYPE_SCRIPT", "SALES_FAKE", "SCARCITY_FAKE"]


@given(st.lists(st.tuples(st.sampled_from(["host", "viewer", "assistant"]), st.text(max_size=40)), max_size=30))
def test_any_words_are_survived(lines: list[tuple[str, str]]) -> None:
    """Whatever is said, it ends, and every flag is whole."""
    said = [transcript(n, who, words, 3.0 * n) for n, (who, words) in enumerate(lines)]
    for flag in flags_of(watch(), said):
        assert flag.transcript[slice(*flag.claims[0].span)] == flag.claims[0].text


@pytest.mark.parametrize("part", ["没", "老板", "boss ", "九", "1", "type ", "everyone ", "再给我", "最后"])
def test_long_texts_take_no_time(part: str) -> None:
    """No pattern backtracks without end."""
    text = part * (20_000 // len(part))
    began = time.perf_counter()
    CUES.find(text)
    played_through = watch()
    flags_of(played_through, [transcript(0, "host", text, 0), transcript(1, "viewer", text, 1)])
    assert time.perf_counter() - began < 2


def test_memory_is_bounded() -> None:
    """Of a room that writes without end only the last lines are kept, and what is old is forgotten."""
    seen = watch()
    for number in range(4_000):
        one = transcript(number, "viewer", f"第{number}句", number * 0.01)
        seen.add(seen.read(one, one.started_at.timestamp()), 0.0)
    (stream,) = seen._streams[None].values()
    assert len(stream.lines) <= 1_500
    late = transcript(9_999, "viewer", "你好", 100 + KEPT_S)
    seen.add(seen.read(late, late.started_at.timestamp()), 0.0)
    assert (len(stream.lines), len(stream.known), seen._kept) == (1, 1, 2)


def test_streams_that_ended_are_forgotten() -> None:
    """Of fifty thousand short streams one after the other those of the last ten minutes are left, with cues or
    without; a partition whose log lags behind loses nothing."""
    seen, begin = watch(), STARTED.timestamp()
    lagging = (Partition("moderation.transcripts", 1), 1)
    seen.add(seen.read(transcript(0, "host", "大家好", 0, stream="far"), begin - 5_000), 0.0, lagging)
    one = transcript(0, "viewer", "你好", 0)
    for number in range(50_000):
        words = {} if number % 2 else {"text": "", "author_role": AuthorRole.HOST}
        said = seen.read(one.model_copy(update={"stream_id": f"room-{number}", **words}), begin + number)
        seen.add(said, 0.0)
    assert list(seen._streams[None]) == [f"room-{number}" for number in range(50_000 - KEPT_S - 1, 50_000)]
    assert list(seen._streams[lagging]) == ["far"]
    assert seen._kept == sum(stream.size for streams in seen._streams.values() for stream in streams.values())


def test_a_line_costs_no_more_the_more_calls_there_were() -> None:
    """In a room where the host calls every eight seconds a line of the fifth minute takes no more work than one of
    the third, when the time that a flood may last is full: calls that it came too late for are not looked at."""
    seen, spent = watch(), [0.0] * 5
    letters = [chr(one) for one in range(0x4E00, 0x4E80)]
    for number in range(1_500):
        if number % 40 == 0:
            call = transcript(10_000 + number, "host", CALL.removeprefix("host: "), number / 5)
            seen.add(seen.read(call, call.started_at.timestamp()), 0.0)
        one = transcript(number, "viewer", "".join(letters[number * k % 127] for k in range(1, 7)), number / 5)
        said = seen.read(one, one.started_at.timestamp())
        began = time.process_time()
        assert seen.add(said, 0.0) == []
        spent[number // 300] += time.process_time() - began
    assert spent[4] <= 2 * spent[2] + 0.2


def test_a_flood_in_a_room_that_never_stops_writing() -> None:
    """Of a thousand lines in the seconds after a call the first of the flood count, and what is far behind it does
    not."""
    call = transcript(0, "host", CALL.removeprefix("host: "), 60)
    chat = [transcript(n + 1, "viewer", f"第{n}句话", 60 + n / 20) for n in range(1_000)]
    early = [transcript(2_000 + n, "viewer", "已拍", 65 + n / 100) for n in range(9)]
    late = [transcript(2_000 + n, "viewer", "已拍", 108 + n / 100) for n in range(9)]
    assert [flag.claims[0].rule_id for flag in flags_of(watch(), [call, *chat, *early])] == ["asked_of_all"]
    assert flags_of(watch(), [call, *chat, *late]) == []


# -- the handler

TOPIC = Partition("moderation.transcripts", 0)


def message(number: int, one: Transcript, epoch: int = 1) -> Message:
    encoded = encode(one)
    at = round(one.started_at.timestamp() * 1000)
    return Message(encoded.topic, 0, number, epoch, encoded.key, encoded.value, encoded.headers, at)


def batch(*messages: Message, past: Sequence[Message] = (), gone: Iterable[tuple[Partition, int]] = ()) -> Batch:
    return Batch(messages, frozenset(), frozenset(gone), STARTED.timestamp(), past=past)


def run(handler: Sequences, one: Batch) -> list[str]:
    outcome = handler.handle(handler.prepare(one))
    return [result.record.flag_id for result in outcome.results if isinstance(result.record, Flag)]


def test_every_message_is_free_at_once() -> None:
    """Nothing rests on a message once it is handled; one that is no transcript is set aside."""
    handler = Sequences(watch())
    bad = message(1, played((GONE,))[0])._replace(value=b"{}")
    outcome = handler.handle(handler.prepare(batch(message(0, played((GONE,))[0]), bad)))
    assert set(outcome.free) == {Spot(TOPIC, 1, 0), Spot(TOPIC, 1, 1)}
    assert [(rejected.message, rejected.code) for rejected in outcome.rejected] == [(bad, "bad_json")]


def test_what_a_claim_says_is_that_of_the_labels_in_force() -> None:
    """A reload changes severity, tier and advice from the next batch on, with the version of the policy; a score
    below that which the policy wants of a rule is no claim, one that reaches it is."""
    label = replace(LABELS["SCARCITY_FAKE"], severity="critical", tier="T1", advice_zh="改口")
    (score,) = {rule.score for rule in CUES.rules if rule.id == "restock"}

    def handled(rule: float) -> list[Flag]:
        policy = Policy({"SCARCITY_FAKE": Treatment(rule=rule)}, version="next")
        terms = [FixedTerms(LABELS, Policy()), FixedTerms({**LABELS, "SCARCITY_FAKE": label}, policy)]
        handler = Sequences(watch(), lambda: terms.pop(0))
        gone, back = (message(n, one) for n, one in enumerate(played((GONE, BACK))))
        assert run(handler, batch(gone)) == []
        results = handler.handle(handler.prepare(batch(back))).results
        return [one.record for one in results if isinstance(one.record, Flag)]

    (flag,) = handled(score)
    (claim,) = flag.claims
    assert (flag.severity, flag.tier, flag.suggestion) == ("critical", "T1", "urgent")
    assert (claim.severity, claim.tier, claim.advice) == ("critical", "T1", "改口")
    assert (claim.threshold, flag.versions.policy) == (score, "next")
    assert handled(score + 0.01) == []


def test_what_was_handled_before_is_remembered_and_not_told_again() -> None:
    """After a hand-over the messages of the last minutes are read again, a bad one among them: a row that they
    complete was told by the one before, one that begins there is ours."""
    one, two, three = played((GONE, BACK, "host +20: 卖完了"))
    four = transcript(3, "host", "再给你们加十单", 330)
    handler = Sequences(watch())
    past = [message(n, said) for n, said in enumerate((one, two, three))]
    assert run(handler, batch(past=[*past, message(3, four)._replace(value=b"no")])) == []
    assert run(handler, batch(message(4, four))) == []  # the row before has this block already
    fresh = Sequences(watch())
    run(fresh, batch(past=[message(2, three)]))
    assert run(fresh, batch(message(4, four))) == [f"{three.transcript_id}/SCARCITY_FAKE/sequence"]


def test_what_is_read_under_another_assignment_begins_anew() -> None:
    """A partition that went is forgotten, and so is what was read of it before it came back."""
    one, two = played((GONE, BACK))
    handler = Sequences(watch())
    run(handler, batch(message(0, one)))
    assert run(handler, batch(message(1, two, epoch=2), gone=[(TOPIC, 1)])) == []
    assert run(handler, batch(message(1, two, epoch=1))) == []


# -- the file


def changed(tmp_path: Path, change: partial[None] | None = None, text: str | None = None) -> Path:
    data = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    if change is not None:
        change(data)
    path = tmp_path / "sequences.yaml"
    path.write_text(text if text is not None else yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    return path


def put(place: Sequence[str | int], value: object, data: dict[str, object]) -> None:
    inner = data
    for key in place[:-1]:
        inner = inner[key]  # type: ignore[index, assignment]
    inner[place[-1]] = value  # type: ignore[index]


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (["rules", 0, "label"], "HYPE", r"rule haggle: label: unknown label HYPE"),
        (["rules", 0, "steps"], ["price_asked", "nothing"], r"rule haggle: steps: no cue is named nothing"),
        (["rules", 0, "silent_if"], ["nothing"], r"rule haggle: silent_if: no cue is named nothing"),
        (["rules", 0, "steps"], ["price_asked"], r"rules\.0: .*one step alone"),
        (["rules", 0, "within_s"], 301, r"rules\.0\.within_s"),
        (["rules", 0, "approved_by"], ["law", "law"], r"rules\.0: .*two different roles"),
        (["rules", 0, "withn_s"], 30, r"rules\.0\.withn_s"),
        (["rules", 1, "id"], "haggle", r"rule haggle: id: stands twice"),
        (["goods"], ["号"], r"goods: '号' needs exactly one group"),
        (["sounds"], ["V信"], r"sounds: V信 must be Han characters alone"),
        (["rules", 0, "also"], ["nothing"], r"rule haggle: also: no cue is named nothing"),
        (["rules", 0, "broken_by"], ["nothing"], r"rule haggle: broken_by: no cue is named nothing"),
        (["rules", -1, "flood", "at_least"], 1, r"rules\.\d+\.flood\.at_least"),
        (["rules", -1, "flood", "lines"], ["(没"], r"rule asked_for_show: flood\.lines: bad pattern"),
        (["cues", 0, "patterns"], ["(没"], r"cue zh\.price\.asked: patterns: bad pattern '\(没'"),
        (["cues", 0, "patterns"], ["a{99999999999}"], r"cue zh\.price\.asked: patterns: bad pattern"),
        (["cues", 0, "patterns"], ["(?:" * 3000 + "a" + ")" * 3000], r"cue zh\.price\.asked: .*too deep"),
        (["cues", 0, "not_if"], ["(哦+)+x"], r"cue zh\.price\.asked: not_if: pattern .* backtracks without end"),
        (["cues", 0, "patterns"], ["没?"], r"cue zh\.price\.asked: patterns: pattern '没\?' matches nothing"),
        (["cues", 0, "patterns"], ["{unknown_list}"], r"cue zh\.price\.asked: patterns: unknown list \{unknown_list\}"),
        (["cues", 0, "hits"], [], r"cues\.0\.hits"),
        (["lists", "zh", "numeral"], ["{money}"], r"lists hold each other"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_says_where(
    tmp_path: Path, place: list[str | int], value: object, reason: str
) -> None:
    """Each mistake names the file, the line, the entry and the key."""
    with pytest.raises(CuesError, match=rf"sequences\.yaml:\d+: .*{reason}"):
        Cues.load(changed(tmp_path, partial(put, place, value)), LABELS)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("goods: []\ncues: [", "3: is not YAML"),
        ("", "1: "),
        ("[]", "1: "),
        ("lists: {}\ncues: []\nrules: []", "2: cues: "),
        ("cues: []\nrules: []\ncues: []", "3: is not YAML: the key cues stands twice"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, text: str, told: str) -> None:
    """What is no YAML, empty, of another shape, or says one thing twice is told with its line."""
    with pytest.raises(CuesError, match=rf"sequences\.yaml:{told}"):
        Cues.load(changed(tmp_path, text=text), LABELS)


def test_the_line_is_that_of_the_entry(tmp_path: Path) -> None:
    """The first line of the rule that is wrong."""
    text = FILE.read_text(encoding="utf-8").replace("label: SCARCITY_FAKE", "label: NO_SUCH", 1)
    first = next(at for at, line in enumerate(text.splitlines(), start=1) if "label: NO_SUCH" in line) - 1
    with pytest.raises(CuesError, match=rf"sequences\.yaml:{first}: rule \w+: label: unknown label NO_SUCH"):
        Cues.load(changed(tmp_path, text=text), LABELS)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Is named."""
    with pytest.raises(CuesError, match=r"none\.yaml"):
        Cues.load(tmp_path / "none.yaml", LABELS)


def test_the_version_is_that_of_the_rules(tmp_path: Path) -> None:
    """The same rules have the same version wherever they lie; a word more, also in a list, or variants make another."""
    same = Cues.load(changed(tmp_path), LABELS, VARIANTS).version
    assert same == CUES.version
    assert Cues.load(changed(tmp_path), LABELS).version != same
    for place, value in ((["rules", 0, "score"], 0.9), (["lists", "zh", "boss"], ["老板", "舅舅"])):
        assert Cues.load(changed(tmp_path, partial(put, place, value)), LABELS, VARIANTS).version != same


# -- whole scenes


def test_staged_scenes_are_found_and_honest_ones_let_pass() -> None:
    """Of the scenes that the rules were made with nearly all staged ones, with hardly a line named that no person
    would, and of the honest ones none but one."""
    done = judged(read_scenes(ROOT / "models" / "data" / "scenes" / "dev.jsonl"), watch())
    staged, honest = ([one for one in done if bool(one.scene.label) is wanted] for wanted in (True, False))
    assert len(staged) >= 60
    assert len(honest) >= 40
    assert sum(one.right for one in staged) >= 0.95 * len(staged)
    assert sum(not one.right for one in honest) <= 1
    assert named_right(done) >= 0.9


def test_scenes_never_seen() -> None:
    """Of 60 scenes by somebody who never saw the rules, as many as docs/benchmarks.md tells; its aim is missed."""
    done = judged(read_scenes(ROOT / "models" / "data" / "scenes" / "test.jsonl"), watch())
    staged, honest = ([one for one in done if bool(one.scene.label) is wanted] for wanted in (True, False))
    assert (len(staged), len(honest)) == (40, 20)
    assert sum(one.right for one in staged) >= 24
    assert sum(not one.right for one in honest) <= 3
