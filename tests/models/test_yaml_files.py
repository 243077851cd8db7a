"""Files that people edit, and where in them something is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.yaml_files import YamlError, read_yaml


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "some.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_data_and_lines(tmp_path: Path) -> None:
    """Keys and positions lead to the line of their entry, and those that lead nowhere to the last that is there."""
    document = read_yaml(written(tmp_path, "# head\na: 1\nb:\n  - c: 2\n    d: 3\n  - {c: 4, e: 5}\n7: x\n"))

    assert document.data == {"a": 1, "b": [{"c": 2, "d": 3}, {"c": 4, "e": 5}], 7: "x"}
    lines = {(): 2, ("b",): 3, ("b", 0, "d"): 5, ("b", 1, "e"): 6, ("b", 9): 3, ("b", 0, "zz"): 4, ("a", "x"): 2}
    assert {at: document.where(at) for at in lines} == {at: f"{tmp_path}/some.yaml:{n}" for at, n in lines.items()}
    assert document.where((7,)).endswith(":7")
    assert read_yaml(written(tmp_path, "")).where(("a",)).endswith(":1")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("a: 1\nb: [c\nd: ]\n", ":3: is not YAML: "),
        ("a: 1\nb: 2\na: 3\n", ":3: is not YAML: the key a stands twice"),
        ("a:\n  - {b: 1, b: 2}\n", ":2: is not YAML: the key b stands twice"),
        ("a: 1\n\tb: 2\n", ":2: is not YAML: "),
        ("a: \x00", ": is not YAML: "),
        ("a: !!python/object/apply:os.system [ls]", ":1: is not YAML: could not determine a constructor"),
        ("a: 2026-13-45\n", ": is not YAML: month must be in 1..12"),
        (b"\xff\xfea", ": is not UTF-8 text"),
        (b"\x80\x81", ": is not UTF-8 text"),
    ],
    ids=["open", "twice", "deep", "tab", "nul", "python", "date", "utf-16", "binary"],
)
def test_what_is_no_yaml(tmp_path: Path, content: str | bytes, told: str) -> None:
    """One line, with file and line where there is one."""
    with pytest.raises(YamlError) as caught:
        read_yaml(written(tmp_path, content))

    assert str(caught.value).startswith(f"{tmp_path}/some.yaml{told}")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Named, with the reason."""
    with pytest.raises(YamlError, match=r"none\.yaml: cannot be read: No such file"):
        read_yaml(tmp_path / "none.yaml")
