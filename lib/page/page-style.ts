/** The page's style sheet: the reader's own light or dark, from a telephone's width on. */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1b2330; --soft: #5b6675; --line: #d9dee6; --panel: #f5f7fa; --over: #ffffff;
  --first: #1f5fd0; --second: #b45309; --third: #15803d; --wrong: #c2332f; --marker: #7a8594; --mark: #cfe3ff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #12161c; --ink: #e6eaf0; --soft: #9aa6b5; --line: #2d3643; --panel: #1a2029; --over: #0b0e12;
    --first: #7fb0ff; --second: #f3b062; --third: #6bd08c; --wrong: #ff8580; --marker: #8c97a6; --mark: #24436e;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem; }
p { margin: .5rem 0; }
.soft, .legend, caption { color: var(--soft); font-size: .9rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem; }
caption { text-align: left; padding-bottom: .4rem; }
th, td { padding: .35rem .9rem .35rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--soft); white-space: nowrap; }
tbody th { color: var(--ink); }
.number { text-align: right; white-space: nowrap; }
.best { font-weight: 600; }
.text { min-width: 16rem; max-width: 36rem; } .said { white-space: pre-wrap; overflow-wrap: anywhere; }
.name { overflow-wrap: break-word; white-space: normal; min-width: 7rem; max-width: 16rem; }
.warning { border-left: 4px solid var(--second); background: var(--panel); padding: .5rem .75rem; margin: .5rem 0; }
.error, .good, .note { border-left: 4px solid var(--wrong); background: var(--panel); padding: .5rem .75rem; margin: .5rem 0; }
.good { border-color: var(--third); } .note { border-color: var(--marker); }
.verdict { font-weight: 600; } .finding p { margin: .15rem 0; overflow-wrap: anywhere; } .finding ul { margin: .25rem 0; padding-left: 1.2rem; }
.finding li { overflow-wrap: anywhere; font-size: .9rem; }
mark { background: var(--mark); color: inherit; border-radius: 2px; }
.bar { fill: var(--first); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.25rem; margin: 0; font-size: .92rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
code, pre { font: .85rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
pre { background: var(--panel); padding: .75rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
summary { cursor: pointer; color: var(--soft); }
dl + details { margin-top: .5rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1.5rem; }
.chart { width: 100%; max-width: 34rem; height: auto; display: block; }
.matrix { max-width: none; height: auto; display: block; }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink); }
svg .tick { fill: var(--soft); } svg .axis { fill: var(--soft); }
svg .over { fill: var(--over); font-weight: 600; }
.grid { stroke: var(--line); } .diagonal { stroke: var(--marker); stroke-dasharray: 4 4; }
.marker { stroke: var(--marker); stroke-width: 1.5; stroke-dasharray: 2 3; }
.line { fill: none; stroke-width: 2.25; }
.line.first { stroke: var(--first); }
.line.second { stroke: var(--second); stroke-dasharray: 7 3; }
.line.third { stroke: var(--third); stroke-width: 3; }
.dot { fill: var(--first); fill-opacity: .85; } .range { stroke: var(--first); stroke-width: 9; stroke-opacity: .4; } .at { stroke: var(--first); stroke-width: 2; }
.back { fill: var(--panel); } .right { fill: var(--first); } .wrong { fill: var(--wrong); }
.interval { vertical-align: middle; }
.key::before { content: ""; display: inline-block; width: 1.6em; margin: 0 .4em .2em 0; border-top: 3px solid; vertical-align: middle; }
.key { margin-right: 1em; white-space: nowrap; }
.key.first::before { border-color: var(--first); } .key.second::before { border-color: var(--second); border-top-style: dashed; }
.key.third::before { border-color: var(--third); } .key.marker { stroke: none; }
.key.marker::before { border-color: var(--marker); border-top-style: dotted; }
@media (max-width: 34rem) {
  main { padding: 1.25rem .9rem 3rem; }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; }
  .histogram text { font-size: 19px; }
  .share { width: 3rem; } th, th.number { white-space: normal; } th, td { padding-right: .5rem; }
  .name { min-width: 7.5rem; max-width: 9rem; overflow-wrap: anywhere; }
  .stack thead { display: none; }
  .stack, .stack tbody, .stack tr, .stack td { display: block; width: 100%; min-width: 0; max-width: none; }
  .stack tr { border-bottom: 1px solid var(--line); padding: .6rem 0; }
  .stack td { border: 0; padding: .1rem 0; text-align: left; overflow-wrap: anywhere; }
  .stack .number::before { content: "loss "; color: var(--soft); }
}
`
