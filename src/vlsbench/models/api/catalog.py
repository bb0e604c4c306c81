"""What a server says that it serves: ``GET {base}/models``.

vLLM and SGLang tell in ``root`` what the name stands for; llama.cpp and others tell a name of their own. Many say
nothing.
"""

from __future__ import annotations

import asyncio

from vlsbench.core.errors import ConnectionFailed, RequestFailed
from vlsbench.core.surrogates import sayable
from vlsbench.models.api import failures
from vlsbench.models.api.http import Client

_LIMIT_S = 10.0


async def root_of(client: Client, model: str) -> str | None:
    """What a server has behind the name of a model, or None where it does not say.

    Args:
        client: The server.
        model: The name that it is asked for by.

    Raises:
        ConnectionFailed: No answer came.
    """
    try:
        answer = await asyncio.wait_for(client.get("/models"), _LIMIT_S)
    except ConnectionFailed:
        raise
    except (TimeoutError, RequestFailed):
        return None
    body = failures.loads(answer.body) if answer.status == 200 else None
    rows = body.get("data") if isinstance(body, dict) else None
    named = {
        row["id"]: row.get("root")
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and isinstance(row.get("id"), str)
    }
    # A server of one model may take any name for it.
    found = model if model in named else next(iter(named)) if len(named) == 1 else None
    if found is None:
        return None
    root = named[found]
    return sayable(client.hide(root if isinstance(root, str) and root else found))[: failures.MAX_NAME]
