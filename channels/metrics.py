"""Figures for Prometheus, in a registry of their own."""

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

from bot.ledger.values import Outcome


class Metrics:
    """Counts what the edge does."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.messages = Counter(
            "baoke_messages_in_total",
            "Messages from customers by what became of them",
            ["channel", "result"],
            registry=self.registry,
        )
        self._turns = Counter(
            "baoke_turns_total", "Turns by outcome", ["outcome"], registry=self.registry
        )
        self._seconds = Histogram(
            "baoke_turn_seconds",
            "From taking up a turn to its stored replies",
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=self.registry,
        )
        self._gauges: list[Gauge] = []

    def turn(self, outcome: Outcome, seconds: float) -> None:
        """Count one finished turn."""
        self._turns.labels(outcome.value).inc()
        self._seconds.observe(seconds)

    def watch(self, name: str, meaning: str, read: Callable[[], float]) -> None:
        """Read a present figure whenever somebody asks."""
        gauge = Gauge(name, meaning, registry=self.registry)
        gauge.set_function(read)
        self._gauges.append(gauge)

    def render(self) -> bytes:
        """Return the text that Prometheus reads."""
        return generate_latest(self.registry)
