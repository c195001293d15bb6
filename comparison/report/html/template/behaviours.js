// --- Behaviours: their table, and the page of one ---
function startBehaviours() {
  const form = byId("behaviour-filters");
  if (!form) return;
  const valuesOf = {
    group: (one) => [one.group],
    apis: (one) => one.apis,
    bites: (one) => [one.bites.length ? "yes" : "no"],
    differs: (one) => (one.differs.length ? one.differs : ["nothing"]),
  };
  for (const [name, values] of Object.entries(valuesOf)) {
    const known = [...new Set(Object.values(data.behaviours).flatMap(values))];
    form.elements[name].append(element("option", { value: "" }, "any"), ...known.map((value) => element("option", {}, value)));
  }
  const found = [...byId("behaviour-list").tBodies[0].rows];
  filtering(form, byId("behaviours-found"), found,
    (row) => `${row.dataset.behaviour} ${row.textContent} ${data.behaviours[row.dataset.behaviour].blocks.flat(Infinity).join(" ")}`,
    (row, wanted) => Object.entries(valuesOf).every(([name, values]) =>
      !wanted[name] || values(data.behaviours[row.dataset.behaviour]).includes(wanted[name])))();
}

function showBehaviour(name) {
  const one = data.behaviours[name];
  const title = element("h3", { tabindex: "-1", id: "behaviour-title" }, prose(one.title, "span"));
  byId("behaviour").replaceChildren(title, ...one.blocks.map(([kind, ...fields]) => BLOCKS[kind](...fields)));
  goTo(title);
}

// A block of a view (layout.py) by its kind, made of its fields.
const BLOCKS = {
  Heading: (words) => element("h4", {}, words),
  Line: (words, style, mark) =>
    element("p", { class: style === "dim" ? "quiet" : null }, mark ? element("b", {}, `${mark} `) : "", prose(words, "span")),
  Code: (lines) => listing(lines.map((line, n) => [n + 1, line, false, ""])),
  Beside: (titles, texts) => columns(titles.map((title, n) => figureOf(title, BLOCKS.Code(texts[n])))),
  Command: (what, command) => element("div", { class: "command" }, element("code", {}, command),
    element("button", { type: "button", "data-copy": "", "aria-label": `Copy: ${what}` }, "Copy")),
  Table: (head, rows) => {
    const heads = head.map((words) => element("th", { scope: "col" }, capital(words)));
    const body = rows.map(([[first], ...cells]) =>
      element("tr", {}, element("th", { scope: "row" }, first), ...merged(cells.map(([words]) => words))));
    const table = element("table", { class: "figures places" }, element("thead", {}, element("tr", {}, ...heads)),
      element("tbody", {}, ...body));
    return element("div", { class: "wide", role: "region", "aria-label": `${head[0]}: each place`, tabindex: "0" }, table);
  },
};

// Cells of a row, of which those that say the same beside each other are one.
function merged(texts) {
  const made = [];
  for (const words of texts) {
    if (made.at(-1)?.textContent === words) made.at(-1).colSpan += 1;
    else made.push(element("td", {}, words));
  }
  return made;
}
