// The report, and how its values are written.
const SVG = "http://www.w3.org/2000/svg";
const LEFT = 58, RIGHT = 12, TOP = 8, GAP = 8, LANE = 16, AXIS = 26, WORDS = 20, TITLE = 20;
const ALONE = 240, AMONG = 150, BETWEEN = 14;
const DASHES = ["", "7 4", "2 3", "9 3 2 3"];
// States of a modality, and what they are called.
const STATES = { distrusted: "not trusted", regenerated: "regenerated", missing: "missing" };
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
