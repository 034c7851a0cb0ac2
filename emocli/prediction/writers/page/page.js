"use strict";
// The page of a prediction. All it shows is in the element #data; it asks nothing of any network.
addEventListener("error", (event) => {
  if (event.message) document.documentElement.dataset.error = event.message;
});
{
const SVG = "http://www.w3.org/2000/svg";
const LEFT = 58, RIGHT = 12, TOP = 8, GAP = 8, LANE = 16, AXIS = 26, WORDS = 20, TITLE = 20;
const ALONE = 240, AMONG = 150, BETWEEN = 14;
const DASHES = ["", "7 4", "2 3", "9 3 2 3"];
const COLOURS = 8, MOST_PEOPLE = 6, MOST_DOTS = 200, TICK = 70, MOST_NAMES = 8, ALONE_BAND = 6;

const report = JSON.parse(document.getElementById("data").textContent);
const modalities = Object.keys(report.features);
const files = [...new Set(report.segments.map((segment) => segment.file))];
const hidden = new Set();
const state = { file: files[0], time: 0, width: 1000, panels: [], span: [0, 1], bounds: [0, 1] };

const byId = (id) => document.getElementById(id);
const name = (path) => path.split(/[\\/]/).pop();
const own = () => report.segments.filter((segment) => segment.file === state.file);
const percent = (value) => (value === null ? "" : `${(100 * value).toFixed(0)} %`);
const number = (value) => (value === null ? "" : value.toFixed(3));
const worth = (segment) => (report.task === "intensity"
  ? number(segment.values[segment.label] ?? null) : percent(segment.confidence));
const clock = (seconds, digits = 1) => {
  const whole = Math.max(0, seconds), minutes = Math.floor(whole / 60);
  const rest = (whole - 60 * minutes).toFixed(digits);
  return `${minutes}:${rest.padStart(digits ? digits + 3 : 2, "0")}`;
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

// People: whose face it is, where faces are followed, or else who speaks.
const seen = () => own().some((segment) => segment.person);
const who = (segment, faces) => (faces ? segment.person : segment.speaker) || "";
function called(key, segments, faces) {
  if (!key) return faces ? "nobody in the picture" : "";
  const speakers = [...new Set(segments.map((s) => s.speaker).filter(Boolean))];
  if (!faces) return key;
  return `person ${key}${speakers.length === 1 ? ` (with the voice of ${speakers[0]})` : ""}`;
}

function people() {
  const faces = seen(), groups = new Map();
  for (const segment of own()) {
    const key = who(segment, faces);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(segment);
  }
  const shown = [...groups].sort((a, b) => b[1].length - a[1].length).slice(0, MOST_PEOPLE);
  const order = [...groups.keys()];
  shown.sort((a, b) => order.indexOf(a[0]) - order.indexOf(b[0]));
  return shown.map(([key, segments]) => ({ key, segments, title: called(key, segments, faces) }));
}

// The panels of the chart, one below the other: a person each.
function layout() {
  const all = people(), plot = all.length > 1 ? AMONG : ALONE;
  let top = TOP;
  for (const panel of all) {
    panel.top = top + (panel.title ? TITLE : 0);
    panel.plot = plot;
    panel.bottom = panel.top + plot + GAP + modalities.length * LANE;
    top = panel.bottom + BETWEEN;
  }
  const segments = own();
  state.panels = all;
  state.span = [
    Math.min(...segments.map((s) => s.start)), Math.max(...segments.map((s) => s.end)),
  ];
  state.bounds = [0, 1];
  if (report.task === "intensity") {
    const values = segments
      .flatMap((s) => [...Object.values(s.values), ...Object.values(s.interval || {}).flat()])
      .filter((v) => v !== null);
    const low = Math.min(0, ...values);
    state.bounds = [low, Math.max(low + 1e-6, ...values)];
  }
}
const bottom = () => state.panels[state.panels.length - 1].bottom;

const across = (time) => {
  const [first, last] = state.span;
  return LEFT + ((state.width - LEFT - RIGHT) * (time - first)) / Math.max(last - first, 1e-9);
};
const timeAt = (x) => {
  const [first, last] = state.span, share = (x - LEFT) / (state.width - LEFT - RIGHT);
  return first + Math.min(1, Math.max(0, share)) * (last - first);
};
const above = (panel, value) => {
  const [low, high] = state.bounds;
  return panel.top + panel.plot * (1 - (value - low) / (high - low));
};
const lane = (panel, index) => panel.top + panel.plot + GAP + index * LANE;
const colour = (index) => `var(--c${index % COLOURS})`;
const dash = (index) => DASHES[index % DASHES.length];
const middle = (segment) => (segment.start + segment.end) / 2;

// Each moment belongs to the segment whose middle is nearest: windows overlap.
function reach(segments, index) {
  const here = segments[index], before = segments[index - 1], after = segments[index + 1];
  const low = before ? Math.max(here.start, (middle(before) + middle(here)) / 2) : here.start;
  const high = after ? Math.min(here.end, (middle(here) + middle(after)) / 2) : here.end;
  return [low, Math.max(low, high)];
}

function drawGrid(chart, panel) {
  const [low, high] = state.bounds, shares = panel.plot < ALONE ? [0, 0.5, 1] : [0, 0.25, 0.5, 0.75, 1];
  if (panel.title)
    chart.append(shape("text", { class: "who", x: LEFT, y: panel.top - 7 }, panel.title));
  for (const share of shares) {
    const value = low + share * (high - low), y = above(panel, value);
    chart.append(shape("line", { class: "grid", x1: LEFT, x2: state.width - RIGHT, y1: y, y2: y }));
    const text = report.task === "intensity" ? value.toFixed(2) : percent(value);
    chart.append(shape("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, text));
  }
}

function drawAxis(chart) {
  const [first, last] = state.span, most = Math.max(2, (state.width - LEFT - RIGHT) / TICK);
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
  const step = steps.find((each) => (last - first) / each <= most) || 7200, y = bottom() + 16;
  for (let time = Math.ceil(first / step) * step; time <= last + 1e-9; time += step) {
    const x = across(time), anchor = x > state.width - RIGHT - 16 ? "end" : "middle";
    chart.append(shape("text", { x, y, "text-anchor": anchor }, clock(time, step < 1 ? 1 : 0)));
  }
}

function drawTrust(chart, panel) {
  const { segments } = panel;
  // What is missing throughout is told by its lane; shading all of the plot would tell nothing.
  const sometimes = modalities.filter((m) => !segments.every((s) => s.modalities[m].missing));
  segments.forEach((segment, index) => {
    const [from, to] = reach(segments, index).map(across), width = Math.max(to - from, 1);
    const bad = (key) => sometimes.some((m) => segment.modalities[m][key]);
    const kind = bad("distrusted") ? "distrusted" : bad("missing") ? "missing" : "";
    if (kind) {
      const area = { class: `shade ${kind}`, x: from, y: panel.top, width, height: panel.plot };
      chart.append(shape("rect", area));
    }
    modalities.forEach((modality, order) => {
      const here = segment.modalities[modality], y = lane(panel, order) + 3;
      const box = { x: from, y, width, height: LANE - 6 };
      chart.append(shape("rect", { ...box, class: "lane" }));
      const mark = here.missing ? "missing" : here.distrusted ? "distrusted" : "";
      if (mark) {
        const told = shape("rect", { ...box, class: mark });
        const far = here.anomaly === null ? "" : `, anomaly ${here.anomaly.toFixed(1)}`;
        told.append(shape("title", {}, `${modality} ${mark}${far}`));
        chart.append(told);
      }
      if (here.regenerated) {
        const line = `M${from} ${y + LANE - 4}H${from + width}`;
        chart.append(shape("path", { d: line, class: "regenerated" }));
      }
    });
  });
  modalities.forEach((modality, order) => {
    const y = lane(panel, order) + LANE - 4;
    chart.append(shape("text", { x: LEFT - 6, y, "text-anchor": "end" }, modality.slice(0, 8)));
  });
}

// The interval of a class around its curve, stretch by stretch of segments that have one.
function drawBand(chart, panel, label, index) {
  const runs = [[]];
  for (const segment of panel.segments) {
    const [low, high] = (segment.interval || {})[label] || [null, null];
    if (low === null || high === null) runs.push([]);
    else runs[runs.length - 1].push([across(middle(segment)), above(panel, low), above(panel, high)]);
  }
  for (const run of runs.filter((each) => each.length)) {
    if (run.length === 1) run.unshift([run[0][0] - ALONE_BAND, ...run[0].slice(1)]);
    const there = run.map(([x, low]) => `${x.toFixed(1)} ${low.toFixed(1)}`);
    const back = run.map(([x, , high]) => `${x.toFixed(1)} ${high.toFixed(1)}`).reverse();
    const band = shape("path", { class: "band", d: `M${[...there, ...back].join("L")}Z` });
    band.style.fill = colour(index);
    chart.append(band);
  }
}

function drawCurves(chart, panel) {
  const { segments } = panel;
  report.classes.forEach((label, index) => {
    if (hidden.has(label)) return;
    drawBand(chart, panel, label, index);
    let path = "", last = false;
    const points = [];
    for (const segment of segments) {
      const value = segment.values[label];
      if (value === null) { last = false; continue; }
      const x = across(middle(segment)), y = above(panel, value);
      path += `${last ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
      points.push([x, y]);
      last = true;
    }
    const curve = shape("path", { class: "curve", d: path, "stroke-dasharray": dash(index) });
    curve.style.stroke = colour(index);
    curve.append(shape("title", {}, label));
    chart.append(curve);
    if (segments.length > MOST_DOTS) return;
    for (const [cx, cy] of points) {
      const dot = shape("circle", { class: "dot", cx, cy, r: segments.length === 1 ? 5 : 2.6 });
      dot.style.fill = colour(index);
      chart.append(dot);
    }
  });
}

function drawWords(chart, words) {
  let free = LEFT;
  const y = bottom() + AXIS + 12;
  for (const word of words) {
    const x = across(word.start);
    if (x < free) continue;
    free = x + 7 * word.text.length + 6;
    if (free < state.width) chart.append(shape("text", { class: "word", x, y }, word.text));
  }
}

function spokenWords() {
  const known = new Map();
  for (const segment of own())
    for (const word of segment.words) known.set(`${word.start} ${word.text}`, word);
  return [...known.values()].sort((a, b) => a.start - b.start);
}

// A section that is hidden is none of the contents.
function show(section, shown) {
  section.hidden = !shown;
  const link = document.querySelector(`nav a[href="#${section.querySelector("h2").id}"]`);
  if (link) link.parentElement.hidden = !shown;
}

function draw() {
  const chart = byId("chart"), words = spokenWords();
  state.width = Math.max(280, chart.parentElement.clientWidth || 1000);
  layout();
  const height = bottom() + AXIS + (words.length ? WORDS : 0);
  chart.replaceChildren();
  chart.setAttribute("viewBox", `0 0 ${state.width} ${height}`);
  chart.setAttribute("aria-valuemin", state.span[0]);
  chart.setAttribute("aria-valuemax", state.span[1]);
  for (const panel of state.panels) {
    drawTrust(chart, panel);
    drawGrid(chart, panel);
    drawCurves(chart, panel);
  }
  drawAxis(chart);
  drawWords(chart, words);
  const now = { id: "now", class: "now", y1: TOP, y2: bottom() };
  chart.append(shape("line", { ...now, x1: LEFT, x2: LEFT }));
  moved();
}

function drawText(words) {
  const place = byId("spoken");
  place.replaceChildren();
  show(byId("said"), words.length > 0 || own().some((segment) => segment.text));
  if (words.length) {
    for (const word of words) {
      const button = element("button", { type: "button", "data-start": word.start }, word.text);
      button.dataset.end = word.end;
      button.addEventListener("click", () => seek(word.start));
      place.append(button, " ");
    }
    return;
  }
  const texts = new Set(own().filter((s) => s.text).map((s) => s.text));
  for (const text of texts) place.append(element("p", {}, text));
}

function drawFaces() {
  const place = byId("faces"), faces = report.faces.filter((face) => face.file === state.file);
  const several = new Set(faces.map((face) => face.person)).size > 1;
  place.replaceChildren();
  show(byId("peaks"), faces.length > 0);
  for (const face of faces) {
    const button = element("button", { type: "button" }), item = element("li");
    const whose = several && face.person ? `person ${face.person}, ` : "";
    button.append(element("img", { src: face.src, alt: "", width: 96, height: 96 }));
    button.append(element("b", {}, face.label));
    const value = report.task === "intensity" ? number(face.value) : percent(face.value);
    button.append(element("span", {}, `${whose}${value} at ${clock(face.time)}`));
    button.addEventListener("click", () => seek(face.time));
    item.append(button);
    place.append(item);
  }
}

const player = () => byId("player").firstElementChild;

function showPlayer() {
  const source = report.media[state.file], place = byId("player");
  place.replaceChildren();
  byId("unplayable").hidden = byId("unseen").hidden = true;
  if (!source) return;
  const made = element(source.kind, { controls: "", preload: "metadata", src: source.src });
  made.setAttribute("aria-label", `player of ${name(state.file)}`);
  made.addEventListener("timeupdate", () => { state.time = made.currentTime; moved(); });
  made.addEventListener("loadedmetadata", () => { byId("unseen").hidden = made.videoWidth !== 0; });
  made.addEventListener("error", () => { byId("unplayable").hidden = false; });
  place.append(made);
}

function seek(time) {
  const [first, last] = state.span, media = player();
  state.time = Math.min(last, Math.max(first, time));
  if (media) media.currentTime = state.time;
  moved();
}

const near = (segments) => segments
  .filter((s) => s.start <= state.time && state.time <= s.end)
  .sort((a, b) => Math.abs(middle(a) - state.time) - Math.abs(middle(b) - state.time))[0];

function moved() {
  const line = byId("now"), x = across(state.time), chart = byId("chart");
  line.setAttribute("x1", x);
  line.setAttribute("x2", x);
  const parts = [], current = new Set();
  for (const panel of state.panels) {
    const segment = near(panel.segments);
    if (!segment) continue;
    current.add(segment.clip);
    const label = `${segment.label || "nothing to judge by"} ${worth(segment)}`.trim();
    parts.push(state.panels.length > 1 && panel.title ? `${panel.title} ${label}` : label);
  }
  const told = [clock(state.time), parts.join(", ")].filter(Boolean).join(": ");
  chart.setAttribute("aria-valuenow", state.time.toFixed(2));
  chart.setAttribute("aria-valuetext", told);
  byId("here").textContent = told;
  for (const row of byId("body").rows) row.classList.toggle("current", current.has(row.dataset.clip));
  for (const word of document.querySelectorAll("#spoken button")) {
    const spoken = word.dataset.start <= state.time && state.time < word.dataset.end;
    word.classList.toggle("spoken", spoken);
  }
}

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
  ...["distrusted", "regenerated", "missing"].map((k) => [
    k, (s) => listed(s, k), (s) => listed(s, k),
  ]),
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

const settings = (way) => Object.entries(report.cutting.settings[way] || {})
  .map(([key, value]) => `${key} ${[value].flat().join(" ") || "all"}`).join(", ");
const some = (names) =>
  names.slice(0, MOST_NAMES).join(", ") + (names.length > MOST_NAMES ? ", ..." : "");

// How the recordings were cut, and where words and speakers are from; nothing of a manifest's clips.
function cuttingFacts() {
  if (!report.cutting) return {};
  const { recordings, recogniser, speakers } = report.cutting;
  const ways = [...new Set(recordings.map((each) => each.way))].map((way) => {
    const count = recordings.filter((each) => each.way === way).length;
    const many = recordings.length > 1 ? `, ${count} of ${recordings.length} recordings` : "";
    return `by ${way}${settings(way) ? ` (${settings(way)})` : ""}${many}`;
  });
  const subtitles = recordings.map((each) => each.subtitles).filter(Boolean).map(name);
  return {
    segments: ways.join("; "),
    subtitles: some(subtitles),
    speakers: name(speakers),
    "speech recognised": recogniser && `by ${name(recogniser)}`,
  };
}

const listedVersions = (versions) =>
  Object.entries(versions).map((pair) => pair.join(" ")).join(", ");

function drawFacts() {
  const count = report.networks === 1 ? "one network" : `${report.networks} networks`;
  const facts = {
    run: `${report.run} (${report.fusion}, ${count})`,
    emocli: report.emocli,
    features: modalities.map((m) => `${m}: ${report.features[m]}`).join(", "),
    "not trusted": report.repair || "nothing is done about modalities that are not trusted",
    probabilities: report.calibrated ? "calibrated on the validation clips" : "not calibrated",
    ...cuttingFacts(),
    "trained with": listedVersions(report.versions),
    "predicted with": listedVersions(report.libraries),
  };
  if (report.task === "intensity") delete facts.probabilities;
  for (const [key, value] of Object.entries(facts).filter(([, text]) => text))
    byId("facts").append(element("dt", {}, key), element("dd", {}, value));
  for (const remark of report.remarks) byId("remarks").append(element("li", {}, remark));
  byId("remarks").hidden = !report.remarks.length;
}

function choose(file) {
  state.file = file;
  layout();
  state.time = state.span[0];
  showPlayer();
  drawFaces();
  drawText(spokenWords());
  drawTable();
  draw();
}

function start() {
  for (const file of files) byId("file").append(element("option", { value: file }, name(file)));
  byId("files").hidden = files.length < 2;
  byId("interval").hidden = !any("interval");
  byId("file").addEventListener("change", (event) => choose(event.target.value));
  const chart = byId("chart");
  chart.addEventListener("click", (event) => {
    const box = chart.getBoundingClientRect();
    seek(timeAt(((event.clientX - box.left) / box.width) * state.width));
  });
  chart.addEventListener("keydown", (event) => {
    const [first, last] = state.span, step = Math.max(0.5, (last - first) / 100);
    const goals = {
      ArrowLeft: state.time - step, ArrowRight: state.time + step,
      ArrowDown: state.time - step, ArrowUp: state.time + step,
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
  addEventListener("resize", draw);
  drawClasses();
  drawFacts();
  drawHead();
  choose(files[0]);
}

start();
}
