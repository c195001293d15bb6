// --- The heat map: one stop of the Tab key, and the arrow keys from cell to cell ---
const heat = byId("heat");
const rows = [...heat.querySelectorAll("tr[data-scenario]")];
const cellsOf = (row) => [...row.cells].filter((cell) => !cell.classList.contains("why"));
let standing = null;

function standOn(cell) {
  standing?.setAttribute("tabindex", "-1");
  standing = cell;
  cell.setAttribute("tabindex", "0");
}

// The columns of the map in which a cell stands: a cell of a scenario with fewer pairings takes several.
function spanOf(cell) {
  const before = cellsOf(cell.parentElement).slice(0, cellsOf(cell.parentElement).indexOf(cell));
  const start = before.reduce((sum, other) => sum + other.colSpan, 0);
  return [start, start + cell.colSpan];
}

function cellAt(row, column) {
  return cellsOf(row).find((cell) => spanOf(cell)[1] > column) ?? cellsOf(row).at(-1);
}

function moved(cell, key, control) {
  const shown = rows.filter((row) => !row.hidden);
  const row = shown.indexOf(cell.parentElement);
  const cells = cellsOf(cell.parentElement);
  const at = cells.indexOf(cell);
  const to = (n) => cellAt(shown[Math.max(0, Math.min(n, shown.length - 1))], spanOf(cell)[0]);
  switch (key) {
    case "ArrowLeft": return cells[Math.max(0, at - 1)];
    case "ArrowRight": return cells[Math.min(at + 1, cells.length - 1)];
    case "ArrowUp": return to(row - 1);
    case "ArrowDown": return to(row + 1);
    case "PageUp": return to(row - 10);
    case "PageDown": return to(row + 10);
    case "Home": return cellsOf(control ? shown[0] : cell.parentElement)[0];
    case "End": return cellsOf(control ? shown.at(-1) : cell.parentElement).at(-1);
  }
  return null;
}

// What a cell of the map names: a pairing of a scenario, or at the head of a row the scenario.
function namedBy(cell) {
  const row = cell.parentElement;
  const scenario = row.dataset.scenario;
  if (cell.tagName === "TH") return { scenario };
  const [server, client] = data.columns[row.parentElement.dataset.sheet][cellsOf(row).indexOf(cell) - 1];
  return { scenario, server, client };
}

function cellOf(wanted) {
  const row = rows.find((one) => one.dataset.scenario === wanted.scenario);
  return row && cellsOf(row).find((cell) => {
    const named = namedBy(cell);
    return (named.server ?? null) === wanted.server && (named.client ?? null) === wanted.client;
  });
}

function open(cell) {
  const fragment = address(namedBy(cell));
  if (location.hash === fragment) show();
  else location.hash = fragment;
}

// The cell that is shown below is marked, and where the Tab key comes to.
function markShown(cell) {
  heat.querySelector("[aria-current]")?.removeAttribute("aria-current");
  cell.setAttribute("aria-current", "true");
  if (cell.parentElement.hidden) { byId("filters").reset(); applyFilters(); }
  standOn(cell);
}

heat.addEventListener("keydown", (press) => {
  const cell = press.target.closest("td, th");
  if (cell !== standing || press.altKey || press.metaKey) return;
  const next = moved(cell, press.key, press.ctrlKey);
  if (next) {
    standOn(next);
    next.focus();
  } else if (press.key === "Enter" || press.key === " ") {
    open(cell);
  } else return;
  press.preventDefault();
});
heat.addEventListener("click", (click) => {
  const cell = click.target.closest("td, th");
  const row = cell?.closest("tr[data-scenario]");
  if (row) open(cell.classList.contains("why") ? row.cells[0] : cell);
});

const applyFilters = filtering(byId("filters"), byId("found"), rows,
  (row) => `${row.dataset.scenario} ${row.cells[row.cells.length - 1].textContent}`,
  (row, { cause, verdict, transport, kind }) => {
    const scenario = data.scenarios[row.dataset.scenario];
    return (!cause || scenario.cells.some((cell) => cell.causes.includes(cause))) &&
      (!verdict || scenario.cells.some((cell) => cell.verdict === verdict)) &&
      (!transport || scenario.transport === transport) && (!kind || row.parentElement.dataset.sheet === kind);
  });
byId("filters").addEventListener("input", () => {
  for (const body of heat.tBodies) body.hidden = !rows.some((row) => row.parentElement === body && !row.hidden);
  const first = rows.find((row) => !row.hidden);
  if (first && standing.parentElement.hidden) standOn(cellsOf(first)[1]);
});
applyFilters();
standOn(cellsOf(rows[0])[1]);
