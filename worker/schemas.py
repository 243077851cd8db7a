"""The JSON Schemas of what travels: ``python -m worker.schemas`` writes them to docs/schemas/.

What comes in is described as we read it, what goes out as we write it: there every field is present.
"""

from __future__ import annotations

import json
from pathlib import Path

from worker.records import (
    Fact,
    Flag,
    Listing,
    LiveText,
    Noun,
    ProductShown,
    Reminder,
    ShadowFlag,
    StreamHeard,
    Transcript,
)

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "schemas"

_IN: dict[str, type[Noun]] = {LiveText.topic: LiveText, Listing.topic: Listing, ProductShown.topic: ProductShown}
_OUT: dict[str, type[Noun]] = {kind.topic: kind for kind in (Transcript, Flag, ShadowFlag, Reminder, StreamHeard, Fact)}


def schemas() -> dict[str, str]:
    """The schema of each topic of JSON, as text, by the name of its file: the topic's."""
    read = {topic: kind.model_json_schema(mode="validation") for topic, kind in _IN.items()}
    written = {topic: kind.model_json_schema(mode="serialization") for topic, kind in _OUT.items()}
    return {f"{topic}.json": _text(topic, schema) for topic, schema in {**read, **written}.items()}


def _text(topic: str, schema: dict[str, object]) -> str:
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"{topic}.json"}
    return json.dumps(head | schema, ensure_ascii=False, indent=2) + "\n"


def main() -> None:
    """Write every schema; none of the folder's other files is touched."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in schemas().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
