"""English words in disguise: spelt letter by letter, with digits and signs for letters, or with letters repeated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice, product

from models.variants import Disguises, squeezed
from models.views import Normalised, replaced

_SPELT = re.compile(r"(?<![a-z0-9])[a-z0-9@$]( ?[-._*~/|+]+ ?| )[a-z0-9@$](?:\1[a-z0-9@$])+(?![a-z0-9])")
_TOKEN = re.compile(r"[a-z0-9@$][a-z0-9@$!|*_.\-+']*[a-z0-9@$*]")
_ODD = re.compile(r"[a-z][0-9@$!|*_.\-+]+[a-z0-9]|[0-9@$*][a-z]|([a-z])\1\1")
_BETWEEN = str.maketrans("", "", " -._~/|+'")
_MOST_SPELLINGS = 16
_LONGEST_WORD = 24


def undisguised(view: Normalised, disguises: Disguises) -> Normalised:
    """English words spelt letter by letter, with digits and signs for letters, or with letters repeated."""
    spelt = ((*match.span(), _joined(match[0], match[1], disguises)) for match in _SPELT.finditer(view.text))
    view = replaced(view, spelt)
    if not _ODD.search(view.text):
        return view
    return replaced(view, ((*match.span(), _clear(match[0], disguises)) for match in _TOKEN.finditer(view.text)))


def _joined(said: str, separator: str, disguises: Disguises) -> str:
    """``c-u-r-e`` joined when it is made of known words; by other signs than a space also any word of four."""
    letters = said.translate(_BETWEEN).replace("*", "")
    if len(letters) > 2 * _LONGEST_WORD:
        return said
    words = next((words for one in _spellings(letters, disguises) if (words := _cut(one, disguises.words))), None)
    if words:
        return " ".join(words)
    return letters if separator.strip(" /+") and len(letters) > 3 and letters.isalpha() else said


def _cut(letters: str, words: Mapping[str, str]) -> list[str]:
    """Letters cut into known words, the longest first; nothing when they are not made of them."""
    found: list[str] = []
    while letters:
        longest = min(_LONGEST_WORD, len(letters))
        size = next((size for size in range(longest, 2, -1) if squeezed(letters[:size]) in words), 0)
        if not size:
            return []
        found.append(words[squeezed(letters[:size])])
        letters = letters[size:]
    return found


def _clear(token: str, disguises: Disguises) -> str:
    """The known word a token hides, else the token without letters said three times and more."""
    if token in disguises.never or len(token) > 2 * _LONGEST_WORD or not _ODD.search(token):
        return token
    bare = token.translate(_BETWEEN)
    signs = sum(char in disguises.signs for char in bare)
    for spelling in _spellings(bare, disguises) if 2 * signs <= len(bare) else ():
        if word := disguises.words.get(squeezed(spelling)):
            return word
    if re.search(r"[a-z]\*+[a-z]", token):
        return _unmasked(token, disguises) or token
    return re.sub(r"([a-z])\1{2,}", r"\1", token) if token.isalpha() and len(set(token)) > 1 else token


def _unmasked(token: str, disguises: Disguises) -> str | None:
    """The one known word that fits ``c*re``; none when several do."""
    fits = re.compile(re.escape(token).replace(r"\*", "[a-z]"))
    found = [word for word in disguises.words.values() if fits.fullmatch(word)]
    return found[0] if len(found) == 1 else None


def _spellings(token: str, disguises: Disguises) -> Iterator[str]:
    """A token with its digits and signs read as letters, in every way they are read."""
    ways = [disguises.signs.get(char, (char,)) for char in token]
    return islice(("".join(chars) for chars in product(*ways)), _MOST_SPELLINGS)
