"""Keep several processes running: start, wait until ready, restart, stop together.

In: recipes. Out: nothing; it ends when told to, or with GaveUp when a child cannot be
kept alive. What the three processes are is written in channels/up.py.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bot.errors import BaokeError
from channels.children import Child, Recipe

_PROBE_PAUSE = 0.15  # seconds between two questions whether a child is ready
_IN_USE = ("address already in use", "errno 98", "errno 48")

T = TypeVar("T")
Tell = Callable[[str], None]


class GaveUp(BaokeError):
    """A child cannot be kept alive; the text says which and what it said last."""


class Broken(BaokeError):
    """Raised by a probe: the child runs, but will never be ready."""


@dataclass(frozen=True)
class Pace:
    """When to try again and when to stop trying; all in seconds.

    Attributes:
        stable: A child that was ready this long has worked; its next death is a first.
        tries: Deaths in a row, none of them after ``stable``, that are enough.
        first_pause: Before the first restart; doubled for each further one.
        longest_pause: Between two restarts.
        start: For a child to become ready.
    """

    stable: float = 10.0
    tries: int = 4
    first_pause: float = 0.5
    longest_pause: float = 10.0
    start: float = 180.0


class Supervisor:
    """Runs children until it is stopped or one cannot be kept alive.

    Args:
        log_dir: Where their output goes.
        tell: Gets a line for people when something happens.
        pace: When to give up.
    """

    def __init__(self, log_dir: Path, tell: Tell, pace: Pace | None = None) -> None:
        self._log_dir = log_dir
        self._tell = tell
        self._pace = pace or Pace()
        self._keepers: dict[Child, asyncio.Task[None]] = {}
        self._stopping = asyncio.Event()

    def add(self, recipe: Recipe) -> Child:
        """Start a child and keep it alive from now on."""
        child = Child(recipe, self._log_dir)
        self._keepers[child] = asyncio.create_task(self._keep(child))
        return child

    async def ready(self, *children: Child) -> None:
        """Wait until all are ready.

        Raises:
            GaveUp: One cannot be kept alive.
        """

        async def all_ready() -> None:
            for child in children:
                await child.ready.wait()

        await self.unless_failed(asyncio.create_task(all_ready()))

    async def step(self, recipe: Recipe) -> None:
        """Run something that ends by itself, showing what it says.

        Raises:
            GaveUp: It failed.
        """
        child = Child(recipe, self._log_dir, hear=self._tell)
        try:
            await child.start()
        except OSError as err:
            raise GaveUp(f"{recipe.name} cannot be started: {err}") from err
        ending = asyncio.create_task(child.ended())
        try:
            code = await self.unless_failed(asyncio.shield(ending))
        finally:
            child.kill()
            await ending
            child.close()
        if code:
            raise GaveUp(f"{recipe.name} failed (exit {code})")

    async def forever(self) -> None:
        """Wait until a child cannot be kept alive.

        Raises:
            GaveUp: Always.
        """
        await self.unless_failed(asyncio.get_running_loop().create_future())

    async def unless_failed(self, work: asyncio.Future[T]) -> T:
        """Wait for ``work``, or until a child cannot be kept alive.

        Raises:
            GaveUp: One cannot; ``work`` is cancelled.
        """
        watched: set[asyncio.Future[Any]] = {work, *self._keepers.values()}
        await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        for keeper in self._keepers.values():
            if keeper.done():
                work.cancel()
                keeper.result()  # raises
        return await work

    async def _keep(self, child: Child) -> None:
        pace, name = self._pace, child.recipe.name
        loop = asyncio.get_running_loop()
        deaths = 0
        while True:
            child.ready_at = None
            why = await self._live(child)
            if self._stopping.is_set():
                return
            worked = loop.time() - child.ready_at if child.ready_at else 0.0
            deaths = 1 if worked > pace.stable else deaths + 1
            child.ready.clear()
            if deaths >= pace.tries:
                raise GaveUp(self._obituary(child, why, deaths))
            pause = min(pace.first_pause * 2 ** (deaths - 1), pace.longest_pause)
            self._tell(f"{name} {why}; starting it again in {pause:.1f} s")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
                return

    async def _live(self, child: Child) -> str:
        """Start a child and return, when it has ended, why."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            await child.start()
        except OSError as err:
            return f"cannot be started: {err}"
        ending = asyncio.create_task(child.ended())
        probing = asyncio.create_task(self._probe(child))
        try:
            await asyncio.wait({ending, probing}, return_when=asyncio.FIRST_COMPLETED)
            if probing.done() and not ending.done():
                if not probing.result():
                    return f"was not ready after {self._pace.start:.0f} s"
                child.ready_at = loop.time()
                child.ready.set()
                self._tell(f"{child.recipe.name} ready ({loop.time() - started:.1f} s)")
            code = await asyncio.shield(ending)
        except Broken as err:
            raise GaveUp(self._obituary(child, str(err), 0)) from err
        finally:
            probing.cancel()
            if not ending.done():
                child.kill()
            await asyncio.wait({ending, probing})
        return f"ended (signal {-code})" if code < 0 else f"ended (exit {code})"

    async def _probe(self, child: Child) -> bool:
        """Ask until it is ready; False when that takes too long."""
        deadline = asyncio.get_running_loop().time() + self._pace.start
        while await child.recipe.probe() is not None:
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(_PROBE_PAUSE)
        return True

    def _obituary(self, child: Child, why: str, deaths: int) -> str:
        name = child.recipe.name
        said = "\n".join(f"    {line}" for line in child.tail)
        times = f", {deaths} times in a row" if deaths > 1 else ""
        hint = " (its port is in use)" if _is_in_use(said) else ""
        log = self._log_dir / f"{name}.log"
        return f"{name} {why}{times}{hint}. It said last ({log}):\n{said}"

    async def stop(self) -> None:
        """End all children, stage by stage from the highest; a stage's together."""
        self._stopping.set()
        stages = {child.recipe.stage for child in self._keepers}
        for stage in sorted(stages, reverse=True):
            group = [child for child in self._keepers if child.recipe.stage == stage]
            for child in group:
                child.terminate()
            await asyncio.gather(*(self._end(child) for child in group))
        self.kill()

    async def _end(self, child: Child) -> None:
        keeper = self._keepers[child]
        done, _ = await asyncio.wait({keeper}, timeout=child.recipe.grace)
        if not done:
            self._tell(f"{child.recipe.name} does not end; killing it")
            child.kill()
            await asyncio.wait({keeper}, timeout=1.0)
        keeper.cancel()
        with suppress(asyncio.CancelledError, BaokeError):
            await keeper
        child.close()

    def kill(self) -> None:
        """End all children at once."""
        self._stopping.set()
        for child in self._keepers:
            child.kill()


def _is_in_use(said: str) -> bool:
    return any(words in said.lower() for words in _IN_USE)
