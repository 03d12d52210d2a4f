"""telemelya, a mock Telegram by others, as it is but without its store of media.

Usage: REDIS_URL=… MOCK_SERVER_PORT=… AUTH_KEYS=… python telemelya_server.py
"""

from telemelya.server import app, media


async def nothing(_manager):
    """There is no MinIO here; texts and buttons need none."""


media.MediaManager.connect = nothing
media.MediaManager.close = nothing
app.main()
