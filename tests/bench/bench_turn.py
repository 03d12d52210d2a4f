"""One turn through the edge against the same turn straight to Rasa, same run.

Needs running servers. By hand:

    python tests/bench/bench_turn.py --edge http://127.0.0.1:8080 \
        --rasa http://127.0.0.1:5005 --turns 100

Edge: socket in, stored, asked, stored, first reply on the socket. Rasa: its own REST
channel, or our connector with ``--rasa-path /webhooks/baoke/turn``. The two alternate,
so that a busy moment of the machine hits both. Prints one JSON document.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import uuid
from collections.abc import Awaitable
from time import perf_counter
from typing import Any

import httpx
import socketio

REST = "/webhooks/rest/webhook"
TEXTS = ("你好", "重疾险保什么", "你们几点上班", "谢谢")
TURNS_PER_CONVERSATION = 20  # below the edge's limit per visitor; trackers stay short
PATIENCE = 60.0  # seconds for one turn


class EdgeVisitor:
    """One conversation on the edge's socket."""

    def __init__(self) -> None:
        self._sio = socketio.AsyncClient(reconnection=False)
        self._replies: asyncio.Queue[int] = asyncio.Queue()  # what they answer
        self._session = ""

    async def open(self, url: str) -> "EdgeVisitor":
        self._sio.on("bot_uttered", self._on_uttered)
        await self._sio.connect(url, transports=["websocket"])
        request = {"session_id": None, "customData": {"client": "baoke"}}
        got = await self._sio.call("session_request", request)
        self._session = got["session_id"]
        return self

    async def _on_uttered(self, data: dict[str, Any]) -> None:
        self._replies.put_nowait(data["metadata"]["in_reply_to"] or 0)

    async def turn(self, text: str) -> None:
        data = {
            "message": text,
            "session_id": self._session,
            "metadata": {"client_message_id": uuid.uuid4().hex},
        }
        seq = (await self._sio.call("user_uttered", data, timeout=PATIENCE))["seq"]
        async with asyncio.timeout(PATIENCE):
            while await self._replies.get() != seq:
                pass

    async def close(self) -> None:
        await self._sio.disconnect()


class RasaVisitor:
    """One conversation with Rasa itself."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self._url = url
        self._sender = f"bench:{uuid.uuid4().hex}"

    async def turn(self, text: str) -> None:
        body = {"sender": self._sender, "message": text}
        if not self._url.endswith(REST):
            turn_id = uuid.uuid4().hex
            body = {"sender_id": self._sender, "turn_id": turn_id, "text": text}
        answer = await self._client.post(self._url, json=body, timeout=PATIENCE)
        answer.raise_for_status()
        if not answer.json():
            raise SystemExit("Rasa stayed silent: is a model loaded?")


async def timed(work: Awaitable[None]) -> float:
    """Return how many milliseconds it took."""
    began = perf_counter()
    await work
    return (perf_counter() - began) * 1000


async def measure(options: argparse.Namespace) -> dict[str, list[float]]:
    """Alternate the two ways; the first conversation only warms up."""
    spent: dict[str, list[float]] = {"edge": [], "rasa": []}
    rasa_url = options.rasa.rstrip("/") + options.rasa_path
    async with httpx.AsyncClient() as client:
        for start in range(-TURNS_PER_CONVERSATION, options.turns, 20):
            edge = await EdgeVisitor().open(options.edge)
            rasa = RasaVisitor(client, rasa_url)
            for number in range(start, start + TURNS_PER_CONVERSATION):
                text = TEXTS[number % len(TEXTS)]
                edge_ms = await timed(edge.turn(text))
                rasa_ms = await timed(rasa.turn(text))
                if number >= 0:
                    spent["edge"].append(edge_ms)
                    spent["rasa"].append(rasa_ms)
            await edge.close()
    return spent


def report(spent: dict[str, list[float]]) -> dict[str, Any]:
    """Put the figures together; milliseconds."""
    found: dict[str, Any] = {
        name: {
            "median": round(statistics.median(times), 2),
            "p95": round(statistics.quantiles(times, n=20)[-1], 2),
        }
        for name, times in spent.items()
    }
    edge, rasa = found["edge"]["median"], found["rasa"]["median"]
    return {
        "turns": len(spent["edge"]),
        "ms": found,
        "ratio": round(edge / rasa, 3),
        "added_ms": round(edge - rasa, 2),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--edge", default="http://127.0.0.1:8080")
    parser.add_argument("--rasa", default="http://127.0.0.1:5005")
    parser.add_argument("--rasa-path", default=REST)
    parser.add_argument("--turns", type=int, default=100)
    options = parser.parse_args()
    print(json.dumps(report(asyncio.run(measure(options))), ensure_ascii=False))


if __name__ == "__main__":
    main()
