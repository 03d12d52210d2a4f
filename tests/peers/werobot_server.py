"""Another project's WeChat server (WeRoBot), to prove our fake platform against.

Usage: python werobot_server.py PORT plain|safe. Echoes what a customer writes.
"""

import sys
import time

import werobot
from werobot_keys import APPID, KEY, SLOW, TOKEN

port, mode = int(sys.argv[1]), sys.argv[2]
config = {"TOKEN": TOKEN, "SESSION_STORAGE": False, "APP_ID": APPID}
robot = werobot.WeRoBot(token=TOKEN, enable_session=False)
robot.config.update(config)
if mode != "plain":
    robot.config["ENCODING_AES_KEY"] = KEY
    robot.crypto  # noqa: B018 - reading it switches encryption on


@robot.text
def echo(message):
    if message.content == SLOW:
        time.sleep(1)
    return f"WeRoBot：{message.content}"


@robot.subscribe
def welcome(message):
    return "WeRoBot：欢迎"


robot.config["HOST"], robot.config["PORT"] = "127.0.0.1", port
robot.config["SERVER"] = "wsgiref"
robot.run()
