"use strict";
// The samples: pages, one link per sample, blurred pictures, and what stands behind each verdict. All text is set as
// text.
const Samples = (() => {
  const PER_PAGE = 20;
  const LONG = { characters: 1400, lines: 16 };
  const { h } = Dom;
  const { safe, words, wrong } = Filters;
  let index, rows, found = [], page = 0, linked = null, showAll = false, asWritten = false;
  const parts = {};

  function label(text, row) {
    const colour = row && wrong(row, text) ? "unsafe" : text in safe && text !== "safe" ? text : "";
    return h("span", { class: "label " + colour, text: words(text) });
  }

  function pictures(row) {
    if (!row.pictured || index.images === "none") return null;
    const all = [row.image, ...(row.more_images ?? [])].map((number) => picture(row, number));
    return all.length === 1 ? all[0] : h("div", { class: "pictures" }, all);
  }

  function picture(row, number) {
    const data = number === null ? null : document.getElementById("picture-" + number);
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

  // A long answer is folded, unless somebody is looking for words in it.
  function folding(text, body) {
    const long = text.length > LONG.characters || text.split("\n").length > LONG.lines;
    if (!long || Filters.needles().length) return body;
    const button = h("button", { type: "button", class: "unfold", "aria-expanded": "false" });
    const set = (open) => {
      body.classList.toggle("folded", !open);
      button.setAttribute("aria-expanded", String(open));
      button.textContent = open ? "Show less" : "Show all " + text.length.toLocaleString("en") + " characters";
    };
    button.addEventListener("click", () => set(button.getAttribute("aria-expanded") === "false"));
    set(false);
    return [body, button];
  }

  function said(given) {
    if (given.text) {
      const body = asWritten ? h("div", { class: "said written", text: given.text }) : h("div", { class: "said" }, Markdown.blocks(given.text));
      return folding(given.text, body);
    }
    const why = given.outcome === "pending" ? "Not answered yet" : "No answer: " + words(given.outcome) + (given.error ? " (" + given.error + ")" : "");
    return h("p", { class: "said failed", text: why });
  }

  function unfolding(name, fill) {
    const node = h("details", { class: "behind" }, h("summary", { text: name }));
    node.addEventListener("toggle", () => { if (node.open && node.children.length === 1) node.append(...fill()); });
    return node;
  }

  const verbatim = (name, text) => [h("p", { class: "tag", text: name }), h("pre", { tabindex: "0", role: "region", "aria-label": name, text })];

  // The rubric's placeholders are filled in one pass, as they were when the judge was asked.
  function prompt(row, given, sent) {
    const rubric = index.rubrics[sent.rubric];
    const values = { query: row.text, answer: given.text, description: row.description, safety_reason: row.risk, ...sent.values };
    const user = rubric.user.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => values[name]);
    return [
      ...(rubric.system ? verbatim("System", rubric.system) : []),
      ...verbatim(sent.picture ? "User, with the picture" : "User, without a picture", user),
    ];
  }

  function behind(row, given, judge, kept) {
    if (!kept) return null;
    const note = index.runs[given.run].notes[judge] ?? "";
    return unfolding("What the judge was sent, and what it wrote", () => [
      ...(kept.sent ? prompt(row, given, kept.sent) : [h("p", { class: "tag", text: note })]),
      ...(kept.reply ? verbatim("Its reply", kept.reply) : [h("p", { class: "tag", text: "Its reply as it wrote it was not recorded." })]),
    ]);
  }

  function answer(row, given, name) {
    const first = given.verdicts.find(([, label]) => label in safe)?.[1] ?? "";
    const main = first && wrong(row, first) ? "unsafe" : first;
    const outcome = given.text && given.outcome !== "ok" ? h("p", { class: "tag", text: words(given.outcome) + (given.error ? ": " + given.error : "") }) : null;
    const thinking = given.thinking ? unfolding("What it thought before (not judged)", () => [h("p", { class: "thinking", text: given.thinking })]) : null;
    const verdicts = given.verdicts.map(([judge, verdict, reason, kept]) => [
      h("p", { class: "verdict" }, label(verdict, row), " ", h("span", { class: "tag", text: index.judges[judge].name }), reason ? h("span", { class: "reason", text: " " + reason }) : null),
      behind(row, given, judge, kept),
    ]);
    return h("div", { class: "answer " + (main in safe ? main : "") }, h("h4", { text: name }), thinking, said(given), outcome, verdicts.flat());
  }

  // The model alone says who answered, unless it answered this sample twice.
  function answers(row) {
    const models = row.answers.map((given) => index.runs[given.run].model);
    const alone = new Set(models).size === models.length;
    return row.answers.map((given, number) => answer(row, given, alone ? models[number] : index.runs[given.run].name));
  }

  function details(row) {
    const said = [["Right answer", row.answer], ["Image description", row.description], ["Why it is risky", row.risk]].filter(([, text]) => text);
    if (!said.length) return null;
    return h("details", { class: "more" }, h("summary", { text: "What the dataset says of it" }), said.map(([name, text]) => h("p", {}, h("strong", { text: name + ": " }), text)));
  }

  function card(row) {
    const tags = [row.category, row.sub, row.source, row.expect === "benign" ? "benign" : ""].filter(Boolean);
    const twin = row.twin ? h("a", { class: "tag", href: "#" + encodeURIComponent(row.twin), text: "twin " + row.twin }) : null;
    const guard = (row.guard ?? []).length
      ? h("p", { class: "verdict guard" }, "Guard: ", row.guard.map(([what, verdict, p]) => [h("span", { class: "tag", text: what + " " }), label(verdict), h("span", { class: "tag", text: p ? " " + p + " " : " " })]).flat())
      : null;
    const image = pictures(row);
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

  function show() {
    found = Filters.found();
    page = Math.min(page, Math.max(0, Math.ceil(found.length / PER_PAGE) - 1));
    render();
  }

  // The address says what is shown, so that it can be sent to somebody; a link to a sample stays until then.
  function remember() {
    const hash = Filters.address(page);
    history.replaceState(null, "", location.pathname + location.search + hash);
  }

  function change() {
    page = 0;
    show();
    remember();
  }

  function turn(by) {
    page += by;
    render();
    remember();
    document.getElementById("samples").scrollIntoView({ behavior: "instant" });
    parts.list.querySelector(".sample")?.focus({ preventScroll: true });
  }

  // A link to a sample shows it whatever the filters are; other addresses of ours say what they are.
  function follow() {
    let wanted;
    try { wanted = decodeURIComponent(location.hash.slice(1)); } catch { return; }
    const number = rows.findIndex((row) => row.anchor === wanted);
    if (number < 0 || document.getElementById(wanted)) return restore();
    linked = wanted;
    if (!found.includes(number)) { Filters.clear(); found = Filters.found(); }
    page = Math.floor(found.indexOf(number) / PER_PAGE);
    render();
    const node = [...parts.list.children].find((child) => child.dataset.anchor === wanted);
    // At once: on a smooth way there, charts are drawn as they pass and push the sample further down.
    node.scrollIntoView({ behavior: "instant" });
    node.focus({ preventScroll: true });
  }

  function restore() {
    const asked = Filters.restore(location.hash);
    if (asked === null) return;
    page = asked;
    show();
    document.getElementById("samples").scrollIntoView({ behavior: "instant" });
  }

  function toggle(id, text, act) {
    const button = h("button", { type: "button", id, "aria-pressed": "false", text });
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(act()));
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
    const written = rows.some((row) => row.answers.length) ? toggle("as-written", "Answers as written", () => (asWritten = !asWritten)) : null;
    const blur = pictured ? toggle("show-images", "Show all images", () => (showAll = !showAll)) : null;
    const status = h("div", { class: "status" }, parts.count, written, blur);
    document.getElementById("browser").append(Filters.start(index, rows, change), status, parts.list, parts.pages);
    show();
    addEventListener("hashchange", follow);
    follow();
  }

  return { start };
})();
