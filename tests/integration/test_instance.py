"""One instance per var, free ports for the next one, one note to find it by."""

import hashlib
import socket
from pathlib import Path

import pytest

from bot.settings import Settings
from channels.instance import (
    AlreadyRunning,
    Instance,
    only_one,
    read_instance,
    running_instance,
    write_instance,
)
from channels.places import Places, find_root
from channels.plan import Plan, free_port, make_plan
from channels.process_settings import ProcessSettings
from channels.recipes import (
    actions_recipes,
    edge_recipes,
    probe,
    rasa_recipes,
    worker_recipes,
)
from channels.supervise import Broken, GaveUp

NOTE = Instance(1234, "http://127.0.0.1:8080", "http://r", "http://a", "secret")


def plan_for(folder: Path, counts: dict[str, int] | None = None, **settings) -> Plan:
    values = {"root": folder, "port": 0, **settings}
    process = ProcessSettings(encoder_threads=1, **(counts or {}))
    built = Settings(**values)  # type: ignore[arg-type]
    return make_plan(Places(folder, folder / "var"), built, process)


def test_that_a_second_supervisor_is_refused_and_told_about_the_first(
    tmp_path: Path,
) -> None:
    places = Places(tmp_path, tmp_path / "var")
    with only_one(places):
        write_instance(places, NOTE)
        with (
            pytest.raises(AlreadyRunning, match=r"process 1234, http://127.0.0.1:8080"),
            only_one(places),
        ):
            pass
        assert running_instance(places) == NOTE
    assert running_instance(places) is None
    with only_one(places):
        pass


def test_that_the_note_with_the_secret_is_for_this_user_only(tmp_path: Path) -> None:
    places = Places(tmp_path, tmp_path)
    places.instance.write_text("old")
    places.instance.chmod(0o644)
    write_instance(places, NOTE)
    assert places.instance.stat().st_mode & 0o077 == 0
    assert read_instance(places) == NOTE


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"pid": 1, "more": 2}'])
def test_that_a_damaged_note_is_no_instance(tmp_path: Path, text: str) -> None:
    places = Places(tmp_path, tmp_path)
    places.instance.write_text(text)
    assert read_instance(places) is None


def listening() -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


def test_that_a_taken_web_port_is_refused_with_advice(tmp_path: Path) -> None:
    with listening() as listener:
        port = listener.getsockname()[1]
        with pytest.raises(GaveUp, match=f"port {port} of 127.0.0.1 is in use"):
            plan_for(tmp_path, port=port)


def test_that_taken_inner_ports_give_way_to_free_ones(
    tmp_path: Path,
) -> None:
    first = plan_for(tmp_path / "one")
    # Whoever has them, the first plan or another program, the second does not.
    usual = {"http://127.0.0.1:5005", "http://127.0.0.1:5055"}
    second = plan_for(tmp_path / "two")
    urls = {second.instance.rasa_url, second.instance.actions_url}
    assert not urls & usual
    assert not urls & {first.instance.rasa_url, first.instance.actions_url}
    assert second.own_rasa and second.own_actions


def test_that_a_port_that_was_asked_for_is_used_or_refused(tmp_path: Path) -> None:
    port = free_port("127.0.0.1")
    url = f"http://127.0.0.1:{port}"
    assert plan_for(tmp_path, rasa_url=url).instance.rasa_url == url
    with listening() as listener:
        taken = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(GaveUp, match="was asked for"):
            plan_for(tmp_path, rasa_url=taken)


def test_that_a_server_elsewhere_is_not_started_here(tmp_path: Path) -> None:
    plan = plan_for(tmp_path, rasa_url="http://rasa.internal:5005/")
    assert plan.instance.rasa_url == "http://rasa.internal:5005"
    assert not plan.own_rasa
    assert plan.own_actions


def test_that_children_listen_on_loopback_and_know_each_other(tmp_path: Path) -> None:
    plan = plan_for(tmp_path, host="0.0.0.0")
    assert plan.instance.url.startswith("http://127.0.0.1:")
    (actions,), (edge,) = actions_recipes(plan), edge_recipes(plan)
    assert actions.env["SANIC_HOST"] == "127.0.0.1"
    assert edge.env["BAOKE_HOST"] == "0.0.0.0"
    assert edge.env["BAOKE_RASA_URL"] == plan.instance.rasa_url
    assert rasa_recipes(plan)[0].env["BAOKE_ACTIONS_URL"] == plan.instance.actions_url


MANY = {"edges": 2, "workers": 2, "rasas": 2, "action_servers": 2}
SHARED = {"database_url": "postgresql://u:p@db/baoke", "redis_url": "redis://r:6379"}


def test_that_many_processes_have_a_port_each_and_share_their_stores(tmp_path):
    plan = plan_for(tmp_path, MANY, **SHARED)
    instance = plan.instance
    assert len(plan.ports) == len(instance.urls) == 2
    ports = {url.rpartition(":")[2] for url in instance.urls}
    ports |= {url.rpartition(":")[2] for url in instance.rasa_urls}
    ports |= {url.rpartition(":")[2] for url in instance.actions_urls}
    assert len(ports) == 6
    rasas = rasa_recipes(plan)
    assert [recipe.name for recipe in rasas] == ["rasa", "rasa-2"]
    talks_to = [recipe.env["BAOKE_ACTIONS_URL"] for recipe in rasas]
    assert talks_to == list(instance.actions_urls)
    assert {recipe.env["BAOKE_RASA_TRACKER_URL"] for recipe in rasas} == {
        "postgresql+psycopg2://u:p@db/baoke"
    }
    assert {recipe.env["BAOKE_REDIS_URL"] for recipe in rasas} == {"redis://r:6379"}
    for recipe in (*worker_recipes(plan), *edge_recipes(plan)):
        assert recipe.env["BAOKE_RASA_URL"] == ",".join(instance.rasa_urls)


def test_that_one_edge_answers_by_itself_without_redis(tmp_path):
    assert worker_recipes(plan_for(tmp_path)) == []


@pytest.mark.parametrize(
    ("counts", "settings"),
    [
        ({"edges": 2}, {}),
        ({"rasas": 2}, {"database_url": SHARED["database_url"]}),
        ({}, {"redis_url": SHARED["redis_url"]}),
    ],
)
def test_that_many_processes_need_postgresql_and_redis(tmp_path, counts, settings):
    with pytest.raises(GaveUp, match="BAOKE_REDIS_URL"):
        plan_for(tmp_path, counts, **settings)


def test_that_rasas_secret_is_in_no_argument(tmp_path: Path) -> None:
    plan = plan_for(tmp_path)
    models = plan.places.models
    models.mkdir(parents=True)
    (models / "m.tar.gz").touch()
    empty = hashlib.sha256(b"").hexdigest()
    note = (
        '{"file": "m.tar.gz", "content": "", "seconds": 1, "trained_at": "", '
        f'"sha256": "{empty}"}}'
    )
    (models / "current.json").write_text(note)
    (recipe,) = rasa_recipes(plan)
    command = list(recipe.command())
    assert command[command.index("-i") + 1] == "127.0.0.1"
    assert recipe.env["BAOKE_RASA_TOKEN"] == plan.instance.rasa_token
    assert not any(plan.instance.rasa_token in word for word in command)


def test_that_a_start_without_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no trained model"):
        rasa_recipes(plan_for(tmp_path))[0].command()


async def test_that_a_probe_tells_ready_not_yet_and_never() -> None:
    port = free_port("127.0.0.1")
    assert await probe(f"http://127.0.0.1:{port}/")() == "URLError"
    answers = iter([b"503 Busy", b"200 OK", b"409 Conflict"])

    async def answer(reader: object, writer: object) -> None:
        writer.write(b"HTTP/1.0 " + next(answers) + b"\r\nContent-Length: 0\r\n\r\n")  # type: ignore[attr-defined]
        writer.close()  # type: ignore[attr-defined]

    import asyncio

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    async with server:
        ask = probe(f"http://127.0.0.1:{port}/", broken={409: "no model"})
        assert await ask() == "HTTP 503"
        assert await ask() is None
        with pytest.raises(Broken, match="no model"):
            await ask()


def test_that_the_checkout_is_found_from_any_folder(tmp_path: Path) -> None:
    here = Path(__file__).parents[2]
    assert find_root(here / "tests" / "unit") == here
    (tmp_path / "pyproject.toml").touch()
    assert find_root(tmp_path) == here  # another project's folder
