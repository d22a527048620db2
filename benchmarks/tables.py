"""Tables that a program writes into a Markdown page."""

import re

from utils.artifacts import atomic_path


def write_table(page, name, table):
    """Replace what stands between `<!-- name -->` and `<!-- end of name -->` in a page.

    Args:
        page: Path of a Markdown file.
        name: Of the place.
        table: Markdown to put there.

    Raises:
        ValueError: The page has no such place.
    """
    text, count = re.subn(
        rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)",
        lambda found: f"{found[1]}{table}\n{found[2]}",
        page.read_text("utf-8"),
        flags=re.DOTALL,
    )
    if count != 1:
        raise ValueError(f"{page.name} must hold <!-- {name} --> … <!-- end of {name} --> once.")
    with atomic_path(page) as temporary:
        temporary.write_text(text, "utf-8")


def markdown_table(head, rows):
    """A Markdown table of a list of headings and a list of lists of strings."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
