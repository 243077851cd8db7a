"""Certificates as they are said and listed: what they are of, and whether two are the same."""

from __future__ import annotations

import re

from models.materials import digits

_NOISE = re.compile(
    r"国家级?|中国|权威|机构|产品|食品(?!级)|认证|证书|报告|标志|标识|体系|证明|书|的|certifi\w+|approv\w+|regist\w+|tested|report"
    r"|number|no\.|verified|listed|\b(?:by|the|us|a)\b|[\s:：()（）.,#-]+",
    re.IGNORECASE,
)
_SAME = (
    ("三c", "3c"), ("ccc", "3c"), ("外观设计", "外观"), ("国检", "ngtc"),
    ("检验", "检测"), ("质检", "检测"), ("labtest", "lab"),
)  # fmt: skip


def kind(certificate: str) -> str:
    """What it is of, without who gave it and how it is called: 国家有机认证 is 有机, a number is the number."""
    plain = _NOISE.sub("", digits(certificate)).lower()
    for said, name in _SAME:
        plain = plain.replace(said, name)
    return plain


def same_certificate(said: str, on_file: str) -> bool | None:
    """Whether a said certificate is the one on file; None where they speak of the same thing in other words.

    A number must stand there, a kind is the same by its name.
    """
    ours, theirs = kind(said), kind(on_file)
    if re.search(r"\d{5}", ours):
        return ours in theirs or (len(theirs) > 5 and theirs in ours)
    if not ours or ours in theirs or (theirs and theirs in ours):
        return True
    return None if _pairs(ours) & _pairs(theirs) else False


def _pairs(text: str) -> set[str]:
    return {text[at : at + 2] for at in range(len(text) - 1) if not text[at].isascii()} - {"专利"}
