// Draws evidence and diagrams from the data of this page, and keeps the view in the fragment of its address.
// Every text reaches the page as text: nothing here reads markup.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const SIDES = ["server", "client"];
const SVG = "http://www.w3.org/2000/svg";

// --- Small things ---
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

function drawn(name, attributes = {}, text = null) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== null) made.textContent = text;
  return made;
}

const text = (number) => (number < 0 ? "" : data.texts[number]);
const milliseconds = (us) => (us === null ? "" : (us / 1000).toFixed(Math.abs(us) < 100000 ? 2 : 0));
const say = (words) => { document.getElementById("status").textContent = words; };
const find = (scenario, server, client) =>
  scenario.cells.find((cell) => cell.server === server && cell.client === client);

// --- The view: which scenario, which cell, and which one next to it ---
function view() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  return Object.fromEntries(["scenario", "server", "client", "server2", "client2"].map((key) => [key, wanted.get(key)]));
}

function address(wanted) {
  const known = Object.entries(wanted).filter(([, value]) => value !== null && value !== undefined);
  return "#" + new URLSearchParams(known).toString();
}

function show(moved) {
  const wanted = view();
  const first = Object.keys(data.scenarios)[0];
  if (wanted.scenario === null && moved) return; // another part of the page: the view stays
  const name = Object.hasOwn(data.scenarios, wanted.scenario) ? wanted.scenario : first;
  showMatrix(name, wanted);
  const cell = find(data.scenarios[name], wanted.server, wanted.client);
  if (cell) {
    showCell(name, cell, besideOf(data.scenarios[name], cell, wanted));
    goTo("cell-title");
  } else if (wanted.scenario !== null) {
    goTo("matrix-title");
  }
}

// Next to a cell stands the reference, where nothing else is wanted.
function besideOf(scenario, cell, wanted) {
  const [server, client] = wanted.server2 === null ? scenario.reference : [wanted.server2, wanted.client2];
  const other = find(scenario, server, client);
  return other === cell ? undefined : other;
}

function goTo(id) {
  const target = document.getElementById(id);
  target.focus({ preventScroll: true });
  target.scrollIntoView();
}

function showMatrix(name, wanted) {
  document.getElementById("scenario").value = name;
  for (const matrix of document.querySelectorAll(".matrix")) {
    matrix.hidden = matrix.dataset.key !== name;
    for (const link of matrix.hidden ? [] : matrix.querySelectorAll(".pairings a")) {
      const target = new URLSearchParams(link.getAttribute("href").slice(1));
      const current = target.get("server") === wanted.server && target.get("client") === wanted.client;
      if (current) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }
}

// --- A cell ---
function showCell(name, cell, beside) {
  const scenario = data.scenarios[name];
  document.getElementById("cell-title").textContent = `Evidence: ${name}, ${cell.server} → ${cell.client}`;
  const parts = [verdicts(cell)];
  if (cell.runs.length) parts.push(diffs(scenario, cell), ...diagrams(name, scenario, cell, beside), ...logs(cell));
  parts.push(commands(cell));
  document.getElementById("evidence").replaceChildren(...parts);
}

function letter(name) {
  return element("a", { class: "letter", href: `#cause-${name}` }, element("span", { class: "unseen" }, "cause "), name);
}

function verdicts(cell) {
  const list = element("ul", { class: "verdicts" });
  const all = cell.verdicts.length ? cell.verdicts : [cell.verdict];
  all.forEach((verdict, n) => {
    const chip = element("span", { class: `chip ${verdict}` }, element("b", {}, data.symbols[verdict]), ` ${verdict}`);
    list.append(element("li", {}, cell.verdicts.length ? `${data.parts[n]}: ` : "", chip));
  });
  const reason = element("p", {}, `${text(cell.reason)}. ${cell.runs_note} `, ...cell.letters.flatMap((l) => [letter(l), " "]));
  return element("div", {}, list, reason);
}

function commands(cell) {
  const parts = [element("h3", {}, "Repeat it")];
  for (const [title, command] of cell.commands) {
    const copy = element("button", { type: "button", "data-copy": "", "aria-label": `Copy: ${text(title)}` }, "Copy");
    parts.push(element("p", { class: "quiet exit" }, text(title)));
    parts.push(element("div", { class: "command" }, element("code", {}, text(command)), copy));
  }
  return element("div", {}, ...parts);
}

function diffs(scenario, cell) {
  const pair = element("div", { class: "pair" });
  SIDES.forEach((side) => {
    const number = cell.diff[side];
    const body = number === null
      ? element("p", { class: "quiet" }, "Not held against the reference: see the reason above.")
      : diff(scenario.groups[number], side);
    pair.append(element("div", {}, element("h4", {}, `The ${side}'s log`), body));
  });
  const [server, client] = scenario.reference;
  return element("div", {}, element("h3", {}, `Against the reference, ${server} → ${client}`), pair,
    element("p", { class: "quiet" }, "Chunks are joined and ports replaced; a letter is the cause of the line."));
}

function diff(lines, side) {
  const list = element("ol", { class: "diff", "aria-label": `Differences in the ${side}'s log` });
  for (const [sign, line, letters] of lines) {
    const kind = { "+": "plus", "-": "minus" }[sign] ?? null;
    const names = element("span", {}, ...letters.flatMap((l) => [letter(l), " "]));
    list.append(element("li", { class: kind }, element("span", {}, sign === " " ? "" : sign), element("span", {}, text(line)), names));
  }
  return list;
}

function logs(cell) {
  return cell.runs.flatMap((run, n) => {
    const pair = element("div", { class: "pair" });
    SIDES.forEach((side, s) => {
      const list = element("ol", { class: "log", "aria-label": `Log of the ${side}, run ${run.number}` });
      run.logs[s].forEach((line, place) => list.append(logLine(line, `log-${n}-${s}-${place}`)));
      pair.append(element("div", {}, element("h4", {}, `${side[0].toUpperCase()}${side.slice(1)} ${cell[side]}`), list,
        element("p", { class: "quiet exit" }, run.exit[s])));
    });
    return [element("h3", {}, `Both logs${cell.runs.length > 1 ? `, run ${run.number}` : ""}`), pair];
  });
}

function logLine([us, speaker, message, kind, , , trace], id) {
  const words = element("span", {}, speaker < 0 ? "" : `${text(speaker)}: `, text(message));
  for (const line of trace ?? []) words.append(element("span", { class: "trace" }, `\n${text(line)}`));
  return element("li", { id, class: kind, tabindex: "-1" }, element("span", { class: "at" }, milliseconds(us)), words);
}

// --- The timeline ---
function diagrams(name, scenario, cell, beside) {
  const select = element("select", { id: "beside" }, element("option", { value: "" }, "nothing"));
  scenario.cells.forEach((other, n) => {
    if (other === cell || !other.runs.length) return;
    const option = element("option", { value: n }, `${other.server} → ${other.client}`);
    if (other === beside) option.setAttribute("selected", "");
    select.append(option);
  });
  select.addEventListener("change", () => {
    const other = scenario.cells[select.value];
    const wanted = { scenario: name, server: cell.server, client: cell.client };
    history.replaceState(null, "", address({ ...wanted, server2: other?.server ?? "", client2: other?.client ?? "" }));
    showCell(name, cell, other);
    document.getElementById("beside").focus();
  });
  const pair = element("div", { class: "pair" }, figure(cell, 0));
  if (beside && beside.runs.length) pair.append(figure(beside, null));
  return [
    element("h3", {}, "Timeline"),
    element("div", { class: "switch" }, element("label", { for: "beside" }, "Put next to it"), select),
    element("p", { class: "quiet" }, "Each mark is a line of the log, at its time in ms. Solid arrows carry bytes from the write to the read that got them, with their number where the stream was cut elsewhere than it was written; dashed ones are the end: EOF, or a reset."),
    pair,
  ];
}

function figure(cell, logNumber) {
  const run = cell.runs[0];
  const told = element("p", { class: "told", "aria-live": "polite" }, "Point at an event, or focus it, to read its line.");
  const notes = [];
  if (run.connections > 1) notes.push(`This is the first of several connections.`);
  if (!run.timed) notes.push("Not every line has a time: the order between the sides is not known.");
  return element("figure", { class: "diagram" }, element("h4", {}, `${cell.server} → ${cell.client}`),
    notes.length ? element("p", { class: "quiet" }, notes.join(" ")) : null, told, diagram(cell, run, told, logNumber));
}

const WIDTH = 420, TOP = 42, ROW = 25, PAUSE = 16, PAUSE_US = 3000;
const LIFE = [276, 172]; // x of the server, of the client

function diagram(cell, run, told, logNumber) {
  const heights = new Map();
  const pauses = [];
  let y = TOP, before = null;
  for (const [side, place] of run.rows) {
    const us = run.logs[side][place][0];
    if (run.timed && before !== null && us !== null && us - before > PAUSE_US) {
      pauses.push([y, us - before]);
      y += PAUSE;
    }
    before = us ?? before;
    heights.set(`${side}/${place}`, y);
    y += ROW;
  }
  const label = `Sequence diagram: server ${cell.server}, client ${cell.client}, ${run.rows.length} events`;
  const svg = drawn("svg", { viewBox: `0 0 ${WIDTH} ${y + 4}`, role: "group", "aria-label": label });
  SIDES.forEach((side, s) => {
    svg.append(drawn("line", { class: "life", x1: LIFE[s], x2: LIFE[s], y1: 28, y2: y }));
    svg.append(drawn("text", { class: "title", x: LIFE[s], y: 18, "text-anchor": "middle" }, side));
  });
  svg.append(drawn("text", { class: "when", x: 46, y: 18, "text-anchor": "end" }, "ms"));
  for (const [at, us] of pauses) svg.append(drawn("text", { class: "when", x: 224, y: at + 2, "text-anchor": "middle" }, `⋮ ${milliseconds(us)} ms`));
  const events = run.rows.map(([side, place]) => event(run, side, place, heights.get(`${side}/${place}`), told, logNumber));
  const arrows = run.flows.map(([start, from, to, length]) => arrow(run, start, from, to, length, heights));
  svg.append(...events, ...arrows.flat());
  return svg;
}

function event(run, side, place, y, told, logNumber) {
  const [us, speaker, message, kind, length] = run.logs[side][place];
  const line = speaker < 0 ? text(message) : `${text(speaker)}: ${text(message)}`;
  const group = drawn("g", { class: `event ${kind}`, tabindex: "0", role: "button", "data-side": SIDES[side], "data-line": line,
    "aria-label": `${SIDES[side]}${us === null ? "" : `, ${milliseconds(us)} ms`}: ${line}` });
  const toRight = side === 0;
  group.append(drawn("rect", { class: "hit", x: 2, y: y - ROW / 2 + 1, width: WIDTH - 4, height: ROW - 2, rx: 3 }));
  group.append(drawn("text", { class: "when", x: 46, y: y + 4, "text-anchor": "end" }, milliseconds(us)));
  group.append(mark(kind, LIFE[side], y));
  group.append(drawn("text", { x: LIFE[side] + (toRight ? 10 : -10), y: y + 4, "text-anchor": toRight ? "start" : "end" }, short(kind, length, message)));
  const tell = () => {
    told.textContent = line;
    for (const lit of document.querySelectorAll(".lit")) lit.classList.remove("lit");
    if (logNumber !== null) document.getElementById(`log-${logNumber}-${side}-${place}`)?.classList.add("lit");
  };
  const open = () => { tell(); if (logNumber !== null) goTo(`log-${logNumber}-${side}-${place}`); };
  group.addEventListener("mouseenter", tell);
  group.addEventListener("focus", tell);
  group.addEventListener("click", open);
  group.addEventListener("keydown", (press) => {
    if (press.key === "Enter" || press.key === " ") { press.preventDefault(); open(); }
  });
  return group;
}

function mark(kind, x, y) {
  if (kind === "close") return drawn("path", { class: "dot", d: `M${x - 5} ${y - 5}L${x + 5} ${y + 5}M${x + 5} ${y - 5}L${x - 5} ${y + 5}` });
  if (kind === "eof" || kind === "done") return drawn("path", { class: "dot", d: `M${x - 5} ${y}L${x} ${y - 5}L${x + 5} ${y}L${x} ${y + 5}z` });
  return drawn("circle", { class: "dot", cx: x, cy: y, r: 4 });
}

function short(kind, length, message) {
  if (kind === "write" || kind === "read") return `${kind} ${length.toLocaleString("en")} B`;
  const words = text(message).replace("ERROR ", "");
  const most = 17;
  return words.length > most ? `${words.slice(0, most - 1).trimEnd()}…` : words;
}

function arrow(run, start, from, to, length, heights) {
  const end = 1 - start;
  const y1 = heights.get(`${start}/${from}`), y2 = heights.get(`${end}/${to}`);
  if (y1 === undefined || y2 === undefined) return [];
  const inward = (side) => LIFE[side] + (side === 0 ? -6 : 6);
  const [x1, x2] = [inward(start), inward(end)];
  const line = drawn("line", { class: length ? "flow" : "end", x1, y1, x2, y2, "marker-end": length ? "url(#head)" : "url(#head-end)" });
  const whole = length === run.logs[start][from][4] && length === run.logs[end][to][4];
  if (!length || whole) return [line];
  const at = 0.25;
  return [line, drawn("text", { class: "amount", x: x1 + (x2 - x1) * at, y: y1 + (y2 - y1) * at + 4, "text-anchor": "middle" }, `${length.toLocaleString("en")} B`)];
}

// --- Copy, switch, start ---
async function copy(button) {
  const words = button.parentElement.querySelector("code").textContent;
  try {
    await navigator.clipboard.writeText(words);
  } catch {
    const area = element("textarea", { "aria-hidden": "true" });
    area.value = words;
    document.body.append(area);
    area.select();
    document.execCommand("copy"); // where a page from a file may not use the clipboard
    area.remove();
    button.focus();
  }
  button.textContent = "Copied";
  say("Copied to the clipboard");
}

document.addEventListener("click", (click) => {
  const button = click.target.closest("[data-copy]");
  if (button) copy(button);
  const link = click.target.closest("a[href*='=']");
  if (link && link.getAttribute("href") === location.hash) show(true); // the address does not change, so nobody else tells
  const step = click.target.closest("[data-step]");
  if (step) {
    const names = Object.keys(data.scenarios);
    const now = names.indexOf(document.getElementById("scenario").value);
    switchTo(names[(now + Number(step.dataset.step) + names.length) % names.length]);
  }
});

function switchTo(name) {
  history.replaceState(null, "", address({ scenario: name }));
  showMatrix(name, view());
  say(`Scenario ${name}`);
}

document.querySelector(".switch").hidden = false;
document.getElementById("scenario").addEventListener("change", (change) => switchTo(change.target.value));
window.addEventListener("hashchange", () => show(true));
show(false);
