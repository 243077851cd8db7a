"""One record of every kind that is published, each field filled with something of its own."""

from __future__ import annotations

from datetime import UTC, date, datetime

from worker.records import (
    AuthorRole,
    Claim,
    Cue,
    Fact,
    Flag,
    Latency,
    Law,
    Outcome,
    Place,
    Record,
    Reminder,
    Severity,
    ShadowFlag,
    Source,
    Speech,
    Status,
    StreamHeard,
    Suggestion,
    TextKind,
    Tier,
    Transcript,
    Versions,
)

STARTED, ENDED = datetime(2026, 5, 1, 12, 0, 0, 123_000, UTC), datetime(2026, 5, 1, 12, 0, 4, tzinfo=UTC)
SOUND = (Place("live.audio", 2, 40), Place("live.audio", 2, 41))
SPEECH = Speech(model="whisper-x", avg_logprob=-0.25, no_speech_prob=0.01)
LAW = Law(
    jurisdiction="cn",
    kind="statute",
    title_zh="中华人民共和国广告法",
    title_en="Advertising Law",
    article_zh="第9条",
    article_en="Art. 9",
    in_force_from=date(2015, 9, 1),
    verified=True,
)

TRANSCRIPT = Transcript(
    transcript_id="s1/3/250",
    stream_id="s1",
    streamer_id="h1",
    source=Source.SPEECH,
    status=Status.OK,
    language="zh",
    start_ms=15_250,
    end_ms=19_127,
    started_at=STARTED,
    ended_at=ENDED,
    text="全网最低价👍",
    speech=SPEECH,
    sound=SOUND,
)

LINE = Transcript(
    transcript_id="t1",
    stream_id="s1",
    streamer_id="h1",
    source=Source.CHAT,
    text_kind=TextKind.PINNED,
    author_role=AuthorRole.ASSISTANT,
    status=Status.OK,
    language="en",
    started_at=STARTED,
    ended_at=STARTED,
    text="add me",
)

CUE = Cue(
    cue="stock_gone",
    transcript_id="s1/1/70",
    source=Source.SPEECH,
    author_role=AuthorRole.HOST,
    start_ms=5_070,
    end_ms=7_000,
    started_at=STARTED,
    ended_at=ENDED,
    text="没货了",
    span=(0, 3),
    sound=SOUND[:1],
)

CLAIM = Claim(
    claim_id="s1/3/250/PRICE_LOWEST",
    label="PRICE_LOWEST",
    score=0.95,
    threshold=0.5,
    finder="rule",
    rule_id="zh.price.lowest",
    sku="sku-1",
    start_ms=15_300,
    end_ms=16_100,
    text="全网最低价",
    span=(0, 5),
    normalised="全网最低价",
    tier=Tier.T1,
    severity=Severity.MAJOR,
    law=(LAW,),
    advice="说清楚跟哪里比。",
    listing={"field": "price", "said": 9.9, "listed": 19.9},
    cues=(CUE,),
)

FLAG = Flag(
    flag_id="s1/3/250",
    stream_id="s1",
    streamer_id="h1",
    source=Source.SPEECH,
    status=Status.OK,
    language="zh",
    start_ms=15_250,
    end_ms=19_127,
    started_at=STARTED,
    ended_at=ENDED,
    transcript="全网最低价👍",
    context_before="大家好",
    speech=SPEECH,
    sound=SOUND,
    claims=(CLAIM,),
    severity=Severity.MAJOR,
    tier=Tier.T1,
    suggestion=Suggestion.REVIEW,
    versions=Versions(speech="whisper-x", lexicon="abc"),
    latency_ms=Latency(queue=10, speech=20, claims=5, total=35),
)

REMINDER = Reminder(
    reminder_id="s1/PRICE_LOWEST/0",
    stream_id="s1",
    streamer_id="h1",
    label="PRICE_LOWEST",
    flag_id="s1/3/250",
    language="zh",
    said="全网最低价",
    said_at=STARTED,
    why="全网最低价",
    advice="说清楚跟哪里比。",
    law=(LAW,),
    notice="依据：《中华人民共和国广告法》第9条；本平台规则“全网最低价”",
)

HEARD = StreamHeard(
    heard_id="s1/2026-05-01/3", stream_id="s1", streamer_id="h1", day=date(2026, 5, 1), start_ms=15_000, seconds=5.0
)

FACT = Fact(
    fact_id="s1/3/250/price",
    stream_id="s1",
    streamer_id="h1",
    transcript_id="s1/3/250",
    sku="sku-1",
    source=Source.SPEECH,
    status=Status.OK,
    field="price",
    value=9.9,
    words="九块九",
    span=(2, 5),
    start_ms=15_300,
    end_ms=16_100,
    said_at=STARTED,
    outcome=Outcome.CONTRADICTS,
    listed=19.9,
    label="PRICE_MISMATCH",
)

SHADOW = ShadowFlag(**dict(FLAG))

EVERY_RECORD: dict[str, Record] = {
    "transcript": TRANSCRIPT,
    "line": LINE,
    "flag": FLAG,
    "shadow": SHADOW,
    "reminder": REMINDER,
    "heard": HEARD,
    "fact": FACT,
}
