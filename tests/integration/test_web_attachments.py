"""Files of customers: what is taken, where it lies, who gets it back."""

import json
from urllib.parse import quote

from edge_kit import FakeBrain, Visitor, make_edge, served, visiting, words

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 64
PDF = b"%PDF-1.7\n" + b"\0" * 64
WEBP = b"RIFF\x10\0\0\0WEBPVP8 "


async def send(visitor: Visitor, content: bytes, name: str = "a.png", **form):
    return await visitor.client.post(
        "/api/chat/attachments",
        files={"file": (name, content, "text/html")},
        data=form,
        headers=visitor.headers,
    )


async def test_that_images_and_pdf_are_kept_outside_and_given_back_to_their_owner(
    tmp_path,
):
    brain = FakeBrain()
    edge = make_edge(tmp_path, brain, attachment_burst=20)
    async with served(edge) as url, visiting(url) as visitor:
        for content, kind in (
            (PNG, "image/png"),
            (JPEG, "image/jpeg"),
            (WEBP, "image/webp"),
            (PDF, "application/pdf"),
        ):
            sent = await send(visitor, content, "病理 报告.bin")
            assert sent.status_code == 200, sent.text
            file_id = sent.json()["attachment_id"]
            address = f"/api/chat/attachments/{file_id}"
            got = await visitor.client.get(address, headers=visitor.headers)
            assert got.content == content
            assert got.headers["content-type"] == kind
            assert got.headers["x-content-type-options"] == "nosniff"
            assert "sandbox" in got.headers["content-security-policy"]
            disposition = got.headers["content-disposition"]
            assert disposition.startswith("attachment;")
            assert quote("病理 报告.bin") in disposition
            path = edge.backstage.settings.attachments_dir / file_id
            assert path.stat().st_mode & 0o777 == 0o600
            other = await Visitor.arrive(visitor.client)
            for headers in (other.headers, {}):
                stolen = await visitor.client.get(address, headers=headers)
                assert stolen.status_code in (401, 404)
                assert content not in stolen.content
        events = await visitor.events()
        assert events[0]["parts"] == [
            {
                "type": "file",
                "attachment_id": events[0]["parts"][0]["attachment_id"],
                "name": "病理 报告.bin",
            }
        ]
        assert "已收到您的文件" in words(events[1])
    assert brain.asked == []


async def test_that_a_file_is_what_its_bytes_say(tmp_path):
    edge = make_edge(tmp_path, FakeBrain(), attachment_burst=20)
    async with served(edge) as url, visiting(url) as visitor:
        for content in (
            b"",
            b"<html><script>alert(1)</script>",
            b"MZ\x90\0",
            b"PK\x03\x04",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            b" %PDF-1.7",
            b"RIFF\x10\0\0\0WAVE",
        ):
            answer = await send(visitor, content, "photo.png")
            assert answer.status_code == 415, content
            assert answer.json()["error"]["code"] == "attachment_type"
        assert await visitor.events() == []
        folder = edge.backstage.settings.attachments_dir
        assert not folder.exists() or not list(folder.iterdir())


async def test_that_large_files_and_odd_forms_are_refused(tmp_path):
    edge = make_edge(
        tmp_path, FakeBrain(), attachment_burst=20, max_attachment_bytes=1000
    )
    async with served(edge) as url, visiting(url) as visitor:
        answer = await send(visitor, PNG + b"\0" * 1000)
        assert answer.status_code == 413
        assert answer.json()["error"]["code"] == "attachment_too_large"
        answer = await send(visitor, PNG + b"\0" * 200_000)
        assert answer.status_code == 413
        boundary = {"Content-Type": "multipart/form-data; boundary=x"}
        for headers, body in (
            ({}, b""),
            ({"Content-Type": "application/json"}, b"{}"),
            ({"Content-Type": "multipart/form-data"}, b"x"),
            (boundary, b"garbage"),
            (boundary, b"--x\r\n\r\n"),
            (boundary, b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n'),
            (boundary, b"--x\r\nContent-Disposition: form-data\r\n\r\nb\r\n--x--\r\n"),
        ):
            answer = await visitor.client.post(
                "/api/chat/attachments",
                content=body,
                headers={**visitor.headers, **headers},
            )
            assert 400 <= answer.status_code < 500, body
            assert json.loads(answer.text)["error"]["message"]


async def test_that_a_file_name_is_only_a_name(tmp_path):
    edge = make_edge(tmp_path, FakeBrain(), attachment_burst=20)
    names = {
        "../../etc/passwd": "passwd",
        "..\\..\\boot.ini": "boot.ini",
        "a\r\nSet-Cookie: x.png": None,
        "...": "file",
        "长" * 300: "长" * 120,
    }
    async with served(edge) as url, visiting(url) as visitor:
        for name, kept in names.items():
            answer = await send(visitor, PNG, name)
            assert answer.status_code == 200, name
            (event,) = [
                e for e in await visitor.events() if e["seq"] == answer.json()["seq"]
            ]
            shown = event["parts"][0]["name"]
            assert kept is None or shown == kept
            assert not set(shown) & set("\r\n/\\")
        for guess in ("../secret_key", "..%2fsecret_key", "x" * 300, "%00"):
            answer = await visitor.client.get(
                f"/api/chat/attachments/{guess}", headers=visitor.headers
            )
            assert answer.status_code == 404, guess


async def test_that_a_repeated_upload_shows_one_message(tmp_path):
    async with (
        served(make_edge(tmp_path, FakeBrain())) as url,
        visiting(url) as visitor,
    ):
        first = await send(visitor, PNG, client_message_id="up-1")
        second = await send(visitor, PNG, client_message_id="up-1")
        assert first.json()["seq"] == second.json()["seq"] == 1
        assert len(await visitor.events()) == 2


async def test_that_uploads_are_limited_per_visitor(tmp_path):
    edge = make_edge(tmp_path, FakeBrain(), attachment_burst=1, attachment_rate=0.01)
    async with served(edge) as url, visiting(url) as visitor:
        assert (await send(visitor, PNG)).status_code == 200
        assert (await send(visitor, PNG)).status_code == 429
