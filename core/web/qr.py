"""A QR code as a drawing inside the page: no script, no picture from elsewhere, nothing kept (A47)."""

from __future__ import annotations

from dataclasses import dataclass

QUIET_ZONE = 4
"""Light squares around the code, which the standard asks for (ISO/IEC 18004)."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """`size` of the square in units of one module, and the `path` of the dark ones for an SVG."""

    size: int
    path: str


def draw(text: str) -> Drawing:
    """The QR code of a text."""
    from reportlab.graphics.barcode.qrencoder import QRCode, QRErrorCorrectLevel  # slow to import, rarely wanted

    code = QRCode(None, QRErrorCorrectLevel.M)
    code.addData(text)
    code.make()
    number = code.getModuleCount()
    dark = [
        f"M{column + QUIET_ZONE} {row + QUIET_ZONE}h1v1h-1z"
        for row in range(number)
        for column in range(number)
        if code.isDark(row, column)
    ]
    return Drawing(number + 2 * QUIET_ZONE, "".join(dark))
