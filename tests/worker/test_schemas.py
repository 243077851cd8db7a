"""The JSON Schemas in docs/schemas are those of the records."""

import json
import re
from typing import Any

import pytest

from tests.worker.made import EVERY_RECORD
from worker.codec import encode
from worker.schemas import FOLDER, schemas


def test_the_committed_files_are_the_records() -> None:
    """Each file is what ``python -m worker.schemas`` writes now, and there is no other."""
    found = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    assert found == schemas(), "run: python -m worker.schemas"


def test_every_topic_of_json_has_one() -> None:
    """The topics of this part of the service are all described."""
    assert schemas().keys() == {
        "live.text.json",
        "live.listings.json",
        "live.shown.json",
        "moderation.transcripts.json",
        "moderation.flags.json",
        "moderation.reminders.json",
        "moderation.heard.json",
        "moderation.facts.json",
        "moderation.shadow.json",
    }


def resolved(schema: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = whole["$defs"][schema["$ref"].rpartition("/")[2]]
    return found


def misfits(value: Any, schema: dict[str, Any], whole: dict[str, Any], at: str = "") -> list[str]:
    """Where a value does not fit a schema, as far as these schemas go: kinds, properties, items, alternatives."""
    schema = resolved(schema, whole)
    if "anyOf" in schema:
        each = [misfits(value, one, whole, at) for one in schema["anyOf"]]
        return [] if not all(each) else [f"{at}: fits no alternative"]
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "null": type(None)}
    kinds["boolean"] = bool
    if "type" in schema and not isinstance(value, kinds[schema["type"]]):
        return [f"{at}: {value!r} is no {schema['type']}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{at}: {value!r} is none of {schema['enum']}"]
    if isinstance(value, dict) and "properties" in schema:
        missing = [f"{at}.{name}: missing" for name in schema.get("required", []) if name not in value]
        strange = [f"{at}.{name}: not described" for name in value if name not in schema["properties"]]
        inner = [
            misfits(one, schema["properties"][name], whole, f"{at}.{name}")
            for name, one in value.items()
            if name in schema["properties"]
        ]
        return missing + strange + [one for found in inner for one in found]
    if isinstance(value, list):
        items = schema.get("prefixItems", [schema.get("items", {})] * len(value))
        return [
            m for n, (v, s) in enumerate(zip(value, items, strict=True)) for m in misfits(v, s, whole, f"{at}[{n}]")
        ]
    return []


@pytest.mark.parametrize("name", EVERY_RECORD)
def test_what_is_written_fits(name: str) -> None:
    """Each record as it is published fits the schema of its topic, with nothing missing and nothing more."""
    encoded = encode(EVERY_RECORD[name])
    schema = json.loads(schemas()[f"{encoded.topic}.json"])
    assert misfits(json.loads(encoded.value), schema, schema) == []


def test_ids_are_described() -> None:
    """The pattern of an id means the same in every language's regular expressions: no \\A, no \\Z."""
    pattern = json.loads(schemas()["live.text.json"])["properties"]["stream_id"]["pattern"]
    assert re.match(pattern, "a:1")
    assert not re.match(pattern, "a/1")
    assert "\\" not in pattern
