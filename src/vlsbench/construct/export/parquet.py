"""Records and their pictures in one Parquet file, as the Hugging Face hub writes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vlsbench.construct.export.records import FIELDS
from vlsbench.construct.lines import Record
from vlsbench.core.errors import MissingExtra, Stopped
from vlsbench.core.images import read_file

_BATCH = 64
"""Records whose pictures are in memory at once."""

_HUB = b'{"info": {"features": {%s}}}'


def write(path: Path, root: Path, records: Sequence[Record]) -> None:
    """Write the records; pictures go inside, as structs of bytes and path.

    Args:
        path: The file.
        root: The folder that pictures are relative to.
        records: The records.

    Raises:
        MissingExtra: pyarrow is not installed.
        ImageProblem: A picture is gone.
        Stopped: The disk is full or gone.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra("pyarrow", "data") from error
    picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    schema = pa.schema([(name, picture if name == "image" else pa.string()) for name in FIELDS])
    features = [
        b'"%s": %s'
        % (name.encode(), b'{"_type": "Image"}' if name == "image" else b'{"dtype": "string", "_type": "Value"}')
        for name in FIELDS
    ]
    schema = schema.with_metadata({b"huggingface": _HUB % b", ".join(features)})
    part = path.with_name(f".{path.name}.part")
    try:
        with parquet.ParquetWriter(part, schema) as writer:
            for batch in _batches(root, records):
                writer.write_table(pa.Table.from_pylist(batch, schema=schema))
        part.replace(path)
    except OSError as error:
        raise Stopped(f"Cannot write {path}: {error.strerror or error}.") from error


def _batches(root: Path, records: Sequence[Record]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(records), _BATCH):
        yield [_row(root, record) for record in records[start : start + _BATCH]]


def _row(root: Path, record: Record) -> dict[str, Any]:
    place = Path(str(record["image"]))
    data, _ = read_file(root / place)
    return {**record, "image": {"bytes": data, "path": place.name}}
