"""What was measured, as Markdown tables and as a plot."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from math import log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LABELS, _WIDTH, _LINE = 300, 400, 22


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio that is to be kept: at most ``wanted``, or at least."""

    what: str
    ratio: float
    wanted: float
    least: bool = False

    @property
    def kept(self) -> bool:
        """Tell whether it is."""
        return self.ratio >= self.wanted if self.least else self.ratio <= self.wanted


@dataclass(frozen=True, slots=True)
class Bars:
    """A panel of the plot; ``logarithmic`` where the longest would hide the others."""

    title: str
    values: dict[str, float]
    logarithmic: bool = False


@dataclass(slots=True)
class Section:
    """One benchmark's part of the results. Lines under the table say what was skipped, and why."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    bars: list[Bars] = field(default_factory=list)


def markdown(head: str, sections: Sequence[Section]) -> str:
    """The whole document: goals first, then each section's table."""
    goals = [goal for section in sections for goal in section.goals]
    rows = [
        (
            goal.what,
            figure(goal.ratio),
            f"{'≥' if goal.least else '≤'} {goal.wanted:g}",
            "kept" if goal.kept else "missed",
        )
        for goal in goals
    ]
    text = [head, "## Goals", *_table(("ratio of", "measured", "goal", ""), rows)] if rows else [head]
    for section in sections:
        text += [f"## {section.title}", *_table(section.columns, section.rows)]
        text += [f"{line}\n" for line in section.lines]
    return "\n".join(text)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    aligned = ["---", *["--:"] * (len(columns) - 1)]
    return ["", *(f"| {' | '.join(row)} |" for row in (columns, aligned, *rows)), ""]


def figure(value: float) -> str:
    """A number with three digits that say something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def plot(panels: Sequence[Bars]) -> str:
    """Horizontal bars, one panel below the other, as SVG."""
    lines: list[str] = []
    y = 8
    for panel in panels:
        y += 26
        lines.append(f'<text x="8" y="{y}" class="title">{escape(panel.title)}</text>')
        y += 8
        for label, value in panel.values.items():
            y += _LINE
            colour = "#1f6feb" if label.startswith("driftcheck") else "#8c959f"
            width = max(_length(panel, value), 1)
            lines += [
                f'<text x="{_LABELS - 8}" y="{y - 6}" text-anchor="end">{escape(label)}</text>',
                f'<rect x="{_LABELS}" y="{y - 18}" width="{width:.0f}" height="15" fill="{colour}"/>',
                f'<text x="{_LABELS + width + 6:.0f}" y="{y - 6}">{figure(value)}</text>',
            ]
        y += 8
    size = f"{_LABELS + _WIDTH + 80} {y + 8}"
    style = "text{font:13px sans-serif;fill:#1f2328}.title{font-weight:bold}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" role="img">',
            f'<style>{style}</style><rect width="100%" height="100%" fill="#fff"/>',
            *lines,
            "</svg>\n",
        ]
    )


def _length(panel: Bars, value: float) -> float:
    """Of a value's bar."""
    least, most = min(panel.values.values()) / 2, max(panel.values.values())
    if panel.logarithmic:
        return _WIDTH * log10(value / least) / log10(most / least)
    return _WIDTH * value / most if most else 0.0
