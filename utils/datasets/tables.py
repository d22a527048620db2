"""Tables of captions as people save them: encoding, separator, quotes, header (notebook 01)."""

import csv
import re
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pandas as pd

from utils.datasets.names import NUMBERED
from utils.errors import CourseError

SEPARATORS = {"\t": "tab", "|": "bar", ";": "semicolon", ",": "comma"}
IMAGE_COLUMNS = {
    *("image", "image_name", "image_id", "image_path", "image_file", "img", "picture", "photo"),
    *("file_name", "filename", "file", "filepath", "path"),
}
CAPTION_COLUMNS = {"caption", "text", "comment", "sentence", "description", "captions"}
NUMBER_COLUMNS = {"number", "comment_number", "caption_number", "caption_id", "index", "id", "no"}
LONGEST_RECORD = 50  # lines that a caption in quotation marks may run over

_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_LINE_END = re.compile(r"\r\n|\r|\n")  # `splitlines` would also cut at U+2028 and form feeds
_SUFFIX = re.compile(r"\.(jpe?g|jfif|png|webp|tiff?|gif|bmp|jp2|avif|heic|p[pgn]m)$", re.IGNORECASE)


def read_text(path: Path) -> tuple[str, str]:
    """Read a text file in whatever encoding it is.

    Args:
        path: UTF-8 or UTF-16, with or without a byte order mark, or Windows-1252 (Latin-1).

    Returns:
        The text and what its encoding is called. Where single lines are no UTF-8, only these are
        read as Windows-1252: one foreign line spoils no other.

    Raises:
        CourseError: The file cannot be opened or is no text.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}.") from error
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in content[:4000]:
        # The high bytes of Latin letters are zero; on which side of each pair tells the order.
        big_end_first = content[:4000:2].count(0) > content[1:4000:2].count(0)
        encoding = "utf-16-be" if big_end_first else "utf-16-le"
    told = "UTF-16" if "16" in encoding else "UTF-8"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = "" if told == "UTF-16" else "\n".join(map(_decoded, content.split(b"\n")))
        told = "Windows-1252" if told == "UTF-8" else told
    if (content and not text) or "\0" in text:
        raise CourseError(f"{path} is no text file: save the table as CSV in UTF-8.")
    return text, told


def _decoded(line):
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return line.decode(encoding)
        except UnicodeDecodeError:
            continue
    return line.decode("latin-1")  # Windows-1252 leaves five bytes undefined


def read_records(path: Path, quoted: bool = True) -> tuple[list[list[str]], str, str]:
    """Read a table as lists of fields; the first may be a header.

    Args:
        path: A text file with a row per line.
        quoted: Whether quotation marks may enclose a field, as in CSV.

    Returns:
        A list of fields per row, the separator, and what separator and encoding are called. Where
        a quotation mark is never closed, its line alone is taken as it stands.

    Raises:
        CourseError: The file cannot be read.
    """
    text, encoding = read_text(path)
    lines = [line for line in _LINE_END.split(text) if line.strip()]
    separator = _separator(lines)
    told = f"separator {SEPARATORS[separator]}, {encoding}"
    if not quoted or '"' not in text:
        return [line.split(separator) for line in lines], separator, told
    return list(_quoted_records(lines, separator)), separator, told


def _separator(lines):
    for separator in SEPARATORS:
        if lines and _columns(lines[0].split(separator)):
            return separator
    lines = lines[:1000]
    for separator in "\t|":  # rare in captions: where most lines have one, it separates
        if sum(separator in line for line in lines) > 0.9 * len(lines):
            return separator
    # The one that comes first in most lines; -1, not found, counts as the end of the line.
    first = Counter(min(",;", key=lambda mark: line.find(mark) % (len(line) + 1)) for line in lines)
    return first.most_common(1)[0][0] if lines else ","


def _quoted_records(lines, separator):
    """Yield the fields of each record; only one that closes its quotes properly spans lines."""
    heads = Counter(_head(line, separator) for line in lines)

    def starts_row(line):
        head = _head(line, separator)
        return separator in line and (heads[head] > 1 or _is_name(head))

    start = 0
    while start < len(lines):
        fields, used = lines[start].split(separator), 1
        if '"' in lines[start]:
            span = lines[start : start + LONGEST_RECORD]
            reader = csv.reader((f"{row}\n" for row in span), delimiter=separator, strict=True)
            # What is no CSV, a mark that is never closed before all, stays as it stands.
            with suppress(csv.Error):
                parsed = next(reader)
                if not any(map(starts_row, span[1 : reader.line_num])):
                    fields, used = parsed, reader.line_num
            # A whole row within quotation marks, as spreadsheets write it, is cut once more.
            fields = fields[0].split(separator) if len(fields) == 1 else fields
        yield fields
        start += used


def _head(line, separator):
    """What a line begins with, all numbers alike: rows of a table resemble one another in it."""
    return re.sub(r"\d+", "0", line.split(separator, 1)[0].strip().strip('"'))


def _is_name(field):
    field = NUMBERED.sub("", field.strip().strip('"'))
    return bool(_SUFFIX.search(field)) or field.isdigit()


def _columns(fields):
    """Return the places of image, number (or None) and caption in a header, or None for a row."""
    names = [field.strip().strip('"').strip().lower() for field in fields]
    places = [
        next((place for place, name in enumerate(names) if name in known), None)
        for known in (IMAGE_COLUMNS, NUMBER_COLUMNS, CAPTION_COLUMNS)
    ]
    return None if places[0] is None or places[2] is None else tuple(places)


def read_captions(path: Path, quoted: bool = True) -> tuple[pd.DataFrame, str]:
    """Read a table of captions, with or without a header, with or without numbered captions.

    Args:
        path: A row per caption. A header names the columns, `image,caption` or likewise; without
            one they are image, perhaps the number of the caption, and caption.
        quoted: Whether quotation marks may enclose a field, as in CSV.

    Returns:
        A DataFrame (image, caption), both as typed; what kind of table it is, for a message.

    Raises:
        CourseError: The file cannot be read, is empty, or begins with neither header nor row.
    """
    records, separator, told = read_records(path, quoted)
    columns = _columns(records[0]) if records else None
    if not records or (columns is None and not _is_row(records[0])):
        begin = f"starts with {separator.join(records[0])[:60]!r}" if records else "is empty"
        raise CourseError(
            f"{path} must start with the line image,caption, or with a row such as a.jpg,A dog "
            f"runs, but {begin}."
        )
    width = 2 if columns is None else len(records[0])
    rows = records[1:] if columns else records
    if not rows:
        raise CourseError(f"{path} holds no rows: put one image and caption on each line.")
    image, number, caption = columns or (0, None, 1)
    if width == 2 and image == 0 and _are_numbered(rows):
        width, number, caption = 3, 1, 2
    pairs = [_pair(row, width, image, number, caption, separator) for row in rows]
    if separator == "|":  # commonly written with a blank on either side
        pairs = [(name, text.strip()) for name, text in pairs]
    told += "" if columns else ", no header"
    return pd.DataFrame(pairs, columns=["image", "caption"], dtype=str), told


def _is_row(fields):
    return len(fields) > 1 and (_is_name(fields[0]) or bool(NUMBERED.search(fields[0].strip())))


def _are_numbered(rows):
    counted = sum(len(row) > 2 and row[1].strip().isdigit() for row in rows)
    return counted > 0.9 * len(rows)


def _pair(fields, width, image, number, caption, separator):
    """Return image and caption of a row; a separator too many belongs to the caption."""
    extra = len(fields) - width
    if extra >= 0:
        name = fields[image if image < caption else image + extra]
        text = separator.join(fields[caption : caption + extra + 1])
    else:
        name, text = (*fields[image : image + 1], "")[0], ""
        if number is not None and extra == -1 and image == 0:
            # The separator between number and caption is missing, as in one row of Flickr30k.
            text = re.sub(r"^\s*\d+(\s+|$)", "", fields[1])
    if name.count('"') % 2:
        text = f'"{text}'  # a mark that is never closed: kept where notebook 01 will list it
    return name.strip().strip('"'), text
