"""What is left to be seen of what a program wrote to a terminal: no colours, and nothing that was wiped out."""

import re

PIECE = re.compile(r"\r|\n|\x1b\[[0-9;?]*[A-Za-z]|[^\r\n\x1b]+")


def lines_on_screen(written: str) -> list[str]:
    """The lines that are not empty, from the first that was written on."""
    lines, row, column = [""], 0, 0
    for piece in PIECE.findall(written):
        if piece == "\r":
            column = 0
        elif piece == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif piece.endswith("A") and piece[0] == "\x1b":
            row -= 1
        elif piece.endswith("K") and piece[0] == "\x1b":
            lines[row] = ""
        elif piece[0] != "\x1b":
            lines[row] = lines[row][:column].ljust(column) + piece + lines[row][column + len(piece) :]
            column += len(piece)
    return [line.rstrip() for line in lines if line.strip()]
