"""Figures of a classifier on labelled sentences; plain numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

OUT = "out_of_scope"


def measure(
    found: Sequence[str],
    confidence: Any,
    wanted: Sequence[str],
    acceptable: Sequence[Sequence[str]],
) -> dict[str, float]:
    """Accuracy, macro-F1, out of scope, calibration error.

    Args:
        found: best intents.
        confidence: of them, shape (n,).
        wanted: right intents.
        acceptable: further right ones, per sentence.
    """
    found_, wanted_ = np.array(found), np.array(wanted)
    right = found_ == wanted_
    fair = right | np.array([f in a for f, a in zip(found, acceptable, strict=True)])
    outside = wanted_ == OUT
    return {
        "accuracy": float(right.mean()),
        "acceptable": float(fair.mean()),
        "macro_f1": macro_f1(found_, wanted_),
        "out_recall": float((found_[outside] == OUT).mean()) if outside.any() else 1.0,
        "refused": float((found_[~outside] == OUT).mean()),
        "calibration": calibration_error(np.asarray(confidence), right),
    }


def macro_f1(found: Any, wanted: Any) -> float:
    """Mean F1 over the intents that are asked for."""
    scores = []
    for label in sorted(set(wanted)):
        hit = np.sum((found == label) & (wanted == label))
        all_found, all_wanted = np.sum(found == label), np.sum(wanted == label)
        scores.append(2 * hit / (all_found + all_wanted))
    return float(np.mean(scores))


def calibration_error(confidence: Any, right: Any, bins: int = 10) -> float:
    """Expected calibration error: mean distance of confidence from accuracy."""
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    error = 0.0
    for b in range(bins):
        inside = place == b
        if inside.any():
            gap = abs(confidence[inside].mean() - right[inside].mean())
            error += inside.mean() * gap
    return float(error)
