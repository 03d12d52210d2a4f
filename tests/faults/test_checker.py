"""The checker finds every kind of fault, and nothing in a clean run."""

import copy

import pytest
from checker import Rows, check
from client import Log, Sent

SENDER = "web:s1"


def message(seq, author="customer", **more):
    row = {
        "sender_id": SENDER,
        "seq": seq,
        "author": author,
        "kind": "text",
        "parts": [{"type": "text", "text": f"{seq}"}],
        "message_key": f"k{seq}" if author == "customer" else None,
        "idempotency_key": None if author == "customer" else f"i{seq}",
        "turn_id": f"t{(seq + 1) // 2}",
        "refused": None,
        "awaiting": False,
        "in_reply_to": None if author == "customer" else seq - 1,
    }
    return {**row, **more}


def turn(number, **more):
    row = {"sender_id": SENDER, "turn_id": f"t{number}", "state": "finished"}
    return {**row, "outcome": "answered", **more}


def clean():
    stored = [message(1), message(2, "bot"), message(3), message(4, "bot")]
    rows = Rows([{"sender_id": SENDER, "last_seq": 4}], stored, [turn(1), turn(2)], [])
    log = Log("s1", [Sent("k1", "1", 1), Sent("k3", "3", 3)])
    log.received = [
        {
            "seq": m["seq"],
            "author": m["author"],
            "parts": m["parts"],
            "in_reply_to": m["in_reply_to"],
        }
        for m in stored
    ]
    return rows, log


def test_that_a_clean_run_has_no_faults():
    rows, log = clean()
    assert check([log], rows) == []


def lose_row(rows, log):
    del rows.messages[2:4]
    rows.conversations[0]["last_seq"] = 2


def leave_waiting(rows, log):
    rows.messages[2]["awaiting"] = True


def leave_running(rows, log):
    rows.turns[1]["state"] = "running"


def lose_reply(rows, log):
    rows.messages[3]["turn_id"] = "t1"


def never_turn(rows, log):
    rows.messages[2]["turn_id"] = None


def gap(rows, log):
    rows.messages[3]["seq"] = 5


def double_message(rows, log):
    rows.messages[2]["message_key"] = "k1"


def double_reply(rows, log):
    rows.messages[3]["idempotency_key"] = "i2"


def double_turn(rows, log):
    rows.turns.append(turn(3))


def swap(rows, log):
    log.sent[0].seq, log.sent[1].seq = 3, 1
    rows.messages[0]["message_key"], rows.messages[2]["message_key"] = "k3", "k1"


def show_twice(rows, log):
    log.received.append(log.received[-1])


def hide(rows, log):
    del log.received[1]


def change(rows, log):
    log.received[1] = {**log.received[1], "parts": []}


def answer_too_early(rows, log):
    rows.messages[1]["turn_id"], rows.messages[3]["turn_id"] = "t2", "t1"


@pytest.mark.parametrize(
    "harm",
    [
        lose_row,
        leave_waiting,
        leave_running,
        lose_reply,
        never_turn,
        gap,
        double_message,
        double_reply,
        double_turn,
        swap,
        show_twice,
        hide,
        change,
        answer_too_early,
    ],
)
def test_that_each_fault_is_found(harm):
    rows, log = (copy.deepcopy(value) for value in clean())
    harm(rows, log)
    assert check([log], rows)
