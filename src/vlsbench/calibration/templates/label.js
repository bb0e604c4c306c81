"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const cards = data.cards;
  const at = (id) => document.getElementById(id);
  const words = [...document.querySelectorAll("#labels button")].map((button) => button.dataset.label);
  let position = 0;
  let labels = Object.create(null); // without a prototype, "constructor" is an id like any other
  let saved = true;
  let rater = at("rater").value.trim(); // some browsers fill it in again
  const inMemory = new Map();

  const key = () => "vlsbench-labels:" + data.design + ":" + rater;

  // Some browsers keep nothing for pages opened from a file; saving to a file works all the same.
  function keep() {
    inMemory.set(rater, labels);
    try {
      localStorage.setItem(key(), JSON.stringify(labels));
      at("kept").textContent = "kept in this browser";
    } catch (error) {
      at("kept").textContent = "this browser keeps nothing: save often";
    }
  }

  function recall() {
    labels = inMemory.get(rater) || Object.create(null);
    if (inMemory.has(rater)) return;
    try {
      const found = JSON.parse(localStorage.getItem(key()) || "{}");
      for (const card of cards) {
        if (Object.hasOwn(found, card.id) && words.includes(found[card.id])) labels[card.id] = found[card.id];
      }
    } catch (error) {
      at("kept").textContent = "this browser keeps nothing: save often";
    }
  }

  // Labels given before there was a name go along with it; those of another person do not.
  function rename() {
    const nameless = rater === "" ? labels : {};
    const before = key();
    rater = at("rater").value.trim();
    recall();
    if (rater !== "" && Object.keys(labels).length === 0 && Object.keys(nameless).length > 0) {
      labels = nameless;
      keep();
      inMemory.delete("");
      try {
        localStorage.removeItem(before);
      } catch (error) {
        at("kept").textContent = "this browser keeps nothing: save often";
      }
      return show();
    }
    go(0);
  }

  function blur(on) {
    at("shown").classList.toggle("blurred", on);
  }

  function show() {
    const card = cards[position];
    at("number").textContent = position + 1 + " of " + cards.length + " · " + card.id;
    at("query").textContent = card.query || "(empty)";
    at("answer").textContent = card.answer;
    at("answer").scrollTop = 0;
    blur(true);
    at("image").hidden = card.image === null;
    if (card.image === null) at("shown").removeAttribute("src");
    else at("shown").src = data.images[card.image];
    at("imagenote").textContent = card.note;
    for (const button of document.querySelectorAll("#labels button")) {
      button.setAttribute("aria-pressed", String(labels[card.id] === button.dataset.label));
    }
    const done = Object.keys(labels).length;
    at("progress").textContent = done + " of " + cards.length + " labelled";
    at("bar").value = done;
  }

  function go(to) {
    position = Math.min(cards.length - 1, Math.max(0, to));
    show();
  }

  function label(word) {
    labels[cards[position].id] = word;
    saved = false;
    keep();
    go(position + 1);
  }

  function clear() {
    delete labels[cards[position].id];
    saved = false;
    keep();
    show();
  }

  function nextOpen() {
    for (let step = 1; step <= cards.length; step++) {
      const to = (position + step) % cards.length;
      if (!(cards[to].id in labels)) return go(to);
    }
  }

  function cell(text) {
    const starts = /^['=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;
    // What a spreadsheet program would rewrite as another number or a date: 1-1, 007, 1e5, mar-2.
    const rewritten = /^\s*([\d.(]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)/i;
    const loose = rewritten.test(text) && !/^(0|[1-9]\d{0,8})$/.test(text);
    const safe = starts.test(text) || starts.test(text.trimStart()) || loose ? "'" + text : text;
    return '"' + safe.replaceAll('"', '""') + '"';
  }

  function save() {
    const rows = [["sample_id", "label", "design"]];
    for (const card of cards) rows.push([card.id, labels[card.id] || "", data.design]);
    const text = rows.map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
    const link = document.createElement("a");
    const name = rater.replace(/[^\p{L}\p{N}_-]+/gu, "_");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
    link.download = "labels-" + data.design + (name ? "-" + name : "") + ".csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    saved = true;
  }

  for (const button of document.querySelectorAll("#labels button")) {
    button.addEventListener("click", () => label(button.dataset.label));
  }
  at("image").addEventListener("click", () => blur(!at("shown").classList.contains("blurred")));
  at("previous").addEventListener("click", () => go(position - 1));
  at("next").addEventListener("click", () => go(position + 1));
  at("open").addEventListener("click", nextOpen);
  at("clear").addEventListener("click", clear);
  at("save").addEventListener("click", save);
  at("rater").addEventListener("change", rename);
  addEventListener("beforeunload", (event) => { if (!saved) event.preventDefault(); });
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target === at("rater")) return;
    const press = event.key.toLowerCase();
    if (press.length === 1 && press >= "1" && press <= String(words.length)) {
      if (!event.repeat) label(words[Number(press) - 1]); // a key held down labels one answer, not all that follow
    }
    else if (press === "arrowright") go(position + 1);
    else if (press === "arrowleft") go(position - 1);
    else if (press === "n") nextOpen();
    else if (press === "0" || press === "backspace") clear();
    else if (press === "s") save();
    else if (press === " ") blur(!at("shown").classList.contains("blurred"));
    else return;
    event.preventDefault();
  });

  recall();
  show();
})();
