"""A listing file as the shop gives it: read, checked, and carried along with the stream it belongs to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from worker.codec import Encoded
from worker.records import Listing


class BadListing(ValueError):
    """The listing file cannot be used; the message names the file, the listing and the field."""


def read_listings(path: Path) -> tuple[Listing, ...]:
    """The listings of a file: one object or an array of them; one without a sku becomes ``item-N``.

    Raises BadListing, and OSError where the file cannot be read.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BadListing(f"{path}: is not JSON: {error}") from error
    entries = data if isinstance(data, list) else [data]
    return tuple(_listing(path, number, entry) for number, entry in enumerate(entries, start=1))


def encode_listing(listing: Listing, stream_id: str) -> Encoded:
    """A listing as JSON under its id, as sold in one stream."""
    of_stream = listing.model_copy(update={"stream_id": stream_id})
    valid_from = f"{listing.valid_from:%Y-%m-%dT%H:%M:%SZ}" if listing.valid_from else ""
    value = of_stream.model_dump_json(exclude_none=True).encode()
    key = f"{stream_id}/{listing.sku}/{valid_from}"
    return Encoded(Listing.topic, key, value, (("content-type", b"application/json"),))


def _listing(path: Path, number: int, entry: Any) -> Listing:
    if not isinstance(entry, dict):
        raise BadListing(f"{path}: listing {number}: expected an object with fields such as title and price")
    try:
        return Listing.model_validate({"sku": f"item-{number}"} | entry)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadListing(f"{path}: listing {number}: {where}: {first['msg']}") from error
