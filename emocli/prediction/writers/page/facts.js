// What the predictions are made with.
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
    repair: report.repair || "nothing is done about modalities that are not trusted",
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
