"""Style and script of the HTML page: constants, whose hashes are all that the page's policy lets a browser use."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --bg: #fff; --fg: #1f2328; --soft: #59636e; --line: #d1d9e0; --box: #f6f8fa;
  --add: #dafbe1; --addfg: #116329; --del: #ffebe9; --delfg: #a40e26; --mark: #0969da; --odd: #9a6700; --bad: #cf222e; }
@media (prefers-color-scheme: dark) { :root { --bg: #0d1117; --fg: #e6edf3; --soft: #9198a1; --line: #3d444d;
  --box: #151b23; --add: #12331e; --addfg: #aff5b4; --del: #3c1618; --delfg: #ffdcd7; --mark: #4493f8; --odd: #d29922;
  --bad: #f85149; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px; max-width: 1160px; background: var(--bg); color: var(--fg);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", "Noto Sans", "Hiragino Sans", "Noto Sans CJK JP", sans-serif; }
h1 { font-size: 24px; line-height: 1.3; margin: 0 0 16px; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 32px 0 10px; padding-bottom: 4px; border-bottom: 1px solid var(--line); }
code, pre {
  font: 12.5px/1.5 ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", "Noto Sans Mono CJK JP", monospace; }
code { background: var(--box); padding: 1px 5px; border-radius: 4px; overflow-wrap: anywhere; }
pre { margin: 8px 0; padding: 10px 0; overflow-x: auto; background: var(--box); border-radius: 6px; }
pre > span { display: block; width: max-content; min-width: 100%; padding: 0 14px; white-space: pre; }
.add { background: var(--add); color: var(--addfg); } .del { background: var(--del); color: var(--delfg); }
.note { color: var(--soft); }
dl { display: grid; grid-template-columns: max-content 1fr; margin: 0; overflow: hidden;
  border: 1px solid var(--line); border-radius: 8px; }
dt, dd { margin: 0; padding: 8px 14px; border-top: 1px solid var(--line); }
dt { font-weight: 600; background: var(--box); border-left: 4px solid transparent; }
dt:first-of-type, dt:first-of-type + dd { border-top: 0; }
dt.failed, dt.dangers { border-left-color: var(--bad); color: var(--bad); }
dt.rendered, dt.calm { border-left-color: var(--addfg); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 14px; }
th, td { border: 1px solid var(--line); padding: 5px 10px; text-align: left; vertical-align: top; }
th { background: var(--box); font-weight: 600; }
td code, th code { overflow-wrap: normal; }
td:first-child, th:first-child { position: sticky; left: 0; background: var(--box); }
.letter, .outlier { font-weight: 700; color: var(--mark); text-decoration: none; }
.outlier { color: var(--odd); }
.letter:hover, .outlier:hover { text-decoration: underline; }
details.group { margin: 10px 0; border: 1px solid var(--line); border-radius: 8px; }
details.group.odd { border-left: 4px solid var(--odd); }
details.group > summary { padding: 9px 14px; cursor: pointer; overflow-wrap: anywhere; }
details.group[open] > summary { border-bottom: 1px solid var(--line); }
details.group > div { padding: 4px 14px 10px; }
ul { margin: 8px 0; padding-left: 22px; } p { margin: 8px 0; }
#filter { width: 100%; margin: 8px 0; padding: 7px 12px; font: inherit; color: inherit; background: var(--bg);
  border: 1px solid var(--line); border-radius: 6px; }
@media (max-width: 640px) { body { padding: 14px; } dl { grid-template-columns: 1fr; } dd { border-top: 0; } }
@media print { #filter { display: none; } body { max-width: none; } }
"""

# The filter is made by the script, because without it there is nothing to type into; a link opens what it leads to.
SCRIPT = """
const groups = [...document.querySelectorAll("details.group")];
const unfold = () => { const group = document.getElementById(location.hash.slice(1)); if (group) group.open = true; };
addEventListener("hashchange", unfold);
unfold();
if (groups.length > 1) {
  const filter = document.createElement("input");
  filter.id = "filter";
  filter.type = "search";
  filter.placeholder = "Filter by application, object or cluster";
  filter.oninput = () => {
    const words = filter.value.toLowerCase().split(/\\s+/);
    for (const group of groups) group.hidden = !words.every((word) => group.dataset.words.includes(word));
  };
  groups[0].before(filter);
}
"""
