// The chart: curves and bands, shades of what is not trusted, words, and the legend.
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
        told.append(shape("title", {}, `${modality} ${STATES[mark]}${far}`));
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
