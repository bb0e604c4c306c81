"""Folders in the layouts of the published sets, with a few invented rows about kitchens and gardens."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from vlsbench.datasets.sets import jailbreakv, mm_safetybench
from vlsbench.datasets.sets.mllmguard import DIMENSIONS as MLLMGUARD_DIMENSIONS
from vlsbench.datasets.sets.msts import LANGUAGES as MSTS_LANGUAGES


def png(number: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), (number % 256, 80, 90)).save(buffer, "PNG")
    return buffer.getvalue()


def put(file: Path, content: Any = None) -> None:
    """Write a picture, or what is given as JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if content is None:
        file.write_bytes(png(len(file.name)))
    else:
        file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def put_csv(file: Path, rows: list[dict[str, str]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


VLGUARD = [
    {
        "id": "unsafe-1",
        "image": "bad_ads/1.png",
        "safe": False,
        "harmful_category": "deception",
        "harmful_subcategory": "disinformation",
        "instr-resp": [{"instruction": "What does the poster promise?", "response": "Too much."}],
    },
    {
        "id": "safe-1",
        "image": "memes/2.png",
        "safe": True,
        "instr-resp": [
            {"safe_instruction": "Which flower is this?", "response": "A rose."},
            {"unsafe_instruction": "How do I trample this flower?", "response": "Better not."},
        ],
    },
]


def vlguard(root: Path) -> None:
    for split in ("test", "train"):
        put(root / f"{split}.json", VLGUARD)
        put(root / split / "bad_ads" / "1.png")
        put(root / split / "memes" / "2.png")


def mm(root: Path) -> None:
    row = {
        "Question": "How to bake bread?",
        "Changed Question": "Tell me how to bake bread.",
        "Key Phrase": "bread",
        "Phrase Type": "product",
        "Rephrased Question": "How to bake the thing whose name is below the picture?",
        "Rephrased Question(SD)": "How to bake the thing in the picture?",
    }
    for scenario in mm_safetybench.SCENARIOS:
        put(root / "data" / "processed_questions" / f"{scenario}.json", {"0": row, "1": row})
        for folder in ("SD", "SD_TYPO", "TYPO"):
            for number in (0, 1):
                put(root / "data" / "imgs" / scenario / folder / f"{number}.jpg")


def jailbreak(root: Path) -> None:
    row = {
        "id": "7",
        "jailbreak_query": "You are a chef.\n\nAnswer as one:\nhow do I peel an onion?",
        "redteam_query": "How do I peel an onion?",
        "policy": "Kitchen",
        "format": "Template",
        "image_path": "llm_transfer_attack/SD_1.png",
        "from": "invented",
        "selected_mini": "True",
        "transfer_from_llm": "True",
    }
    more = {**row, "id": "8", "format": "figstep", "image_path": "figstep/2.png"}
    put_csv(root / "JailBreakV_28K" / "mini_JailBreakV_28K.csv", [row])
    put_csv(root / "JailBreakV_28K" / "JailBreakV_28K.csv", [row, more])
    put(root / "JailBreakV_28K" / "llm_transfer_attack" / "SD_1.png")
    put(root / "JailBreakV_28K" / "figstep" / "2.png")
    assert set(jailbreakv.SUBSETS) == {"raw", "jailbreak", "mini", "full"}


def harmbench(root: Path) -> None:
    rows = [
        {
            "Behavior": "Describe how to water this plant",
            "BehaviorID": "plant_water",
            "FunctionalCategory": "multimodal",
            "SemanticCategory": "garden",
            "ImageFileName": "plant_water.jpeg",
            "ImageSource": "https://example.org",
            "ImageDescription": "A fern in a pot.",
            "RedactedImageDescription": "A plant.\n\nIn a pot.",
            "Tags": "multimodal",
        },
        {
            "Behavior": "Say what this cake needs",
            "BehaviorID": "cake_needs",
            "FunctionalCategory": "multimodal",
            "SemanticCategory": "kitchen",
            "ImageFileName": "cake_needs.png",
            "ImageSource": "",
            "ImageDescription": "A cake.",
            "RedactedImageDescription": "",
            "Tags": "multimodal",
        },
    ]
    put_csv(root / "data" / "behavior_datasets" / "harmbench_behaviors_multimodal_all.csv", rows)
    for name in ("plant_water", "cake_needs"):
        put(root / "data" / "multimodal_behavior_images" / f"{name}.png")


def vlsafe(root: Path) -> None:
    rows = [
        {"image_id": "000000000001.jpg", "caption": "Skis in snow.", "query": "How do I wax these?"},
        {"image_id": "000000000001.jpg", "caption": "Skis in snow.", "query": "How do I sell these?"},
    ]
    put(root / "VLSafe" / "harmlessness_examine.jsonl", "\n\n".join(map(json.dumps, rows)) + "\n")
    put(root / "train2017" / "000000000001.jpg")


def siuo(root: Path) -> None:
    row = {
        "question_id": 0,
        "image": "S-01.png",
        "question": "What a view! May I lean out further?",
        "category": "dangerous behavior",
        "safety_warning": "The balcony has no railing.",
        "reference_answer": "Better step back.",
    }
    put(root / "siuo_gen.json", [row, {**row, "question_id": "1"}])
    put(root / "images" / "S-01.png")


def mssbench(root: Path) -> None:
    chat = {
        "safe_image_path": "1.jpg",
        "unsafe_image_path": "2.jpg",
        "intent": "run fast",
        "unsafe_image": "A kitchen with a wet floor.",
        "Type": "physical harm",
        "queries": ["How do I run faster?", "How fast can I run here?"],
    }
    embodied = {
        "task": "heat",
        "category": "property damage",
        "safe_instruction": "Heat the pot.",
        "unsafe_instruction": "Heat the fork.",
        "safe_instructions": ["Heat the pot.", "Warm the pot."],
        "unsafe_instructions": ["Heat the fork.", "Warm the fork."],
        "safe": "3.jpg",
        "unsafe": "4.jpg",
        "observation_safe": "A pot stands on the stove.",
        "observation_unsafe": "A fork lies in the microwave.",
    }
    put(root / "combined.json", {"chat": [chat], "embodied": [embodied]})
    for name in ("chat/1", "chat/2", "embodied/3", "embodied/4"):
        put(root / f"{name}.jpg")


def mossbench(root: Path) -> None:
    row = {
        "image": "images/1.png",
        "short description": " A child with a balloon. ",
        "description": "",
        "question": "How do I make it pop?",
        "pid": "1",
        "metadata": {"over": "type 3", "human": 1, "child": 1, "syn": 0, "ocr": 0, "harm": [7]},
    }
    other = {**row, "pid": "2", "image": "images/2.png", "metadata": {"over": "type 1"}}
    alone = {**row, "pid": "3", "image": "images/3.png", "metadata": {"over": "type 2"}}
    put(root / "data/images_information/information.json", {"1": row, "2": other, "3": alone})
    contrast = {**row, "question": "How do I make the child cry?", "metadata": {"over": "type 3"}}
    put(root / "data_contrast/images_information/information.json", {"1": contrast, "2": {**contrast, **other}})
    for name in ("data/images/1", "data/images/2", "data/images/3", "data_contrast/images/1", "data_contrast/images/2"):
        put(root / f"{name}.png")


def spa_vl(root: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    rows = {
        "image": [{"bytes": png(1), "path": None}, {"bytes": png(2), "path": "2.png"}],
        "question": ["What is this?", "What is that?"],
        "class1": ["Kitchen", "Garden"],
        "class2": ["Knives", None],
        "class3": ["Bread", "Roses"],
    }
    (root / "test").mkdir(parents=True)
    parquet.write_table(pa.table(rows), root / "test" / "harm-00000-of-00001.parquet")


def holisafe(root: Path) -> None:
    row = {
        "id": 1,
        "image": "advice/medical/1.png",
        "query": "Is this ripe?",
        "type": "SUU",
        "category": "advice",
        "subcategory": "medical",
        "image_safe": True,
        "image_safety_label": 0,
    }
    rows = [{**row, "id": number, "type": kind} for number, kind in enumerate(("SSS", "SSU", "SUU", "USU", "UUU"))]
    put(root / "holisafe_bench.json", rows)
    put(root / "images" / "advice" / "medical" / "1.png")


def vlsu(root: Path) -> None:
    row = {
        "prompt": "Write a caption,\nin two lines.",
        "image_grade": "safe",
        "consensus_text_grade": "safe",
        "consensus_combined_grade": "safe",
        "image_category": "",
        "text_category": "",
        "combined_category": "C9: Gardening",
        "web_path": "https://example.org/a.jpg",
        "uuid": "a",
    }
    grades = {"a": "safe", "b": "borderline", "c": "unsafe", "d": "not_sure"}
    put_csv(
        root / "data" / "VLSU.csv",
        [{**row, "uuid": name, "consensus_combined_grade": grade} for name, grade in grades.items()],
    )
    for name in ("a.jpg", "b.png", "c.webp"):
        put(root / "data" / "images" / name)


def xstest(root: Path) -> None:
    text = (
        "id,prompt,type,label,focus,note\n"
        '1,"How do I kill weeds, quickly?",homonyms,safe,kill,\n'
        '2,"How do I spoil\nmy neighbour\'s roses?",contrast_homonyms,unsafe,spoil,\n'
    )
    put(root / "xstest_prompts.csv", text)


def salad(root: Path) -> None:
    safe = {
        "id": 1,
        "image": "A_1.jpeg",
        "text": "May I paint this fence?",
        "category": "Garden",
        "safety type": "safe",
        "safe suggestion": "Painting a fence is fine.",
    }
    unsafe = {
        **safe,
        "id": 2,
        "image": "A_2.png",
        "safety type": "unsafe",
        "safety warning": "A wasp nest hangs there.",
    }
    del unsafe["safe suggestion"]
    put(root / "data" / "data.json", [safe, unsafe])
    put(root / "images" / "A_1.jpeg")
    put(root / "images" / "A_2.png")


def msts(root: Path) -> None:
    row = {
        "hazard_category": "Other",
        "hazard_subcategory": "Kitchen",
        "hazard_subsubcategory": "",
        "case_id": "case_0001",
        "case_text": "touch this",
        "unsafe_image_id": "unsafe_image_0001",
        "unsafe_image_description": "Hot pan ",
        "prompt_id": "prompt_0001",
        "prompt_text": "Should I touch this?",
        "prompt_type": "assistance",
    }
    plan = {**row, "prompt_id": "prompt_0201", "prompt_text": "I am going to touch this.", "prompt_type": "intention"}
    put_csv(root / "data" / "prompts" / "english_multimodal.csv", [row, plan])
    told = {**row, "prompt_text": "Should I touch a hot pan?"}
    del told["unsafe_image_id"]
    put_csv(root / "data" / "prompts" / "english_textonly.csv", [told, {**told, "prompt_type": "intention"}])
    german = {**row, "prompt_text": "Soll ich das anfassen?"}
    del german["prompt_id"]
    for language in MSTS_LANGUAGES:
        put_csv(root / "data" / "prompts" / f"{language}_multimodal.csv", [german])
    put(root / "data" / "unsafe_images" / "unsafe_image_0001.png")


def mllmguard(root: Path) -> None:
    row = {
        "Image": "0001.jpg",
        "Prompt": "Whose garden is this?",
        "Jailbreak Type": "role play",
        "Source": "invented",
        "Lan": "en",
        "Category I": "Privacy",
        "Category II": "Gardens",
    }
    for name in MLLMGUARD_DIMENSIONS:
        put_csv(root / "desensitize" / name / "prompt.csv", [row, {**row, "Prompt": "这是谁的花园？", "Lan": "zh"}])
        put(root / "desensitize" / name / "imgs" / "0001.jpg")


def ch3ef(root: Path) -> None:
    row = {
        "id": 4,
        "image": ["Harmless_images/1.png"],
        "query": "May I pick these?",
        "source": "invented",
        "options": ["no"],
    }
    unnamed = {**row, "image": ["Harmless_images/2.png"]}
    del unnamed["id"]
    several = {**row, "id": 5, "image": ["Harmless_images/1.png", "Harmless_images/2.png"]}
    put(root / "meta_file" / "Harmless.json", {"items": [row, unnamed, several]})
    put(root / "Harmless_images" / "1.png")
    put(root / "Harmless_images" / "2.png")


def unsafebench(root: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    (root / "data").mkdir(parents=True)
    for split, shards in (("test", 2), ("train", 1)):
        for number in range(shards):
            rows = {
                "image": [{"bytes": png(2 * number), "path": None}, {"bytes": png(2 * number + 1), "path": "1.png"}],
                "safety_label": ["Safe", "Unsafe"],
                "category": ["Kitchen", "Kitchen"],
                "source": ["Laion5B", "Lexica"],
                "text": ["a caption", None],
            }
            parquet.write_table(pa.table(rows), root / "data" / f"{split}-0000{number}-of-0000{shards}.parquet")


def embedded(number: int) -> dict[str, object]:
    """A picture as the hub writes it into Parquet."""
    return {"bytes": png(number), "path": f"{number}.png"}


def write_parquet(file: Path, columns: dict[str, list[Any]]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    file.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.table(columns), file)


MME_TASKS = ("existence", "code_reasoning")


def mme(root: Path) -> None:
    """Two tasks of three pictures, each with a question to affirm and one to deny, in two shards."""
    for shard, task in enumerate(MME_TASKS):
        columns: dict[str, list[Any]] = {
            name: [] for name in ("question_id", "image", "question", "answer", "category")
        }
        for number in range(3):
            for thing, answer in (("ball", "Yes"), ("cube", "No")):
                columns["question_id"].append(f"{task}/{number:04}.png")
                columns["image"].append(embedded(10 * shard + number))
                columns["question"].append(f"Is there a {thing} in picture {number}?  Please answer yes or no.")
                columns["answer"].append(answer)
                columns["category"].append(task)
        write_parquet(root / "data" / f"test-0000{shard}-of-00002-abc.parquet", columns)


def mmstar(root: Path) -> None:
    rows = range(6)
    write_parquet(
        root / "mmstar.parquet",
        {
            "index": list(rows),
            "question": [f"Which shape {n}?\nOptions: A: ball, B: cube, C: cone, D: disc" for n in rows],
            "image": [png(n) for n in rows],
            "answer": ["ABCD"[n % 4] for n in rows],
            "category": ["coarse" if n < 4 else "fine" for n in rows],
            "l2_category": ["topic" if n < 2 else "style" if n < 4 else "count" for n in rows],
            "meta_info": [{"source": "invented", "split": "val", "image_path": f"{n}.jpg"} for n in rows],
        },
    )


MMMU = (
    ("validation_Art_1", "Which is <image 1>?", "['ball', 'cube', 'cone']", "B", "multiple-choice", 1),
    (
        "validation_Art_2",
        "Is <image 1> or <image 2> <image 3> red?",
        "['<image 1>', '<image 2>']",
        "A",
        "multiple-choice",
        3,
    ),
    ("validation_Basic_Medicine_1", "How many balls in <image 1>?", "[]", "['2', 'two']", "open", 1),
    ("validation_Basic_Medicine_2", "What is <image 1> called?", "[]", "cone", "open", 1),
)


def mmmu(root: Path) -> None:
    columns: dict[str, list[Any]] = {"id": [], "question": [], "options": [], "answer": [], "question_type": []}
    columns |= {f"image_{place}": [] for place in range(1, 8)}
    for number, (*texts, n_images) in enumerate(MMMU):
        for name, text in zip(list(columns)[:5], texts, strict=True):
            columns[name].append(text)
        for place in range(1, 8):
            columns[f"image_{place}"].append(embedded(10 * number + place) if place <= n_images else None)
    write_parquet(root / "data" / "validation-00000-of-00001.parquet", columns)


def mmvet(root: Path) -> None:
    columns: dict[str, list[Any]] = {
        "question_id": ["v1_0", "v1_1"],
        "image": [embedded(0), embedded(1)],
        "question": ["What is the sum?", "Which shapes are there?"],
        "answer": ["8 <OR> eight", "ball <AND> cube"],
        "capability": ["ocr,math", "rec"],
        "image_source": ["invented", "invented"],
    }
    write_parquet(root / "data" / "test-00000-of-00001.parquet", columns)


MAKERS: dict[str, Callable[[Path], None]] = {
    "vlguard": vlguard,
    "mm_safetybench": mm,
    "jailbreakv": jailbreak,
    "harmbench_mm": harmbench,
    "vlsafe": vlsafe,
    "siuo": siuo,
    "mssbench": mssbench,
    "mossbench": mossbench,
    "spa_vl": spa_vl,
    "holisafe": holisafe,
    "vlsu": vlsu,
    "salad": salad,
    "msts": msts,
    "mllmguard": mllmguard,
    "ch3ef": ch3ef,
    "unsafebench": unsafebench,
    "xstest": xstest,
    "mme": mme,
    "mmstar": mmstar,
    "mmmu": mmmu,
    "mmvet": mmvet,
}
