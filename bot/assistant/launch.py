"""Start any Rasa command, with or without TensorFlow: ``python launch.py run …``.

In: the arguments of the ``rasa`` command. Out: its exit code. When TensorFlow is not
installed, the placeholder packages beside this file take its place (DECISIONS.md, 2).
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]  # for the room `embedding`, which is everybody's


def use_placeholder_when_missing() -> bool:
    """Put the placeholder on the path unless the real TensorFlow is installed.

    Returns:
        True when the placeholder is in use.
    """
    if importlib.util.find_spec("tensorflow") is not None:
        return False
    placeholder = str(HERE / "placeholder")
    sys.path.insert(0, placeholder)
    # Children (`rasa test` starts none today, a second sanic worker would) see it too.
    inherited = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [placeholder, inherited]))
    return True


def find_our_own() -> None:
    """Put this folder first on the path and the checkout last."""
    sys.path.insert(0, str(HERE))
    sys.path.append(str(ROOT))


def main() -> None:
    """Run the ``rasa`` command line."""
    use_placeholder_when_missing()
    find_our_own()
    from rasa.__main__ import main as rasa_main

    rasa_main()


if __name__ == "__main__":
    main()
