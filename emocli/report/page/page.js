"use strict";
// What a page can do besides being read: tables sort, and what is folded is printed too.

const root = document.documentElement;
addEventListener("error", (event) => { root.dataset.error = event.message || "an element failed"; });

// What a cell sorts by: its number, else its text; a cell without either comes last.
function key(cell) {
  const text = cell.dataset.key || cell.textContent.trim();
  const number = Number.parseFloat(text.replace("\u2212", "-").replace(/^[(<≤\s]+/, ""));
  if (text === "" || text === "-") return null;
  return Number.isNaN(number) || !/^[-+(<≤\s\u2212]*[\d.]/.test(text) ? text : number;
}

function order(a, b) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), undefined, { numeric: true });
}

function sort(table, column, head) {
  const down = head.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const body = table.tBodies[0], rows = [...body.rows];
  const keys = new Map(rows.map((row) => [row, key(row.cells[column])]));
  rows.sort((a, b) => {
    const x = keys.get(a), y = keys.get(b);
    return down && x !== null && y !== null ? order(y, x) : order(x, y);
  });
  body.append(...rows);
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    if (head.classList.contains("span")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.title = "sort by this column";
    button.addEventListener("click", () => sort(table, column, head));
    head.setAttribute("aria-sort", "none");
    head.append(button);
  });
}

const folded = [];
addEventListener("beforeprint", () => {
  folded.push(...document.querySelectorAll("details:not([open])"));
  for (const each of folded) each.open = true;
});
addEventListener("afterprint", () => { for (const each of folded.splice(0)) each.open = false; });

root.dataset.ready = "yes";
