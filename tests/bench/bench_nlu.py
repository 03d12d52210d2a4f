"""Side by side: our understanding, its ablations, Rasa's default pipeline (make bench-nlu).

In: data/nlu and the held-out file. Out: tables on standard output, and with ``--write``
between the marks of a document, with confusion.png beside it. Run by the Rasa
environment's Python; Rasa's default pipeline joins in when that has TensorFlow
(``RASA_FULL=1``) or ``--full`` names an interpreter that has.
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
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import yaml

ROOT = Path(__file__).resolve().parents[2]
ASSISTANT = ROOT / "bot" / "assistant"
HERE = Path(__file__).parent / "nlu"
sys.path[:0] = [str(ASSISTANT), str(HERE)]
sys.path.append(str(ROOT))

from candidates import CANDIDATES  # noqa: E402
from components.homophones import trade_homophones  # noqa: E402
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
WHOLE = "Whole pipelines inside Rasa"
MARKS = ("<!-- table -->\n", "<!-- end of table -->")


@dataclass
class Sentences:
    """Sentences as a classifier takes them, each list of the same length."""

    texts: list[str]
    words: list[list[str]]
    vectors: Any  # shape (n, 384)
    labels: list[str]

    def some(self, chosen: Any) -> Sentences:
        """Those at some positions."""
        return Sentences(
            [self.texts[i] for i in chosen],
            [self.words[i] for i in chosen],
            self.vectors[chosen],
            [self.labels[i] for i in chosen],
        )

    def fit(self, model: Any) -> Any:
        """Train a classifier on them."""
        return model.fit(self.texts, self.words, self.vectors, self.labels)

    def ask(self, model: Any) -> tuple[list[str], Any]:
        """Best intents and their confidence."""
        found = model.predict(self.texts, self.words, self.vectors)
        return [model.labels[i] for i in found.argmax(axis=1)], found.max(axis=1)


def main() -> None:
    """Measure everything and print."""
    args = _arguments()
    typed, labels = read_training(ROOT / "data" / "nlu")
    held = read_held_out(args.held_out)
    known = read(typed, labels, args.cache)
    asked = read([r["text"] for r in held], [r["intent"] for r in held], args.cache)
    rows, crossed = [], []
    for name, build in CANDIDATES.items() if args.folds else ():
        print(f"… {name}", file=sys.stderr, flush=True)
        guessed, row = classifier_row(build, known, asked, held, args.folds)
        rows.append({"name": name, **row})
        crossed.append(guessed)
    whole = whole_pipelines(args, labels, typed, held)
    report = render(rows, whole, len(typed), len(held), args.folds)
    print(report)
    if args.write:
        write(args.write, report, keep_classifiers=not rows)
    if args.write and rows:
        draw(crossed[0], labels, args.write.parent / "confusion.png")


def classifier_row(
    build: Any, known: Sentences, asked: Sentences, held: list, folds: int
) -> tuple[list[str], dict[str, Any]]:
    """Cross-validate one classifier, then ask it the held-out sentences."""
    n = len(known.texts)
    fold = np.random.default_rng(7).permutation(n) % folds
    guessed, sure = [""] * n, np.zeros(n)
    for number in range(folds):
        outside = np.where(fold == number)[0]
        model = known.some(np.where(fold != number)[0]).fit(build())
        best, sure[outside] = known.some(outside).ask(model)
        for i, intent in zip(outside, best, strict=True):
            guessed[i] = intent
    started = time.perf_counter()
    model = known.fit(build())
    seconds = time.perf_counter() - started
    started = time.perf_counter()
    for i in range(len(asked.texts)):  # one by one, as a server is asked
        asked.some(np.array([i])).ask(model)
    each = 1000 * (time.perf_counter() - started) / len(asked.texts)
    best, confidence = asked.ask(model)
    return guessed, {
        "crossed": measure(guessed, sure, known.labels, [()] * n),
        "held": measure(best, confidence, *wanted_of(held)),
        "fit_seconds": seconds,
        "classify_ms": each,
    }


def read(typed: list[str], labels: list[str], cache: Path) -> Sentences:
    """Bring sentences into the classifier's form."""
    texts = [readable(text) for text in typed]
    return Sentences(texts, [words_of(t) for t in texts], encode(texts, cache), labels)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    folds = "0: only whole pipelines, the other table stays as it is"
    parser.add_argument("--folds", type=int, default=4, help=folds)
    held_out = ROOT / "tests" / "nlu" / "intents.tsv"
    parser.add_argument("--held-out", type=Path, default=held_out, metavar="TSV")
    parser.add_argument("--cache", type=Path, default=ROOT / "var" / "cache")
    parser.add_argument("--full", metavar="PYTHON", help="of the full Rasa install")
    kept = ROOT / "var" / "bench"
    parser.add_argument(
        "--keep", type=Path, default=kept, help="trained models' folder"
    )
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


def readable(text: str) -> str:
    """The text as the classifier reads it."""
    words_of("")  # loads the lexicon, on which the correction rests
    return trade_homophones().correct(normalise(text))


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
    from embedding.e5 import E5Small

    known: dict[str, Any] = {}
    for path in cache.glob("*vectors-e5-small-q4-ort.npz"):
        with np.load(path) as kept:
            known.update(zip(kept["texts"].tolist(), kept["vectors"], strict=False))
    wanted = [text for text in dict.fromkeys(texts) if text not in known]
    known.update(zip(wanted, E5Small().encode(wanted, "query"), strict=True))
    return np.stack([known[text] for text in texts])


def whole_pipelines(
    args: argparse.Namespace,
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
        full = args.full or (sys.executable if find_spec("tensorflow") else None)
        if full:
            default = HERE / "rasa_default.yml"
            runs.append(("Rasa's default, DIET 100 epochs", full, default))
        for title, python, config in runs:
            print(f"… {title}", file=sys.stderr, flush=True)
            own = config.is_relative_to(ASSISTANT)
            args.keep.mkdir(parents=True, exist_ok=True)
            files = (config, nlu, questions, folder / "out.json", args.keep.resolve())
            result = _run_pipeline(python, *files, placeholder=own)
            names, confidence = zip(*result.pop("found"), strict=True)
            judged = measure(names, np.array(confidence), *wanted_of(held))
            found.append({"name": title, "held": judged, **result})
    return found


def _run_pipeline(
    python: str,
    config: Path,
    nlu: Path,
    asked: Path,
    out: Path,
    kept: Path,
    *,
    placeholder: bool,
) -> dict[str, Any]:
    command = [python, str(HERE / "rasa_pipeline.py")]
    command += [str(path) for path in (config, nlu, asked, out, kept)]
    env = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "LOG_LEVEL": "ERROR"}
    # The sentence encoder as `baoke up` runs it: spinning threads stall beside others.
    env.setdefault("OMP_NUM_THREADS", str(min(2, os.cpu_count() or 1)))
    env.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if placeholder:  # as installed by default, whatever this environment holds
        env["PYTHONPATH"] = str(ASSISTANT / "placeholder")
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
        f"{WHOLE}, held-out file, same run ({datetime.now(UTC):%Y-%m-%d}, "
        f"{trained_on} training sentences):",
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


def write(path: Path, report: str, *, keep_classifiers: bool = False) -> None:
    """Put the tables between the marks of a document."""
    document = path.read_text(encoding="utf-8")
    before, _, rest = document.partition(MARKS[0])
    old, mark, after = rest.partition(MARKS[1])
    if keep_classifiers:
        report = old.partition(WHOLE)[0] + WHOLE + report.partition(WHOLE)[2]
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
