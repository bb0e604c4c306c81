"""No telemetry: nothing here asks a host that the user did not name.

Hugging Face's libraries tell the hub their versions, the model type and the device whenever a trainer starts, and put
them into the headers of downloads; Ray reports its use. Both can be told not to, before or after they are imported.
"""

from __future__ import annotations

import os
import sys

_SWITCHES = {"HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1", "RAY_USAGE_STATS_ENABLED": "0"}


def no_telemetry() -> None:
    """Switch off what libraries report of their use, in this process and those it starts."""
    os.environ.update(_SWITCHES)
    # Read once, when the module is imported, and somebody may have done so already.
    if (constants := sys.modules.get("huggingface_hub.constants")) is not None:
        constants.HF_HUB_DISABLE_TELEMETRY = True  # type: ignore[attr-defined]
