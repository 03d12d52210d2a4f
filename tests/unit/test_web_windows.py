"""Windows of one visitor are fed in order, whatever order the news comes in."""

from datetime import UTC, datetime

from bot.desk_rules import Status
from bot.ledger.values import Written
from bot.message import Author, StoredMessage, TextPart
from bot.notices import Notices
from channels.tokens import Door, Session
from channels.windows import Window, Windows

SESSION = Session("id", "web:a", Door.TOKEN, 0)
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def message(seq: int, author: Author = Author.BOT) -> StoredMessage:
    key = f"k{seq}" if author is Author.CUSTOMER else None
    words = (TextPart(str(seq)),)
    return StoredMessage("web:a", seq, author, NOW, words, message_key=key)


class FakeMessages:
    """A ledger whose messages are all committed."""

    def __init__(self, *stored: StoredMessage) -> None:
        self.stored = stored
        self.reads = 0

    async def after(self, sender_id: str, seq: int):
        self.reads += 1
        return tuple(m for m in self.stored if m.seq > seq)


class FakeOutbox:
    def __init__(self) -> None:
        self.confirmed: list[int] = []

    def confirm(self, sender_id: str, seq: int) -> None:
        self.confirmed.append(seq)


async def open_window(*stored: StoredMessage, plain: bool = False):
    sent: list[tuple[str, int]] = []
    outbox = FakeOutbox()
    windows = Windows(FakeMessages(*stored), outbox, Notices.load())

    async def emit(event, data, sid, acknowledged=None) -> None:
        sent.append((event, data["metadata"]["seq"]))
        if acknowledged:
            acknowledged()

    windows.connect_to(emit)
    window = Window("sid", "127.0.0.1", plain=plain)
    await windows.join(window, SESSION)
    window.ready = True  # it has been shown its past, which was empty
    return windows, window, sent, outbox


async def tell(windows: Windows, *messages: StoredMessage) -> None:
    written = Written(messages, Status.BOT, messages[-1].seq)
    await windows.on_written("web:a", written)


async def test_that_late_news_of_an_earlier_message_changes_nothing():
    one, two = message(1, Author.CUSTOMER), message(2)
    windows, _, sent, outbox = await open_window(one, two)
    await tell(windows, two)  # its transaction came second, its news first
    await tell(windows, one)
    assert sent == [("user_echoed", 1), ("bot_uttered", 2)]
    assert outbox.confirmed == [2]


async def test_that_news_in_order_needs_no_reading():
    windows, _, sent, _ = await open_window()
    await tell(windows, message(1))
    await tell(windows, message(2), message(3))
    assert [seq for _, seq in sent] == [1, 2, 3]
    assert windows._messages.reads == 0


async def test_that_a_plain_widget_is_not_shown_what_was_typed_elsewhere():
    windows, window, sent, outbox = await open_window(plain=True)
    await tell(windows, message(1, Author.CUSTOMER), message(2))
    assert sent == [("bot_uttered", 2)]
    assert outbox.confirmed == []
    assert window.shown == 2


async def test_that_the_sender_is_not_shown_its_own_words():
    windows, window, sent, _ = await open_window()
    window.own_keys.add("k1")
    await tell(windows, message(1, Author.CUSTOMER), message(2, Author.CUSTOMER))
    assert sent == [("user_echoed", 2)]
    assert window.own_keys == set()


async def test_that_a_window_that_left_is_shown_nothing():
    windows, window, sent, _ = await open_window()
    windows.leave(window)
    await tell(windows, message(1))
    assert sent == []
    assert windows.mates("web:a") == ()
