"""Start any Rasa command, with or without TensorFlow: ``python launch.py run …``.

In: the arguments of the ``rasa`` command. Out: its exit code. When TensorFlow is not
installed, the placeholder packages beside this file take its place (DECISIONS.md, 2).
"""

from __future__ import annotations

import contextlib
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
    """Put this folder first on the path and the checkout last; cache in our own folder."""
    sys.path.insert(0, str(HERE))
    sys.path.append(str(ROOT))
    keep_to_our_folder()


def keep_to_our_folder() -> None:
    """Keep what is cached in the instance's folder, ``BAOKE_VAR_DIR``.

    Jieba would put its dictionary into the machine's folder for temporary files, where
    anybody may have left another one.
    """
    import jieba

    var = ROOT / Path(os.environ.get("BAOKE_VAR_DIR") or "var").expanduser()
    os.environ["BAOKE_VAR_DIR"] = str(var)  # for the components, from any folder
    cache = var / "cache"
    with contextlib.suppress(OSError):  # it works without, only slower
        cache.mkdir(parents=True, exist_ok=True)
    jieba.dt.tmp_dir = str(cache)


def main() -> None:
    """Run the ``rasa`` command line."""
    use_placeholder_when_missing()
    find_our_own()
    from rasa.__main__ import main as rasa_main

    rasa_main()


if __name__ == "__main__":
    main()
