"""Draws how the time of a decision grows with the number of rules: both axes logarithmic, one line for each engine, as SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from statistics import median

from tests.benchmarks.decisions import GROWTH, Cell, figures
from tests.benchmarks.engines import ENGINES, KYNARA
from tests.benchmarks.measure import shown

Points = Sequence[tuple[int, float]]
Scale = Callable[[float], float]

WIDTH, HEIGHT = 900, 520
LEFT, RIGHT, TOP, BOTTOM = 76, 226, 64, 62
LABEL = 17
"""How far apart labels at the end of lines must be."""
FROM, TO = 10, 100_000
COLOURS = {
    KYNARA: ("#c2410c", "#fb923c"),
    "by hand": ("#57606a", "#9aa4af"),
    "regorus RVM": ("#1d6fd1", "#6cb0ff"),
    "cedarpy": ("#7c3aed", "#b794ff"),
    "cedarpy, host's index": ("#a21caf", "#f08cf5"),
    "CEL, host's index": ("#0f766e", "#4fd1c5"),
    "vakt": ("#4d7c0f", "#a3d65c"),
    "casbin": ("#9f5b00", "#e0b040"),
}
"""The colour of each line on light and on dark ground."""


def lines_of(cells: list[Cell]) -> dict[str, list[tuple[int, float]]]:
    """Return the seconds of a prepared decision by the number of rules: of each engine, and of the function by hand."""
    found: dict[str, list[tuple[int, float]]] = {}
    for engine in ENGINES:
        for workload in GROWTH:
            mine = figures(cells, engine, workload)
            if mine is None:
                continue
            rules = int(workload.partition("-")[2])
            found.setdefault(engine, []).append((rules, median(mine.seconds)))
            if engine == KYNARA:
                found.setdefault("by hand", []).append((rules, median(mine.by_hand)))
    return found


def draw(lines: Mapping[str, Points], machine: str) -> str:
    """Return the picture; `lines` are points of rules and seconds by the name of an engine."""
    times = [seconds for points in lines.values() for _, seconds in points]
    low, high = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))

    def x(rules: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(rules / FROM) / math.log(TO / FROM)

    def y(seconds: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (math.log10(seconds) - low) / (high - low)

    parts = [_head(lines), *_grid(x, y, low, high)]
    ends = apart({name: y(points[-1][1]) for name, points in lines.items()})
    for number, (name, points) in enumerate(lines.items()):
        last = points[-1]
        path = " ".join(f"{x(rules):.1f},{y(seconds):.1f}" for rules, seconds in points)
        dots = "".join(f'<circle cx="{x(rules):.1f}" cy="{y(seconds):.1f}" r="3"/>' for rules, seconds in points)
        end, at = x(last[0]), ends[name]
        leader = f'<path class="leader" d="M{end + 5:.1f} {y(last[1]):.1f} L{WIDTH - RIGHT + 14} {at:.1f}"/>'
        said = f"{name}: {shown(last[1])}" + (f" at {last[0]:,}" if last[0] < TO else "")
        label = f'<text x="{WIDTH - RIGHT + 18}" y="{at + 4:.1f}">{escape(said)}</text>'
        parts.append(f'<g class="line e{number}"><polyline points="{path}"/>{dots}{leader}{label}</g>')
    parts.append(f'<text class="small" x="{LEFT}" y="{HEIGHT - 8}">{escape(machine)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def apart(wanted: Mapping[str, float]) -> dict[str, float]:
    """Return heights for labels near those wanted, none nearer to another than a line of text."""
    order = sorted(wanted, key=lambda name: wanted[name])
    found: list[float] = []
    for name in order:
        found.append(max(wanted[name], found[-1] + LABEL) if found else wanted[name])
    over = found[-1] - (HEIGHT - BOTTOM) if found else 0.0
    if over > 0:  # push those up that stand too low
        limit = HEIGHT - BOTTOM
        for i in reversed(range(len(found))):
            found[i] = min(found[i], limit)
            limit = found[i] - LABEL
    return dict(zip(order, found, strict=True))


def _head(lines: Mapping[str, Points]) -> str:
    light = "".join(_style(number, name, 0) for number, name in enumerate(lines))
    dark = "".join(_style(number, name, 1) for number, name in enumerate(lines))
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="title">
<title id="title">Time of one decision by the number of rules, one line for each engine, both axes logarithmic</title>
<style>
svg {{ font: 13px system-ui, -apple-system, "Segoe UI", sans-serif }}
.ground {{ fill: #ffffff }}
text {{ fill: #1f2328 }}
.small {{ font-size: 11px; fill: #57606a }}
.title {{ font-size: 16px; font-weight: 600 }}
.grid {{ stroke: #d8dee4; stroke-width: 1 }}
.line polyline {{ fill: none; stroke-width: 2 }}
.leader {{ fill: none; stroke-width: 1; stroke-dasharray: 2 3 }}
{light}@media (prefers-color-scheme: dark) {{
.ground {{ fill: #0d1117 }}
text {{ fill: #e6edf3 }}
.small {{ fill: #9aa4af }}
.grid {{ stroke: #2b3138 }}
{dark}}}
</style>
<rect class="ground" width="{WIDTH}" height="{HEIGHT}"/>
<text class="title" x="{LEFT}" y="28">What one decision takes as rules are added</text>
<text class="small" x="{LEFT}" y="46">independent rules about roles; requests prepared for each engine; both axes logarithmic</text>"""


def _style(number: int, name: str, ground: int) -> str:
    colour = COLOURS[name][ground]
    wide = f".e{number} polyline {{ stroke-width: 4 }}\n" if name == KYNARA and ground == 0 else ""
    bold = f".e{number} text {{ font-weight: 600 }}\n" if name == KYNARA and ground == 0 else ""
    return (
        f".e{number} polyline, .e{number} .leader {{ stroke: {colour} }}\n"
        f".e{number} circle, .e{number} text {{ fill: {colour} }}\n{wide}{bold}"
    )


def _grid(x: Scale, y: Scale, low: int, high: int) -> list[str]:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    found = []
    for power in range(low, high + 1):
        at = y(10.0**power)
        found.append(f'<path class="grid" d="M{LEFT} {at:.1f} H{right}"/>')
        found.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{shown(10.0**power)}</text>')
    rules = FROM
    while rules <= TO:
        at = x(rules)
        found.append(f'<path class="grid" d="M{at:.1f} {TOP} V{bottom}"/>')
        found.append(f'<text x="{at:.1f}" y="{bottom + 20}" text-anchor="middle">{rules:,}</text>')
        rules *= 10
    found.append(f'<text x="{(LEFT + right) / 2:.1f}" y="{bottom + 38}" text-anchor="middle">rules</text>')
    return found
