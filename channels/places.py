"""Where the pieces of a checkout lie; the commands and the supervisor ask here."""

from dataclasses import dataclass
from pathlib import Path

from bot.settings import find_project_root

_CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Places:
    """Paths of one checkout and of what it keeps.

    Attributes:
        root: The project root.
        var: What is kept and is not in the repository.
    """

    root: Path
    var: Path

    @property
    def assistant(self) -> Path:
        """What the Rasa server loads."""
        return self.root / "bot" / "assistant"

    @property
    def rasa_python(self) -> Path:
        """Interpreter of the Rasa environment."""
        return self.assistant / ".venv" / "bin" / "python"

    @property
    def models(self) -> Path:
        """Trained models and the note of the one in use."""
        return self.var / "models"

    @property
    def logs(self) -> Path:
        """Output of the children and of training."""
        return self.var / "log"

    @property
    def lock(self) -> Path:
        """Held by the one supervisor of this ``var``."""
        return self.var / "baoke.lock"

    @property
    def instance(self) -> Path:
        """Note of the running instance: addresses, process ids, Rasa's token."""
        return self.var / "instance.json"


def find_root(start: Path | None = None) -> Path:
    """Return the checkout that the current folder belongs to.

    Outside of any, the one this file lies in.
    """
    root = find_project_root(start)
    is_checkout = (root / "bot" / "assistant" / "config.yml").is_file()
    return root if is_checkout else _CHECKOUT
