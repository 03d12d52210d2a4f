"""Open a sealed reply with WeRoBot's crypto: XML on standard input, its words out."""

import sys
from xml.etree import ElementTree

from werobot.crypto import MessageCrypt
from werobot_keys import APPID, KEY, TOKEN

found = ElementTree.fromstring(sys.stdin.buffer.read())
names = ("TimeStamp", "Nonce", "MsgSignature", "Encrypt")
given = [found.findtext(name) for name in names]
crypt = MessageCrypt(TOKEN, KEY, APPID)
sys.stdout.buffer.write(crypt.decrypt_message(*given))
