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
