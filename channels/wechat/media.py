"""Fetches files that customers sent from WeChat's servers, where they lie for three days."""

from datetime import timedelta

from channels.fetching import FileFetcher, FileGone, Patience
from channels.visitors import WebRooms
from channels.wechat import CHANNEL
from channels.wechat.api import WeChatApi, WeChatError

_PATIENCE = Patience(timedelta(seconds=60), tries=12)  # three days in sum


class MediaFetcher(FileFetcher):
    """Fetches what is due."""

    def __init__(self, rooms: WebRooms, api: WeChatApi) -> None:
        super().__init__(rooms, CHANNEL, _PATIENCE, "media_lost")
        self._api = api

    async def get(self, media_ref: str) -> bytes:
        """Return a file's content, see ``FileFetcher.get``."""
        try:
            return await self._api.media(media_ref)
        except WeChatError as err:  # wrong, too old, or a video's
            raise FileGone(f"errcode {err.code}") from err
