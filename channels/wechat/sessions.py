"""Sessions in WeChat's own customer-service tool, as the desk's ledger knows them.

For insurers whose agents sit in that tool (``BAOKE_WECHAT_AGENTS=wechat``). While such a
session is open WeChat sends us nothing, so the desk shows who holds the conversation but
not what is said. Source: developers.weixin.qq.com/doc/service/en/guide/product/kf/
forwarding.html (2026-11-22).
"""

import structlog

from bot.desk import Desk
from bot.desk_rules import Handoff, Status
from bot.errors import IllegalMove
from channels.visitors import WebRooms
from channels.wechat.reading import Callback, Session

log = structlog.get_logger()


class Sessions:
    """Follows sessions."""

    def __init__(self, rooms: WebRooms, desk: Desk) -> None:
        self._rooms = rooms
        self._desk = desk

    async def step(self, callback: Callback, session: Session) -> None:
        """Write a step down; one that does not fit, or is a repeat, changes nothing."""
        sender_id, key = callback.sender_id, callback.message_key
        status, last_seq = await self._rooms.ledger.messages.holder(sender_id)
        if last_seq == 0:
            return  # somebody we never heard of
        try:
            if session.left and session.joined:
                left, joined = agent_name(session.left), agent_name(session.joined)
                await self._desk.hand_over(sender_id, left, joined, key)
            elif session.joined:
                if status is Status.BOT:
                    await self._desk.request(sender_id, Handoff("wechat_tool"), key)
                await self._desk.accept(sender_id, agent_name(session.joined), key)
            elif session.left:
                await self._desk.release(sender_id, agent_name(session.left), key)
        except IllegalMove as err:
            log.info("wechat.session_ignored", why=str(err))

    async def end_forgotten(self, callback: Callback) -> None:
        """A message that reaches us says that no session is open any more."""
        ledger, sender_id = self._rooms.ledger, callback.sender_id
        status, _ = await ledger.messages.holder(sender_id)
        if status is not Status.AGENT:
            return
        if await ledger.messages.knows(sender_id, callback.message_key):
            return
        agent = await ledger.moves.agent_of(sender_id)
        try:
            key = callback.message_key
            await self._desk.release(sender_id, agent or "", f"{key}:session")
        except IllegalMove as err:
            log.info("wechat.session_ignored", why=str(err))


def agent_name(account: str) -> str:
    """Return what customers are told: the account without its company."""
    return account.partition("@")[0][:100]
