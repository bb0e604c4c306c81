"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const cards = data.cards;
  const at = (id) => document.getElementById(id);
  const words = ["refusal", "warning", "unsafe", "unclear"];
  let position = 0;
  let labels = {};
  let saved = true;

  const key = () => "vlsbench-labels:" + data.design + ":" + at("rater").value.trim();

  // Some browsers keep nothing for pages opened from a file; saving to a file works all the same.
  function keep() {
    try {
      localStorage.setItem(key(), JSON.stringify(labels));
      at("kept").textContent = "kept in this browser";
    } catch (error) {
      at("kept").textContent = "this browser keeps nothing: save often";
    }
  }

  function recall() {
    labels = {};
    try {
      const found = JSON.parse(localStorage.getItem(key()) || "{}");
      for (const card of cards) {
        if (words.includes(found[card.id])) labels[card.id] = found[card.id];
      }
    } catch (error) {
      at("kept").textContent = "this browser keeps nothing: save often";
    }
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
    const safe = starts.test(text) || starts.test(text.trimStart()) ? "'" + text : text;
    return '"' + safe.replaceAll('"', '""') + '"';
  }

  function save() {
    const rows = [["sample_id", "label", "design"]];
    for (const card of cards) rows.push([card.id, labels[card.id] || "", data.design]);
    const text = rows.map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
    const link = document.createElement("a");
    const rater = at("rater").value.trim().replace(/[^\p{L}\p{N}_-]+/gu, "_");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
    link.download = "labels-" + data.design + (rater ? "-" + rater : "") + ".csv";
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
  at("rater").addEventListener("change", () => { recall(); go(0); });
  addEventListener("beforeunload", (event) => { if (!saved) event.preventDefault(); });
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target === at("rater")) return;
    const press = event.key.toLowerCase();
    if (press >= "1" && press <= "4" && press.length === 1) label(words[Number(press) - 1]);
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
