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
  addEventListener("beforeprint", () => set("light"));
  addEventListener("afterprint", () => set(themes[theme]));
  if (document.getElementById("browser")) Samples.start(read("index"), read("rows"));
});
