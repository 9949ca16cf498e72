"""Two drawings as SVG, without any library: cost over the number of patterns, and ratios as bars."""

import math
from xml.sax.saxutils import escape

OURS, THEIRS, INK, PALE = "#0b6e99", "#b3541e", "#222222", "#dddddd"
HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
    'font-family="sans-serif" font-size="13">\n<rect width="100%" height="100%" fill="#ffffff"/>\n'
)


def text(x, y, words, anchor="start", colour=INK, weight="normal"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-weight="{weight}">{escape(words)}</text>\n'


def line(x1, y1, x2, y2, colour=PALE):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>\n'


def decades(low, high):
    return [10**power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


def series(points, place, colour, name):
    """A line with dots; the name stands beside the last one."""
    at = [place(x, y) for x, y in points]
    out = f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in at)}"/>\n'
    out += "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>\n' for x, y in at)
    return out + text(at[-1][0] + 10, at[-1][1] + 4, name, colour=colour, weight="bold")


def growth(rows):
    """Nanoseconds a message over the number of patterns, both logarithmic."""
    width, height, left, right, top, bottom = 720, 360, 70, 110, 40, 50
    ours = [(row["patterns"], row["ns_per_message"]) for row in rows]
    theirs = [(row["patterns"], row["baseline_ns_per_message"]) for row in rows if row["baseline_ns_per_message"]]
    columns = decades(min(x for x, _ in ours), max(x for x, _ in ours))
    steps = decades(min(y for _, y in ours + theirs), max(y for _, y in ours + theirs))

    def place(x, y):
        across = (math.log10(x) - math.log10(columns[0])) / (math.log10(columns[-1]) - math.log10(columns[0]))
        up = (math.log10(y) - math.log10(steps[0])) / (math.log10(steps[-1]) - math.log10(steps[0]))
        return left + across * (width - left - right), height - bottom - up * (height - top - bottom)

    out = HEAD.format(width=width, height=height) + text(left, 22, "Cost of a message, nanoseconds, over patterns", weight="bold")
    for step in steps:
        y = place(columns[0], step)[1]
        out += line(left, y, width - right, y) + text(left - 8, y + 4, f"{step:,}", "end")
    for column in columns:
        x = place(column, steps[0])[0]
        out += line(x, top, x, height - bottom) + text(x, height - bottom + 20, f"{column:,}", "middle")
    out += text((left + width - right) / 2, height - 8, "patterns: words and domains", "middle")
    out += series(ours, place, OURS, "Weir")
    if theirs:
        out += series(theirs, place, THEIRS, "hs_scan each")
    return out + "</svg>\n"


def ratios(rows):
    """How many times as fast as the baseline: one bar a row, logarithmic, from a line at 1."""
    left, width, top, bar = 190, 720, 44, 22
    height = top + bar * len(rows) + 24
    high = max(2.0, *(row["ratio"] for row in rows)) * 1.3
    low = min(0.5, *(row["ratio"] for row in rows)) / 1.3

    def place(value):
        return left + (math.log(value) - math.log(low)) / (math.log(high) - math.log(low)) * (width - left - 70)

    out = HEAD.format(width=width, height=height) + text(12, 22, "Times as fast as one hs_scan a message", weight="bold")
    for i, row in enumerate(rows):
        y, edge, value = top + i * bar, place(1), place(row["ratio"])
        colour = OURS if row["ratio"] >= 1 else THEIRS
        out += f'<rect x="{min(edge, value):.1f}" y="{y}" width="{max(abs(value - edge), 1):.1f}" height="{bar - 6}" fill="{colour}"/>\n'
        out += text(left - 14, y + 13, f"{row['rules']}, {row['messages']}", "end")
        out += text(max(edge, value) + 6, y + 13, f"{row['ratio']:.2f}")
    return out + line(place(1), top - 8, place(1), height - 20, INK) + text(place(1), height - 6, "1", "middle") + "</svg>\n"
