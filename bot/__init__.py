"""The core of baoke (保客): plain Python, no platform library and no Rasa.

``turn.py`` shows the whole flow of one message in one screen; read it first.
"""
