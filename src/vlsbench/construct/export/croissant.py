"""Croissant metadata (MLCommons, version 1.0) of an exported set, with the vocabulary for responsible AI."""

from __future__ import annotations

from typing import Any

from vlsbench.construct.export.records import FIELDS

_TERMS = (
    *(
        "citeAs",
        "column",
        "extract",
        "field",
        "fileProperty",
        "fileObject",
        "fileSet",
        "format",
        "includes",
        "jsonPath",
    ),
    *("isLiveDataset", "key", "md5", "parentField", "path", "recordSet", "references", "regex", "repeated", "replace"),
    *("samplingRate", "separator", "source", "subField", "transform", "equivalentProperty"),
)


def _context() -> dict[str, Any]:
    return {
        "@language": "en",
        "@vocab": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "dct": "http://purl.org/dc/terms/",
        "sc": "https://schema.org/",
        "conformsTo": "dct:conformsTo",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "examples": {"@id": "cr:examples", "@type": "@json"},
        **{term: f"cr:{term}" for term in _TERMS},
    }


def document(
    *, name: str, licence: str, canary: str, published: str, file: str, media: str, sha256: str
) -> dict[str, Any]:
    """The metadata as a JSON object.

    Args:
        name: The set's name.
        licence: SPDX identifier.
        canary: The set's canary.
        published: The day, as ISO 8601.
        file: The data file.
        media: Its media type.
        sha256: Its hash.
    """
    return {
        "@context": _context(),
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": name,
        "description": f"Harmful requests whose danger is in the picture alone, with benign twins. Canary {canary}.",
        "license": f"https://spdx.org/licenses/{licence}.html",
        "url": f"urn:uuid:{canary}",
        "version": "1.0.0",
        "datePublished": published,
        "citeAs": f"{name}, made with vlsbench; arXiv:2411.19939",
        "creator": {"@type": "Organization", "name": "the builder of this set"},
        "rai:dataCollection": "Made by models as provenance.jsonl says of each record, and gated as README.md says.",
        "rai:dataUseCases": "Testing whether vision-language models notice danger in pictures.",
        "rai:dataLimitations": "See Known limits in README.md.",
        "rai:personalSensitiveInformation": "None was asked for; painted pictures show nobody who could be recognised.",
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": file,
                "name": file,
                "contentUrl": file,
                "encodingFormat": media,
                "sha256": sha256,
            }
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "records",
                "name": "records",
                "key": {"@id": "records/sample_id"},
                "field": [_field(file, name) for name in FIELDS if name != "image" or file.endswith(".jsonl")],
            }
        ],
    }


def _field(file: str, name: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"records/{name}",
        "name": name,
        "dataType": "sc:Text",
        "source": {"fileObject": {"@id": file}, "extract": {"column": name}},
    }
