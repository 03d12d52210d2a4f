"""Where customers' files lie: a folder, or any store that fsspec knows (S3 and others).

In: ``BAOKE_FILES_URL``. Out: whole files by their random id. A file is there whole or not
at all; nobody else may read the folder.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from datetime import timedelta
from functools import cache
from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem

from bot.errors import Retryable, StoreError
from bot.settings import Settings

_SOON = timedelta(seconds=10)


class FileStore:
    """Files by id.

    Args:
        url: Folder, or a URL such as ``s3://bucket/prefix``.

    Raises:
        ValueError: There is no driver for such a URL.
    """

    def __init__(self, url: str) -> None:
        try:
            self._system, self._root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError, OSError) as err:
            raise ValueError(f"BAOKE_FILES_URL: {err}") from err

    async def write(self, file_id: str, content: bytes) -> None:
        """Keep a file.

        Raises:
            StoreError: It could not be kept; nothing of it is there.
        """
        keep = self._write_here if self._is_local else self._write_there
        try:
            await asyncio.to_thread(keep, file_id, content)
        except Exception as err:  # drivers raise what they like
            raise StoreError(f"files: {type(err).__name__}") from err

    async def read(self, file_id: str) -> bytes | None:
        """Return a file; None when it is not there.

        Raises:
            StoreError: The store does not answer.
        """
        try:
            return bytes(
                await asyncio.to_thread(self._system.cat_file, self._at(file_id))
            )
        except FileNotFoundError:
            return None
        except Exception as err:  # drivers raise what they like
            raise StoreError(f"files: {type(err).__name__}") from err

    async def read_to_send(self, file_id: str) -> bytes | None:
        """Return a file for a platform, see ``read``.

        Raises:
            Retryable: The store does not answer; nothing was sent yet.
        """
        try:
            return await self.read(file_id)
        except StoreError as err:
            raise Retryable(_SOON) from err

    @property
    def _is_local(self) -> bool:
        return isinstance(self._system, LocalFileSystem)

    def _at(self, file_id: str) -> str:
        return f"{self._root.rstrip('/')}/{file_id}"

    def _write_here(self, file_id: str, content: bytes) -> None:
        folder = Path(self._root)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        begun = folder / f".{file_id}.{secrets.token_hex(4)}.part"
        try:
            begun.touch(mode=0o600, exist_ok=False)
            with begun.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # or its name may outlive a power cut alone
            begun.replace(folder / file_id)
        except BaseException:
            begun.unlink(missing_ok=True)
            raise

    def _write_there(self, file_id: str, content: bytes) -> None:
        self._system.pipe_file(self._at(file_id), content)


@cache
def _store_at(url: str) -> FileStore:
    return FileStore(url)


def open_files(settings: Settings) -> FileStore:
    """Return the store of these settings.

    Raises:
        ValueError: There is no driver for its URL.
    """
    return _store_at(settings.files_url or str(settings.attachments_dir))
