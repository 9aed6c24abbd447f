"""The page's script: a filter over all rows, and sorting by a column. Without it nothing is lost.

It makes what it needs, so that a page whose script is not run shows no dead buttons. It fetches
nothing and writes no HTML: what a table is called stays text.
"""

SCRIPT = """
(() => {
"use strict";
const all = (what, place = document) => [...place.querySelectorAll(what)];
const make = (kind, values, ...parts) => {
  const made = Object.assign(document.createElement(kind), values);
  made.append(...parts);
  return made;
};
const UNITS = {B: 1, KiB: 1024, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40,
  s: 1, min: 60, h: 3600, "%": 1};
const figure = (text) => {
  const found = /^([+-]?[\\d.]+)(?: (\\D+?)(?: (\\d+))?)?$/.exec(text.replace(/,/g, ""));
  if (!found) return -Infinity;
  return found[1] * (UNITS[found[2]] || 1) + (found[3] || 0) * 60;
};
const MOST = 300;

// tables that become cards on a phone are tables to who hears them, too
for (const [what, role] of [["table.rows", "table"], ["table.rows>thead,table.rows>tbody",
    "rowgroup"], ["table.rows tr", "row"], ["table.rows td", "cell"],
    ["table.rows tbody th", "rowheader"], ["table.rows thead th", "columnheader"]])
  for (const each of all(what)) each.setAttribute("role", role);

for (const table of all("table.rows")) {
  const body = table.tBodies[0], heads = all("thead th", table);
  if (!body || body.rows.length < 2) continue;
  table.classList.add("sorts");
  heads.forEach((head, column) => {
    if (!head.textContent) return;
    const numeric = head.classList.contains("n");
    const button = make("button", {type: "button"}, ...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const was = head.getAttribute("aria-sort");
      const up = was ? was === "descending" : !numeric;
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const keyed = [...body.rows].map((row) => {
        const text = row.cells[column].textContent;
        return [numeric ? figure(text) : text, row];
      });
      keyed.sort(([a], [b]) => numeric ? (a < b ? -1 : +(a > b))
        : a.localeCompare(b, "en", {numeric: true}));
      if (!up) keyed.reverse();
      body.append(...keyed.map(([, row]) => row));
    });
  });
}

// what differs from address to address is the name
for (const table of all("table[data-places]"))
  for (const each of all("a:not([href])", table))
    each.href = table.dataset.places.replace("*", () => each.textContent);

const place = document.getElementById("tools");
const rows = all("table.rows tbody tr, .group li");
if (!place || !rows.length) return;
const about = (row) => all(".what", row.closest(".group") || row).map((each) => each.textContent);
const words = rows.map((row) => [row.textContent, ...about(row)].join(" ").toLowerCase());
const folds = all("details")
  .map((fold) => [fold, rows.filter((row) => fold.contains(row))])
  .filter(([, inside]) => inside.length);
const told = make("output", {id: "told"});
const field = make("input", {type: "search", id: "filter", autocomplete: "off",
  placeholder: "part of a name or a reason"});
let before = null;
const filter = () => {
  const wanted = field.value.trim().toLowerCase().split(/\\s+/).filter(Boolean);
  const on = wanted.length > 0;
  if (on && !before) before = folds.map(([fold]) => fold.open);
  let found = 0;
  rows.forEach((row, at) => {
    const fits = wanted.every((word) => words[at].includes(word));
    if (fits) found += 1;
    row.hidden = on && (!fits || found > MOST);
  });
  folds.forEach(([fold, inside], at) => {
    const some = !on || inside.some((row) => !row.hidden);
    fold.hidden = !some;
    if (on) fold.open = some;
    else if (before) fold.open = before[at];
  });
  if (!on) before = null;
  told.textContent = !on ? "" : found.toLocaleString("en") + " of " +
    rows.length.toLocaleString("en") + (found > MOST ? ", the first " + MOST + " are shown" : "");
};
let waiting = 0;
field.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(filter, 120);
});
place.append(make("label", {htmlFor: "filter"}, "Filter "), field, told);
told.setAttribute("role", "status");
})();
"""
