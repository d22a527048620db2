"""Tell .venv which folder it lies in: a project that is moved or copied takes its .venv along.

pip writes the full path of .venv into every command, and that of the project into the link to its
packages. So a moved .venv looks for what is gone, and a copied one runs the original. `make` runs
this before everything else; where nothing was moved it does nothing.
"""

import os
import re
import sys
from pathlib import Path

LONGEST = 120  # bytes of a first line that every system understands


def commands_know(venv):
    """Return the project folder, as bytes, that the commands in .venv believe to lie in.

    None if that cannot be told, or if .venv is a link: it is another project's then.
    """
    pip = venv / "bin" / "pip"
    if venv.is_symlink() or not pip.is_file():
        return None
    found = re.search(rb"(/[^\n\"']*)/\.venv/bin/python", pip.read_bytes())
    return found[1] if found else None


def moved(content, old, new):
    """Return a file's content with the path `old` made `new`; all are bytes."""
    plain = b"#!" + old + b"/.venv/bin/python"
    if content.startswith(plain) and (b" " in new or len(plain) + len(new) - len(old) > LONGEST):
        # What pip writes where the first line can not hold the path.
        first, rest = content.split(b"\n", 1)
        path = first[2:].replace(old, new, 1)
        return b"#!/bin/sh\n'''exec' \"" + path + b'" "$0" "$@"\n\' \'\'\'\n' + rest
    return content.replace(old + b"/", new + b"/")


def tell(venv, old, new):
    """Write the path `new` in place of `old` into all files of .venv that hold it."""
    files = [path for path in (venv / "bin").iterdir() if path.name != "pip"]
    files += venv.glob("lib/python*/site-packages/__editable__*")
    files.append(venv / "bin" / "pip")  # last: as long as it is not done, nothing is
    for path in files:
        content = b"" if path.is_symlink() or not path.is_file() else path.read_bytes()
        if old + b"/" in content and b"\0" not in content:
            temporary = path.with_name("." + path.name + ".tmp")
            temporary.write_bytes(moved(content, old, new))
            temporary.chmod(path.stat().st_mode)
            os.replace(temporary, path)


def main(project):
    """Mend the .venv of a project folder, and say so, if the folder is not where it was."""
    venv = project / ".venv"
    old, new = commands_know(venv), os.fsencode(project)
    if old in (None, new):
        return
    try:
        tell(venv, old, new)
        print(f"The project lay in {os.fsdecode(old)} before: .venv is told.", file=sys.stderr)
    except OSError as error:
        print(f".venv still belongs to {os.fsdecode(old)}: {error}", file=sys.stderr)


if __name__ == "__main__":
    main(Path(__file__).resolve().parents[1])
