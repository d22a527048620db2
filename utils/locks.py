"""One process at a time: locks that a process holds, and that are free again when it ends.

The operating system frees them however a process ends, so a killed one locks nobody out.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from utils.errors import CourseError


@contextmanager
def locked(path: Path, doing: str, refuse: str = "") -> Iterator[None]:
    """Hold the lock whose file is `path`; the empty file itself stays.

    Where there is no folder or no file can be made (a full disk, a folder for reading only) nobody
    is kept waiting: what is to be written there says more clearly what is wrong.

    Args:
        path: The lock file; the same process may hold it several times over.
        doing: What whoever holds it is doing, for a line that is printed while this process
            waits: "Waiting for another process that …".
        refuse: What to do instead of waiting, "wait until it is done"; by default one waits.

    Raises:
        CourseError: Another process holds the lock, and `refuse` says something.
    """
    if not path.parent.is_dir():
        yield
        return
    lock = FileLock(path, is_singleton=True)
    held = False
    try:
        lock.acquire(timeout=0)
        held = True
    except Timeout as error:
        if refuse:
            raise CourseError(f"Another process {doing}: {refuse}.") from error
        print(f"Waiting for another process that {doing}.", flush=True)
        with suppress(OSError):
            lock.acquire()
            held = True
    except OSError:
        pass
    try:
        yield
    finally:
        if held:
            lock.release()
