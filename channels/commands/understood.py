"""Ask the model with this checkout's settings."""

from collections.abc import Iterator, Sequence

from channels.commands.console import Context
from channels.evaluate import Understanding
from channels.process_settings import rasa_environment
from channels.understanding import understand_with


def understand(context: Context, texts: Sequence[str]) -> Iterator[Understanding]:
    """Yield what the model makes of each text.

    Raises:
        CannotUnderstand: There is no model, or it failed.
    """
    named = "rasa_url" in context.settings.model_fields_set
    return understand_with(
        context.places,
        texts,
        rasa_environment(context.places, context.process.encoder_threads),
        context.settings.rasa_url.rstrip("/") if named else None,
    )
