"""The figures as a table, on the terminal and in docs/performance.md between marks."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path

from tools.bench.measuring import FLOORS, Figures, Task

HEAD = ("what", "median ms", "95 % ms", "statements", "kB", "CPU ms", "requests/s", "to its floor")


def lines(all_tasks: list[Task], found: Mapping[str, Figures]) -> list[tuple[str, ...]]:
    """A row per task, floors last."""
    made: list[tuple[str, ...]] = []
    for task in (*all_tasks, *FLOORS.values()):
        figures = found[task.name]
        floor = found[FLOORS[task.floor].name] if task.floor else None
        made.append((
            task.name, f"{figures.median:.1f}", f"{figures.slow:.1f}",
            str(round(statistics.median(figures.statements))) if figures.statements else "",
            f"{figures.size / 1000:.1f}",
            f"{statistics.median(figures.cpu):.1f}" if figures.cpu else "",
            f"{figures.rate:.0f}" if figures.rate else "",
            _ratio(figures, floor),
        ))  # fmt: skip
    return made


def _ratio(figures: Figures, floor: Figures | None) -> str:
    """How often the floor fits into it: in time, and in CPU."""
    if floor is None:
        return ""
    ratio = f"{figures.median / floor.median:.1f}"
    if not figures.cpu or not floor.cpu:
        return ratio
    return f"{ratio} (CPU {statistics.median(figures.cpu) / statistics.median(floor.cpu):.1f})"


def plain(rows: list[tuple[str, ...]]) -> str:
    """For a terminal."""
    table = [HEAD, *rows]
    widths = [max(len(row[at]) for row in table) for at in range(len(HEAD))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in table
    )


def write(file: Path, name: str, heading: str, note: str, rows: list[tuple[str, ...]]) -> None:
    """Put the table into its place in the file, `name` says which; what else stands there is kept."""
    begin, end = f"<!-- bench {name} -->", f"<!-- end of bench {name} -->"
    table = [f"| {' | '.join(cells)} |" for cells in (HEAD, ("---",) * len(HEAD), *rows)]
    section = "\n".join([begin, f"## {heading}", "", note, "", *table, end])
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    before, found, rest = text.partition(begin)
    if found:
        text = before + section + rest.partition(end)[2]
    else:
        text = f"{text.rstrip()}\n\n{section}\n".lstrip()
    file.write_text(text, encoding="utf-8")
