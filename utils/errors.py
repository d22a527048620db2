"""The one exception that the course raises on bad input."""


class CourseError(Exception):
    """What was wrong and what to do about it, in one sentence."""

    def _render_traceback_(self):
        # IPython calls this: a reader sees the sentence instead of a page of stack frames.
        return [f"{type(self).__name__}: {self}"]
