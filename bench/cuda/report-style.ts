/** What the charts of this report have beside the pages' own style. */
export const reportStyle = `
:root { --head: #7c3aed; --back: #be185d; --other: #9aa5b4; }
@media (prefers-color-scheme: dark) { :root { --head: #b794f6; --back: #f28ab2; --other: #657183; } }
main { max-width: 76rem; } tbody td { white-space: nowrap; } dl + .chart { margin-top: 1rem; }
.wide-chart { width: 100%; height: auto; display: block; }
.wide-chart .title { font-weight: 600; }
.point { fill-opacity: .8; stroke: var(--paper); stroke-width: .75; }
.point.products, .fill.products { fill: var(--first); } .point.head, .fill.head { fill: var(--head); }
.point.attention, .fill.attention { fill: var(--second); } .point.backward, .fill.backward { fill: var(--back); }
.point.memory, .fill.memory { fill: var(--third); } .fill.other { fill: var(--other); }
.roof { fill: none; stroke: var(--ink); stroke-width: 2; } .roof.sheet { stroke: var(--marker); stroke-dasharray: 6 4; }
.key.roof-measured::before { border-color: var(--ink); } .key.roof-sheet::before { border-color: var(--marker); border-top-style: dashed; }
.predicted { stroke: var(--ink); stroke-width: 2; }
.line.other { stroke: var(--other); } .key.other::before { border-color: var(--other); }
.swatch { margin-right: 1em; white-space: nowrap; } .swatch svg { margin-right: .4em; vertical-align: -1px; }
.stamp { border-left: 4px solid var(--second); background: var(--panel); padding: .6rem .9rem; margin: 1rem 0; font-weight: 600; }
td.why { color: var(--soft); white-space: normal; max-width: 24rem; overflow-wrap: anywhere; }
`
