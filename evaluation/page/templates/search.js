"use strict";
// Looks through the lists of this page. Whatever is shown goes in as text, never as markup.
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const input = document.getElementById("words"), place = document.getElementById("place");
  const summary = document.getElementById("found"), results = document.getElementById("results");
  const MOST = 25;
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const decoded = (text) => { try { return decodeURIComponent(text); } catch (e) { return text; } };
  const named = data.tracks.map((t) => plain(t[0] + " " + t[1]));
  const asked = data.lists.map((l) => plain([l[0], decoded(l[1]), l[2], ...l[4]].join(" ")));

  function element(name, text, kind) {
    const node = document.createElement(name);
    if (text !== undefined) node.textContent = text;
    if (kind) node.className = kind;
    return node;
  }

  function listOf(row) {
    const box = element("details", undefined, "list"), head = element("summary");
    head.append(element("bdi", row[1], "need"), " ", element("span", row[0], "place"));
    const facts = element("span", undefined, "facts");
    facts.append(element("span", row[2].replaceAll("_", " ")), element("span", row[3].toLocaleString("en") + " searches in 28 days"));
    head.append(facts);
    box.append(head);
    if (row[4].length) {
      const line = element("p", "asked as ", "quiet");
      row[4].forEach((w, i) => { if (i) line.append(", "); line.append(element("bdi", "“" + w + "”")); });
      box.append(line);
    }
    const tracks = element("ol");
    row[5].forEach((number, i) => {
      const item = element("li"), track = data.tracks[number];
      item.append(element("bdi", track[0]));
      if (track[1]) { const by = element("span", " · ", "quiet"); by.append(element("bdi", track[1])); item.append(by); }
      const why = element("div", undefined, "quiet reason");
      why.append(element("bdi", data.reasons[row[6][i]] || ""));
      item.append(why);
      tracks.append(item);
    });
    box.append(tracks);
    return box;
  }

  function look() {
    const wanted = plain(input.value).split(/\s+/).filter(Boolean);
    results.replaceChildren();
    if (!wanted.length && !place.value) { summary.textContent = ""; return; }
    const hits = [], more = [];
    data.lists.forEach((row, i) => {
      if (place.value && row[0] !== place.value) return;
      if (wanted.every((w) => asked[i].includes(w))) hits.push(row);
      else if (wanted.every((w) => asked[i].includes(w) || row[5].some((t) => named[t].includes(w)))) more.push(row);
    });
    const all = hits.concat(more);
    const rest = all.length > MOST ? ", the first " + MOST + " of them here" : "";
    summary.textContent = all.length.toLocaleString("en") + " lists: " + hits.length.toLocaleString("en") + " by the need, " + more.length.toLocaleString("en") + " by a track" + rest;
    const shown = all.slice(0, MOST).map(listOf);
    if (shown.length === 1) shown[0].open = true;
    results.append(...shown);
  }

  let waiting = 0;
  input.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(look, 120); });
  place.addEventListener("change", look);
  document.getElementById("ask").addEventListener("submit", (event) => { event.preventDefault(); look(); });
})();
