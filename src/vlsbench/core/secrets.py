"""The API keys of this process, kept out of everything that is recorded.

Servers echo what they were sent, and models repeat it, also in JSON escapes that show the key only once they are
parsed. So what is written is searched for every key at the last moment.
"""

from __future__ import annotations

import re

import orjson

_SHORTEST = 8
"""Characters of a key; shorter ones are placeholders for servers that want none, and ordinary words."""

SHOWN = "[key]"

_keys: dict[str, re.Pattern[str]] = {}
"""Each key, with what finds it where some of its characters are escapes, also escapes within escapes."""


def remember(key: str) -> None:
    """Take a key that is about to be used; it is never forgotten while the process lives."""
    if len(key) >= _SHORTEST:
        _keys[key] = re.compile("".join(rf"\\*(?:{re.escape(char)}|u(?i:{ord(char):04x}))" for char in key))


def hide(text: str) -> str:
    """The text without any key, as it is or in JSON escapes (a judge's verdict is JSON within JSON)."""
    for key, escaped in _keys.items():
        text = text.replace(key, SHOWN)
        if "\\" in text:
            text = escaped.sub(SHOWN, text)
    return text


def hide_in_json(data: bytes) -> bytes:
    """A JSON document, as orjson writes it, without any key in its texts."""
    for key, escaped in _keys.items():
        data = data.replace(orjson.dumps(key)[1:-1], SHOWN.encode())
        if b"\\" in data:
            data = escaped.sub(SHOWN, data.decode()).encode()
    return data
