// The table: a row for each segment.
const any = (key) => report.segments.some((segment) => segment[key]);
const COLUMNS = [
  ["start", (s) => clock(s.start), (s) => s.start],
  ["end", (s) => clock(s.end), (s) => s.end],
  ...["person", "speaker"].filter(any).map((k) => [k, (s) => s[k], (s) => s[k]]),
  ["label", (s) => s.label || "nothing to judge by", (s) => s.label],
  ...(report.task === "intensity" ? [] : [
    ["confidence", (s) => percent(s.confidence), (s) => s.confidence],
  ]),
  ...report.classes.map((c) => [c, (s) => number(s.values[c]), (s) => s.values[c]]),
  ...Object.entries(STATES).map(([k, title]) => [title, (s) => listed(s, k), (s) => listed(s, k)]),
  ["text", (s) => s.text, (s) => s.text],
];
const isNumber = (value) => typeof value === "number";

function drawHead() {
  for (const [title, , value] of COLUMNS) {
    const cell = element("th", { scope: "col" }, title);
    if (report.segments.some((s) => isNumber(value(s)))) cell.className = "number";
    byId("head").append(cell);
  }
}

function drawTable() {
  for (const cell of byId("head").cells)
    if (cell.hasAttribute("aria-sort")) cell.setAttribute("aria-sort", "none");
  byId("body").replaceChildren(...own().map(row));
}

function row(segment) {
  const made = element("tr");
  made.dataset.clip = segment.clip;
  COLUMNS.forEach(([title, text, value], column) => {
    const cell = element("td", isNumber(value(segment)) ? { class: "number" } : {});
    if (isNumber(value(segment))) cell.dataset.key = value(segment);
    if (title === "text" && column === COLUMNS.length - 1) cell.className = "text";
    if (column === 0) {
      const button = element("button", { type: "button" }, text(segment));
      button.setAttribute("aria-label", `go to ${text(segment)}`);
      button.addEventListener("click", () => seek(segment.start));
      cell.append(button);
    } else cell.textContent = text(segment);
    made.append(cell);
  });
  return made;
}
