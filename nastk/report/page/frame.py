"""The page around what it says: its head, its policy, how it looks in light and in dark, small and on paper."""

from __future__ import annotations

from nastk.report.cell_svg import MONOSPACE, SANS
from nastk.report.escaping import escaped

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
MARK = '<meta name="generator" content="nastk">'

_LIGHT = """--page: #ffffff; --card: #f5f7f9; --ink: #1f2933; --faint: #55606e; --rule: #d5dbe1;
  --accent: #0b5cad; --good: #0b6b4f; --warn: #9a3412;
  --line-0: #0b5cad; --line-1: #b23c06; --line-2: #0b6b4f; --line-3: #6b3fa0;
  --line-4: #8a6100; --line-5: #b0186b; --line-6: #46505c; --line-7: #00707f;"""
_DARK = """--page: #14181c; --card: #1d2329; --ink: #e6eaee; --faint: #a3adb8; --rule: #39424c;
  --accent: #7fb6f2; --good: #6fcfab; --warn: #f3a37a;
  --line-0: #7fb6f2; --line-1: #f3a37a; --line-2: #6fcfab; --line-3: #c3a2ee;
  --line-4: #e2c05c; --line-5: #f08fc0; --line-6: #b8c1cb; --line-7: #63cddb;"""
_LINES = "\n".join(
    f".line-{number} {{ stroke: var(--line-{number}); }} .dot.line-{number} {{ fill: var(--line-{number}); }}"
    for number in range(8)
)
_STYLE = f"""
:root {{ color-scheme: light dark; {_LIGHT} }}
@media screen and (prefers-color-scheme: dark) {{
  :root {{ {_DARK} }}
  .drawn svg {{ filter: invert(0.92) hue-rotate(180deg); }}
}}
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; padding: 1.2rem 1rem 3rem; max-width: 66rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 {SANS}; overflow-wrap: break-word; }}
h1 {{ font-size: 1.6rem; margin: 0 0 .6rem; }}
h2 {{ font-size: 1.3rem; margin: 2.4rem 0 .6rem; padding-top: .8rem; border-top: 2px solid var(--rule); }}
h3 {{ font-size: 1.05rem; margin: 1.6rem 0 .4rem; }}
p {{ margin: .4rem 0; }}
a {{ color: var(--accent); }}
.conclusion {{ padding: .7rem 1rem; border-left: 4px solid var(--accent); background: var(--card);
  border-radius: 0 8px 8px 0; }}
.conclusion p:first-child {{ font-size: 1.1rem; font-weight: 600; }}
.warn {{ color: var(--warn); }}
nav ul {{ margin: .6rem 0; padding-left: 1.2rem; }}
table {{ border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }}
caption {{ text-align: left; color: var(--faint); padding-bottom: .3rem; }}
th, td {{ text-align: left; vertical-align: top; padding: .25rem .9rem .25rem 0;
  border-bottom: 1px solid var(--rule); }}
th {{ font-weight: 600; }}
thead th {{ border-bottom-width: 2px; white-space: nowrap; }}
.n {{ text-align: right; white-space: nowrap; }}
.facts {{ width: 100%; }}
.facts th {{ width: 9rem; color: var(--faint); font-weight: 400; }}
.facts td {{ overflow-wrap: anywhere; }}
.wide {{ overflow-x: auto; }}
pre {{ margin: .4rem 0; padding: .6rem .8rem; background: var(--card); border-radius: 8px;
  font: .82rem/1.45 {MONOSPACE};
  white-space: pre-wrap; overflow-wrap: anywhere; }}
figure {{ margin: .6rem 0 1.2rem; }}
figcaption {{ font-size: .88rem; color: var(--faint); margin-bottom: .3rem; }}
figcaption b {{ color: var(--ink); }}
.worst {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); gap: .4rem .9rem; }}
.worst figure {{ margin: 0; }}
.worst img {{ width: 100%; image-rendering: pixelated; border-radius: 6px; }}
.pair {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 25rem), 1fr)); gap: 0 1.5rem; }}
svg {{ display: block; max-width: 100%; height: auto; }}
svg.curves, svg.matrix {{ width: 100%; max-width: 36rem; font: 12.5px {SANS}; }}
svg.matrix {{ min-width: 22rem; }}
.curves text, .matrix text {{ fill: var(--ink); }}
.curves text.faint {{ fill: var(--faint); }}
.grid {{ stroke: var(--rule); }}
.curve {{ fill: none; stroke-width: 1.8; stroke-linejoin: round; }}
.matrix .count {{ fill: var(--accent); }}
.drawn svg {{ min-width: min(40rem, var(--natural)); }}
{_LINES}
details {{ margin: .8rem 0; }}
td details {{ margin: 0; }}
summary {{ cursor: pointer; color: var(--accent); }}
@media print {{
  body {{ max-width: none; padding: 0; font-size: 10.5pt; }}
  figure, tr, .conclusion {{ break-inside: avoid; }}
  h2, h3 {{ break-after: avoid; }}
  .wide {{ overflow: visible; }}
  .drawn svg {{ min-width: 0; }}
  nav {{ display: none; }}
}}
"""


def page(title: str, body: str) -> str:
    """The whole file. body: the markup of what it says."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
{MARK}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{escaped(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
{body}
</body>
</html>
"""
