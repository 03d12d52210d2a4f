"""Customers' files: where they lie, what is checked, and stores that fail."""

import asyncio
import stat
import sys
import tracemalloc

import fsspec
import httpx
import pytest
from edge_kit import Visitor, make_edge, served

from bot.errors import StoreError
from channels.file_store import FileStore

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 30
EXE = b"MZ\x90\x00" + b"\x00" * 60


async def send(tmp_path, content=PNG, name="伤情.png", **settings):
    """Send one file; returns the answer, and what came of asking for it again."""
    edge = make_edge(tmp_path, **settings)
    async with (
        served(edge) as url,
        httpx.AsyncClient(base_url=url, timeout=60) as web,
    ):
        visitor = await Visitor.arrive(web)
        answer = await web.post(
            "/api/chat/attachments",
            files={"file": (name, content)},
            headers=visitor.headers,
        )
        if answer.status_code != 200:
            return answer, None
        file_id = answer.json()["attachment_id"]
        path = f"/api/chat/attachments/{file_id}"
        return answer, await web.get(path, headers=visitor.headers)


def program(tmp_path, body):
    """A scanner that is a Python script; returns its command line."""
    file = tmp_path / "scan it.py"
    file.write_text(f"import sys, time\n{body}\n", encoding="utf-8")
    return f"{sys.executable} '{file}'"


async def test_that_files_may_lie_elsewhere(tmp_path):
    answer, again = await send(tmp_path, files_url="memory://baoke/files")

    file_id = answer.json()["attachment_id"]
    assert again.content == PNG
    assert fsspec.filesystem("memory").cat_file(f"/baoke/files/{file_id}") == PNG
    assert not (tmp_path / "attachments").exists()


async def test_that_only_the_owner_may_read_the_folder(tmp_path):
    answer, again = await send(tmp_path)

    file = tmp_path / "attachments" / answer.json()["attachment_id"]
    assert again.content == file.read_bytes() == PNG
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [each.name for each in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("url", ["nosuchstore://bucket", "s3://bucket/prefix"])
def test_that_a_store_without_a_driver_is_said_at_start(tmp_path, monkeypatch, url):
    monkeypatch.setitem(sys.modules, "s3fs", None)  # as if it were not installed

    with pytest.raises(ValueError, match="BAOKE_FILES_URL"):
        make_edge(tmp_path, files_url=url)


async def test_that_a_broken_write_leaves_the_file_that_was_there(
    tmp_path, monkeypatch
):
    store = FileStore(str(tmp_path / "files"))
    await store.write("a", b"whole")

    def full(_):
        raise OSError("no space left on device")

    monkeypatch.setattr("os.fsync", full)
    for file_id in ("a", "b"):
        with pytest.raises(StoreError):
            await store.write(file_id, b"half of it")

    assert await store.read("a") == b"whole"
    assert await store.read("b") is None
    assert [each.name for each in (tmp_path / "files").iterdir()] == ["a"]


async def test_that_a_store_that_fails_leaves_nothing(tmp_path):
    (tmp_path / "attachments").write_text("a file where the folder should be")

    answer, _ = await send(tmp_path)

    assert answer.status_code == 503
    assert "Traceback" not in answer.text
    with pytest.raises(StoreError):
        await FileStore(str(tmp_path / "attachments")).write("a", PNG)


@pytest.mark.parametrize("content", [EXE, b"", b"<svg onload=x>", b"#!/bin/sh\n"])
async def test_that_the_name_does_not_make_a_picture(tmp_path, content):
    answer, _ = await send(tmp_path, content, "照片.jpg")

    assert answer.status_code == 415
    assert "只能上传图片" in answer.json()["error"]["message"]
    assert not (tmp_path / "attachments").exists()


async def test_that_a_clean_file_is_kept(tmp_path):
    command = program(
        tmp_path, "sys.exit(open(sys.argv[1], 'rb').read(4) != b'\\x89PNG')"
    )

    answer, again = await send(tmp_path, scan_command=command)

    assert (answer.status_code, again.content) == (200, PNG)


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ("sys.exit(1)", 415, "没有通过安全检查"),
        ("sys.exit(2)", 409, "暂时做不了"),
        ("time.sleep(60)", 409, "暂时做不了"),
    ],
)
async def test_that_what_is_not_clean_is_not_kept(
    tmp_path, monkeypatch, body, status, says
):
    monkeypatch.setattr("channels.file_scan.SECONDS", 5.0 if "sleep" in body else 60.0)

    answer, _ = await send(tmp_path, scan_command=program(tmp_path, body))

    assert answer.status_code == status
    assert says in answer.json()["error"]["message"]
    assert not (tmp_path / "attachments").exists()


async def test_that_a_scanner_that_is_not_there_refuses(tmp_path):
    answer, _ = await send(tmp_path, scan_command="/no/such/scanner --now")

    assert answer.status_code == 409


async def test_that_a_huge_file_is_refused_without_being_kept_in_memory(tmp_path):
    async def body():
        yield (
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
            b"Content-Type: image/png\r\n\r\n" + PNG
        )
        for _ in range(300):
            yield b"0" * 1024 * 1024
            await asyncio.sleep(0)
        yield b"\r\n--x--\r\n"

    edge = make_edge(tmp_path)
    async with (
        served(edge) as url,
        httpx.AsyncClient(base_url=url, timeout=60) as web,
    ):
        visitor = await Visitor.arrive(web)
        tracemalloc.start()
        kind = {"content-type": "multipart/form-data; boundary=x"}
        path = "/api/chat/attachments"
        try:
            answer = await web.post(
                path, content=body(), headers={**visitor.headers, **kind}
            )
            assert answer.status_code == 413
        except httpx.WriteError:
            pass  # the line was closed while we were still sending
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 60 * 1024 * 1024
        assert (await web.get("/healthz")).status_code == 200
    assert not (tmp_path / "attachments").exists()
