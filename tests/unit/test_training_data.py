"""Training data is looked at before Rasa sees it: every problem with file and line."""

from pathlib import Path

import pytest

from channels.places import Places
from channels.training_data import MAX_TOLD, BadTrainingData, check_training_data

DOMAIN = """version: "3.1"
intents:
  - greet
  - thank: {use_entities: []}
"""
GOOD = """version: "3.1"
nlu:
- intent: greet
  examples: |
    - 你好
    - 您好
- intent: thank
  examples: |
    - 谢谢
- lookup: product
  examples: |
    - 车险
"""


def checkout(folder: Path, nlu: str | bytes = GOOD, domain: str = DOMAIN) -> Places:
    (folder / "data/nlu/talk").mkdir(parents=True)
    (folder / "bot/assistant/domain").mkdir(parents=True)
    written = nlu if isinstance(nlu, bytes) else nlu.encode()
    (folder / "data/nlu/talk/greet.yml").write_bytes(written)
    (folder / "bot/assistant/domain/talk.yml").write_text(domain, encoding="utf-8")
    return Places(folder, folder / "var")


def test_that_good_data_passes(tmp_path: Path) -> None:
    check_training_data(checkout(tmp_path))


@pytest.mark.parametrize(
    ("nlu", "told"),
    [
        (
            GOOD.replace("intent: thank", "intent: thanks"),
            [
                "data/nlu/talk/greet.yml:9: intent 'thanks' is not in the domain",
                "bot/assistant/domain/talk.yml:4: intent 'thank' has no example",
            ],
        ),
        (
            GOOD.replace("谢谢", "您好！"),
            ["data/nlu/talk/greet.yml:9: '您好！' is thank here and greet at "
             "data/nlu/talk/greet.yml:6"],
        ),
        (
            GOOD.replace("您好", "/start"),
            ["data/nlu/talk/greet.yml:6: '/start' reads as a button's payload"],
        ),
        ("nlu: [", ["data/nlu/talk/greet.yml:2: "]),
        ("nlu:\n- intent: greet\n  examples: |\n   - a\n - b", ["greet.yml:5: "]),
        ("- a", ["greet.yml:1: a file must be a mapping"]),
        ("nlu: greet", ["greet.yml:1: 'nlu' must be a list"]),
        ("nlu:\n- intents: greet", ["greet.yml:2: an entry needs one of intent"]),
        ("nlu:\n- greet", ["greet.yml:2: an entry of 'nlu' must be a mapping"]),
        (b"\xff\xfe", ["data/nlu/talk/greet.yml:1: not UTF-8"]),
        ("", ["intent 'greet' has no example below data/nlu"]),
    ],
)  # fmt: skip
def test_that_problems_are_told(
    tmp_path: Path, nlu: str | bytes, told: list[str]
) -> None:
    with pytest.raises(BadTrainingData) as caught:
        check_training_data(checkout(tmp_path, nlu))
    for words in told:
        assert words in str(caught.value)


def test_that_a_missing_file_names_the_intents_it_held(tmp_path: Path) -> None:
    places = checkout(tmp_path)
    (tmp_path / "data/nlu/talk/greet.yml").unlink()
    with pytest.raises(BadTrainingData, match=r"talk.yml:3: intent 'greet' has no"):
        check_training_data(places)


def test_that_a_broken_domain_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadTrainingData, match=r"domain/talk.yml:2: [^\n]*$"):
        check_training_data(checkout(tmp_path, domain="intents: ["))


def test_that_a_flood_of_problems_is_cut(tmp_path: Path) -> None:
    lines = "".join(f"    - 话{n}\n" for n in range(60))
    two = f"- intent: greet\n  examples: |\n{lines}- intent: thank\n  examples: |\n{lines}"
    with pytest.raises(BadTrainingData) as caught:
        check_training_data(checkout(tmp_path, f"nlu:\n{two}"))
    told = str(caught.value).splitlines()
    assert len(told) == MAX_TOLD + 1
    assert told[-1] == "and 40 more"
