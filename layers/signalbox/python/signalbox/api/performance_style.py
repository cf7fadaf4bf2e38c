"""The style sheet of the performance page: light, dark, and on paper."""

LINES = 8
"""Colours of lines."""

_LIGHT = ("#1f6fb2", "#c2410c", "#2e7d32", "#8e24aa", "#b08900", "#00838f", "#ad1457", "#5d4037")
_DARK = ("#6cb6ff", "#ff9e64", "#7bd88f", "#d2a8ff", "#e6c34a", "#56d4dd", "#ff8ac1", "#c8a893")


def _lines(colours: tuple[str, ...]) -> str:
    return "".join(f".c{at}{{--line:{colour}}}" for at, colour in enumerate(colours))


STYLE = (
    """
:root{color-scheme:light dark;--back:#fbfbf9;--card:#fff;--text:#1d2227;--soft:#5b6570;--rule:#dfe3e6;--coin:#6f757b;
--yes:#1b6e3c;--warn:#fdf6e3;--warn-rule:#d9b44a}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--text);font:15px/1.5 system-ui,sans-serif}
main{max-width:1400px;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.6rem;margin:.2rem 0 .4rem}h2{font-size:1.1rem;margin:0 0 .7rem}
header p,section p{max-width:62rem;color:var(--soft);margin:.2rem 0}
section{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:1rem 1.1rem;margin-top:1rem}
.caveats{background:var(--warn);border-color:var(--warn-rule)}
ul{margin:.3rem 0;padding-left:1.2rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.4rem .5rem;text-align:right;vertical-align:top;border-bottom:1px solid var(--rule);white-space:nowrap}
thead th{color:var(--soft);font-weight:600;font-size:.82rem;vertical-align:bottom;white-space:normal}
th:first-child{text-align:left;font-weight:600}
td small{display:block;color:var(--soft)}td small.coin{color:var(--coin)}
.badge{border:1px solid currentColor;border-radius:99px;padding:.05rem .55rem;font-size:.85rem;color:var(--soft)}
.badge.yes{color:var(--yes)}
svg{width:100%;height:auto;display:block}svg text{fill:var(--soft);font:12px system-ui,sans-serif}
.zero{stroke:var(--soft);stroke-dasharray:2 3}
.line{fill:none;stroke:var(--line);stroke-width:1.8;stroke-linejoin:round}
.end{fill:var(--line)}
.coin{--line:var(--coin)}.line.coin{stroke-dasharray:5 4}
.legend span{display:inline-block;margin-right:1.1rem}
.legend span::before{content:"";display:inline-block;width:1.3em;height:3px;background:var(--line);margin-right:.4em;
vertical-align:middle}
"""
    + _lines(_LIGHT)
    + """
@media screen and (prefers-color-scheme:dark){:root{--back:#14181c;--card:#1b2025;--text:#e4e8eb;--soft:#9aa5af;
--rule:#313940;--coin:#8b949c;--yes:#7bd88f;--warn:#2a2618;--warn-rule:#8a7430}
"""
    + _lines(_DARK)
    + """}
@media print{@page{size:A4 landscape;margin:12mm}html{font-size:10px}
td small{white-space:normal}body{background:#fff;font-size:10px}main{max-width:none;padding:0}
section{break-inside:avoid;border-color:#999;background:none}.scroll{overflow:visible}th,td{padding:.25rem .3rem}
.line,.end{print-color-adjust:exact;-webkit-print-color-adjust:exact}
.legend span::before{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""
)
