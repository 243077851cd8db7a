"""Which law is told to a host, and the line that tells it.

A host is shown verified statutes and regulations of the stream's jurisdiction that were in force when it was said,
and the platform's own rule; never a guideline, a case, or anything nobody has checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from models.labels import Label, LegalBasis

_BINDING = ("statute", "regulation")
_OWN = "platform_rule"


def in_force(label: Label, jurisdiction: str, on: date) -> tuple[LegalBasis, ...]:
    """All that stands behind a label in a jurisdiction on a day, verified or not: for people who judge."""
    return tuple(basis for basis in label.law if basis.jurisdiction == jurisdiction and basis.is_in_force(on))


def notice(label: Label, language: str, jurisdiction: str, on: date) -> str:
    """The line that tells a host what a label rests on, in Chinese for ``zh``, else in English.

    Laws first, then the platform's rule: by its name where the labels file gives one, else under the label's name.
    """
    verified = [basis for basis in in_force(label, jurisdiction, on) if basis.verified]
    laws = [basis for basis in verified if basis.kind in _BINDING]
    own = [basis for basis in verified if basis.kind == _OWN]
    return _in_chinese(label, laws, own) if language == "zh" else _in_english(label, laws, own)


def _in_chinese(label: Label, laws: Sequence[LegalBasis], own: Sequence[LegalBasis]) -> str:
    told = [f"《{basis.title_zh}》{basis.article_zh}" for basis in (*laws, *own)]
    return "依据：" + "；".join(told if own else [*told, f"本平台规则“{label.zh}”"])


def _in_english(label: Label, laws: Sequence[LegalBasis], own: Sequence[LegalBasis]) -> str:
    told = [f"{basis.title_en}, {basis.article_en}".removesuffix(", ") for basis in (*laws, *own)]
    return "Basis: " + "; ".join(told if own else [*told, f'this platform\'s rule "{label.en}"'])
