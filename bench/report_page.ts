// How does a report become one page that needs nothing else? Its tables as HTML, its charts inline, no scripts.

import { facts, markdown, sections } from "./report_text.ts";
import type { Results } from "./results.ts";

/** A drawn chart, and the section that it belongs to. */
export interface Picture {
  section: string;
  caption: string;
  svg: string;
}

const escape = (text: string) =>
  text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!);

/** Tables, lists and paragraphs, as report_text.ts writes them. */
function html(body: string): string {
  const lines = body.split("\n");
  if (lines[0].startsWith("- ")) {
    return `<ul>${lines.map((line) => `<li>${escape(line.slice(2))}</li>`).join("")}</ul>`;
  }
  if (!lines[0].startsWith("| ")) return `<p>${escape(body)}</p>`;
  const [head, , ...rows] = lines.map((line) => line.slice(2, -2).split(" | "));
  const row = (cells: string[], tag: string) =>
    `<tr>${cells.map((c) => `<${tag}>${escape(c.trim())}</${tag}>`).join("")}</tr>`;
  const bodyRows = rows.map((cells) => row(cells, "td")).join("\n");
  return `<div class="wide"><table><thead>${
    row(head, "th")
  }</thead><tbody>${bodyRows}</tbody></table></div>`;
}

const style = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1d2330; --soft: #5c6575; --grid: #e3e6eb;
  --series-1: #b5542a; --series-2: #6b7fd7; --series-3: #0b6fb8; --series-4: #128a5b; --series-5: #8a3ba8; --series-6: #a07800;
  --series-7: #c2376b; --series-8: #5f6b78; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171d; --ink: #e8ebf0; --soft: #a3abba; --grid: #2c323d;
  --series-1: #f0956a; --series-2: #a9b6f5; --series-3: #58b4f5; --series-4: #4fcf97; --series-5: #d596ee; --series-6: #e3c04a;
  --series-7: #f58bb0; --series-8: #b6bfcc; } }
body { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, Helvetica, Arial, sans-serif;
  max-width: 1000px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; } dt { color: var(--soft); } dd { margin: 0; }
.wide, figure { overflow-x: auto; } figure { margin: 1rem 0; } figcaption { color: var(--soft); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid var(--grid); text-align: left; }
td:not(:last-child) { white-space: nowrap; }
`;

/** The report as a page; charts that could not be drawn are named with the reason. */
export function page(results: Results, pictures: readonly Picture[], undrawn?: string): string {
  const about = Object.entries(facts(results))
    .map(([key, value]) => `<dt>${escape(key)}</dt><dd>${escape(value)}</dd>`).join("");
  const lead = markdown(results).split("\n\n")[2];
  const body = sections(results).map(([title, text]) => {
    const charts = pictures.filter(({ section }) => section === title).map(({ caption, svg }) =>
      `<figure>${svg}<figcaption>${escape(caption)}</figcaption></figure>`
    ).join("\n");
    return `<h2>${escape(title)}</h2>\n${charts}\n${html(text)}`;
  });
  const why = undrawn ? `<p>Charts are absent: ${escape(undrawn)}</p>` : "";
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>dinograd benchmarks, ${escape(results.machine.CPU)}</title>
<style>${style}</style>
</head>
<body>
<h1>dinograd benchmarks</h1>
<dl>${about}</dl>
<p>${escape(lead)}</p>
${why}
${body.join("\n")}
</body>
</html>
`;
}
