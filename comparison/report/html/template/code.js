// --- Code ---
const TOKEN = new RegExp([
  `(?<string>[bfr]*(?:"""[^]*?"""|"(?:\\\\.|[^"\\\\\\n])*"|'(?:\\\\.|[^'\\\\\\n])*'))`,
  "(?<comment>#.*)",
  "(?<=\\b(?:def|class) )(?<name>\\w+)",
  "\\b(?<keyword>False|None|True|and|as|assert|async|await|break|case|class|continue|def|del|elif|else|except|finally|" +
    "for|from|global|if|import|in|is|lambda|match|nonlocal|not|or|pass|raise|return|try|while|with|yield)\\b",
].join("|"), "g");

// Python -> for each line what stands in it, with a class for each kind of token.
function coloured(source) {
  const lines = [[]];
  const put = (words, kind) => words.split("\n").forEach((part, n) => {
    if (n) lines.push([]);
    if (part) lines.at(-1).push(kind ? element("span", { class: kind }, part) : part);
  });
  let at = 0;
  for (const token of source.matchAll(TOKEN)) {
    put(source.slice(at, token.index), null);
    put(token[0], Object.keys(token.groups).find((kind) => token.groups[kind] !== undefined));
    at = token.index + token[0].length;
  }
  put(source.slice(at), null);
  return lines;
}

// Number, text, whether it differs, and what is to be said beside it, of each line.
function listing(lines) {
  const shown = coloured(lines.map(([, words]) => words).join("\n"));
  const made = lines.map(([number, words, differs, note], n) => {
    const line = element("code", { class: differs ? "line differs" : "line", "data-number": number }, ...shown[n], "\n");
    line.style.setProperty("--indent", `${words.search(/\S|$/) + 4}ch`);
    if (note) line.append(element("span", { class: "note" }, note));
    return line;
  });
  return element("pre", {}, ...made);
}

function columns(figures) {
  const made = element("div", { class: "columns" }, ...figures);
  made.style.setProperty("--columns", figures.length);
  return made;
}

function figureOf(caption, body) {
  return element("figure", {}, element("figcaption", {}, caption), body);
}

// A section in every implementation.
function section(id) {
  return columns(data.code[id].parts.map(([path, lines]) => {
    if (!lines.length) return figureOf(path, element("p", { class: "quiet" }, "Nothing to do here."));
    const [first, last] = [lines[0][0], lines.at(-1)[0]];
    return figureOf(`${path}, ${first === last ? `line ${first}` : `lines ${first}–${last}`}`, listing(lines));
  }));
}

function drawSection(details) {
  const id = details.dataset.code;
  const causes = Object.keys(data.causes).filter((name) => data.causes[name].sections.includes(id));
  if (causes.length) details.append(element("p", { class: "quiet" }, "Writes the lines of ", ...joined(causes.map(causeLink)), "."));
  details.append(section(id));
}

function joined(nodes) {
  return nodes.flatMap((node, n) => (n ? [", ", node] : [node]));
}

function causeLink(name) {
  return element("a", { class: "cause", href: `#cause-${name}` }, name);
}
