#!/usr/bin/env python3
"""Draws docs/tokens.svg: the life of an access token, and a renewal that fails once.

usage: token_timeline.py [FILE]      (default: docs/tokens.svg beside this script's folder)
       token_timeline.py --check FILE  ends with 1 if FILE is not what would be drawn
"""
import os
import sys

WIDTH, HEIGHT, LEFT, RIGHT = 960, 372, 96, 944
# Seconds before the end of a 4 h token, and where the picture puts them: the last minutes are what it is about.
SCALE = [(14400, LEFT), (300, 330), (200, 430), (60, 640), (0, 800), (-40, RIGHT)]
STATES = [  # from, to (seconds before the end), name, colour, what a caller gets
    (14400, 250, "fresh", "#b7e1b0", ["use it"]),
    (250, 60, "advisory", "#f4e39a", ["use it; the first one", "starts a renewal"]),
    (60, 0, "mandatory", "#f6c28b", ["wait; use it if", "the renewal fails"]),
    (0, -40, "dead", "#d9a0a0", ["wait, or get the", "remembered error"]),
]


def x(before):
    for (a, left), (b, right) in zip(SCALE, SCALE[1:]):
        if before >= b:
            return round(left + (a - before) / (a - b) * (right - left), 1)
    return RIGHT


out = []


def text(at, y, words, size=13, anchor="middle", weight="normal", fill="#222"):
    out.append(f'<text x="{at}" y="{y}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" '
               f'fill="{fill}">{words}</text>')


def bar(start, end, y, height, colour):
    out.append(f'<rect x="{start}" y="{y}" width="{round(end - start, 1)}" height="{height}" rx="3" fill="{colour}" '
               'stroke="#555" stroke-width="0.7"/>')


def line(x1, y1, x2, y2, extra=""):
    out.append(f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#555" {extra}/>')


def draw():
    out.append(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">')
    out.append('<title>The life of an access token, and a renewal that fails once</title>')
    out.append(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>')

    text(8, 58, "token", anchor="start", weight="bold")
    for start, end, name, colour, gets in STATES:
        left, right = x(start), x(end)
        bar(left, right, 36, 36, colour)
        text((left + right) / 2, 59, name, 14, weight="bold")
        for i, words in enumerate(gets):
            text((left + right) / 2, 92 + 16 * i, words, 12)
    text(8, 92, "a caller", anchor="start", weight="bold")
    for before, label in [(14400, "obtained"), (300, "300 s left"), (200, "200 s left"), (60, "60 s left"),
                          (0, "its end")]:
        line(x(before), 30, x(before), 36)
        text(x(before), 24, label, 11, fill="#555")
    out.append(f'<rect x="{x(300)}" y="36" width="{x(200) - x(300)}" height="36" fill="none" stroke="#555" '
               'stroke-dasharray="3 3"/>')
    text(x(230) - 8, 128, "begins here, at random", 11, "end", fill="#555")

    text(8, 172, "the flight", anchor="start", weight="bold")
    first, failed, second, answered, saved = x(230), x(205), x(150), x(120), x(100)
    bar(first, failed, 156, 26, "#cfd8ea")
    text((first + failed) / 2, 200, "503", 12)
    line(failed, 169, second, 169, 'stroke-dasharray="2 3"')
    text((failed + second) / 2, 160, "backoff", 11, fill="#555")
    bar(second, answered, 156, 26, "#cfd8ea")
    text((second + answered) / 2, 200, "200", 12)
    bar(answered, saved, 156, 26, "#e4d3ee")
    text((answered + saved) / 2, 200, "save", 12)
    line(saved, 182, saved, 240, 'marker-end="url(#tip)"')
    text(saved + 8, 218, "publish, then tell those who wait", 12, "start")
    line(first, 72, first, 156, 'stroke-dasharray="2 3" marker-end="url(#tip)"')

    text(8, 264, "next token", anchor="start", weight="bold")
    bar(saved, RIGHT, 244, 32, "#b7e1b0")
    text((saved + RIGHT) / 2, 265, "fresh, one generation on", 13)
    text(second - 8, 265, "its age counts from here", 11, "end", fill="#555")
    line(second, 182, second, 262, 'stroke-dasharray="2 3"')
    line(second, 282, second, 262, 'stroke-dasharray="2 3"')

    notes = [
        "A caller never waits for a renewal ahead of need. One exchange at a time; it belongs to no caller, and who leaves changes nothing.",
        "A 401 names the generation it used: only the newest one is renewed. setTokens() starts another epoch: an older flight publishes nothing.",
        "The last minutes are drawn wide. With shorter lives the windows shrink: mandatory 10 %, advisory 20 to 30 %, always below half of the life.",
    ]
    for i, words in enumerate(notes):
        text(8, 312 + 20 * i, words, 12, "start", fill="#333")
    out.append('<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
               'orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#555"/></marker></defs>')
    out.append('</svg>')
    return "\n".join(out) + "\n"


def main():
    check = "--check" in sys.argv
    paths = [argument for argument in sys.argv[1:] if argument != "--check"]
    path = paths[0] if paths else os.path.join(os.path.dirname(__file__), "..", "docs", "tokens.svg")
    drawn = draw()
    if check:
        with open(path, encoding="utf-8") as file:
            if file.read() != drawn:
                sys.exit(f"{path} is not what {os.path.basename(__file__)} draws: run it again")
        return
    with open(path, "w", encoding="utf-8") as file:
        file.write(drawn)


main()
