"""The API keys of this process, kept out of everything that is recorded.

Servers echo what they were sent, and models repeat it, also in JSON escapes that show the key only once they are
parsed. So what is written is searched for every key at the last moment.
"""

from __future__ import annotations

import orjson

_SHORTEST = 8
"""Characters of a key; shorter ones are placeholders for servers that want none, and ordinary words."""

SHOWN = "[key]"

_keys: set[str] = set()


def remember(key: str) -> None:
    """Take a key that is about to be used; it is never forgotten while the process lives."""
    if len(key) >= _SHORTEST:
        _keys.add(key)


def hide(text: str) -> str:
    """The text without any key."""
    for key in _keys:
        text = text.replace(key, SHOWN)
    return text


def hide_in_json(data: bytes) -> bytes:
    """A JSON document, as orjson writes it, without any key in its texts."""
    for key in _keys:
        data = data.replace(orjson.dumps(key)[1:-1], SHOWN.encode())
    return data
