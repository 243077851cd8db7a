"""Sound kept outside the bus (claim check): a reference, checked against its store and its sha256."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath

import fsspec  # type: ignore[import-untyped]

from worker.bus import Unavailable
from worker.codec import InvalidMessage

LARGEST_BLOB = 64 * 1024 * 1024
"""Bytes of the largest sound read from a store; a chunk is some seconds, not an hour."""


class BlobStore:
    """Reads sound below one root: a folder or any URL that fsspec knows (``s3://bucket/prefix``)."""

    def __init__(self, root: str) -> None:
        self._files, path = fsspec.core.url_to_fs(root)
        self._root = self._real(path).rstrip("/")

    def read(self, reference: str, sha256: str) -> bytes:
        """The bytes behind a reference, which is a path below the root.

        Raises InvalidMessage where it is missing, too large, changed or outside the root, and
        Unavailable where the store does not answer.
        """
        path = self._inside(reference)
        try:
            if self._files.size(path) > LARGEST_BLOB:
                raise InvalidMessage("blob_too_large", f"{reference} is larger than {LARGEST_BLOB >> 20} MiB")
            value: bytes = self._files.cat_file(path)
        except (FileNotFoundError, IsADirectoryError) as error:
            raise InvalidMessage("blob_missing", f"there is no {reference} in the blob store") from error
        except (OSError, TimeoutError) as error:
            raise Unavailable(f"the blob store does not answer: {error}") from error
        if hashlib.sha256(value).hexdigest() != sha256.lower():
            raise InvalidMessage("blob_changed", f"the sha256 of {reference} is not the one in the message")
        return value

    def _inside(self, reference: str) -> str:
        parts = PurePosixPath(reference).parts
        if "://" in reference or not parts or ".." in parts or reference.startswith("/") or "\0" in reference:
            raise InvalidMessage("blob_outside", f"blob_ref {reference[:80]!r} is not a path below the blob store")
        path = self._real(f"{self._root}/{reference}")
        if not path.startswith(self._root + "/"):
            raise InvalidMessage("blob_outside", f"blob_ref {reference[:80]!r} leads out of the blob store")
        return path

    def _real(self, path: str) -> str:
        """With links followed where there are links (a local folder)."""
        return str(Path(path).resolve()) if self._files.protocol[0] == "file" else path
