"""Your own data: one JSON object per line, with the fields of a run's ``samples.jsonl``.

Only `sample_id` and `text` are required. `image` is a path relative to the file's folder, and stays inside it,
or a ``data:`` URI; without one the sample is text only, and `images` is a list of several. `options` and `answer`
make a question with a right answer, which is benign unless it says otherwise. Unknown fields are ignored. With columns
named by the user, any JSON lines are a table like others.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import orjson

from vlsbench.core.errors import DatasetError
from vlsbench.core.types import Expect, Sample
from vlsbench.datasets.base import BadField, BadRecord, Entry, OnBad, Records, Ref, json_kind, need_place, text_field
from vlsbench.datasets.files.questions import options_field, question, texts_field
from vlsbench.datasets.files.table_files import open_tables
from vlsbench.datasets.files.tables import json_lines

_EXPECT = {None: Expect.HARMFUL, "harmful": Expect.HARMFUL, "benign": Expect.BENIGN}
_BOM = b"\xef\xbb\xbf"

_NO_PICTURE = "0" * 64
"""A hash that no picture has."""


class _Draft:
    """A `Sample` being filled in: the same slots, not yet frozen.

    Freezing a dataclass sends each field through object.__setattr__, which takes most of the time that a file
    of 200,000 lines needs. A draft is filled at full speed and then becomes a `Sample`; a test compares it
    with one that was made the usual way.
    """

    __slots__ = tuple(field.name for field in fields(Sample))

    id: str
    text: str
    image: str | None
    image_sha256: str | None
    category: str
    sub_category: str
    source: str
    description: str
    safety_reason: str
    expect: Expect
    twin_of: str | None
    group: str | None
    answer: str | None
    options: tuple[str, ...]
    more_images: tuple[str, ...]
    more_images_sha256: tuple[str, ...]


_RARE = frozenset({"answer", "options", "images", "more_images", "more_images_sha256"})
"""Fields that few records have: those that do take the slow way."""


def open_file(ref: Ref) -> Records:
    """Open ``jsonl:FILE``.

    Raises:
        DatasetError: No such file, or not a regular one.
    """
    file = need_place(ref, ENTRY)
    if not os.path.isfile(file):
        if os.path.isdir(file):
            raise DatasetError(f"{file} is a folder; {ENTRY.usage} takes a file, for example {file / 'samples.jsonl'}.")
        if os.path.exists(file):
            raise DatasetError(f"{file} is not a regular file. A dataset is read more than once: save it to a file.")
        raise DatasetError(f"There is no file {file}. {ENTRY.get}")
    if ref.columns:
        return open_tables(str(ref), [file], ref.columns, table=json_lines)
    scan, root = partial(_scan, file), _image_root(file)
    if root != Path(os.path.abspath(file.parent)):
        scan = partial(_recorded_only, scan)
    return Records(name=str(ref), root=root, scan=scan, files=(file,))


def _recorded_only(scan: Callable[[OnBad], Iterator[Sample]], on_bad: OnBad) -> Iterator[Sample]:
    """A run's samples, in which only a picture whose hash was recorded is one.

    The folder comes from a manifest that somebody else may have written: no picture may be sent that was not known
    to whoever wrote it.
    """
    for sample in scan(on_bad):
        known = [sha256 or _NO_PICTURE for sha256 in sample.hashes]
        yield sample.with_images(sample.images, known) if known else sample


def _image_root(file: Path) -> Path | None:
    """The folder that images have to stay inside: that of the file, or for a run's samples that of its dataset.

    A run records where the images are; those that came inside the records lie in a folder of its own. A recorded
    folder so wide that it holds everything of the user's is not believed.
    """
    folder = Path(os.path.abspath(file.parent))
    manifest = folder / "manifest.json"
    if file.name != "samples.jsonl" or not os.path.isfile(manifest) or os.path.isdir(folder / "images"):
        return folder
    try:
        run = orjson.loads(manifest.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return folder
    if not isinstance(run, dict) or "dataset_root" not in run:
        return folder
    root = run["dataset_root"]
    return Path(root) if isinstance(root, str) and not _is_too_wide(Path(root)) else folder


def _is_too_wide(root: Path) -> bool:
    """Whether a folder is relative, the whole disk, or around somebody's home."""
    real = Path(os.path.realpath(root))
    return not root.is_absolute() or Path(os.path.realpath(Path.home())).is_relative_to(real)


def to_sample(row: Mapping[str, Any]) -> Sample:
    """One object as a sample.

    Raises:
        BadField: A field is missing or of the wrong type.
    """
    get = row.get
    name, text, image, sha256 = get("sample_id"), get("text"), get("image"), get("image_sha256")
    category, sub_category, source = get("category", ""), get("sub_category", ""), get("source", "")
    description, reason = get("description", ""), get("safety_reason", "")
    expect, twin_of, group = get("expect", "harmful"), get("twin_of"), get("group")
    if not (
        type(name) is type(text) is type(category) is type(sub_category) is type(source) is str
        and type(description) is type(reason) is type(expect) is str
        and (image is None or (type(image) is str and image))
        and (sha256 is None or type(sha256) is str)
        and (twin_of is None or type(twin_of) is str)
        and (group is None or type(group) is str)
        and name
        and expect in _EXPECT
        and _RARE.isdisjoint(row)
    ):
        return to_sample_slowly(row)
    draft: Any = _Draft()
    draft.id = name
    draft.text = text
    draft.image = image
    draft.image_sha256 = sha256 or None
    draft.category = category
    draft.sub_category = sub_category
    draft.source = source
    draft.description = description
    draft.safety_reason = reason
    draft.expect = _EXPECT[expect]
    draft.twin_of = twin_of or None
    draft.group = group or None
    draft.answer, draft.options, draft.more_images, draft.more_images_sha256 = None, (), (), ()
    draft.__class__ = Sample
    found: Sample = draft
    return found


def to_sample_slowly(row: Mapping[str, Any]) -> Sample:
    """The same for unusual records: a number as id, null for a text, or something wrong, which is named."""
    expect = row.get("expect")
    if not _is_expect(expect):
        raise BadField(f"the field 'expect' should be 'harmful' or 'benign', but is {expect!r:.40}")
    images = _images(row)
    asked = question(text_field(row, "text"), options_field(row, "options"), row.get("answer"))
    return Sample(
        id=_id(row),
        text=asked.text,
        answer=asked.answer,
        options=asked.options,
        image=images[0] if images else None,
        image_sha256=text_field(row, "image_sha256", required=False) or None,
        more_images=tuple(images[1:]),
        more_images_sha256=texts_field(row, "more_images_sha256"),
        category=text_field(row, "category", required=False),
        sub_category=text_field(row, "sub_category", required=False),
        source=text_field(row, "source", required=False),
        description=text_field(row, "description", required=False),
        safety_reason=text_field(row, "safety_reason", required=False),
        expect=Expect.BENIGN if expect is None and asked.answer is not None else _EXPECT[expect],
        twin_of=text_field(row, "twin_of", required=False) or None,
        group=_group(row),
    )


def _images(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The images: one as `image`, several as `images`; a run's own file names the others `more_images`."""
    image, more = text_field(row, "image", required=False), texts_field(row, "more_images")
    several = texts_field(row, "images")
    if several and (image or more):
        raise BadField("the fields 'image' and 'images' are both there; give one of them")
    if (not image and row.get("image") is not None) or "" in (*more, *several):
        raise BadField("the field 'image' is empty; leave it out for a sample without an image")
    if more and not image:
        raise BadField("the field 'more_images' is there without 'image', which is the first of them")
    return several or ((image, *more) if image else ())


def _group(row: Mapping[str, Any]) -> str | None:
    """The group; a number is a name as well."""
    value = row.get("group")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text_field(row, "group", required=False) or None


def _is_expect(value: object) -> bool:
    return value is None or (isinstance(value, str) and value in _EXPECT)


def _id(row: Mapping[str, Any]) -> str:
    value = row.get("sample_id")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if text_field(row, "sample_id") == "":
        raise BadField("the field 'sample_id' is empty")
    return str(value)


def _scan(file: Path, on_bad: OnBad) -> Iterator[Sample]:
    loads = orjson.loads
    try:
        with file.open("rb", buffering=1 << 17) as lines:
            if lines.read(len(_BOM)) != _BOM:
                lines.seek(0)
            for number, line in enumerate(lines, start=1):
                try:
                    row = loads(line)
                    sample = to_sample(row) if type(row) is dict else _not_an_object(row)
                except (orjson.JSONDecodeError, BadField) as error:
                    if line.strip():
                        on_bad(_bad_line(f"{file.name}, line {number}", line, error))
                    continue
                yield sample
    except OSError as error:
        raise DatasetError(f"{file} cannot be read ({error.strerror}).") from error


def _not_an_object(row: object) -> NoReturn:
    raise BadField(f"should be an object, but is {json_kind(row)}")


def _bad_line(where: str, line: bytes, error: Exception) -> BadRecord:
    if isinstance(error, orjson.JSONDecodeError):
        return BadRecord(where, "", f"is not JSON ({error})")
    row = orjson.loads(line)
    return BadRecord(where, f"{row.get('sample_id') or ''!s:.40}" if isinstance(row, dict) else "", str(error))


ENTRY = Entry(
    name="jsonl",
    title="Your own data: one JSON object per line",
    size="as many as the file has lines",
    images="beside the file, or inside it as data: URIs",
    licence="yours",
    source="a file of yours, or the samples.jsonl of a run",
    citation="",
    get="Write one JSON object per line with at least sample_id and text, and pass jsonl:FILE.",
    usage="jsonl:FILE",
    records="yours",
    pictures="yours",
    benign=True,
    twins=True,
    takes_columns=True,
    open=open_file,
)
"""The catalogue entry."""
