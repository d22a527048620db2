"""The one exception that the course raises on bad input, and how its sentences name files."""

import os


class CourseError(Exception):
    """What was wrong and what to do about it, in one sentence."""

    def _render_traceback_(self):
        # IPython calls this: a reader sees the sentence instead of a page of stack frames.
        return [f"{type(self).__name__}: {self}"]


def shown_name(path: str | os.PathLike[str]) -> str:
    """Return a file's name for a sentence: bytes that are no UTF-8 as backslash escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
