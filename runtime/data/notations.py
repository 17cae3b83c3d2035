"""Numbers as others write them, which netc does not read: 1.234,5 or 1 234, 5 %, $3, 1.0D-3, 12 kg; and dates."""

from __future__ import annotations

import re

from netc.compiler.meaning.spec import Decimal
from netc.runtime.data.table import number

THOUSANDS = re.compile(r"[-+]?\d{1,3},\d{3}")
_DATE = re.compile(r"\d{1,4}([./-])\d{1,2}\1\d{1,4}")
TIME = re.compile(rf"{_DATE.pattern}(?![\d.,])|\d{{1,2}}:\d\d\b")
"""With which a date or a time of a day begins."""
_FORTRAN = re.compile(r"[-+]?\d+(\.\d*)?[dDqQ][-+]?\d+")
_UNIT = re.compile(r"[-+]?\d+(?:[.,]\d+)?\s*([^\W\d_]{1,6}(?:/[^\W\d_]{1,6})?[²³]?)")


def notation(cell: str, decimal: Decimal) -> str:
    """What to do about a number that is written in another way: 1,5 or 1.234,5 or 1 234 or 5 % or $3; else nothing."""
    cell = cell.strip()
    if number(cell.replace("\u2212", "-", 1)) is not None and "\u2212" in cell:
        return "this minus is the sign U+2212 of typesetting: write the one of the keyboard, -"
    if _FORTRAN.fullmatch(cell):
        return f"an exponent is written with e: {re.sub('[dDqQ]', 'e', cell)}"
    if re.fullmatch(r"[-+]?\d{1,3}(_\d{3})+", cell):
        return f"digits stand together: {cell.replace('_', '')}"
    if not re.fullmatch(r"[-+]?\W{0,2}\d[\d.,' \u00a0\u202f]*\W{0,2}", cell) or _DATE.fullmatch(cell):
        return ""
    if decimal == "comma":
        return "with `decimal = comma` numbers are 1234,5: no point, no sign of thousands"
    if number(cell.replace(",", ".", 1)) is not None:
        return "`decimal = comma` reads 1,5 as 1.5; a comma of thousands is not read"
    return "numbers are written 1234.5: no sign of thousands, no unit"


def unit_of(cell: str) -> str:
    """`kg` of `12 kg`; empty for what is no number with a unit behind it."""
    found = _UNIT.fullmatch(cell.strip())
    return found[1] if found else ""
