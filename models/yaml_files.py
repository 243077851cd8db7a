"""YAML that people edit: what is wrong in it is told with file and line, and a key that stands twice is refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

_BASE: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where the wheel has it


class YamlError(ValueError):
    """The file cannot be read; the message begins with ``file:line:``, or ``file:`` where no line is to blame."""


class Document(NamedTuple):
    """A file as read: its data, and its text to look lines up in."""

    path: Path
    text: str
    data: Any

    def where(self, at: Sequence[str | int] = ()) -> str:
        """``file:line`` of the entry that keys and positions lead to, as far as they lead."""
        return f"{self.path}:{_line_of(self.text, at)}"


def read_yaml(path: Path | str) -> Document:
    """A YAML file in UTF-8. Raises YamlError."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        return Document(path, text, yaml.load(text, _NoRepeats))  # noqa: S506 (a safe loader)
    except OSError as error:
        raise YamlError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise YamlError(f"{path}: is not UTF-8 text") from error
    except (yaml.YAMLError, ValueError) as error:
        raise YamlError(_told(path, error)) from error


def lines_of(path: Path, key: str) -> list[int]:
    """The line of each item of the list that stands under a key of the file, which can be read."""
    found = _entry(yaml.compose(path.read_text(encoding="utf-8"), _BASE), key)
    items = found[1].value if found is not None and isinstance(found[1], yaml.SequenceNode) else []
    return [item.start_mark.line + 1 for item in items]


class RefusesRepeats:
    """Of a loader of mappings: a key that stands twice, of which the others lose the first, is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    problem = f"the key {key.value} stands twice"
                    raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
                seen.add(key.value)
        made: dict[Any, Any] = super().construct_mapping(node, deep)  # type: ignore[misc]
        return made


class _NoRepeats(RefusesRepeats, _BASE):  # type: ignore[misc, valid-type]
    """In C where the wheel has it."""


def _told(path: Path, error: Exception) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or str(error)
    what = f"is not YAML: {' '.join(str(problem).split())}"
    return f"{path}:{mark.line + 1}: {what}" if mark is not None else f"{path}: {what}"


def _line_of(text: str, at: Sequence[str | int]) -> int:
    node = yaml.compose(text, _BASE)
    line: int = node.start_mark.line if node is not None else 0
    for step in at:
        found = _entry(node, step)
        if found is None:
            break
        line, node = found
    return line + 1


def _entry(node: yaml.Node | None, step: str | int) -> tuple[int, yaml.Node] | None:
    """The line of a key or item, and what stands there."""
    match node:
        case yaml.MappingNode():
            return next(((key.start_mark.line, value) for key, value in node.value if key.value == str(step)), None)
        case yaml.SequenceNode() if isinstance(step, int) and step < len(node.value):
            return node.value[step].start_mark.line, node.value[step]
    return None
