// One recording chosen, and the chart's mouse and keys.
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
