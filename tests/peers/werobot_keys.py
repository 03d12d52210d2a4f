"""The account both WeRoBot and our fake platform know; nobody's."""

TOKEN, APPID = "spamtest", "wx2c2769f8efd9abc2"
SLOW = "慢"  # takes a second to answer
KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
