"""The gateway for text messages: what it is sent, and what it does wrong."""

import logging
import threading
import time

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from store_kit import serving

from actions import sms
from actions.errors import SmsAway
from actions.settings import read_settings
from actions.sms import SmsGateway, open_sms

PHONE, CODE, KEY = "13900000001", "012345", "f" * 32


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr("actions.calling._PAUSE", 0.0)


class FakeGateway:
    """A real server that answers what it is told to, and keeps what it was sent."""

    def __init__(self):
        self.script = []
        self.taken = []
        self.api = FastAPI()
        self.api.post("/sms")(self.take)

    async def take(self, request: Request) -> Response:
        self.taken.append((dict(request.headers), await request.json()))
        status = self.script.pop(0) if self.script else 202
        return Response("<html>", status, {"location": "http://elsewhere/"})

    @property
    def keys(self):
        return [headers["idempotency-key"] for headers, _ in self.taken]


@pytest.fixture
def gateway():
    return FakeGateway()


@pytest.fixture
def url(gateway):
    with serving(gateway.api) as address:
        yield f"{address}/sms"


def send(url, token=None, **more):
    client = SmsGateway(url, token, **more)
    try:
        client.send_code(PHONE, CODE, 5, KEY)
    finally:
        client.close()


def answering(*answers):
    """A network that answers so; an exception is raised."""
    left = list(answers)

    def answer(request):
        found = left.pop(0)
        if isinstance(found, Exception):
            raise found
        return httpx.Response(found)

    return httpx.MockTransport(answer)


def test_that_the_gateway_is_sent_what_the_contract_says(gateway, url):
    send(url, "a token")

    ((headers, body),) = gateway.taken
    assert body == {
        "phone": PHONE,
        "code": CODE,
        "purpose": "identity",
        "minutes": 5,
    }
    assert headers["idempotency-key"] == KEY
    assert headers["authorization"] == "Bearer a token"
    assert headers["content-type"] == "application/json"


def test_that_without_a_token_none_is_sent(gateway, url):
    send(url)

    assert "authorization" not in gateway.taken[0][0]


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_that_any_2xx_is_taken(gateway, url, status):
    gateway.script = [status]
    send(url)

    assert len(gateway.taken) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 408])
def test_that_a_short_illness_is_sat_out_with_the_same_key(gateway, url, status):
    gateway.script = [status, status]
    send(url)

    assert gateway.keys == [KEY] * 3


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 422])
def test_that_a_refusal_is_not_repeated(gateway, url, status):
    gateway.script = [status]
    with pytest.raises(SmsAway) as caught:
        send(url)

    assert len(gateway.taken) == 1
    assert caught.value.perhaps_sent is False


@pytest.mark.parametrize(
    ("answers", "perhaps_sent"),
    [
        ([httpx.ConnectError("x")] * 3, False),
        ([httpx.ConnectTimeout("x")] * 3, False),
        ([429] * 3, False),
        ([503] * 3, True),
        ([httpx.ReadTimeout("x")] * 3, True),
        ([httpx.RemoteProtocolError("x")] * 3, True),
        ([httpx.ReadTimeout("x"), httpx.ConnectError("x"), 400], True),
    ],
)
def test_that_it_is_told_whether_the_message_may_be_under_way(answers, perhaps_sent):
    with pytest.raises(SmsAway) as caught:
        send("http://sms", transport=answering(*answers))

    assert caught.value.perhaps_sent is perhaps_sent


def test_that_a_dead_gateway_is_not_asked_again_and_again():
    asked = []

    def refuse(request):
        asked.append(request)
        raise httpx.ConnectError("refused")

    client = SmsGateway("http://sms", transport=httpx.MockTransport(refuse))
    for _ in range(8):
        with pytest.raises(SmsAway):
            client.send_code(PHONE, CODE, 5, KEY)

    assert len(asked) == 5 * 3


def test_that_nobody_listening_is_away():
    with pytest.raises(SmsAway):
        send("http://127.0.0.1:9/sms")


def test_that_a_gateway_that_hangs_is_left(monkeypatch):
    monkeypatch.setattr(sms, "SECONDS", 0.2)
    release = threading.Event()
    api = FastAPI()

    @api.post("/sms")
    def hang() -> Response:
        release.wait(20)
        return Response()

    with serving(api) as address:
        begun = time.monotonic()
        try:
            with pytest.raises(SmsAway) as caught:
                send(f"{address}/sms")
        finally:
            release.set()

    assert caught.value.perhaps_sent
    assert time.monotonic() - begun < 10


def test_that_a_flood_of_an_answer_is_not_read():
    def flood():
        while True:
            yield b"x" * 65536

    def answer(request):
        return httpx.Response(200, content=flood())

    send("http://sms", transport=httpx.MockTransport(answer))


def test_that_neither_code_nor_phone_nor_token_is_logged(gateway, url, caplog):
    caplog.set_level(logging.DEBUG)
    gateway.script = [500, 400]
    with pytest.raises(SmsAway) as caught:
        send(url, "a token")

    said = caplog.text + str(caught.value) + repr(caught.value)
    assert "500" in caplog.text  # httpx does log
    for secret in (CODE, PHONE, "a token"):
        assert secret not in said


def test_that_no_address_means_no_codes(tmp_path):
    assert open_sms(read_settings(root=tmp_path)) is None
    with_codes = read_settings(
        root=tmp_path, sms_url="http://127.0.0.1:9", sms_token="a token"
    )
    assert isinstance(open_sms(with_codes), SmsGateway)
    assert "a token" not in repr(with_codes)


@pytest.mark.parametrize("odd", ["sms.example.com", "ftp://x", "http://", "http://a b"])
def test_that_an_address_that_is_none_stops_the_start(tmp_path, odd):
    with pytest.raises(ValueError, match="sms_url"):
        read_settings(root=tmp_path, sms_url=odd)
