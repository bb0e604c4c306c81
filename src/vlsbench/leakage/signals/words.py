"""Words of a text in any script, with their places, and the stems under which they are compared.

A word is a run of letters and digits with the marks that belong to them. Scripts that put no spaces between
words (Han, kana, Hangul with its particles, Thai and its neighbours) are cut into pairs of neighbouring
characters, the usual way to search them without a dictionary. Invisible format characters count as part of a
word and are left out of its stem, so that a zero-width space hides nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_MOST_KEPT = 200_000
"""Distinct spellings remembered with their stems; then the memory starts anew."""

_LONGEST = 64
"""Characters from which on a word is not remembered: such ones seldom come twice, and would fill the memory."""

_STOP_WORDS = """
a about above after again against all also am an and another any are as at be because been before being below
between both but by can cannot could couldn did didn do does doesn doing don done down during each either else etc
even ever every few for from further get gets getting give gives giving go goes going got had hadn has hasn have
haven having he help helps her here hers herself him himself his how however i if in into is isn it its itself just
let lets like ll make makes making many may maybe me might mine more most much must my myself need needs neither no
nor not now of off on once one ones only or other others our ours ourselves out over own per please rather re really
same shall she should shouldn show shown shows since so some someone something somewhere such t take takes taking
tell than that the their theirs them themselves then there these they thing things this those though through thus to
together too toward towards under until up upon us use used uses using ve very via want wants was wasn way ways we
well were weren what whatever when where whether which while who whom whose why will with within without won would
wouldn yes yet you your yours yourself yourselves
image images photo photograph photographs photos picture pictured pictures depict depicted depicts
"""

STOP_WORDS = frozenset(_STOP_WORDS.split())
"""English words that carry no content of their own, and words for the picture itself."""

_BY_PAIRS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc\U00020000-\U0003ffff]"
)
_PLAIN_WORDS = re.compile(r"[A-Za-z0-9]+")
_ASCII_WORDS = re.compile(r"[A-Za-z0-9]+(?:'[A-Za-z0-9]+)*")
_WORDS = re.compile(r"(?P<pairs>p[pm]*)|w[wm]*(?:a[wm]+)*")


class _Kinds(dict[int, str]):
    """What a character is, for `str.translate`: w in a word, p of a script cut by pairs, m mark, a apostrophe."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        category = unicodedata.category(char)
        if _BY_PAIRS.match(char) and category[0] in "LMN":
            kind = "p"
        elif category[0] in "LN":
            kind = "w"
        elif category[0] == "M" or category == "Cf":
            kind = "m"
        else:
            kind = "a" if char in "'\u2019\u02bc" else " "
        self[code] = kind
        return kind


_kinds = _Kinds()


class _Stems(dict[str, str]):
    """Spellings with their stems, empty for those without content; bounded."""

    def __missing__(self, word: str) -> str:
        plain = normal(word)
        short = len(plain) < 2 and plain.isascii()
        # "don't" is as empty as "don".
        found = "" if short or plain.partition("'")[0] in STOP_WORDS else stem(plain)
        if len(self) >= _MOST_KEPT:
            self.clear()
        if len(word) <= _LONGEST:
            self[word] = found
        return found


_stems = _Stems()


def content(text: str) -> set[str]:
    """The distinct stems of a text's content words."""
    found = set(map(_stems.__getitem__, spelled(text)))
    found.discard("")
    return found


def content_with_places(text: str) -> list[tuple[str, int, int]]:
    """Each content word of a text as (stem, start, end); `start` and `end` are character offsets into the text."""
    stems = _stems
    return [(found, start, end) for start, end in places(text) if (found := stems[text[start:end]])]


def spelled(text: str) -> list[str]:
    """The words of a text as they are written, in order."""
    if text.isascii():
        return (_ASCII_WORDS if "'" in text else _PLAIN_WORDS).findall(text)
    return [text[start:end] for start, end in places(text)]


def places(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each word, in order; pairs of characters overlap."""
    if text.isascii():
        yield from (match.span() for match in _ASCII_WORDS.finditer(text))
        return
    for match in _WORDS.finditer(text.translate(_kinds)):
        start, end = match.span()
        if match["pairs"] is None or end - start <= 2:
            yield start, end
        else:
            yield from ((place, place + 2) for place in range(start, end - 1))


def normal(word: str) -> str:
    """A word in lower case and one spelling: compatibility forms unified, invisible characters dropped."""
    if word.isascii():
        return word.lower().removesuffix("'s")
    unified = unicodedata.normalize("NFKC", word).casefold()
    visible = "".join(char for char in unified if unicodedata.category(char) != "Cf")
    return visible.replace("\u2019", "'").replace("\u02bc", "'").removesuffix("'s")


def stem(word: str) -> str:
    """A light English stem: plural, -ing, -ed and a final e go (knife = knives, stab = stabbing, make = making).

    Much less than Porter's (1980): words that merely look alike stay apart. Words with letters beyond a to z
    stay as they are.
    """
    if not (word.isascii() and word.isalpha()) or len(word) < 4:
        return word
    word = _singular(word)
    for ending in ("ing", "ed"):
        rest = word.removesuffix(ending)
        if rest != word and len(rest) >= 3 and any(vowel in rest for vowel in "aeiouy"):
            doubled = rest[-1] == rest[-2] and rest[-1] not in "lsz"
            word = rest[:-1] if doubled else rest
            break
    if len(word) > 3:
        word = word.removesuffix("e")
    if word[-1] == "y" and len(word) > 3:
        return f"{word[:-1]}i"
    return f"{word[:-1]}f" if word[-1] == "v" else word


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("sses", "xes", "ches", "shes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
