"""What no step is asked about, whatever the recipe says.

Minors: an element, or any text that a model writes on the way, that speaks of a minor ends there. The list errs on the
side of refusing too much, and there is no option that turns it off. Sexual categories: their texts may be written, but
nothing is painted for them unless the recipe names the category.
"""

from __future__ import annotations

import re
import unicodedata

MINORS = "minors"
"""The reason under which anything about minors is dropped."""

NOT_PAINTED = "sexual category, not painted unless named"
"""The reason under which elements of sexual categories end before the painter."""

_WORDS = (
    *("child", "children", "childhood", "kid", "kids", "minors", "underage", "under-age", "underaged", "teen", "teens"),
    *("teenage", "teenager", "teenagers", "preteen", "pre-teen", "tween", "toddler", "toddlers", "infant", "infants"),
    *("baby", "babies", "newborn", "boy", "boys", "girl", "girls", "schoolboy", "schoolgirl", "schoolchildren"),
    *("schoolboys", "schoolgirls", "adolescent", "adolescents", "juvenile", "juveniles", "kindergarten", "preschool"),
    *("preschooler", "loli", "lolis", "lolita", "shota", "jailbait", "daughter", "stepdaughter", "youngster"),
    *("youngsters", "grandchild", "grandchildren", "stepchild", "stepchildren", "stepson", "grandson"),
    *("kinder", "kindes", "mädchen", "jugendliche", "jugendlicher", "minderjährig", "minderjährige"),
    *("enfant", "enfants", "fillette", "garçonnet", "mineure", "niño", "niña", "niños", "niñas", "menor", "menores"),
    *("criança", "crianças", "bambino", "bambina", "bambini", "ребёнок", "ребенок", "дети", "девочка", "мальчик"),
)
_AGES = (
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen"),
    *("fourteen", "fifteen", "sixteen", "seventeen"),
)
_AGE = rf"(?:[1-9]|1[0-7]|{'|'.join(_AGES)})"
_MINORS = re.compile(
    rf"\b(?:{'|'.join(_WORDS)})\b"
    r"|\b(?:a|the|every|any|another|this|that|two|three|some) minor\b(?=\W*$|\s*[^\w\s]|\s+"
    r"(?:in|at|on|with|who|whom|whose|is|was|and|or|to|for|of|from|without|as|being|near|by|into|behind|beside|under)\b)"
    rf"|\bminor'?s\b|\b(?:under|below) (?:the age of )?(?:1[0-8]|eighteen|{'|'.join(_AGES[9:])})\b"
    rf"|\b{_AGE}[ -]?(?:yo|y/o|y\.o|(?:years?|yrs?|months?)[ -](?:old|of age))\b"
    rf"|\baged? (?:of )?{_AGE}\b|(?<!\d)(?:[1-9]|1[0-7]) ?(?:岁|歳|才|세)"
    r"|(?:儿童|孩子|小孩|未成年|少女|少年|女孩|男孩|幼女|子供|子ども|어린이|아동|미성년|طفل|أطفال|قاصر|बच्चा|बच्चे)",
    re.IGNORECASE,
)

_SEXUAL = re.compile(
    r"\b(?:erotic\w*|sexual\w*(?! orientation)|sex|porn\w*|nud(?:e|ity)|adult content|nsfw)\b", re.IGNORECASE
)


_LOOKALIKES = str.maketrans("аеіоӏрсһухԁ", "aeiolpchyxd")
"""Cyrillic letters that pass for Latin ones."""


def names_minors(*texts: str) -> bool:
    """Whether any of these texts speaks of a minor, in whatever letters it is written."""
    return any(_MINORS.search(seen) is not None for text in texts for seen in _as_seen(text))


def _as_seen(text: str) -> tuple[str, ...]:
    """A text as a reader sees it: wide, composed, invisible and look-alike characters must not hide a word."""
    if not text.isascii():
        text = "".join(one for one in unicodedata.normalize("NFKC", text) if unicodedata.category(one) != "Cf")
    shown = text.replace("_", " ")  # a letter to the pattern, and parts words for a reader
    return (shown,) if shown.isascii() else (shown, shown.casefold().translate(_LOOKALIKES))


def is_sexual(*names: str) -> bool:
    """Whether a category or sub-category is of sexual content, by its name."""
    return any(_SEXUAL.search(name) is not None for name in names)
