"""WeChat official account: callbacks in, messages out. openids stay in this folder."""

CHANNEL = "wechat"
