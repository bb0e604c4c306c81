"use strict";
// The samples: filters, pages, one link per sample, blurred pictures. All text is set as text.
const Samples = (() => {
  const PER_PAGE = 20;
  const ANY = "";
  let index, rows, found = [], page = 0, linked = null, showAll = false, haystacks = null;
  const controls = {};
  const parts = {};

  function h(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "on") for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
      else if (name === "text") node.textContent = value;
      else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
    return node;
  }

  const safe = { refusal: true, warning: true, safe: true, unsafe: false };
  // A benign query ought to be answered; what is unsafe of a harmful one is called "answered" here.
  const sides = (row) => (row.expect === "benign" ? { ...safe, warning: false, answered: false } : safe);
  const wrong = (row, label) => label === "unsafe" || label === "incorrect" || (row.expect === "benign" && label === "refusal");
  const words = (code) => code.replaceAll("_", " ");

  function differ(row, labels) {
    const side = sides(row);
    return new Set(labels.filter((label) => label in side).map((label) => side[label])).size > 1;
  }

  // Models are compared under one judge, judges on one answer.
  function disagreement(row, between) {
    if (between === "judges") return row.answers.some((answer) => differ(row, answer.verdicts.map(([, label]) => label)));
    const byJudge = new Map();
    for (const answer of row.answers) {
      for (const [judge, label] of answer.verdicts) byJudge.set(judge, [...(byJudge.get(judge) ?? []), label]);
    }
    return [...byJudge.values()].some((labels) => differ(row, labels));
  }

  function haystack(row) {
    const said = row.answers.flatMap((answer) => [answer.text, answer.error, ...answer.verdicts.map(([, , reason]) => reason)]);
    return [row.id, row.text, row.category, row.sub, row.source, row.description, row.risk, ...said].join("\n").toLowerCase();
  }

  function select(name, label, options) {
    const node = h("select", { id: "filter-" + name, on: { change: apply } });
    for (const [value, text] of options) node.append(h("option", { value, text }));
    controls[name] = node;
    return h("div", {}, h("label", { for: node.id, text: label }), node);
  }

  const distinct = (values) => [...new Set(values)].filter(Boolean).sort((a, b) => a.localeCompare(b));
  const choices = (any, values) => [[ANY, any], ...values.map((value) => [value, words(value)])];

  function filters() {
    const answers = rows.flatMap((row) => row.answers);
    const labels = new Set(answers.flatMap((answer) => answer.verdicts.map(([, label]) => label)));
    const first = ["refusal", "warning", "unsafe", "safe", "answered"].filter((label) => labels.has(label));
    const rest = [...labels].filter((label) => !first.includes(label)).sort();
    const outcomes = distinct(answers.map((answer) => answer.outcome));
    controls.search = h("input", { type: "search", id: "filter-search", autocomplete: "off", spellcheck: "false", on: { input: apply } });
    const made = [h("div", { class: "search" }, h("label", { for: "filter-search", text: "Search queries, answers and reasons" }), controls.search)];
    const add = (name, label, any, values, least = 2) => { if (values.length >= least) made.push(select(name, label, choices(any, values))); };
    if (index.runs.length > 1) made.push(select("run", "Model", [[ANY, "any"], ...index.runs.map((run, number) => [String(number), run.name])]));
    if (index.judges.length > 1) made.push(select("judge", "Judge", [[ANY, "any"], ...index.judges.map((judge, number) => [String(number), judge.name])]));
    add("label", "Label", "any", [...first, ...rest], 1);
    if (labels.size) made.push(select("fit", "Expectation", [[ANY, "any"], ["wrong", "wrong for what was expected"]]));
    add("outcome", "Answer", "any", outcomes);
    add("category", "Category", "all", distinct(rows.map((row) => row.category)));
    add("sub", "Sub-category", "all", distinct(rows.map((row) => row.sub)));
    add("source", "Source", "all", distinct(rows.map((row) => row.source)));
    add("expect", "Kind of query", "all", distinct(rows.map((row) => row.expect)));
    const between = [];
    if (index.runs.length > 1) between.push(["models", "between models"]);
    if (index.judges.length > 1) between.push(["judges", "between judges"]);
    if (between.length) made.push(select("differ", "Disagreement", [[ANY, "all samples"], ...between]));
    if (rows.some((row) => row.guard)) {
      const kinds = [["joint", "only pair harmful"], ["leaks", "text alone harmful"], ["spans", "with marked words"]];
      made.push(select("guard", "Leakage", [[ANY, "all samples"], ...kinds]));
    }
    made.push(h("button", { type: "button", text: "Clear filters", on: { click: clear } }));
    return h("form", { class: "filters", "aria-label": "Filter the samples", on: { submit: (event) => event.preventDefault() } }, made);
  }

  function matcher() {
    const want = Object.fromEntries(Object.entries(controls).map(([name, node]) => [name, node.value]));
    const needles = want.search.toLowerCase().split(/\s+/).filter(Boolean);
    const run = want.run ? Number(want.run) : null;
    const judge = want.judge ? Number(want.judge) : null;
    const fits = (row) => (answer) =>
      (run === null || answer.run === run) &&
      (!want.outcome || answer.outcome === want.outcome) &&
      (!(want.label || want.fit || judge !== null) || answer.verdicts.some(([by, label]) => (judge === null || by === judge) && (!want.label || label === want.label) && (!want.fit || wrong(row, label))));
    const asksAnswer = run !== null || judge !== null || want.label || want.fit || want.outcome;
    const said = (row, what) => (row.guard ?? []).find(([part]) => part === what)?.[1];
    return (row, number) =>
      (!want.category || row.category === want.category) &&
      (!want.sub || row.sub === want.sub) &&
      (!want.source || row.source === want.source) &&
      (!want.expect || row.expect === want.expect) &&
      (!asksAnswer || row.answers.some(fits(row))) &&
      (!want.differ || disagreement(row, want.differ)) &&
      (!want.guard || (want.guard === "spans" ? (row.spans ?? []).length > 0 : want.guard === "leaks" ? said(row, "text") === "unsafe" : said(row, "pair") === "unsafe" && said(row, "text") === "safe")) &&
      (!needles.length || needles.every((needle) => hay(number).includes(needle)));
  }

  function hay(number) {
    haystacks ??= new Array(rows.length);
    return (haystacks[number] ??= haystack(rows[number]));
  }

  function apply() {
    const matches = matcher();
    found = [];
    rows.forEach((row, number) => { if (matches(row, number)) found.push(number); });
    page = 0;
    render();
  }

  function clear() {
    for (const node of Object.values(controls)) node.value = "";
    apply();
  }

  function label(text, row) {
    const colour = row && wrong(row, text) ? "unsafe" : text in safe && text !== "safe" ? text : "";
    return h("span", { class: "label " + colour, text: words(text) });
  }

  function picture(row) {
    if (!row.pictured) return null;
    if (index.images === "none") return null;
    const data = row.image === null ? null : document.getElementById("picture-" + row.image);
    if (data?.dataset.link) {
      return h("p", { class: "placeholder" }, h("a", { href: data.dataset.link, target: "_blank", rel: "noreferrer", text: "Open the image of this sample" }), " (not blurred)");
    }
    if (!data || data.dataset.problem) {
      return h("p", { class: "placeholder", text: "No image: " + (data ? data.dataset.problem : "it could not be used when the run was made") });
    }
    const image = h("img", { alt: row.description || "Image of sample " + row.id + ", without a description", decoding: "async" });
    image.src = "data:image/webp;base64," + data.textContent;
    const say = h("span", { class: "say" });
    const button = h("button", { type: "button", class: "picture", "aria-label": "Image of sample " + row.id }, image, say);
    const set = (shown) => {
      button.setAttribute("aria-pressed", String(shown));
      say.textContent = shown ? "" : "Show the image";
      say.hidden = shown;
      image.toggleAttribute("aria-hidden", !shown);
    };
    button.addEventListener("click", () => set(button.getAttribute("aria-pressed") !== "true"));
    set(showAll);
    return button;
  }

  // Marked stretches count code points, as the file does.
  function query(row) {
    const node = h("p", { class: "query" });
    if (!row.spans?.length) {
      node.textContent = row.text || "(empty query)";
      return node;
    }
    const letters = Array.from(row.text);
    let at = 0;
    for (const [start, end, source] of row.spans) {
      node.append(letters.slice(at, start).join(""), h("mark", { title: "also in the " + (source || "image"), text: letters.slice(start, end).join("") }));
      at = end;
    }
    node.append(letters.slice(at).join(""));
    return node;
  }

  function answer(row, given, name) {
    const first = given.verdicts.find(([, said]) => said in safe)?.[1] ?? "";
    const main = first && wrong(row, first) ? "unsafe" : first;
    const said = given.text
      ? h("p", { class: "said", text: given.text })
      : h("p", { class: "said failed", text: given.outcome === "pending" ? "Not answered yet" : "No answer: " + words(given.outcome) + (given.error ? " (" + given.error + ")" : "") });
    const outcome = given.text && given.outcome !== "ok" ? h("p", { class: "tag", text: words(given.outcome) + (given.error ? ": " + given.error : "") }) : null;
    return h("div", { class: "answer " + (main in safe ? main : "") }, h("h4", { text: name }), said, outcome,
      given.verdicts.map(([judge, verdict, reason]) => h("p", { class: "verdict" }, label(verdict, row), " ", h("span", { class: "tag", text: index.judges[judge].name }), reason ? h("span", { class: "reason", text: " " + reason }) : null)));
  }

  // The model alone says who answered, unless it answered this sample twice.
  function answers(row) {
    const models = row.answers.map((given) => index.runs[given.run].model);
    const alone = new Set(models).size === models.length;
    return row.answers.map((given, number) => answer(row, given, alone ? models[number] : index.runs[given.run].name));
  }

  function details(row) {
    const said = [["Image description", row.description], ["Why it is risky", row.risk]].filter(([, text]) => text);
    if (!said.length) return null;
    return h("details", { class: "more" }, h("summary", { text: "What the dataset says of it" }), said.map(([name, text]) => h("p", {}, h("strong", { text: name + ": " }), text)));
  }

  function card(row) {
    const tags = [row.category, row.sub, row.source, row.expect === "benign" ? "benign" : ""].filter(Boolean);
    const twin = row.twin ? h("a", { class: "tag", href: "#" + encodeURIComponent(row.twin), text: "twin " + row.twin }) : null;
    const guard = (row.guard ?? []).length
      ? h("p", { class: "verdict guard" }, "Guard: ", row.guard.map(([what, verdict, p]) => [h("span", { class: "tag", text: what + " " }), label(verdict), h("span", { class: "tag", text: p ? " " + p + " " : " " })]).flat())
      : null;
    const image = picture(row);
    return h("article", { class: "sample" + (row.anchor === linked ? " linked" : ""), tabindex: "-1", "data-anchor": row.anchor, "aria-label": "Sample " + row.id },
      h("div", { class: "sample-head" }, h("h3", {}, h("a", { href: "#" + encodeURIComponent(row.anchor), title: "Link to this sample", text: row.id })), tags.map((tag) => h("span", { class: "tag", text: tag })), twin),
      h("div", { class: "sample-body" + (image ? "" : " plain") }, image, h("div", {}, query(row), guard, h("div", { class: "answers" }, answers(row)), details(row))));
  }

  function render() {
    const pages = Math.max(1, Math.ceil(found.length / PER_PAGE));
    parts.count.textContent = found.length.toLocaleString("en") + (found.length === rows.length ? "" : " of " + rows.length.toLocaleString("en")) + (rows.length === 1 ? " sample" : " samples");
    const shown = found.slice(page * PER_PAGE, (page + 1) * PER_PAGE);
    parts.list.replaceChildren(...(shown.length ? shown.map((number) => card(rows[number])) : [h("p", { class: "placeholder", text: "No sample fits these filters." })]));
    parts.where.textContent = "Page " + (page + 1) + " of " + pages;
    parts.back.disabled = page === 0;
    parts.on.disabled = page >= pages - 1;
    parts.pages.hidden = pages === 1;
  }

  function turn(by) {
    page += by;
    render();
    document.getElementById("samples").scrollIntoView({ behavior: "instant" });
    parts.list.querySelector(".sample")?.focus({ preventScroll: true });
  }

  // A link to a sample shows it whatever the filters are.
  function follow() {
    let wanted;
    try { wanted = decodeURIComponent(location.hash.slice(1)); } catch { return; }
    const number = rows.findIndex((row) => row.anchor === wanted);
    if (number < 0 || document.getElementById(wanted)) return;
    linked = wanted;
    if (!found.includes(number)) clear();
    page = Math.floor(found.indexOf(number) / PER_PAGE);
    render();
    const node = [...parts.list.children].find((child) => child.dataset.anchor === wanted);
    // At once: on a smooth way there, charts are drawn as they pass and push the sample further down.
    node.scrollIntoView({ behavior: "instant" });
    node.focus({ preventScroll: true });
  }

  function blurSwitch() {
    const button = h("button", { type: "button", id: "show-images", "aria-pressed": "false", text: "Show all images" });
    button.addEventListener("click", () => {
      showAll = !showAll;
      button.setAttribute("aria-pressed", String(showAll));
      render();
    });
    return button;
  }

  function start(theIndex, theRows) {
    [index, rows] = [theIndex, theRows];
    parts.count = h("output", { id: "count" });
    parts.list = h("div", { id: "list" });
    parts.back = h("button", { type: "button", text: "Previous", on: { click: () => turn(-1) } });
    parts.on = h("button", { type: "button", text: "Next", on: { click: () => turn(1) } });
    parts.where = h("span", { id: "where" });
    parts.pages = h("nav", { class: "pages", "aria-label": "Pages of samples" }, parts.back, parts.where, parts.on);
    const pictured = index.images === "thumb" && rows.some((row) => row.pictured);
    const status = h("div", { class: "status" }, parts.count, pictured ? blurSwitch() : null);
    document.getElementById("browser").append(filters(), status, parts.list, parts.pages);
    found = rows.map((_, number) => number);
    render();
    document.addEventListener("search", ({ detail }) => {
      clear();
      controls.search.value = detail;
      apply();
      document.getElementById("samples").scrollIntoView({ behavior: "instant" });
      controls.search.focus({ preventScroll: true });
    });
    addEventListener("hashchange", follow);
    follow();
  }

  return { start };
})();
