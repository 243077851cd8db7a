"""The last sentences of each stream, for whoever reads a claim."""

from __future__ import annotations

from collections import OrderedDict, deque

from worker.records import Source, Transcript

_CONTEXT_S = 60
_CONTEXT_SENTENCES = 3
_REMEMBERED_STREAMS = 20_000


class Context:
    """The last sentences of each stream, for whoever reads a claim; the streams heard latest are remembered."""

    def __init__(self) -> None:
        self._streams: OrderedDict[str, deque[Transcript]] = OrderedDict()

    def before_and_add(self, transcript: Transcript) -> tuple[str, ...]:
        """The sentences before it, oldest first; it stands before what comes, once, if a host said it."""
        last = self._streams.get(transcript.stream_id, ())
        near = [
            one.text
            for one in last
            if one.transcript_id != transcript.transcript_id
            and 0 <= (transcript.started_at - one.started_at).total_seconds() <= _CONTEXT_S
        ]
        if transcript.author_role.is_host:
            self._add(transcript)
        return tuple(near)

    def _add(self, transcript: Transcript) -> None:
        if transcript.source is not Source.SPEECH or not transcript.text:
            return
        last = self._streams.setdefault(transcript.stream_id, deque(maxlen=_CONTEXT_SENTENCES))
        if all(one.transcript_id != transcript.transcript_id for one in last):
            last.append(transcript)
        self._streams.move_to_end(transcript.stream_id)
        if len(self._streams) > _REMEMBERED_STREAMS:
            self._streams.popitem(last=False)
