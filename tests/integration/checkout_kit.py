"""A small checkout whose Rasa is a script, for tests of training and parsing."""

import stat
import sys
from pathlib import Path

from channels.places import Places

# Stands in for the Rasa environment's Python: `launch.py train …` writes a model,
# `parse_lines.py MODEL` answers every line with the same intent.
FAKE_PYTHON = """#!{python}
import json, pathlib, sys
arguments = sys.argv[1:]
here = pathlib.Path.cwd()
if arguments[0] == "launch.py":
    with open("calls", "a") as calls:
        calls.write(" ".join(arguments) + "\\n")
    if (here / "broken").exists():
        print("2026-01-01 INFO  rasa - Reading data")
        print("YamlException: Failed to read data/nlu/greet.yml, line 3, column 5")
        sys.exit(1)
    if not (here / "empty").exists():
        out = pathlib.Path(arguments[arguments.index("--out") + 1])
        name = arguments[arguments.index("--fixed-model-name") + 1]
        (out / (name + ".tar.gz")).write_text("model")
    print("Starting to train component 'Jieba'.")
else:
    if (here / "broken").exists():
        sys.exit("ModelNotFound: the model is damaged")
    for line in sys.stdin:
        text = json.loads(line)["text"]
        guess = {{"name": "greet", "confidence": 0.5}}
        print(json.dumps({{"text": text, "intent": guess,
                           "intent_ranking": [guess], "entities": []}}))
"""

NLU = """nlu:
- intent: greet
  examples: |
    - 你好
- intent: thank
  examples: |
    - 谢谢
"""


def make_checkout(folder: Path) -> Places:
    """Lay out what the commands look for; return its places."""
    assistant = folder / "bot" / "assistant"
    python = assistant / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(FAKE_PYTHON.format(python=sys.executable))
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    for name, text in (
        ("pyproject.toml", ""),
        ("bot/assistant/config.yml", "language: zh"),
        ("bot/assistant/domain/_shared.yml", "intents: [greet, {thank: {}}]"),
        ("bot/assistant/components/model.py", "SIZE = 1"),
        ("bot/assistant/lexicon/words.txt", "犹豫期 10 n"),
        ("data/nlu/greet.yml", NLU),
        ("data/rules/greet.yml", "rules: []"),
        ("requirements/rasa.txt", "rasa==3.6.21"),
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Places(folder, folder / "var")
