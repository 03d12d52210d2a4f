"""Understand many texts with one loaded model: ``python parse_lines.py MODEL``.

In: JSON lines ``{"text"}`` on standard input. Out: one JSON line each, as Rasa's
``/model/parse`` answers. Nothing else gets to standard output.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from typing import Any, TextIO

from launch import find_our_own, use_placeholder_when_missing

KEYS = ("text", "intent", "intent_ranking", "entities")


async def parse_all(model: str, lines: TextIO, out: TextIO) -> None:
    """Load the model once and answer line by line."""
    from rasa.core.agent import Agent
    from rasa.utils.log_utils import configure_structlog

    configure_structlog(logging.ERROR)  # its default prints every text
    agent = Agent.load(model)
    for line in lines:
        parsed: dict[str, Any] = await agent.parse_message(json.loads(line)["text"])
        answer = {key: parsed.get(key) for key in KEYS}
        out.write(json.dumps(answer, ensure_ascii=False) + "\n")
        out.flush()


def main() -> None:
    """Keep standard output for answers; libraries print to standard error."""
    # Not the file object but its number, as C libraries write to that.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    use_placeholder_when_missing()
    find_our_own()
    try:
        asyncio.run(parse_all(sys.argv[1], sys.stdin, out))
    except Exception as error:  # whatever Rasa finds wrong, in one line
        sys.exit(f"{sys.argv[1]}: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
