#!/usr/bin/env python3
"""Turns a terminal's text on standard input into an SVG on standard output. Lines that begin with `$ ` are commands."""
import html, sys

lines = [line.rstrip("\n") for line in sys.stdin]
width, height = 12 + 8.43 * max(map(len, lines)), 24 + 19 * len(lines)
print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" font-family="DejaVu Sans Mono, Menlo, monospace" font-size="14">')
print(f'<rect width="100%" height="100%" rx="8" fill="#16181d"/>')
for at, line in enumerate(lines):
    bare = line.strip()
    colour = "#d7dae0"
    if line.startswith("$ "):
        colour = "#ffffff"
    elif bare.startswith(("+", "✓")):
        colour = "#7fd88f"
    elif bare.startswith(("~", "^", "!", "?")):
        colour = "#e5c07b"
    elif bare.startswith("-"):
        colour = "#ef8a80"
    print(f'<text x="12" y="{26 + 19 * at}" fill="{colour}" xml:space="preserve">{html.escape(line)}</text>')
print("</svg>")
