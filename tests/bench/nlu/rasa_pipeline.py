"""Train and time one whole Rasa pipeline; run by an interpreter that has Rasa.

In: ``CONFIG NLU_FILE QUESTIONS OUT KEPT`` (YAML, YAML, JSON list of texts, path, folder).
Out: JSON with the best intent and confidence per text, seconds of the training,
milliseconds per parse and the process's memory. A model of the same sentences already in
KEPT is asked without training again. The working folder is bot/assistant.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import resource
import sys
import time
from pathlib import Path

EMBEDDING = Path(__file__).resolve().parents[3] / "embedding"
WARM = 20  # parses that do not count


def main(config: str, nlu: str, questions: str, out: str, kept: str) -> None:
    """Run once."""
    from launch import find_our_own, use_placeholder_when_missing

    use_placeholder_when_missing()
    find_our_own()
    from rasa.core.agent import Agent

    texts = json.loads(Path(questions).read_text(encoding="utf-8"))
    model, seconds = trained(Path(config), Path(nlu), Path(kept))
    agent = Agent.load(model)

    async def parse_all() -> None:
        for text in texts[:WARM]:
            await agent.parse_message(f"{text} ")  # not the words that are timed
        for text in texts:
            began = time.perf_counter()
            parsed = await agent.parse_message(text)
            times.append(1000 * (time.perf_counter() - began))
            found.append((parsed["intent"]["name"], parsed["intent"]["confidence"]))

    times: list = []
    found: list = []
    asyncio.run(parse_all())
    times.sort()
    result = {
        "found": found,
        "train_seconds": round(seconds, 1),
        "parse_ms_median": round(times[len(times) // 2], 2),
        "parse_ms_p95": round(times[int(len(times) * 0.95)], 2),
        "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    Path(out).write_text(json.dumps(result, ensure_ascii=False), encoding="utf-8")


def trained(config: Path, nlu: Path, kept: Path) -> tuple[str, float]:
    """The model's path and the seconds its training took."""
    from rasa.model_training import train_nlu

    content = config.read_bytes() + nlu.read_bytes()
    if b"components." in content:  # of ours: they may have changed
        for source in sorted(
            [*Path("components").glob("*.py"), *EMBEDDING.glob("*.py")]
        ):
            content += source.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:16]
    seconds_file = kept / f"{digest}.seconds"  # written last: the model is whole
    if not seconds_file.exists():
        started = time.perf_counter()
        train_nlu(str(config), str(nlu), str(kept), fixed_model_name=digest)
        seconds_file.write_text(str(time.perf_counter() - started))
    return str(kept / f"{digest}.tar.gz"), float(seconds_file.read_text())


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    main(*sys.argv[1:])
