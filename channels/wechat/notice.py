"""A notice outside every window: an answer waits, please write to us.

In: a YAML file the insurer fills with the template its account was granted. Out: one
template message or subscription notice. Source: developers.weixin.qq.com/doc/service/
api/notify (2026-11-22): no marketing, at most what the account is granted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import yaml

from bot.notices import BEIJING
from channels.wechat.api import WeChatApi

_PATHS = {
    "template": "/cgi-bin/message/template/send",
    "subscription": "/cgi-bin/message/subscribe/bizsend",
}


@dataclass(frozen=True)
class LateNotice:
    """What is sent.

    Attributes:
        kind: template or subscription.
        data: data[field] = words; ``{time}`` becomes the moment in Beijing.
        pause: One customer gets at most one in this time.
    """

    kind: str
    template_id: str
    data: Mapping[str, str]
    url: str | None
    pause: timedelta

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file.

        Raises:
            ValueError: Says what is wrong with it.
        """
        try:
            raw = yaml.safe_load(path.read_text(encoding="utf-8"))
            kind, data = str(raw["kind"]), dict(raw["data"])
            if kind not in _PATHS:
                raise ValueError(f"kind is one of {', '.join(_PATHS)}")
            words = {str(key): str(value) for key, value in data.items()}
            for word in words.values():
                word.format(time="")
            pause = timedelta(hours=float(raw.get("pause_hours", 24)))
            url = str(raw["url"]) if raw.get("url") else None
            return cls(kind, str(raw["template_id"]), words, url, pause)
        except (OSError, yaml.YAMLError) as err:
            raise ValueError(f"{path}: {err}") from err
        except (AttributeError, KeyError, IndexError, TypeError, ValueError) as err:
            raise ValueError(f"{path}: {type(err).__name__}: {err}") from err

    async def send(self, api: WeChatApi, openid: str, now: datetime) -> None:
        """Send it.

        Raises:
            BaokeError: It was not sent, or nobody knows.
        """
        time = now.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M")
        data = {
            key: {"value": word.format(time=time)} for key, word in self.data.items()
        }
        body: dict[str, Any] = {
            "touser": openid,
            "template_id": self.template_id,
            "data": data,
        }
        if self.url:
            body["url" if self.kind == "template" else "page"] = self.url
        await api.post(_PATHS[self.kind], body)
