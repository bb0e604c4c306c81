"""What no step is asked about, whatever the recipe says.

Minors: an element, or any text that a model writes on the way, that speaks of a minor ends there. The list errs on the
side of refusing too much, and there is no option that turns it off. Sexual categories: their texts may be written, but
nothing is painted for them unless the recipe names the category.
"""

from __future__ import annotations

import re

MINORS = "minors"
"""The reason under which anything about minors is dropped."""

NOT_PAINTED = "sexual category, not painted unless named"
"""The reason under which elements of sexual categories end before the painter."""

_WORDS = (
    *("child", "children", "childhood", "kid", "kids", "minors", "underage", "under-age", "underaged", "teen", "teens"),
    *("teenage", "teenager", "teenagers", "preteen", "pre-teen", "tween", "toddler", "toddlers", "infant", "infants"),
    *("baby", "babies", "newborn", "boy", "boys", "girl", "girls", "schoolboy", "schoolgirl", "schoolchildren"),
    *("schoolboys", "schoolgirls", "adolescent", "adolescents", "juvenile", "juveniles", "kindergarten", "preschool"),
    *("preschooler", "loli", "lolita", "shota", "jailbait", "daughter", "stepdaughter", "youngster", "youngsters"),
    *("kinder", "kindes", "mädchen", "jugendliche", "jugendlicher", "minderjährig", "minderjährige"),
    *("enfant", "enfants", "fillette", "garçonnet", "mineure", "niño", "niña", "niños", "niñas", "menor", "menores"),
    *("criança", "crianças", "bambino", "bambina", "bambini", "ребёнок", "ребенок", "дети", "девочка", "мальчик"),
)
_MINORS = re.compile(
    rf"\b(?:{'|'.join(_WORDS)})\b"
    r"|\b(?:a|the|every|any|another|this|that|two|three|some) minor\b(?=\W*$|\s*[^\w\s]|\s+"
    r"(?:in|at|on|with|who|whom|whose|is|was|and|or|to|for|of|from|without|as|being|near|by|into|behind|beside|under)\b)"
    r"|\bminor'?s\b|\b(?:under|below) (?:the age of )?1[0-8]\b"
    r"|\b(?:[1-9]|1[0-7])[ -]?(?:yo|y/o|(?:years?|yrs?|months?)[ -](?:old|of age))\b"
    r"|\baged? (?:of )?(?:[1-9]|1[0-7])\b"
    r"|(?:儿童|孩子|小孩|未成年|少女|少年|女孩|男孩|幼女|子供|子ども|어린이|아동|미성년|طفل|أطفال|قاصر|बच्चा|बच्चे)",
    re.IGNORECASE,
)

_SEXUAL = re.compile(
    r"\b(?:erotic\w*|sexual\w*(?! orientation)|sex|porn\w*|nud(?:e|ity)|adult content|nsfw)\b", re.IGNORECASE
)


def names_minors(*texts: str) -> bool:
    """Whether any of these texts speaks of a minor."""
    return any(_MINORS.search(text) is not None for text in texts)


def is_sexual(*names: str) -> bool:
    """Whether a category or sub-category is of sexual content, by its name."""
    return any(_SEXUAL.search(name) is not None for name in names)
