// --- What the address names is shown ---
function show() {
  const wanted = view();
  if (Object.hasOwn(data.behaviours, wanted.behaviour ?? "")) showBehaviour(wanted.behaviour);
  else if (wanted.scenario !== null) showNamed(wanted);
  else {
    const target = byId(decodeURIComponent(location.hash.slice(1)));
    if (target?.tagName === "DETAILS") target.open = true;
    if (target?.id === "map") setTimeout(() => standing.focus()); // after the browser has gone there itself
  }
}

function showNamed(wanted) {
  const scenario = Object.hasOwn(data.scenarios, wanted.scenario) ? data.scenarios[wanted.scenario] : null;
  const place = scenario && (cellOf(wanted) ?? cellOf({ scenario: wanted.scenario, server: null, client: null }));
  if (!scenario) {
    say(`There is no scenario ${wanted.scenario} on this page.`);
    return;
  }
  markShown(place);
  const cell = find(scenario, wanted.server, wanted.client);
  if (cell) {
    showCell(wanted.scenario, cell, besideOf(scenario, cell, wanted));
    goTo(byId("cell-title"));
  } else {
    showScenario(wanted.scenario);
    say(`Scenario ${wanted.scenario}`);
    byId("map").scrollIntoView();
    place.focus();
  }
}

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
  const link = click.target.closest("a[href^='#']");
  if (link && link.getAttribute("href") === location.hash) show(); // the address does not change, so nobody else tells
  if (click.target.closest("[data-back]")) standing.focus();
  const why = click.target.closest("[data-why]");
  if (why) why.ariaPressed = String(document.getElementById("code").classList.toggle("why"));
  if (click.target.closest("[data-open-all]")) for (const row of document.querySelectorAll("[data-code]")) row.open = true;
});
byId("cell").addEventListener("keydown", (press) => { if (press.key === "Escape") standing.focus(); });

// What is opened is drawn then, and once.
document.addEventListener("toggle", ({ target }) => {
  if (!target.open || target.dataset.drawn) return;
  target.dataset.drawn = "yes";
  if (target.dataset.cause) drawCard(target);
  if (target.dataset.code) drawSection(target);
}, true);

for (const button of document.querySelectorAll("[data-open-all], [data-why]")) button.hidden = false;
startBehaviours();
window.addEventListener("hashchange", show);
show();
