"""Settings of `make app`: notebook 08 as a web page for this machine alone."""

from typing import Any


def without_lesson(request: Any, notebook: Any, cwd: str) -> Any:
    """Leave out the cells of a notebook that teach; the page is what remains."""
    notebook.cells = [c for c in notebook.cells if "lesson" not in c.metadata.get("tags", [])]
    return notebook


settings = get_config()  # type: ignore[name-defined]  # noqa: F821  (Voilà puts it there)
settings.Voila.ip = "127.0.0.1"
# Several photographs may come in one message.
settings.Voila.tornado_settings = {"websocket_max_message_size": 300_000_000}
settings.VoilaConfiguration.template = "photos"
settings.VoilaConfiguration.prelaunch_hook = without_lesson
