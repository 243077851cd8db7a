"""The file of variants is checked, and its version follows what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.variants import VariantsError, load_variants

FILE = Path(__file__).parent.parent.parent / "configs" / "lexicon" / "variants.yaml"
VARIANTS = load_variants(FILE)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("variants: 3", "expected a list"),
        ("", "expected a list"),
        ("variants: [{words: [a]}]", "variant 1: to"),
        ("variants: [{to: 微信, words: [1]}]", "variant 1: words"),
        ("variants: [{to: 微信, wrds: [v]}]", "variant 1: wrds"),
        ("variants: [", "expected a list"),
        ("variants: []\nfilers: []", "filers: unknown section"),
        ("variants: []\nemoji: 3", "expected a list under emoji"),
        ("variants: []\nemoji: [{to: 信}]", "emoji 1: words: missing"),
        ("variants: []\nhidden: [{words: [最低]}]", "hidden 1: fillers: missing"),
        ("variants: []\nunits: [{to: g, times: 0, words: [克]}]", "unit 1: times"),
        ("variants: []\nunits: [{to: g, times: 1, words: ['克(']}]", "bad pattern"),
        ("variants: []\ndisguised: [{words: [off, no]}]", "disguised 1: words"),
    ],
)
def test_a_wrong_file_of_variants_is_told(tmp_path: Path, content: str, told: str) -> None:
    """The error names the file and the entry."""
    path = tmp_path / "variants.yaml"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(VariantsError, match=rf"variants\.yaml: .*{told}"):
        load_variants(path)


def test_the_version_follows_every_section(tmp_path: Path) -> None:
    """A changed filler or unit is another version, a changed comment is not."""
    text = FILE.read_text(encoding="utf-8")

    def version(content: str) -> str:
        path = tmp_path / "variants.yaml"
        path.write_text(content, encoding="utf-8")
        return load_variants(path).version

    assert version("# nothing\n" + text) == VARIANTS.version
    assert version(text.replace("牟", "谋")) != VARIANTS.version
    assert version(text.replace("times: 50,", "times: 51,")) != VARIANTS.version
