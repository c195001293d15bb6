// What stands in the page opens by itself; a script adds what would be too much at once: code, logs, timelines,
// behaviours. Every text reaches the page as text: nothing here reads markup.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const SIDES = ["server", "client"];

// --- Small things ---
const byId = (id) => document.getElementById(id);
const text = (number) => (number < 0 ? "" : data.texts[number]);
const capital = (words) => words.slice(0, 1).toUpperCase() + words.slice(1);
const milliseconds = (us) => (us === null ? "" : (us / 1000).toFixed(Math.abs(us) < 100000 ? 2 : 0));
const say = (words) => { byId("status").textContent = words; };
const find = (scenario, server, client) =>
  scenario.cells.find((cell) => cell.server === server && cell.client === client);

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

// A sentence in which backquotes stand around code.
function prose(words, name = "p") {
  const parts = words.split("`").map((part, n) => (n % 2 ? element("code", {}, part) : part));
  return element(name, {}, ...parts);
}

function chip(verdict) {
  return element("span", { class: `chip ${verdict}` }, element("b", {}, data.symbols[verdict]), ` ${verdict}`);
}

// --- The view: what the fragment of the address names ---
const NAMED = ["scenario", "server", "client", "server2", "client2", "behaviour"];

function view() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  return Object.fromEntries(NAMED.map((key) => [key, wanted.get(key)]));
}

function address(wanted) {
  const known = Object.entries(wanted).filter(([, value]) => value !== null && value !== undefined);
  return "#" + new URLSearchParams(known).toString();
}

function linkTo(wanted, words) {
  return element("a", { href: address(wanted) }, words);
}

function goTo(target) {
  target.focus({ preventScroll: true });
  target.scrollIntoView();
}

// --- Lists with a search and filters ---
// `matches` says whether a row has what is chosen; the words of the search are looked for in what `texts` says of it.
function filtering(form, count, rows, texts, matches) {
  const apply = () => {
    const wanted = Object.fromEntries(new FormData(form));
    const words = wanted.search.toLowerCase().split(/\s+/);
    for (const row of rows) {
      const said = texts(row).toLowerCase();
      row.hidden = !(words.every((word) => said.includes(word)) && matches(row, wanted));
    }
    count.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length}`;
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (submit) => submit.preventDefault());
  return apply;
}
