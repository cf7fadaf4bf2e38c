"""The style sheet of the page, readable in light and dark."""

_COLOURS = {
    "light": ("#1f6fb2", "#c2410c", "#2e7d32", "#8e24aa", "#b08900", "#00838f", "#ad1457", "#5d4037"),
    "dark": ("#6cb6ff", "#ff9e64", "#7bd88f", "#d2a8ff", "#e6c34a", "#56d4dd", "#ff8ac1", "#c8a893"),
}


def _lines(scheme: str) -> str:
    return "".join(f".c{at}{{--line:{colour}}}" for at, colour in enumerate(_COLOURS[scheme]))


STYLE = (
    """
:root{color-scheme:light dark;--back:#fbfbf9;--card:#fff;--text:#1d2227;--soft:#5b6570;--rule:#dfe3e6;--coin:#8a8f94;
--yes:#1b6e3c;--no:#6b7178;--warn:#fdf6e3;--warn-rule:#d9b44a}
@media (prefers-color-scheme:dark){:root{--back:#14181c;--card:#1b2025;--text:#e4e8eb;--soft:#9aa5af;--rule:#313940;
--coin:#8b949c;--yes:#7bd88f;--no:#9aa5af;--warn:#2a2618;--warn-rule:#8a7430}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--text);font:15px/1.5 system-ui,sans-serif}
main{max-width:1400px;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.6rem;margin:.2rem 0 .4rem;overflow-wrap:anywhere}h2{font-size:1.1rem;margin:0 0 .7rem}
header p{max-width:62rem;color:var(--soft);margin:.2rem 0}
header .kind{text-transform:uppercase;letter-spacing:.08em;font-size:.75rem}
section{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:1rem 1.1rem;margin-top:1rem}
.caveats{background:var(--warn);border-color:var(--warn-rule)}
ul{margin:.3rem 0;padding-left:1.2rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
caption{caption-side:bottom;text-align:left;color:var(--soft);font-size:.85rem;padding-top:.4rem;white-space:normal}
th,td{padding:.4rem .5rem;text-align:right;vertical-align:top;border-bottom:1px solid var(--rule);white-space:nowrap}
thead th{color:var(--soft);font-weight:600;font-size:.82rem;vertical-align:bottom}
th:first-child{text-align:left;font-weight:600}
td small{display:block;color:var(--soft)}small.coin{color:var(--coin)}
.badge{border:1px solid currentColor;border-radius:99px;padding:.05rem .55rem;font-size:.85rem}
.badge.yes{color:var(--yes)}.badge.no{color:var(--no)}
svg{width:100%;height:auto;display:block}
svg text{fill:var(--soft);font:12px system-ui,sans-serif}
.rule{stroke:var(--rule)}.zero{stroke:var(--soft)}
.line{fill:none;stroke:var(--line);stroke-width:1.8;stroke-linejoin:round}
.line.coin{stroke-dasharray:5 4}.coin{--line:var(--coin)}
.legend span{display:inline-block;margin-right:1.1rem}
.legend span::before{content:"";display:inline-block;width:1.3em;height:3px;background:var(--line);
margin-right:.4em;vertical-align:middle}
details{margin:.4rem 0}summary{cursor:pointer}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1.2rem;margin:0}dt{color:var(--soft)}dd{margin:0}
"""
    + _lines("light")
    + "@media (prefers-color-scheme:dark){"
    + _lines("dark")
    + "}"
)
