// --- The timeline ---
const SVG = "http://www.w3.org/2000/svg";
const TOP = 42, ROW = 24, PAUSE = 16, PAUSE_US = 3000;
const TIMES = 50; // width of the column of times, in which the pauses stand, too
const MOST = { head: 30, tail: 16 }; // events that are drawn; the logs have all
const pen = document.createElement("canvas").getContext("2d");
pen.font = `11.5px ${getComputedStyle(document.documentElement).getPropertyValue("--sans")}`;

function drawn(name, attributes = {}, words = null) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (words !== null) made.textContent = words;
  return made;
}

// Two of them next to each other, or one; each as wide as there is room.
function timelines(cells, logNumber) {
  const side = matchMedia("(max-width: 48rem)").matches ? 1 : 2;
  const width = Math.max(280, Math.min(620, (byId("main").clientWidth - 96 - 32 * (side - 1)) / side));
  return element("div", { class: "pair" }, ...cells.map((cell, n) => timeline(cell, n ? null : logNumber, width)));
}

// `logNumber` is the run whose log stands in the page, too; null where none does.
function timeline(cell, logNumber, width) {
  const run = cell.runs[0];
  const told = element("p", { class: "told", "aria-live": "polite" }, "Point at an event, or step with the arrow keys, to read its line.");
  const notes = [];
  if (run.connections > 1) notes.push("This is the first of several connections.");
  if (!run.timed) notes.push("Not every line has a time: the order between the sides is not known.");
  return element("figure", { class: "diagram" }, element("h4", {}, `${cell.server} → ${cell.client}`),
    notes.length ? element("p", { class: "quiet" }, notes.join(" ")) : null, told, diagram(cell, run, told, logNumber, width));
}

function diagram(cell, run, told, logNumber, width) {
  const reach = Math.max(70, width / 7);
  const room = (width - TIMES - reach) / 2 - 12;
  const lives = [TIMES + room + 8 + reach, TIMES + room + 8]; // x of the server, of the client
  const label = `Sequence diagram: server ${cell.server}, client ${cell.client}, ${run.rows.length} events`;
  const svg = drawn("svg", { role: "group", "aria-label": label });
  const { heights, pauses, folded, bottom } = layOut(run);
  svg.setAttribute("viewBox", `0 0 ${width} ${bottom + 4}`);
  svg.style.maxWidth = `${width}px`;
  SIDES.forEach((side, s) => {
    svg.append(drawn("line", { class: "life", x1: lives[s], x2: lives[s], y1: 28, y2: bottom }));
    svg.append(drawn("text", { class: "title", x: lives[s], y: 18, "text-anchor": "middle" }, side));
  });
  svg.append(drawn("text", { class: "when", x: TIMES - 4, y: 18, "text-anchor": "end" }, "ms"));
  for (const [y, us] of pauses) svg.append(drawn("text", { class: "when pause", x: TIMES - 4, y, "text-anchor": "end" }, `⋮ ${milliseconds(us)}`));
  if (folded) {
    const words = `⋮ ${folded.count} more events: the logs have them`;
    svg.append(drawn("text", { class: "when fold", x: TIMES, y: folded.y }, words));
  }
  const place = { lives, room, heights, told, logNumber };
  for (const [side, line] of run.rows) if (heights.has(`${side}/${line}`)) svg.append(event(run, side, line, place));
  for (const flow of run.flows) svg.append(...arrow(run, flow, place));
  svg.querySelector(".event")?.setAttribute("tabindex", "0");
  svg.addEventListener("keydown", step);
  return svg;
}

// Where each event stands, where nothing happened for long, and how many events are left out in the middle.
function layOut(run) {
  const heights = new Map();
  const pauses = [];
  const hidden = run.rows.length - MOST.head - MOST.tail;
  let y = TOP, before = null, folded = null;
  run.rows.forEach(([side, line], n) => {
    const us = run.logs[side][line][0];
    if (hidden > 1 && n >= MOST.head && n < MOST.head + hidden) {
      if (folded === null) { folded = { count: hidden, y: y + 4 }; y += ROW; }
      before = us ?? before;
      return;
    }
    if (run.timed && before !== null && us !== null && us - before > PAUSE_US) {
      pauses.push([y + 1, us - before]);
      y += PAUSE;
    }
    before = us ?? before;
    heights.set(`${side}/${line}`, y);
    y += ROW;
  });
  return { heights, pauses, folded, bottom: y };
}

function event(run, side, line, { lives, room, heights, told, logNumber }) {
  const [us, speaker, message, kind, length] = run.logs[side][line];
  const words = speaker < 0 ? text(message) : `${text(speaker)}: ${text(message)}`;
  const y = heights.get(`${side}/${line}`);
  const group = drawn("g", { class: `event ${kind}`, tabindex: "-1", role: "button", "data-side": SIDES[side], "data-line": words,
    "aria-label": `${SIDES[side]}${us === null ? "" : `, ${milliseconds(us)} ms`}: ${words}` });
  const sign = side === 0 ? 1 : -1;
  const said = kind === "write" || kind === "read" ? `${kind} ${length.toLocaleString("en")} B` : text(message).replace("ERROR ", "");
  group.append(drawn("rect", { class: "hit", x: 2, y: y - ROW / 2 + 1, width: lives[0] + room + 8, height: ROW - 2, rx: 3 }));
  group.append(drawn("text", { class: "when", x: TIMES - 4, y: y + 4, "text-anchor": "end" }, milliseconds(us)));
  group.append(mark(kind, lives[side], y));
  group.append(drawn("text", { x: lives[side] + 10 * sign, y: y + 4, "text-anchor": side === 0 ? "start" : "end" }, fitting(said, room - 4)));
  const logLine = () => (logNumber === null ? null : byId(`log-${logNumber}-${side}-${line}`));
  const tell = () => {
    told.textContent = words;
    for (const lit of document.querySelectorAll(".lit")) lit.classList.remove("lit");
    logLine()?.classList.add("lit");
  };
  const open = () => { tell(); if (logLine()) goTo(logLine()); };
  group.addEventListener("mouseenter", tell);
  group.addEventListener("focus", tell);
  group.addEventListener("click", open);
  group.addEventListener("keydown", (press) => {
    if (press.key === "Enter" || press.key === " ") { press.preventDefault(); open(); }
  });
  return group;
}

// One event of a diagram is in the order of the Tab key; the arrow keys go on to the others.
function step(press) {
  const events = [...press.currentTarget.querySelectorAll(".event")];
  const now = events.indexOf(document.activeElement);
  const next = { ArrowDown: now + 1, ArrowRight: now + 1, ArrowUp: now - 1, ArrowLeft: now - 1, Home: 0, End: events.length - 1 }[press.key];
  if (now < 0 || next === undefined) return;
  press.preventDefault();
  const target = events[Math.max(0, Math.min(next, events.length - 1))];
  events[now].setAttribute("tabindex", "-1");
  target.setAttribute("tabindex", "0");
  target.focus();
}

function mark(kind, x, y) {
  if (kind === "close") return drawn("path", { class: "dot", d: `M${x - 5} ${y - 5}L${x + 5} ${y + 5}M${x + 5} ${y - 5}L${x - 5} ${y + 5}` });
  if (kind === "eof" || kind === "done") return drawn("path", { class: "dot", d: `M${x - 5} ${y}L${x} ${y - 5}L${x + 5} ${y}L${x} ${y + 5}z` });
  return drawn("circle", { class: "dot", cx: x, cy: y, r: 4 });
}

// All of a text where there is room, and else as much of it as there is room for.
function fitting(words, room) {
  if (pen.measureText(words).width <= room) return words;
  let most = words.length;
  while (most > 1 && pen.measureText(`${words.slice(0, most)}…`).width > room) most -= 1;
  return `${words.slice(0, most).trimEnd()}…`;
}

function arrow(run, [start, from, to, length], { lives, heights }) {
  const end = 1 - start;
  const y1 = heights.get(`${start}/${from}`), y2 = heights.get(`${end}/${to}`);
  if (y1 === undefined || y2 === undefined) return [];
  const inward = (side) => lives[side] + (side === 0 ? -6 : 6);
  const [x1, x2] = [inward(start), inward(end)];
  const line = drawn("line", { class: length ? "flow" : "end", x1, y1, x2, y2, "marker-end": length ? "url(#head)" : "url(#head-end)" });
  const whole = length === run.logs[start][from][4] && length === run.logs[end][to][4];
  if (!length || whole) return [line];
  const at = 0.25;
  return [line, drawn("text", { class: "amount", x: x1 + (x2 - x1) * at, y: y1 + (y2 - y1) * at + 4, "text-anchor": "middle" }, `${length.toLocaleString("en")} B`)];
}
