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
    (row) => `${row.dataset.behaviour} ${row.textContent} ${data.behaviours[row.dataset.behaviour].text.join(" ")}`,
    (row, wanted) => Object.entries(valuesOf).every(([name, values]) =>
      !wanted[name] || values(data.behaviours[row.dataset.behaviour]).includes(wanted[name])))();
}

function showBehaviour(name) {
  const one = data.behaviours[name];
  const title = element("h3", { tabindex: "-1", id: "behaviour-title" }, prose(one.title, "span"));
  const copy = element("button", { type: "button", "data-copy": "" }, "Copy");
  byId("behaviour").replaceChildren(title, ...one.text.map((paragraph) => prose(paragraph)),
    ...one.cases.flatMap((each) => caseOf(each, each.name === "instead" ? one.instead : "")),
    prose(`Sources: ${one.sources}`), element("div", { class: "command" }, element("code", {}, one.command), copy));
  goTo(title);
}

// A case: the code in each API, what came out, and the same on each loop under each Python.
function caseOf({ name, code, lines, pythons, places }, advice) {
  const figures = code.map(([label, source, reason]) => figureOf(label, reason === null
    ? listing(source.split("\n").map((line, n) => [n + 1, line, false, ""]))
    : element("p", { class: "quiet" }, capital(reason || "has no such thing"))));
  const outcomes = lines.map(([said, where, bites, told]) =>
    element("li", {}, bites ? element("b", {}, "! ") : "", `${capital(said)}: ${where}.`,
      told.length ? element("span", { class: "quiet" }, ` It told: ${told.join("; ")}`) : ""));
  const head = element("tr", {}, ...["API", "Loop", ...pythons].map((words) => element("th", { scope: "col" }, words)));
  const body = places.map(([api, loop, said]) => element("tr", {}, element("th", { scope: "row" }, api), element("td", {}, loop),
    ...said.map(([outcome, count]) => element("td", { colspan: count }, outcome))));
  const table = element("table", { class: "figures places" }, element("thead", {}, head), element("tbody", {}, ...body));
  return [
    element("h4", {}, advice ? "What to do instead" : capital(name)), advice ? prose(capital(advice)) : "", columns(figures),
    element("ul", {}, ...outcomes),
    element("div", { class: "wide", role: "region", "aria-label": `${capital(name)}: outcomes on each loop and Python`, tabindex: "0" }, table),
  ];
}
