"""The menu file: what WeChat and the bot allow, told with file and entry."""

from pathlib import Path

import pytest

from bot.payloads import PayloadRules
from channels.wechat.menu import load_menu

RULES = PayloadRules.load()
OURS = Path(__file__).parents[2] / "data/wechat/menu.yml"


def test_that_our_menu_is_one():
    menu = load_menu(OURS, RULES)
    assert len(menu["button"]) == 3
    first = menu["button"][0]["sub_button"][0]
    assert first == {"type": "click", "name": "查保单", "key": "/query_policy"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "level 1"),
        ("menu: 3", "level 1"),
        ("menu: [{name: a, url: 'https://x'}, {name: b}]", "b: one of"),
        ("menu: [{name: 五个字太长, payload: /greet}, x]", "an entry has a name"),
        ("menu: [{name: 这个名字长过十六字节, payload: /greet}]", "at most 16 bytes"),
        ("menu: [{name: a, payload: /drop_tables}]", "does not know /drop_tables"),
        ("menu: [{name: a, payload: '/inform{\"a\": 1}'}]", "does not know"),
        ("menu: [{name: a, url: 'javascript:1'}]", "no address"),
        ("menu: [{name: a, menu: [{name: b, menu: []}]}]", "b: one of"),
        ("menu: [" + "{name: a, payload: /greet}," * 4 + "]", "1 to 3"),
        ("menu: [", "while parsing"),
    ],
)
def test_that_a_wrong_menu_is_told(tmp_path, text, why):
    path = tmp_path / "menu.yml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"menu\.yml") as told:
        load_menu(path, RULES)
    assert why in str(told.value)
