// The player, the words and faces beside it, and the moment that is shown.
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
