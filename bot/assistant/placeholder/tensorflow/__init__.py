"""Stand-in for TensorFlow: imports succeed, use fails with a clear message.

In: ``import tensorflow``, ``from tensorflow.keras import backend`` and the like, made by
Rasa while it loads modules whose classes are never built. Out: placeholder modules,
classes and decorators. Anything really called raises `TensorFlowMissing`.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

__version__ = "0.0.0+placeholder"
_ROOTS = ("tensorflow", "keras")


class TensorFlowMissing(ImportError):
    """A component that needs TensorFlow was used in the install without it."""

    def __init__(self, what: str) -> None:
        """Name the thing that was used, e.g. ``tensorflow.constant``."""
        super().__init__(
            f"{what} needs TensorFlow, which the default install leaves out; "
            "run `make setup RASA_FULL=1`"
        )


class _PlaceholderMeta(type):
    """Metaclass: every attribute of a placeholder class is a placeholder again."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _placeholder(f"{cls.__qualname__}.{name}")

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        # `@tf.function(...)` and `@tf.function` run while Rasa's modules load.
        if cls.__qualname__.endswith((".function", ".experimental_function")):
            if len(args) == 1 and not kwargs and callable(args[0]):
                return args[0]
            return lambda function: function
        if cls.__dict__.get("_is_placeholder"):
            raise TensorFlowMissing(cls.__qualname__)
        return super().__call__(*args, **kwargs)

    def __or__(cls, other: object) -> Any:
        return cls

    def __getitem__(cls, item: object) -> Any:
        return cls


def _placeholder(qualname: str) -> type:
    return _PlaceholderMeta(
        qualname.rpartition(".")[2],
        (),
        {"__qualname__": qualname, "_is_placeholder": True, "__module__": "tensorflow"},
    )


class _PlaceholderModule(ModuleType):
    __path__: tuple[str, ...] = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = _placeholder(f"{self.__name__}.{name}")
        setattr(self, name, value)
        return value


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        root, _, rest = fullname.partition(".")
        if root in _ROOTS and rest:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _PlaceholderModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run: the module answers attributes on demand."""


if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
    sys.meta_path.append(_Finder())


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return _placeholder(f"tensorflow.{name}")
