"""Steps of one conversation at the desk's API: taken, handed back, passed on, ended."""

from typing import Annotated

from fastapi import APIRouter, Depends

from bot.desk_rules import Status
from bot.errors import BadInput
from bot.ledger.agents import DeskSession, Role
from channels.console.bodies import Closing, Step, Taking, Transfer
from channels.console.entry import ONE, Entry, step
from channels.console.shapes import Json
from channels.console.whereabouts import gone_from


def add_routes(router: APIRouter, entry: Entry) -> None:
    """Add the routes that move a conversation."""
    rooms, desk = entry.rooms, entry.desk
    ledger, clock = rooms.ledger, rooms.clock
    Writer = Annotated[DeskSession, Depends(entry.writer)]

    @router.post(f"{ONE}/accept", summary="Take it")
    async def accept(sender_id: str, body: Step, session: Writer) -> Json:
        """Take a queued conversation; of two agents the first gets it."""
        agent = session.agent
        row = await ledger.desk.one(sender_id)
        if row is None:
            raise BadInput("not_found", 404)
        if row.agent == agent.name:
            return {}
        if row.status is not Status.QUEUED:  # somebody was faster, or it was given up
            raise await gone_from(rooms, row, "not_waiting")
        if await ledger.agents.held(agent.name) >= agent.capacity:
            raise BadInput("at_capacity", 409)
        return await step(
            rooms,
            sender_id,
            lambda: desk.accept(sender_id, agent.name, body.key, agent.title),
            "not_waiting",
        )

    @router.post(f"{ONE}/release", summary="Hand it back")
    async def release(sender_id: str, body: Step, session: Writer) -> Json:
        """Hand the conversation back to the bot."""
        agent = session.agent
        return await step(
            rooms,
            sender_id,
            lambda: desk.release(sender_id, agent.name, body.key, agent.title),
        )

    @router.post(f"{ONE}/close", summary="End it")
    async def close(sender_id: str, body: Closing, session: Writer) -> Json:
        """End the conversation with a summary."""
        agent = session.agent
        return await step(
            rooms,
            sender_id,
            lambda: desk.close(
                sender_id,
                agent.name,
                body.key,
                body.summary or None,
                body.category or None,
                agent.title,
            ),
        )

    @router.post(f"{ONE}/transfer", summary="Pass it on")
    async def transfer(sender_id: str, body: Transfer, session: Writer) -> Json:
        """Pass the conversation to an agent or back into the queue for a skill.

        Answers words for the agent: who has it now, or for whom the customer waits.
        An agent who is not there, is full or has it already is refused.
        """
        row = await entry.visible(sender_id, session)
        holder, agent = row.agent, session.agent
        if holder is None or (holder != agent.name and agent.role is not Role.LEADER):
            raise await gone_from(rooms, row)
        to = await entry.receiver(body.to, holder)
        if body.memo:
            now = clock.now()
            await ledger.agents.add_note(sender_id, agent.name, body.memo, now)
        await ledger.agents.log(
            agent.name, "transfer", clock.now(), sender_id, body.to or ""
        )
        if to is not None:
            await step(
                rooms,
                sender_id,
                lambda: desk.hand_over(sender_id, holder, to.name, body.key, to.title),
            )
            return {"words": rooms.notices.tell("passed_to", agent=to.title)}
        await step(
            rooms,
            sender_id,
            lambda: desk.requeue(sender_id, holder, body.key, body.skill, body.memo),
        )
        present = await ledger.offers.present(clock.now())
        skill, others = body.skill, [a for a in present if a.name != holder]
        notice = "passed_on" if others else "passed_to_nobody"
        if others and skill and not any(skill in each.skills for each in others):
            notice = "passed_to_unskilled"
        return {"words": rooms.notices.tell(notice, skill=skill)}

    @router.post(f"{ONE}/take", summary="Take it over")
    async def take(sender_id: str, body: Taking, session: Writer) -> Json:
        """Take a conversation from the bot or from another agent; for leaders."""
        agent = session.agent
        if agent.role is not Role.LEADER:
            raise BadInput("not_found", 404)
        row = await entry.visible(sender_id, session)
        if row.agent == agent.name:
            return {}
        found = Status(body.found)
        await ledger.agents.log(
            agent.name, "take", clock.now(), sender_id, body.held_by or found.value
        )
        return await step(
            rooms,
            sender_id,
            lambda: desk.take(
                sender_id,
                agent.name,
                body.key,
                found=found,
                held_by=body.held_by,
                title=agent.title,
            ),
        )
