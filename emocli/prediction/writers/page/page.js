"use strict";
// The page of a prediction. All it shows is in the element #data; it asks nothing of any network.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 1000, LEFT = 46, RIGHT = 12, TOP = 10, PLOT = 240, GAP = 10, LANE = 16, AXIS = 26, WORDS = 20;
const DASHES = ["", "7 4", "2 3", "9 3 2 3"];
const COLOURS = 8;

const report = JSON.parse(document.getElementById("data").textContent);
const modalities = Object.keys(report.features);
const files = [...new Set(report.segments.map((segment) => segment.file))];
const hidden = new Set();
const state = { file: files[0], time: 0, sort: "start", down: false };

const byId = (id) => document.getElementById(id);
const name = (path) => path.split(/[\\/]/).pop();
const own = () => report.segments.filter((segment) => segment.file === state.file);
const percent = (value) => (value === null ? "" : `${(100 * value).toFixed(0)} %`);
const number = (value) => (value === null ? "" : value.toFixed(3));
const clock = (seconds) => {
  const whole = Math.max(0, seconds), minutes = Math.floor(whole / 60);
  return `${minutes}:${(whole - 60 * minutes).toFixed(1).padStart(4, "0")}`;
};
const listed = (segment, key) =>
  modalities.filter((m) => segment.modalities[m] && segment.modalities[m][key]).join(", ");

function element(kind, attributes = {}, text = "") {
  const made = document.createElement(kind);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

function shape(kind, attributes, text = "") {
  const made = document.createElementNS(SVG, kind);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

const span = () => {
  const segments = own();
  return [Math.min(...segments.map((s) => s.start)), Math.max(...segments.map((s) => s.end))];
};
const across = (time) => {
  const [first, last] = span();
  return LEFT + ((WIDTH - LEFT - RIGHT) * (time - first)) / Math.max(last - first, 1e-9);
};
const timeAt = (x) => {
  const [first, last] = span();
  const share = (x - LEFT) / (WIDTH - LEFT - RIGHT);
  return first + Math.min(1, Math.max(0, share)) * (last - first);
};

function bounds() {
  if (report.task !== "intensity") return [0, 1];
  const values = own().flatMap((segment) => Object.values(segment.values)).filter((v) => v !== null);
  const low = Math.min(0, ...values), high = Math.max(low + 1e-6, ...values);
  return [low, high];
}
const above = (value) => {
  const [low, high] = bounds();
  return TOP + PLOT * (1 - (value - low) / (high - low));
};

const lane = (index) => TOP + PLOT + GAP + index * LANE;
const colour = (index) => `var(--c${index % COLOURS})`;
const dash = (index) => DASHES[index % DASHES.length];

// Each moment belongs to the segment whose middle is nearest: windows overlap.
function reach(segments, index) {
  const middle = (s) => (s.start + s.end) / 2;
  const here = segments[index], before = segments[index - 1], after = segments[index + 1];
  const low = before ? Math.max(here.start, (middle(before) + middle(here)) / 2) : here.start;
  const high = after ? Math.min(here.end, (middle(here) + middle(after)) / 2) : here.end;
  return [low, Math.max(low, high)];
}

function drawGrid(chart) {
  const [first, last] = span(), [low, high] = bounds();
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    const value = low + share * (high - low), y = above(value);
    chart.append(shape("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y }));
    const text = report.task === "intensity" ? value.toFixed(2) : percent(value);
    chart.append(shape("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, text));
  }
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
  const step = steps.find((each) => (last - first) / each <= 10) || 7200;
  const bottom = lane(modalities.length) + 16;
  for (let time = Math.ceil(first / step) * step; time <= last + 1e-9; time += step) {
    const anchor = { x: across(time), y: bottom, "text-anchor": "middle" };
    chart.append(shape("text", anchor, clock(time)));
  }
}

function drawTrust(chart, segments) {
  // What is missing throughout is told by its lane; shading all of the plot would tell nothing.
  const sometimes = modalities.filter((m) => !segments.every((s) => s.modalities[m].missing));
  segments.forEach((segment, index) => {
    const [from, to] = reach(segments, index).map(across), width = Math.max(to - from, 1);
    const bad = (key) => sometimes.some((m) => segment.modalities[m][key]);
    const kind = bad("distrusted") ? "distrusted" : bad("missing") ? "missing" : "";
    if (kind) {
      const area = { class: `shade ${kind}`, x: from, y: TOP, width, height: PLOT };
      chart.append(shape("rect", area));
    }
    modalities.forEach((modality, order) => {
      const here = segment.modalities[modality], y = lane(order) + 3;
      const box = { x: from, y, width, height: LANE - 6 };
      chart.append(shape("rect", { ...box, class: "lane" }));
      const mark = here.missing ? "missing" : here.distrusted ? "distrusted" : "";
      if (mark) {
        const told = shape("rect", { ...box, class: mark });
        told.append(shape("title", {}, `${modality} ${mark}`));
        chart.append(told);
      }
      if (here.regenerated) {
        const line = `M${from} ${y + LANE - 4}H${from + width}`;
        chart.append(shape("path", { d: line, class: "regenerated" }));
      }
    });
  });
  modalities.forEach((modality, order) => {
    const y = lane(order) + LANE - 5;
    chart.append(shape("text", { x: LEFT - 6, y, "text-anchor": "end" }, modality.slice(0, 7)));
  });
}

function drawCurves(chart, segments) {
  report.classes.forEach((label, index) => {
    if (hidden.has(label)) return;
    let path = "", last = false;
    for (const segment of segments) {
      const value = segment.values[label];
      if (value === null) { last = false; continue; }
      const x = across((segment.start + segment.end) / 2), y = above(value);
      path += `${last ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
      last = true;
    }
    if (segments.length === 1 && path) path += `h0.1`;
    const line = { class: "curve", d: path, "stroke-dasharray": dash(index) };
    const curve = shape("path", line);
    curve.style.stroke = colour(index);
    if (segments.length === 1) { curve.style.strokeWidth = "9"; curve.style.strokeLinecap = "round"; }
    curve.append(shape("title", {}, label));
    chart.append(curve);
  });
}

function drawWords(chart, words) {
  let free = LEFT;
  const y = lane(modalities.length) + AXIS + 12;
  for (const word of words) {
    const x = across(word.start);
    if (x < free) continue;
    free = x + 7 * word.text.length + 6;
    if (free < WIDTH) chart.append(shape("text", { class: "word", x, y }, word.text));
  }
}

function spokenWords() {
  const seen = new Map();
  for (const segment of own())
    for (const word of segment.words) seen.set(`${word.start} ${word.text}`, word);
  return [...seen.values()].sort((a, b) => a.start - b.start);
}

function draw() {
  const chart = byId("chart"), segments = own(), words = spokenWords();
  const height = lane(modalities.length) + AXIS + (words.length ? WORDS : 0);
  chart.replaceChildren();
  chart.setAttribute("viewBox", `0 0 ${WIDTH} ${height}`);
  const [first, last] = span();
  chart.setAttribute("aria-valuemin", first);
  chart.setAttribute("aria-valuemax", last);
  drawTrust(chart, segments);
  drawGrid(chart);
  drawCurves(chart, segments);
  drawWords(chart, words);
  const now = { id: "now", class: "now", y1: TOP, y2: lane(modalities.length) };
  chart.append(shape("line", { ...now, x1: LEFT, x2: LEFT }));
  drawText(words);
  moved();
}

function drawText(words) {
  const place = byId("words");
  place.replaceChildren();
  byId("said").hidden = !words.length && !own().some((segment) => segment.text);
  if (words.length) {
    for (const word of words) {
      const button = element("button", { type: "button", "data-start": word.start }, word.text);
      button.dataset.end = word.end;
      button.addEventListener("click", () => seek(word.start));
      place.append(button, " ");
    }
    return;
  }
  for (const segment of own()) if (segment.text) place.append(element("p", {}, segment.text));
}

const player = () => byId("player").firstElementChild;

function showPlayer() {
  const source = report.media[state.file], place = byId("player");
  place.replaceChildren();
  if (!source) return;
  const made = element(source.kind, { controls: "", preload: "metadata", src: source.src });
  made.setAttribute("aria-label", `player of ${name(state.file)}`);
  made.addEventListener("timeupdate", () => { state.time = made.currentTime; moved(); });
  made.addEventListener("error", () => {
    byId("unplayable").hidden = false;
  });
  byId("unplayable").hidden = true;
  place.append(made);
}

function seek(time) {
  const [first, last] = span();
  state.time = Math.min(last, Math.max(first, time));
  const media = player();
  if (media) media.currentTime = state.time;
  moved();
}

const current = () => {
  const middle = (s) => Math.abs((s.start + s.end) / 2 - state.time);
  const there = own().filter((s) => s.start <= state.time && state.time <= s.end);
  return there.sort((a, b) => middle(a) - middle(b))[0];
};

function moved() {
  const line = byId("now"), x = across(state.time), chart = byId("chart"), segment = current();
  line.setAttribute("x1", x);
  line.setAttribute("x2", x);
  const told = segment
    ? `${clock(state.time)}: ${segment.label || "nothing to judge by"} ${percent(segment.confidence)}`
    : clock(state.time);
  chart.setAttribute("aria-valuenow", state.time.toFixed(2));
  chart.setAttribute("aria-valuetext", told);
  byId("here").textContent = told;
  for (const row of document.querySelectorAll("tbody tr"))
    row.classList.toggle("current", segment !== undefined && row.dataset.clip === segment.clip);
  for (const word of document.querySelectorAll("#words button")) {
    const spoken = word.dataset.start <= state.time && state.time < word.dataset.end;
    word.classList.toggle("spoken", spoken);
  }
}

const COLUMNS = [
  ["start", "start", (s) => clock(s.start), (s) => s.start],
  ["end", "end", (s) => clock(s.end), (s) => s.end],
  ["speaker", "speaker", (s) => s.speaker, (s) => s.speaker],
  ["label", "label", (s) => s.label || "nothing to judge by", (s) => s.label],
  ["confidence", "confidence", (s) => percent(s.confidence), (s) => s.confidence],
  ...report.classes.map((c) => [`p.${c}`, c, (s) => number(s.values[c]), (s) => s.values[c]]),
  ...["distrusted", "regenerated", "missing"].map((k) => [
    k, k, (s) => listed(s, k), (s) => listed(s, k),
  ]),
  ["text", "text", (s) => s.text, (s) => s.text],
];
const isNumber = (value) => typeof value === "number";

function drawTable() {
  const head = byId("head"), body = byId("body"), segments = own();
  const key = COLUMNS.find(([id]) => id === state.sort)[3];
  const rank = (s) => (key(s) === null ? -Infinity : key(s));
  segments.sort((a, b) => (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : a.start - b.start));
  if (state.down) segments.reverse();
  head.replaceChildren();
  for (const [id, title, , value] of COLUMNS) {
    const order = id !== state.sort ? "none" : state.down ? "descending" : "ascending";
    const cell = element("th", { scope: "col", "aria-sort": order });
    if (segments.some((s) => isNumber(value(s)))) cell.className = "number";
    const arrow = order === "none" ? "" : state.down ? " ▾" : " ▴";
    const button = element("button", { type: "button" }, title + arrow);
    button.addEventListener("click", () => {
      state.down = id === state.sort && !state.down;
      state.sort = id;
      drawTable();
      byId("head").children[COLUMNS.findIndex(([each]) => each === id)].firstChild.focus();
    });
    cell.append(button);
    head.append(cell);
  }
  body.replaceChildren();
  for (const segment of segments) body.append(row(segment));
  moved();
}

function row(segment) {
  const made = element("tr");
  made.dataset.clip = segment.clip;
  COLUMNS.forEach(([id, , text, value]) => {
    const cell = element("td", isNumber(value(segment)) ? { class: "number" } : {});
    if (id === "start") {
      const button = element("button", { type: "button" }, text(segment));
      button.setAttribute("aria-label", `go to ${text(segment)}`);
      button.addEventListener("click", () => seek(segment.start));
      cell.append(button);
    } else cell.textContent = text(segment);
    made.append(cell);
  });
  return made;
}

function drawClasses() {
  report.classes.forEach((label, index) => {
    const button = element("button", { type: "button", "aria-pressed": "true" });
    const sample = shape("svg", { viewBox: "0 0 36 14", "aria-hidden": "true" });
    const line = shape("path", { d: "M0 7H36", "stroke-dasharray": dash(index) });
    line.style.stroke = colour(index);
    line.style.strokeWidth = "4";
    sample.append(line);
    button.append(sample, label);
    button.addEventListener("click", () => {
      if (!hidden.delete(label)) hidden.add(label);
      button.setAttribute("aria-pressed", String(!hidden.has(label)));
      draw();
    });
    byId("classes").append(button);
  });
}

function drawFacts() {
  const facts = {
    run: `${report.run} (${report.fusion}, ${report.networks} networks)`,
    emocli: report.emocli,
    features: modalities.map((m) => `${m}: ${report.features[m]}`).join(", "),
    "not trusted": report.repair || "nothing is done about modalities that are not trusted",
    probabilities: report.calibrated ? "calibrated on the validation clips" : "not calibrated",
    "trained with": Object.entries(report.versions).map((pair) => pair.join(" ")).join(", "),
  };
  for (const [key, value] of Object.entries(facts))
    byId("facts").append(element("dt", {}, key), element("dd", {}, value));
  for (const failure of report.failures)
    byId("failures").append(element("li", {}, `${failure.file}: ${failure.message}`));
  byId("failed").hidden = !report.failures.length;
  for (const remark of report.remarks) byId("remarks").append(element("li", {}, remark));
}

function choose(file) {
  state.file = file;
  state.time = span()[0];
  showPlayer();
  draw();
  drawTable();
}

function start() {
  for (const file of files) byId("file").append(element("option", { value: file }, name(file)));
  byId("files").hidden = files.length < 2;
  byId("file").addEventListener("change", (event) => choose(event.target.value));
  const chart = byId("chart");
  chart.addEventListener("click", (event) => {
    const box = chart.getBoundingClientRect();
    seek(timeAt(((event.clientX - box.left) / box.width) * WIDTH));
  });
  chart.addEventListener("keydown", (event) => {
    const [first, last] = span(), step = Math.max(0.5, (last - first) / 100);
    const goals = {
      ArrowLeft: state.time - step, ArrowRight: state.time + step,
      PageDown: state.time - 10 * step, PageUp: state.time + 10 * step,
      Home: first, End: last,
    };
    if (event.key === " ") {
      const media = player();
      if (media) media.paused ? media.play() : media.pause();
    } else if (event.key in goals) seek(goals[event.key]);
    else return;
    event.preventDefault();
  });
  drawClasses();
  drawFacts();
  choose(files[0]);
  document.documentElement.dataset.ready = "yes";
}

start();
