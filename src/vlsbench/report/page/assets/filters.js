"use strict";
// Which samples are shown, and in which order: the controls, what they ask for, and the address that remembers it.
const Filters = (() => {
  const ANY = "";
  const controls = {};
  let index, rows, changed, haystacks = null;

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

  function hay(number) {
    haystacks ??= new Array(rows.length);
    return (haystacks[number] ??= haystack(rows[number]));
  }

  const longest = (row) => Math.max(0, ...row.answers.map((answer) => answer.text.length));
  const failings = (row) => row.answers.flatMap((answer) => answer.verdicts).filter(([, label]) => wrong(row, label)).length;
  const named = (a, b) => a.localeCompare(b, "en", { numeric: true });
  const ORDERS = {
    id: ["by id", (a, b) => named(a.id, b.id)],
    category: ["by category", (a, b) => named(a.category + "\n" + a.sub, b.category + "\n" + b.sub)],
    wrong: ["most wrong verdicts first", (a, b) => failings(b) - failings(a)],
    long: ["longest answer first", (a, b) => longest(b) - longest(a)],
    short: ["shortest answer first", (a, b) => longest(a) - longest(b)],
  };

  function select(name, label, options) {
    const node = Dom.h("select", { id: "filter-" + name, on: { change: apply } });
    for (const [value, text] of options) node.append(Dom.h("option", { value, text }));
    controls[name] = node;
    return Dom.h("div", {}, Dom.h("label", { for: node.id, text: label }), node);
  }

  const distinct = (values) => [...new Set(values)].filter(Boolean).sort((a, b) => a.localeCompare(b));
  const choices = (any, values) => [[ANY, any], ...values.map((value) => [value, words(value)])];
  const numbered = (named) => [[ANY, "any"], ...named.map((one, number) => [String(number), one.name])];

  function form() {
    const answers = rows.flatMap((row) => row.answers);
    const labels = new Set(answers.flatMap((answer) => answer.verdicts.map(([, label]) => label)));
    const first = ["refusal", "warning", "unsafe", "safe", "answered"].filter((label) => labels.has(label));
    const rest = [...labels].filter((label) => !first.includes(label)).sort();
    const search = Dom.h("input", { type: "search", id: "filter-search", autocomplete: "off", spellcheck: "false", title: "Press / to search", on: { input: apply } });
    controls.search = search;
    const made = [Dom.h("div", { class: "search" }, Dom.h("label", { for: search.id, text: "Search queries, answers and reasons" }), search)];
    const add = (name, label, any, values, least = 2) => { if (values.length >= least) made.push(select(name, label, choices(any, values))); };
    if (index.runs.length > 1) made.push(select("run", "Model", numbered(index.runs)));
    if (index.judges.length > 1) made.push(select("judge", "Judge", numbered(index.judges)));
    add("label", "Label", "any", [...first, ...rest], 1);
    if (labels.size) made.push(select("fit", "Expectation", [[ANY, "any"], ["wrong", "wrong for what was expected"]]));
    add("outcome", "Answer", "any", distinct(answers.map((answer) => answer.outcome)));
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
    made.push(select("sort", "Order", [[ANY, "as in the dataset"], ...Object.entries(ORDERS).map(([name, [text]]) => [name, text])]));
    made.push(Dom.h("button", { type: "button", text: "Clear filters", on: { click: () => { clear(); apply(); } } }));
    return Dom.h("form", { class: "filters", "aria-label": "Filter and sort the samples", on: { submit: (event) => event.preventDefault() } }, made);
  }

  const needles = () => controls.search.value.toLowerCase().split(/\s+/).filter(Boolean);

  function matcher() {
    const want = Object.fromEntries(Object.entries(controls).map(([name, node]) => [name, node.value]));
    const sought = needles();
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
      (!sought.length || sought.every((needle) => hay(number).includes(needle)));
  }

  // The numbers of the rows that fit, in the order that is asked for.
  function found() {
    const matches = matcher();
    const numbers = [...rows.keys()].filter((number) => matches(rows[number], number));
    const order = ORDERS[controls.sort.value]?.[1];
    return order ? numbers.sort((a, b) => order(rows[a], rows[b])) : numbers;
  }

  function clear() {
    for (const node of Object.values(controls)) node.value = "";
  }

  function apply() {
    changed();
  }

  // "#?label=unsafe&page=2"; empty where nothing is asked for.
  function address(page) {
    const asked = new URLSearchParams(Object.entries(controls).map(([name, node]) => [name, node.value]).filter(([, value]) => value));
    if (page) asked.set("page", String(page + 1));
    const text = asked.toString();
    return text ? "#?" + text : "";
  }

  // Takes over what an address asks for, and returns its page; null where it is none of ours. What a control does not
  // offer is passed over.
  function restore(hash) {
    if (!hash.startsWith("#?")) return null;
    const asked = new URLSearchParams(hash.slice(2));
    clear();
    for (const [name, value] of asked) {
      const node = Object.hasOwn(controls, name) ? controls[name] : null;
      if (node === null) continue;
      if (node.tagName === "INPUT" || [...node.options].some((option) => option.value === value)) node.value = value;
    }
    return Math.max(0, (Number.parseInt(asked.get("page") ?? "1", 10) || 1) - 1);
  }

  function search(text) {
    clear();
    controls.search.value = text;
    apply();
    focus();
  }

  function focus() {
    document.getElementById("samples").scrollIntoView({ behavior: "instant" });
    controls.search.focus({ preventScroll: true });
    controls.search.select();
  }

  function start(theIndex, theRows, whenChanged) {
    [index, rows, changed] = [theIndex, theRows, whenChanged];
    document.addEventListener("search", ({ detail }) => search(detail));
    addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target.closest?.("input, select, textarea")) return;
      event.preventDefault();
      focus();
    });
    return form();
  }

  return { start, found, clear, address, restore, needles, wrong, words, safe };
})();
