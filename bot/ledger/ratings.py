"""Customers' ratings: asked once for each spell with an agent or with the bot."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, insert, select, update

from bot.desk_rules import Rating
from bot.ledger.database import Database
from bot.ledger.desk_tables import ratings
from bot.ledger.tables import messages
from bot.message import Author

BOT = "bot"
BOT_RESTS = timedelta(hours=24)  # between two questions about the bot
LEAST_ASKED = 2  # messages of the customer before the bot asks how it was


@dataclass(frozen=True)
class Scores:
    """What customers thought of somebody."""

    about: str
    asked: int
    answered: int
    average: float | None


class Ratings:
    """What customers thought, for leaders."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def scores(self, since: datetime) -> tuple[Scores, ...]:
        """Return what customers thought since a moment, for each who was asked about."""
        query = (
            select(
                ratings.c.about,
                func.count(),
                func.count(ratings.c.score),
                func.avg(ratings.c.score),
            )
            .where(ratings.c.asked_at >= since)
            .group_by(ratings.c.about)
            .order_by(ratings.c.about)
        )
        rows = await self._database.read(lambda c: c.execute(query).all())
        return tuple(
            Scores(r[0], r[1], r[2], None if r[3] is None else float(r[3]))
            for r in rows
        )


def answer_rating(
    connection: Connection,
    sender_id: str,
    episode: str,
    score: int | None,
    now: datetime,
) -> bool:
    """Note an answer; False when there is one already, or nothing was asked.

    Args:
        connection: Of the turn's transaction.
        sender_id: The conversation.
        episode: As it was asked about.
        score: 1 to 3; None when the customer would rather not say.
        now: When they answered.
    """
    answered = (
        update(ratings)
        .where(
            ratings.c.sender_id == sender_id,
            ratings.c.episode == episode,
            ratings.c.answered_at.is_(None),
        )
        .values(score=score, answered_at=now)
    )
    return connection.execute(answered).rowcount == 1


def ask_rating(
    connection: Connection, sender_id: str, rating: Rating, now: datetime
) -> bool:
    """Note that a customer is asked; False when it is too early or not the time."""
    if rating.about == BOT and not _bot_may_ask(connection, sender_id, now):
        return False
    connection.execute(
        insert(ratings).values(
            sender_id=sender_id,
            episode=rating.episode,
            about=rating.about,
            asked_at=now,
        )
    )
    return True


def _bot_may_ask(connection: Connection, sender_id: str, now: datetime) -> bool:
    lately = connection.execute(
        select(ratings.c.episode)
        .where(ratings.c.sender_id == sender_id, ratings.c.asked_at > now - BOT_RESTS)
        .limit(1)
    ).first()
    if lately is not None:
        return False
    asked = connection.execute(
        select(messages.c.seq)
        .where(messages.c.sender_id == sender_id, messages.c.author == Author.CUSTOMER)
        .limit(LEAST_ASKED)
    ).all()
    return len(asked) >= LEAST_ASKED
