# SPDX-License-Identifier: ISC
"""What was measured, as a table, as tab-separated values and as a chart."""
import html
import math
import statistics

from tunnels import GCM, OURS, SHADOW, SSH, STOCK


def median(samples):
    return statistics.median(samples) if samples else None


def ratio(row, value, base):
    """How many times better than ssh -D."""
    if not value or not base:
        return None
    return value / base if row.more else base / value


def figure(value):
    if value is None:
        return "-"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2g}" \
        if value < 1 else f"{value:.2f}"


def times(r):
    return "" if r is None else f"{r:.1f}x" if r < 10 else f"{r:.0f}x"


class Results:
    """samples[row name][tunnel name] is a list of figures."""

    def __init__(self, rows, tunnels):
        self.rows, self.tunnels = rows, tunnels
        self.samples = {}
        self.roles = {}

    def add(self, row, tunnel, value):
        self.samples.setdefault(row, {}).setdefault(tunnel, []).append(value)

    def add_role(self, role, tunnel, what, value):
        key = (tunnel, role)
        self.roles.setdefault(key, {}).setdefault(what, []).append(value)

    def value(self, row, tunnel):
        return median(self.samples.get(row.name, {}).get(tunnel))

    def ratio(self, row, tunnel):
        if not row.compare:
            return None
        base = self.samples.get(row.base or row.name, {}).get(SSH)
        return ratio(row, self.value(row, tunnel), median(base))

    def measured(self):
        return [row for row in self.rows if row.name in self.samples]

    def reached(self, row, goal, tunnel):
        """Is that tunnel there?  None if that cannot be told."""
        other = self.samples.get(goal.row or row.name, {})
        limit = goal.limit(median(other.get(goal.tunnel or tunnel)))
        value = self.value(row, tunnel)
        if value is None or limit is None:
            return None
        return value >= limit if row.more else value <= limit

    def verdict(self, row):
        """The goals, and whether those that are to reach them have."""
        out = []
        for goal in row.goals:
            words = [">=" if row.more else "<=", goal.text()]
            for tunnel in goal.who:
                there = self.reached(row, goal, tunnel)
                if there is not None and len(goal.who) > 1:
                    words.append(tunnel.rpartition("+")[2])
                if there is not None:
                    words.append("yes" if there else "NO")
            out.append(" ".join(words))
        return ", ".join(out)

    def table(self):
        """Lines of text; in brackets, how many times better than ssh -D."""
        head = ["measure", "unit"] + [t.name for t in self.tunnels] + ["goal"]
        lines = [head]
        for row in self.measured():
            cells = [row.title, row.unit]
            for tunnel in self.tunnels:
                r = times(self.ratio(row, tunnel.name))
                text = figure(self.value(row, tunnel.name))
                cells.append(f"{text} ({r})" if r and tunnel.name != SSH
                             else text)
            lines.append(cells + [self.verdict(row)])
        return columns(lines)

    def memory(self):
        """Lines of text: the resident memory of each process."""
        whats = sorted({w for d in self.roles.values() for w in d})
        if not whats:
            return []
        lines = [["process", "tunnel"] +
                 [f"{what:,} flows, MB" for what in whats] + ["kB a flow"]]
        for (tunnel, role), kb in self.roles.items():
            cells = [role, tunnel]
            cells += [figure(median(kb[w]) / 1024) if w in kb else "-"
                      for w in whats]
            most = max(kb)
            if 0 in kb and most > 0:
                grown = median(kb[most]) - median(kb[0])
                cells.append(f"{grown / most:.1f}")
            else:
                cells.append("-")
            lines.append(cells)
        return columns(lines)

    def tsv(self):
        lines = ["row\tunit\ttunnel\tmedian\tratio\tsamples"]
        for row in self.measured():
            for tunnel in self.tunnels:
                samples = self.samples[row.name].get(tunnel.name)
                if not samples:
                    continue
                r = self.ratio(row, tunnel.name)
                lines.append("\t".join([
                    row.name, row.unit, tunnel.name, f"{median(samples):g}",
                    "" if r is None else f"{r:.3f}",
                    " ".join(f"{s:g}" for s in samples)]))
        for (tunnel, role), kb in self.roles.items():
            for what, samples in kb.items():
                lines.append("\t".join([
                    f"rss {role}, {what} flows", "kB", tunnel,
                    f"{median(samples):g}", "",
                    " ".join(f"{s:g}" for s in samples)]))
        return "\n".join(lines) + "\n"

    def svg(self):
        return Chart(self).text()


def columns(lines):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths))
            .rstrip() for line in lines]


class Chart:
    """Bars of ratios on a logarithmic scale; the line is ssh -D itself."""

    WIDTH, LEFT, RIGHT, BAR, GAP, TOP = 900, 370, 100, 11, 10, 58
    COLOURS = {OURS: "#1f6f8b", STOCK: "#7fb7be", GCM: "#c9c9c9",
               SHADOW: "#8a8a8a"}

    def __init__(self, results):
        self.results = results
        self.tunnels = [t.name for t in results.tunnels if t.name != SSH]
        self.rows = [(row, bars) for row in results.measured() if row.chart
                     and (bars := self.ratios(row))]
        ratios = [r for _, bars in self.rows for r in bars.values()] + [1]
        self.low = min(0.5, min(ratios) / 1.1)
        self.high = max(2, max(ratios) * 1.1)
        self.out = []

    def ratios(self, row):
        """What is known of the row: tunnel -> ratio."""
        known = {t: self.results.ratio(row, t) for t in self.tunnels}
        return {t: r for t, r in known.items() if r}

    def x(self, r):
        span = self.WIDTH - self.LEFT - self.RIGHT
        part = math.log(r / self.low) / math.log(self.high / self.low)
        return self.LEFT + span * part

    def put(self, x, y, text, more=""):
        self.out.append(f'<text x="{x:.1f}" y="{y:.1f}"{more}>'
                        f"{html.escape(text)}</text>")

    def box(self, x, y, width, height, colour):
        self.out.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
                        f'height="{height}" fill="{colour}"/>')

    def legend(self):
        self.put(12, 22, "How many times better than ssh -D, same machine, "
                 "same run", ' font-weight="bold"')
        x = 12
        for tunnel in self.tunnels:
            self.box(x, 34, 10, 10, self.COLOURS[tunnel])
            self.put(x + 15, 43, tunnel)
            x += 30 + 7 * len(tunnel)

    def scale(self, bottom):
        for mark in (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000):
            if not self.low <= mark <= self.high:
                continue
            x = self.x(mark)
            colour = "#444" if mark == 1 else "#e4e4e4"
            self.out.append(f'<line x1="{x:.1f}" y1="{self.TOP}" x2="{x:.1f}" '
                            f'y2="{bottom}" stroke="{colour}"/>')
            self.put(x, bottom + 15, f"{mark:g}x",
                     ' text-anchor="middle" fill="#666"')

    def bars(self, row, ratios, y):
        """Draws one row; where the next begins."""
        self.put(self.LEFT - 10, y + self.BAR * len(ratios) / 2 + 4,
                 row.title.strip(), ' text-anchor="end"')
        for tunnel, r in ratios.items():
            x = min(self.x(1), self.x(r))
            self.box(x, y, abs(self.x(r) - self.x(1)) + 1, self.BAR - 1,
                     self.COLOURS[tunnel])
            value = figure(self.results.value(row, tunnel))
            self.put(max(self.x(1), self.x(r)) + 5, y + self.BAR - 2,
                     f"{times(r)}  {value} {row.unit}",
                     ' font-size="9.5" fill="#555"')
            y += self.BAR
        return y + self.GAP

    def text(self):
        bars = sum(len(ratios) for _, ratios in self.rows)
        bottom = self.TOP + self.BAR * bars + self.GAP * len(self.rows)
        height = bottom + 28
        self.legend()
        self.scale(bottom)
        y = self.TOP + self.GAP / 2
        for row, ratios in self.rows:
            y = self.bars(row, ratios, y)
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.WIDTH}" '
                f'height="{height}" viewBox="0 0 {self.WIDTH} {height}" '
                'font-family="sans-serif" font-size="12" fill="#222">\n'
                f'<rect width="{self.WIDTH}" height="{height}" fill="#fff"/>\n'
                + "\n".join(self.out) + "\n</svg>\n")
