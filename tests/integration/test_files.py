"""Customers' files: where they lie, what is checked, and stores that fail."""

import asyncio
import shlex
import stat
import sys
import tracemalloc
from pathlib import Path

import fsspec
import httpx
import pytest
from edge_kit import Visitor, make_edge, served
from structlog.testing import capture_logs

from bot.errors import BadInput, StoreError
from channels.file_scan import check_clean
from channels.file_store import FileStore

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 30
HUGE_BEGINS = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
    b"Content-Type: image/png\r\n\r\n" + PNG
)
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


async def test_that_no_room_for_the_scan_refuses(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "no such folder"))

    with pytest.raises(BadInput, match="attachment_unchecked"):
        await check_clean("true", PNG)


async def test_that_a_scanner_that_hangs_is_ended_with_what_it_started(
    tmp_path, monkeypatch
):
    pid = tmp_path / "pid"
    script = f"sleep 60 & echo $! > '{pid}'; wait"
    monkeypatch.setattr("channels.file_scan.SECONDS", 2.0)

    with pytest.raises(BadInput, match="attachment_unchecked"):
        await check_clean(shlex.join(["sh", "-c", script]), PNG)

    async with asyncio.timeout(30):
        while is_running(int(pid.read_text())):
            await asyncio.sleep(0.05)


def is_running(pid):
    """Whether a process runs; one that nobody waited for does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("command", ["", "  "])
async def test_that_without_a_scanner_nothing_is_run(tmp_path, command):
    answer, again = await send(tmp_path, scan_command=command)

    assert (answer.status_code, again.content) == (200, PNG)


def test_that_a_command_that_cannot_be_read_is_said_at_start(tmp_path):
    with pytest.raises(ValueError, match="scan_command"):
        make_edge(tmp_path, scan_command="scan 'it")


@pytest.mark.parametrize(("code", "status"), [(1, 415), (2, 409)])
async def test_that_what_came_before_the_scanner_is_not_shown(tmp_path, code, status):
    async with served(make_edge(tmp_path)) as url, httpx.AsyncClient() as web:
        web.base_url = url
        visitor = await Visitor.arrive(web)
        sent = await web.post(
            "/api/chat/attachments",
            files={"file": ("a.png", PNG)},
            headers=visitor.headers,
        )
    path = f"/api/chat/attachments/{sent.json()['attachment_id']}"
    edge = make_edge(tmp_path, scan_command=program(tmp_path, f"sys.exit({code})"))
    async with served(edge) as url, httpx.AsyncClient(timeout=60) as web:
        shown = await web.get(url + path, headers=visitor.headers)

    assert shown.status_code == status
    assert PNG not in shown.content


async def test_that_who_asks_again_starts_no_program_again(tmp_path):
    runs = tmp_path / "runs"
    command = program(tmp_path, f"open({str(runs)!r}, 'a').write('.')")

    _, again = await send(tmp_path, scan_command=command)
    await check_clean(command, PNG)
    assert (again.content, runs.read_text()) == (PNG, ".")

    await check_clean(command, PNG + b"another")
    assert runs.read_text() == ".."


async def test_that_an_answer_is_not_believed_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr("channels.file_scan.BELIEVED_SECONDS", -1.0)
    known = tmp_path / "known"
    command = program(tmp_path, f"import os\nsys.exit(os.path.exists({str(known)!r}))")

    await check_clean(command, PNG)
    known.touch()
    with pytest.raises(BadInput, match="attachment_infected"):
        await check_clean(command, PNG)


async def test_that_the_log_tells_of_a_refusal_without_the_file(tmp_path):
    with capture_logs() as logged:
        await send(tmp_path, scan_command=program(tmp_path, "sys.exit(1)"))

    (found,) = [each for each in logged if each["event"] == "file.refused"]
    assert (found["scan"], found["size_bytes"]) == (1, len(PNG))
    assert "伤情" not in str(logged)
    assert "PNG" not in str(logged)


@pytest.mark.parametrize("declared", [True, False])
async def test_that_of_a_huge_file_only_the_beginning_is_read(tmp_path, declared):
    edge = make_edge(tmp_path)
    taken = 0

    async def body():
        nonlocal taken
        yield HUGE_BEGINS
        for _ in range(300):
            taken += 1
            yield b"0" * 1024 * 1024

    async with served(edge) as url, httpx.AsyncClient(base_url=url) as web:
        headers = (await Visitor.arrive(web)).headers
        headers["content-type"] = "multipart/form-data; boundary=x"
        if declared:
            headers["content-length"] = str(300 * 1024 * 1024)
        inside = httpx.ASGITransport(edge)
        async with httpx.AsyncClient(transport=inside, base_url=url) as web:
            answer = await web.post(
                "/api/chat/attachments", content=body(), headers=headers
            )

    assert answer.status_code == 413
    assert taken <= 11 + 32  # up to the limit, and what is read and thrown away


async def test_that_a_huge_file_is_refused_without_being_kept_in_memory(tmp_path):
    async def body():
        yield HUGE_BEGINS
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
        except (httpx.WriteError, httpx.ReadError):
            pass  # the line was closed while we were still sending
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 60 * 1024 * 1024
        assert (await web.get("/healthz")).status_code == 200
    assert not (tmp_path / "attachments").exists()
