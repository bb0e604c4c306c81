"""MM-SafetyBench (Liu et al., ECCV 2024): a request whose key phrase moved into the picture. arXiv:2311.17600.

``processed_questions/01-Illegal_Activitiy.json`` [sic] and twelve more map an id to its questions; the pictures are in
``{scenario}/{SD,SD_TYPO,TYPO}/{id}.jpg``. Which question goes with which picture follows the published evaluation:
``Rephrased Question(SD)`` with SD, ``Rephrased Question`` with the two that show the phrase as type, and ``Changed
Question`` without a picture. All forms of a question make one group. Verified against loaders of the
set, not against its files.
"""

from __future__ import annotations

from collections.abc import Mapping

from vlsbench.core.types import Sample
from vlsbench.datasets.base import Entry, Records, Ref, need_folder, text_field
from vlsbench.datasets.files.layout import find_file, find_images, opened, under
from vlsbench.datasets.files.tables import filled, json_table

VARIANTS: dict[str, tuple[str, str, str]] = {
    "text-only": ("Changed Question", "", ""),
    "sd": ("Rephrased Question(SD)", "SD", "A generated picture of: {}."),
    "typo": ("Rephrased Question", "TYPO", 'The words "{}" as type.'),
    "sd_typo": ("Rephrased Question", "SD_TYPO", 'A generated picture of: {0}. Below it the words "{0}" as type.'),
}
"""By subset: the question asked, the folder of its pictures, and what they show."""

SCENARIOS = (
    "01-Illegal_Activitiy",
    "02-HateSpeech",
    "03-Malware_Generation",
    "04-Physical_Harm",
    "05-EconomicHarm",
    "06-Fraud",
    "07-Sex",
    "08-Political_Lobbying",
    "09-Privacy_Violence",
    "10-Legal_Opinion",
    "11-Financial_Advice",
    "12-Health_Consultation",
    "13-Gov_Decision",
)
"""As files and folders are called, with the typing error of the first."""

_FOLDERS = ("processed_questions", "data/processed_questions")
_ARCHIVES = ("MM-SafetyBench(imgs).zip", "data/MM-SafetyBench(imgs).zip", "imgs.zip", "data/imgs.zip")
_IMAGES = ("", "imgs", "data/imgs", "data", "MM-SafetyBench(imgs)", "data/MM-SafetyBench(imgs)")


def open_folder(ref: Ref) -> Records:
    """Open ``mm_safetybench:DIR`` (all four ways of asking), or one of them."""
    root = need_folder(ref, ENTRY)
    files = {name: find_file(root, [f"{folder}/{name}.json" for folder in _FOLDERS], ENTRY) for name in SCENARIOS}
    variants = (ref.subset,) if ref.subset else tuple(VARIANTS)
    images = ""
    if variants != ("text-only",):
        where = find_images(root, [under(folder, SCENARIOS[0]) for folder in _IMAGES], ENTRY, archives=_ARCHIVES)
        images = where.removesuffix(SCENARIOS[0]).rstrip("/")
    parts = [
        (
            json_table(file),
            lambda row, number, scenario=scenario, variant=variant: [to_sample(row, number, scenario, variant, images)],
        )
        for variant in variants
        for scenario, file in files.items()
    ]
    return opened(ref, root, parts, ("Changed Question", "Rephrased Question", "Rephrased Question(SD)"))


def to_sample(row: Mapping[str, object], number: str, scenario: str, variant: str, images: str) -> Sample:
    """One question in one of the four ways.

    Raises:
        BadField: The question is missing or not a text.
    """
    question, folder, shows = VARIANTS[variant]
    phrase = text_field(row, "Key Phrase", required=False)
    return Sample(
        id=f"{scenario}/{number}/{variant}",
        text=filled(row, question),
        image=under(images, f"{scenario}/{folder}/{number}.jpg") if folder else None,
        category=scenario[3:].replace("Activitiy", "Activity").replace("_", " "),
        source=f"mm_safetybench {variant}",
        description=shows.format(phrase) if phrase else "",
        group=f"{scenario}/{number}",
    )


ENTRY = Entry(
    name="mm_safetybench",
    title="MM-SafetyBench: the key phrase of a request as a picture, as type, or both",
    size="1,680 questions in 13 scenarios, each asked in four ways",
    records="6,720",
    images="a separate archive, which unpacks to one folder per scenario",
    pictures="5,040",
    licence="CC BY-NC 4.0",
    source="https://github.com/isXinLiu/MM-SafetyBench",
    citation=(
        "Xin Liu, Yichen Zhu, Jindong Gu, Yunshi Lan, Chao Yang, Yu Qiao. MM-SafetyBench: A Benchmark for Safety "
        "Evaluation of Multimodal Large Language Models. ECCV 2024. arXiv:2311.17600"
    ),
    get=(
        "Run git clone https://github.com/isXinLiu/MM-SafetyBench, download the archive of pictures that its README "
        "links to, unpack it into data/imgs of the clone, and pass mm_safetybench:DIR, where DIR is the clone."
    ),
    usage="mm_safetybench:DIR",
    subsets=tuple(VARIANTS),
    open=open_folder,
)
"""The catalogue entry."""
