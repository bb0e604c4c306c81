"use strict";
addEventListener("DOMContentLoaded", () => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const themes = ["auto", "light", "dark"];
  let theme = 0;
  const set = (name) => {
    if (name === "auto") delete root.dataset.theme;
    else root.dataset.theme = name;
    button.textContent = "Theme: " + name;
    Charts.redraw();
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    theme = (theme + 1) % themes.length;
    set(themes[theme]);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => Charts.redraw());
  Charts.start(read("charts"));

  // Charts are drawn as they come near, which moves what lies below; so all of them first, and then there, at once.
  const go = (section) => {
    Charts.drawAll();
    section.scrollIntoView({ behavior: "instant" });
  };
  for (const link of document.querySelectorAll(".bar nav a")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      history.pushState(null, "", link.hash);
      go(document.querySelector(link.hash));
    });
  }

  // The tables of figures are whole on paper; what was closed is closed again afterwards.
  let opened = [];
  addEventListener("beforeprint", () => {
    if (!opened.length) opened = [...document.querySelectorAll("#headline details:not([open]), #figures details:not([open])")];
    for (const node of opened) node.open = true;
    set("light");
  });
  addEventListener("afterprint", () => {
    for (const node of opened) node.open = false;
    opened = [];
    set(themes[theme]);
  });
  if (document.getElementById("browser")) Samples.start(read("index"), read("rows"));
  const section = [...document.querySelectorAll("section[id]")].find((one) => "#" + one.id === location.hash);
  if (section) go(section);
});
