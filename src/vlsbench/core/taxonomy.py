"""The harm taxonomy of VLSBench: 6 categories, 19 sub-categories (Hu et al., 2024, arXiv:2411.19939).

The names are those of the released ``data.json``; the definitions are ours. Names are compared without
regard to case, hyphens and spacing, and `also` lists other words for the same category.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True, kw_only=True)
class SubCategory:
    """One of the 19 kinds of harm, inside its category."""

    name: str
    definition: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One of the 6 families of harm."""

    name: str
    definition: str
    subs: tuple[SubCategory, ...]
    also: tuple[str, ...] = ()


TAXONOMY: tuple[Category, ...] = (
    Category(
        name="Violent",
        definition="Bodily force, or the threat of it, used by people against others.",
        also=("Violence",),
        subs=(
            SubCategory(
                name="Weapon-Related Violence",
                definition="Making, getting or using weapons, explosives or improvised arms so that people are hurt.",
            ),
            SubCategory(
                name="Public Violence and Rioting",
                definition="Attacks, riots and terror in public places, and stirring up a crowd to them.",
            ),
            SubCategory(
                name="Abuse and Physical Altercations",
                definition="Fights, assault, bullying, and cruelty to partners, children or animals.",
            ),
        ),
    ),
    Category(
        name="Illegal Activity",
        definition="Crimes against property, people's freedom or computers, and the trade in illegal goods.",
        also=("Illegal Activities",),
        subs=(
            SubCategory(
                name="Cybercrime",
                definition="Breaking into, spying on or disabling computers and accounts, and fraud by such means.",
                also=("Cyber Crime",),
            ),
            SubCategory(
                name="Property Crimes",
                definition="Taking, damaging or forging what belongs to others: theft, burglary, vandalism, arson.",
                also=("Property Crime",),
            ),
            SubCategory(
                name="Drug-Related Offenses",
                definition="Producing, smuggling, selling or hiding illegal drugs.",
                also=("Drug-Related Offences",),
            ),
            SubCategory(
                name="Human Trafficking and Exploitation",
                definition="Recruiting, moving or holding people in order to exploit their labour or their bodies.",
            ),
        ),
    ),
    Category(
        name="Self-Harm",
        definition="Harm that people do to themselves, on purpose or by taking reckless risks.",
        subs=(
            SubCategory(
                name="Risky or Dangerous Behaviors",
                definition="Stunts, challenges and careless acts that put one's own life or health at risk.",
                also=("Risky or Dangerous Behaviours",),
            ),
            SubCategory(
                name="Physical Self-Injury",
                definition="Wounding oneself on purpose, up to suicide.",
            ),
            SubCategory(
                name="Substance Abuse and Poisoning",
                definition="Harming oneself with drugs, alcohol, medicine or poisonous substances.",
            ),
            SubCategory(
                name="Psychological and Disordered Harm",
                definition="Disordered eating, isolation and other patterns that damage one's own mind and body.",
            ),
        ),
    ),
    Category(
        name="Erotic",
        definition="Sexual material and requests for it.",
        subs=(
            SubCategory(
                name="Adult Content",
                definition="Sexual acts, services or situations described, suggested or arranged.",
            ),
            SubCategory(
                name="Erotic Visual Content",
                definition="Pictures whose point is nudity or sexual staging, and requests about them.",
            ),
        ),
    ),
    Category(
        name="Hate",
        definition="Contempt for people because of a group they belong to.",
        also=("Hate Speech",),
        subs=(
            SubCategory(
                name="Racial and Ethnic Discrimination",
                definition="Demeaning people, or treating them as less, for their skin colour, race or ethnic origin.",
            ),
            SubCategory(
                name="Cultural Xenophobia",
                definition="Mocking or rejecting foreigners, migrants and the customs of other cultures.",
            ),
            SubCategory(
                name="Religious Intolerance",
                definition="Insulting, excluding or inciting against people for their faith or for having none.",
            ),
            SubCategory(
                name="Gender and Sexual Orientation Discrimination",
                definition="Demeaning people, or treating them as less, for their gender or for whom they love.",
            ),
        ),
    ),
    Category(
        name="Privacy",
        definition="Use of information about people against their will.",
        also=("Privacy Violation",),
        subs=(
            SubCategory(
                name="Unauthorized Data Collection",
                definition="Watching, tracking or gathering facts about people who did not agree to it.",
                also=("Unauthorised Data Collection",),
            ),
            SubCategory(
                name="Identity Theft and Impersonation",
                definition="Using somebody else's documents, likeness or accounts to pass as that person.",
            ),
        ),
    ),
)


def find_category(name: str) -> Category | None:
    """The category of that name or spelling, or None where it is not in the taxonomy."""
    return _categories().get(_key(name))


def category_of(sub_category: str) -> str | None:
    """Name of the category that a sub-category belongs to, or None where the taxonomy does not know it."""
    found = _subs().get(_key(sub_category))
    return found.name if found else None


def is_misfiled(category: str, sub_category: str) -> bool:
    """Whether both names are of this taxonomy, but the sub-category belongs to another category."""
    home = _subs().get(_key(sub_category))
    filed = find_category(category)
    return home is not None and filed is not None and home is not filed


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", name.lower().replace("&", "and"))


@cache
def _categories() -> dict[str, Category]:
    return {_key(name): category for category in TAXONOMY for name in (category.name, *category.also)}


@cache
def _subs() -> dict[str, Category]:
    return {_key(name): category for category in TAXONOMY for sub in category.subs for name in (sub.name, *sub.also)}
