// --- Evidence: of a scenario, and of a cell ---
function showScenario(name) {
  const { description, over, expected, told } = data.scenarios[name];
  byId("cell-title").textContent = `Scenario ${name}`;
  byId("evidence").replaceChildren(
    element("p", {}, `${capital(description)}, over ${over}.`),
    ...told.map((line) => element("p", { class: line[0] === "-" ? "quiet" : "trouble" }, line)),
    element("p", { class: "quiet" }, `${expected} Choose a cell of its row to see logs and timelines.`));
}

// Next to a cell stands the reference, where nothing else is wanted.
function besideOf(scenario, cell, wanted) {
  const [server, client] = wanted.server2 === null ? scenario.reference : [wanted.server2, wanted.client2];
  const other = find(scenario, server, client);
  return other === cell ? undefined : other;
}

function showCell(name, cell, beside) {
  const scenario = data.scenarios[name];
  byId("cell-title").textContent = `Evidence: ${name}, ${cell.server} → ${cell.client}`;
  const about = element("p", { class: "quiet" }, `${capital(scenario.description)}, over ${scenario.over}. ${scenario.expected}`);
  const back = element("p", {}, element("button", { type: "button", "data-back": "" }, "Back to its row (Esc)"));
  const parts = [about, verdicts(cell)];
  if (cell.runs.length) parts.push(...compared(name, scenario, cell, beside), diffs(scenario, cell), ...logs(cell));
  byId("evidence").replaceChildren(...parts, commands(cell), back);
}

function verdicts(cell) {
  const all = cell.verdicts.length ? cell.verdicts : [cell.verdict];
  const items = all.map((verdict, n) => element("li", {}, cell.verdicts.length ? `${data.parts[n]}: ` : "", chip(verdict)));
  const causes = cell.causes.length ? ["Causes: ", ...joined(cell.causes.map(causeLink)), "."] : [];
  return element("div", {}, element("ul", { class: "verdicts" }, ...items),
    element("p", {}, `${capital(text(cell.reason))}. ${cell.runs_note} `, ...causes));
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
    element("p", { class: "quiet" }, "Chunks are joined and ports replaced; at the end of a line stands its cause."));
}

function diff(lines, side) {
  const list = element("ol", { class: "diff", "aria-label": `Differences in the ${side}'s log` });
  for (const [sign, line, causes] of lines) {
    const kind = { "+": "plus", "-": "minus" }[sign] ?? null;
    list.append(element("li", { class: kind }, element("span", {}, sign === " " ? "" : sign), element("span", {}, text(line)),
      element("span", {}, ...joined(causes.map(causeLink)))));
  }
  return list;
}

function logs(cell) {
  return cell.runs.flatMap((run, n) => {
    const pair = element("div", { class: "pair" });
    SIDES.forEach((side, s) => {
      const list = element("ol", { class: "log", tabindex: "0", "aria-label": `Log of the ${side}, run ${run.number}` });
      run.logs[s].forEach((line, place) => list.append(logLine(line, `log-${n}-${s}-${place}`)));
      pair.append(element("div", {}, element("h4", {}, `${capital(side)} ${cell[side]}`), list,
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

function compared(name, scenario, cell, beside) {
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
    byId("beside").focus();
  });
  return [
    element("h3", {}, "Timeline"),
    element("div", { class: "filters" }, element("label", {}, "Put next to it ", select)),
    element("p", { class: "quiet" }, "Each mark is a line of the log, at its time in ms. Solid arrows carry bytes from the write to the read that got them, with their number where the stream was cut elsewhere than it was written; dashed ones are the end: EOF, or a reset."),
    timelines(beside?.runs.length ? [cell, beside] : [cell], 0),
  ];
}

// --- A card: the code that makes a difference, and a cell that shows it next to the reference ---
function drawCard(details) {
  const { scenario: name, cells, sections } = data.causes[details.dataset.cause];
  const scenario = data.scenarios[name];
  for (const id of sections) details.append(element("h5", {}, capital(data.code[id]?.title ?? "")), section(id));
  const shown = cells.map(([server, client]) => find(scenario, server, client));
  if (!shown.length) return;
  const [server, client] = cells.at(-1);
  const more = linkTo({ scenario: name, server, client }, "Its logs and its commands");
  details.append(element("h5", {}, `${shown.length > 1 ? "The reference and a pairing that shows it" : "A pairing that shows it"}, in ${name}`),
    timelines(shown, null), element("p", {}, more));
}
