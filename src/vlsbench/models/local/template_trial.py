"""A chat template is a stranger's program: it is tried out in a process of its own, with little memory and time.

Rendering in this process has a time limit but shares our memory: a template that writes a gigabyte for any conversation
would take the run with it. One that does so only for certain words gets past the trial.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import lru_cache

MOST_BYTES = 1 << 30
"""Address space of the trial; templates of published models need some ten megabytes."""

MOST_S = 10
"""Seconds of CPU that the trial may take; real templates take milliseconds."""

_OUT_OF_MEMORY = 3

_TRIAL = """
import json, sys
try:
    import resource
    from jinja2.sandbox import ImmutableSandboxedEnvironment
except ImportError:
    sys.exit(0)
given = json.load(sys.stdin)
resource.setrlimit(resource.RLIMIT_AS, (given["bytes"], given["bytes"]))
resource.setrlimit(resource.RLIMIT_CPU, (given["seconds"], given["seconds"]))
loops = ["jinja2.ext.loopcontrols"]
environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=loops)
environment.filters["tojson"] = lambda value, **options: json.dumps(value)
environment.globals.update(raise_exception=lambda message: 1 / 0, strftime_now=lambda form: form)
names = {"bos_token": "", "eos_token": "", "pad_token": "", "add_generation_prompt": True, "tools": None}
for content in ("probe", [{"type": "image"}, {"type": "text", "text": "probe"}]):
    try:
        environment.from_string(given["template"]).render(messages=[{"role": "user", "content": content}], **names)
    except MemoryError:
        sys.exit(given["out_of_memory"])
    except Exception:
        pass
"""


class TemplateTooHungry(ValueError):
    """A chat template asked for more memory or time than any real one needs."""


@lru_cache(maxsize=64)
def try_out(template: str) -> None:
    """Nothing where a template stays within its limits; whether it works is for whoever renders with it to say.

    Raises:
        TemplateTooHungry: It does not.
    """
    limits = {"bytes": MOST_BYTES, "seconds": MOST_S, "out_of_memory": _OUT_OF_MEMORY}
    try:
        ended = subprocess.run(  # noqa: S603 - our own program; the template is its input, not its text
            [sys.executable, "-I", "-c", _TRIAL],
            input=json.dumps({"template": template, **limits}).encode(),
            capture_output=True,
            timeout=6 * MOST_S,  # of the clock: the machine may be busy
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TemplateTooHungry("it does not end") from None
    if ended.returncode == _OUT_OF_MEMORY:
        raise TemplateTooHungry(f"it asks for more than {MOST_BYTES >> 20:,} MB of memory")
    if ended.returncode < 0:
        raise TemplateTooHungry(f"it does not end within {MOST_S} s, or was killed for its memory")
