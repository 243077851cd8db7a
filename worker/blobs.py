"""Sound kept outside the bus (claim check): a reference, checked against its store and its sha256."""

from __future__ import annotations

import errno
import hashlib
import os
import sys
from pathlib import PurePosixPath

import fsspec  # type: ignore[import-untyped]

from worker.bus import Unavailable
from worker.codec import InvalidMessage

LARGEST_BLOB = 64 * 1024 * 1024
"""Bytes of the largest sound read from a store; a chunk is some seconds, not an hour."""

_LONGEST_REFERENCE = 1024  # bytes; S3 takes no longer key
_NOT_THERE = {errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP}


class BlobStore:
    """Reads sound below one root: a folder or any URL that fsspec knows (``s3://bucket/prefix``)."""

    def __init__(self, root: str) -> None:
        self._files, path = fsspec.core.url_to_fs(root)
        self._root = self._real(path).rstrip("/")

    def trouble(self) -> str | None:
        """Why the store cannot be used now; None if it answers."""
        try:
            self._files.exists(self._root)
        except _store_errors() as error:
            return f"the blob store does not answer: {error}"
        return None

    def read(self, reference: str, sha256: str) -> bytes:
        """The bytes behind a reference, which is a path below the root.

        Raises InvalidMessage where it is missing, too large, changed or outside the root, and
        Unavailable where the store does not answer.
        """
        value = self._read(self._inside(reference), reference)
        if len(value) > LARGEST_BLOB:
            raise InvalidMessage("blob_too_large", f"{reference} is larger than {LARGEST_BLOB >> 20} MiB")
        if hashlib.sha256(value).hexdigest() != sha256.lower():
            raise InvalidMessage("blob_changed", f"the sha256 of {reference} is not the one in the message")
        return value

    def _read(self, path: str, reference: str) -> bytes:
        """What is there, but no more than shows that it is too large."""
        try:
            with self._files.open(path, "rb") as file:
                return bytes(file.read(LARGEST_BLOB + 1))
        except _store_errors() as error:
            if isinstance(error, FileNotFoundError) or getattr(error, "errno", None) in _NOT_THERE:
                raise InvalidMessage("blob_missing", f"there is no {reference} in the blob store") from error
            raise Unavailable(f"the blob store does not answer: {error}") from error

    def _inside(self, reference: str) -> str:
        parts = PurePosixPath(reference).parts
        strange = "://" in reference or reference.startswith("/") or "\0" in reference
        if strange or not parts or ".." in parts or len(reference.encode()) > _LONGEST_REFERENCE:
            raise InvalidMessage("blob_outside", f"blob_ref {reference[:80]!r} is not a path below the blob store")
        path = self._real(f"{self._root}/{reference}")
        if not path.startswith(self._root + "/"):
            raise InvalidMessage("blob_outside", f"blob_ref {reference[:80]!r} leads out of the blob store")
        return path

    def _real(self, path: str) -> str:
        """With links followed where there are links (a local folder)."""
        return os.path.realpath(path) if self._files.protocol[0] == "file" else path


def _store_errors() -> tuple[type[Exception], ...]:
    """What a store raises when something is wrong with it or the blob. S3's library has errors that are no OSError;
    it is loaded where such a store is open."""
    names = ("botocore.exceptions", "BotoCoreError"), ("aiohttp", "ClientError")
    return OSError, *(getattr(sys.modules[module], name) for module, name in names if module in sys.modules)
