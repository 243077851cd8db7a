"""Sound behind a reference: only what lies below the root, only what was promised."""

import hashlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from tests.parts import lacking
from worker import blobs
from worker.blobs import BlobStore
from worker.bus import Unavailable
from worker.codec import InvalidMessage

SOUND = b"some sound"
SHA = hashlib.sha256(SOUND).hexdigest()


class Shaky(MemoryFileSystem):
    """A store whose next answer is an error."""

    protocol = "shaky"
    cachable = False
    store: dict[str, object] = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012
    error: Exception | None = None

    def _open(self, path: str, mode: str = "rb", **options: object) -> object:
        if Shaky.error is not None and mode == "rb":
            raise Shaky.error
        return super()._open(path, mode, **options)


@pytest.fixture
def shaky() -> Iterator[BlobStore]:
    fsspec.register_implementation("shaky", Shaky, clobber=True)
    Shaky.error = None
    Shaky.store.clear()
    with fsspec.open("shaky://bucket/prefix/a.opus", "wb") as file:
        file.write(SOUND)
    yield BlobStore("shaky://bucket/prefix")
    Shaky.error = None


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "blobs"
    (folder / "day").mkdir(parents=True)
    (folder / "day" / "a.opus").write_bytes(SOUND)
    (tmp_path / "secret").write_bytes(SOUND)
    (tmp_path / "blobs-secret").write_bytes(SOUND)
    return folder


def refused(store: BlobStore, reference: str, sha256: str = SHA) -> str:
    with pytest.raises(InvalidMessage) as caught:
        store.read(reference, sha256)
    assert len(str(caught.value)) < 2_000
    return caught.value.code


@pytest.mark.parametrize("reference", ["day/a.opus", "./day/a.opus", "day//a.opus"])
@pytest.mark.parametrize("end", ["", "/"])
def test_what_is_there(root: Path, reference: str, end: str) -> None:
    """A path below the root gives the bytes, whatever case the sha256 is written in."""
    store = BlobStore(f"{root}{end}")
    assert store.read(reference, SHA) == SOUND
    assert store.read(reference, SHA.upper()) == SOUND


def test_a_relative_root(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The root may be a relative path or a file URL."""
    monkeypatch.chdir(root.parent)
    assert BlobStore("blobs").read("day/a.opus", SHA) == SOUND
    assert BlobStore(f"file://{root}").read("day/a.opus", SHA) == SOUND


@pytest.mark.parametrize(
    "reference",
    ["day/b.opus", "day", "day/a.opus/more", "x" * 300, "~/a", "day/*.opus", "%2e%2e/secret", "day/a.opus?x"],
)
def test_what_is_missing(root: Path, reference: str) -> None:
    """A reference to nothing, to a folder, below a file or with an impossible name is missing; nobody waits for it."""
    assert refused(BlobStore(str(root)), reference) == "blob_missing"


@pytest.mark.parametrize(
    "reference",
    [
        "",
        ".",
        "..",
        "../secret",
        "day/../../secret",
        "day/../day/a.opus",
        "../blobs-secret",
        "/etc/passwd",
        "//etc/passwd",
        "file:///etc/passwd",
        "https://example.org/a.opus",
        "s3://other/a.opus",
        "a.opus\0",
        "x" * 1025,
        "字" * 400,
    ],
)
def test_what_is_outside(root: Path, reference: str) -> None:
    """A reference that leads out of the root, or is no path at all, is refused."""
    assert refused(BlobStore(str(root)), reference) == "blob_outside"


def test_links(root: Path) -> None:
    """A link within the root is followed, one that leads out is refused, one that leads to itself is missing."""
    store = BlobStore(str(root))
    (root / "in").symlink_to(root / "day" / "a.opus")
    (root / "out").symlink_to(root.parent / "secret")
    (root / "folder").symlink_to(root.parent)
    (root / "beside").symlink_to(root.parent / "blobs-secret")
    (root / "loop").symlink_to(root / "loop")
    assert store.read("in", SHA) == SOUND
    assert [refused(store, name) for name in ("out", "folder/secret", "beside")] == ["blob_outside"] * 3
    assert refused(store, "loop") == "blob_missing"


def test_a_root_that_is_a_link(root: Path) -> None:
    """The root itself may be a link: what counts is where it leads."""
    link = root.parent / "link"
    link.symlink_to(root)
    assert BlobStore(str(link)).read("day/a.opus", SHA) == SOUND


@pytest.mark.parametrize("sha256", ["", "00", hashlib.sha256(b"x").hexdigest(), "é"])
def test_what_was_changed(root: Path, sha256: str) -> None:
    """Other bytes than those the message was made of are refused."""
    assert refused(BlobStore(str(root)), "day/a.opus", sha256) == "blob_changed"


def test_what_is_too_large(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is one of bytes: the largest blob is read, one byte more is refused."""
    monkeypatch.setattr(blobs, "LARGEST_BLOB", len(SOUND))
    assert BlobStore(str(root)).read("day/a.opus", SHA) == SOUND
    monkeypatch.setattr(blobs, "LARGEST_BLOB", len(SOUND) - 1)
    assert refused(BlobStore(str(root)), "day/a.opus") == "blob_too_large"


def test_another_store(shaky: BlobStore) -> None:
    """Any store that fsspec knows will do, with the same answers."""
    assert shaky.read("a.opus", SHA) == SOUND
    assert refused(shaky, "b.opus") == "blob_missing"
    assert refused(shaky, "../prefix/a.opus") == "blob_outside"
    assert refused(shaky, "a.opus", "00") == "blob_changed"


@pytest.mark.parametrize(
    "error",
    [OSError("connection reset"), TimeoutError("no answer"), PermissionError(13, "denied"), ConnectionError("x")],
)
def test_a_store_that_does_not_answer(shaky: BlobStore, error: Exception) -> None:
    """Trouble with the store is nobody's fault: Unavailable, and once it answers the same reference is read."""
    Shaky.error = error
    with pytest.raises(Unavailable):
        shaky.read("a.opus", SHA)
    Shaky.error = None
    assert shaky.read("a.opus", SHA) == SOUND


def test_other_errors_are_ours(shaky: BlobStore) -> None:
    """An error that no store raises is a fault in the code, and is not hidden."""
    Shaky.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        shaky.read("a.opus", SHA)


def test_s3_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 that cannot be reached is Unavailable, though its library has errors of its own for that."""
    if find_spec("s3fs") is None:
        lacking("needs s3fs; to install: pip install '.[s3]'")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    there = {"endpoint_url": "http://127.0.0.1:1", "config_kwargs": {"retries": {"max_attempts": 1}}}
    monkeypatch.setitem(fsspec.config.conf, "s3", there)
    with pytest.raises(Unavailable):
        BlobStore("s3://bucket/prefix").read("a.opus", SHA)
