"""A line that can be cut: TCP here, TCP or a unix socket on the other side."""

import asyncio
import contextlib


class Line:
    """A proxy in front of a server.

    Args:
        target: ("host", port) or the path of a unix socket.
    """

    def __init__(self, target):
        self.target = target
        self.cut = False
        self.silent = asyncio.Event()
        self.silent.set()  # data flows
        self.pairs = set()
        self.server = None

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()
        self.drop()

    def drop(self):
        """Cut every connection at once; new ones work."""
        for writer in list(self.pairs):
            writer.transport.abort()

    @contextlib.asynccontextmanager
    async def down(self):
        """Nobody gets through, and who was is cut off."""
        self.cut = True
        self.drop()
        try:
            yield
        finally:
            self.cut = False

    @contextlib.asynccontextmanager
    async def hanging(self):
        """Connections stay, and nothing passes: the worst kind of network."""
        self.silent.clear()
        try:
            yield
        finally:
            self.silent.set()

    async def _join(self, reader, writer):
        if self.cut:
            writer.transport.abort()
            return
        try:
            if isinstance(self.target, str):
                there, back = await asyncio.open_unix_connection(self.target)
            else:
                there, back = await asyncio.open_connection(*self.target)
        except OSError:
            writer.transport.abort()
            return
        self.pairs |= {writer, back}
        try:
            await asyncio.gather(self._pass(reader, back), self._pass(there, writer))
        finally:
            self.pairs -= {writer, back}
            for end in (writer, back):
                end.transport.abort()

    async def _pass(self, source, sink):
        try:
            while data := await source.read(65536):
                await self.silent.wait()
                sink.write(data)
                await sink.drain()
            await self.silent.wait()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            sink.transport.abort()
