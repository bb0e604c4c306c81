"""A chat completions server in a process of its own, so that it can be killed: ``python lone_server.py PORT DELAY_S``.

The port is printed once it listens; 0 lets the system choose. It says that it serves ``/somewhere/model``.
"""

from __future__ import annotations

import asyncio
import sys

from aiohttp import web


def app(delay_s: float) -> web.Application:
    async def answer(request: web.Request) -> web.Response:
        await request.read()
        await asyncio.sleep(delay_s)
        message = {"role": "assistant", "content": "I cannot help with that."}
        return web.json_response(
            {"model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": {}}
        )

    async def models(_request: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": "m", "root": "/somewhere/model"}]})

    made = web.Application(client_max_size=1 << 26)
    made.router.add_post("/v1/chat/completions", answer)
    made.router.add_get("/v1/models", models)
    return made


async def main(port: int, delay_s: float) -> None:
    runner = web.AppRunner(app(delay_s))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
