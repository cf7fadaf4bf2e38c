"""The equity curves as inline SVG."""

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from typing import Any

from signalbox.domain.signals.signal import NULL_STRATEGY

COLOURS = 8
"""Line styles in the style sheet: c0 to c7."""

_WIDTH, _HEIGHT = 960, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 12, 28

Curve = Sequence[tuple[int, float]]


def equity_chart(strategies: Mapping[str, Any]) -> str:
    """Return one line per strategy, the coin dashed; a sentence where nothing has ended."""
    curves = {
        name: [(date.fromisoformat(day).toordinal(), r) for day, r in one["equity"]] for name, one in strategies.items()
    }
    days = {day for curve in curves.values() for day, _ in curve}
    levels = [0.0, *(r for curve in curves.values() for _, r in curve)]
    if len(days) < 2:
        return "<p>No signal has ended on two days yet.</p>"
    step = _step(max(levels) - min(levels))
    low, high = min(levels) // step * step, -(-max(levels) // step) * step
    frame = _Frame((min(days), max(days)), (low, high if high > low else low + step))
    lines = "".join(
        f'<path class="line {"coin" if name == NULL_STRATEGY else f"c{at % COLOURS}"}" d="{frame.path(curve)}">'
        f"<title>{escape(name)}</title></path>"
        for at, (name, curve) in enumerate(curves.items())
        if curve
    )
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Sum of net R of each strategy over time">'
        f"{frame.grid(step)}{lines}</svg>"
    )


class _Frame:
    """Where a day and a sum of R lie on the picture."""

    def __init__(self, days: tuple[int, int], levels: tuple[float, float]) -> None:
        self.days = days
        self.levels = levels

    def x(self, day: float) -> float:
        first, last = self.days
        return _LEFT + (day - first) / (last - first) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, r: float) -> float:
        low, high = self.levels
        return _TOP + (high - r) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    def path(self, curve: Curve) -> str:
        moves = f"M{self.x(curve[0][0]):.1f} {self.y(0):.1f}"
        return moves + "".join(f"L{self.x(day):.1f} {self.y(r):.1f}" for day, r in curve)

    def grid(self, step: float) -> str:
        low, high = self.levels
        parts = []
        for number in range(round((high - low) / step) + 1):
            level = low + number * step
            y = f"{self.y(level):.1f}"
            kind = "zero" if abs(level) < step / 1e6 else "rule"
            parts.append(f'<line class={kind} x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>')
            parts.append(f'<text x="{_LEFT - 8}" y="{y}" dy="4" text-anchor="end">{level:+g}</text>')
        first, last = self.days
        for part in range(5):
            day = date.fromordinal(round(first + (last - first) * part / 4))
            anchor = ("start", "middle", "middle", "middle", "end")[part]
            x = f"{self.x(day.toordinal()):.1f}"
            parts.append(f'<text x="{x}" y="{_HEIGHT - 8}" text-anchor="{anchor}">{day}</text>')
        return "".join(parts)


def _step(span: float) -> float:
    """Return a round distance of rules that gives about six of them."""
    rough = max(span, 1e-9) / 6
    power = 10.0 ** len(str(int(rough))) / 10 if rough >= 1 else 0.1
    return float(next((power * factor for factor in (1, 2, 5, 10) if power * factor >= rough), power * 10))
