"use strict";
// Draws the figures of the page. Text from data goes into SVG text nodes and text content alone, never into markup.
const Charts = (() => {
  const drawn = new Map();
  const narrow = (node) => node.clientWidth < 480;

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const read = (name) => style.getPropertyValue(name).trim();
    return {
      ink: read("--ink"), muted: read("--muted"), line: read("--line"), card: read("--card"),
      refusal: read("--refusal"), warning: read("--warning"), unsafe: read("--unsafe"), other: read("--other"),
      onRefusal: read("--on-refusal"), onWarning: read("--on-warning"), onUnsafe: read("--on-unsafe"),
      series: read("--series").split(/\s+/),
    };
  }

  const font = () => ({ fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 12 });
  const tooltip = (c, formatter) => ({
    renderMode: "richText", confine: true, backgroundColor: c.card, borderColor: c.line, formatter,
    textStyle: { color: c.ink, fontSize: 12 },
  });

  // Eight colours; further series repeat them in another pattern.
  const PATTERNS = ["full", "stripes", "open", "dots"];
  const mark = (c) => (number) => ({ colour: c.series[number % c.series.length], pattern: PATTERNS[Math.floor(number / c.series.length) % PATTERNS.length] });
  const full = (colours) => (number) => ({ colour: colours[number % colours.length], pattern: "full" });

  function legend(node, names, markOf) {
    const list = document.createElement("p");
    list.className = "legend";
    names.forEach((name, number) => {
      const key = document.createElement("span");
      key.className = "key";
      const swatch = document.createElement("i");
      const { colour, pattern } = markOf(number);
      swatch.className = "swatch pattern-" + pattern;
      swatch.style.color = colour;
      key.append(swatch, name);
      list.append(key);
    });
    node.append(list);
  }

  // A bar in its pattern: full, or an outline that is empty, striped or dotted.
  function bar({ x, y, width, height }, { colour, pattern }) {
    if (pattern === "full") return [{ type: "rect", shape: { x, y, width, height, r: 2 }, style: { fill: colour, opacity: 0.85 } }];
    const pieces = [{ type: "rect", shape: { x, y, width, height, r: 2 }, style: { fill: "none", stroke: colour, lineWidth: 1.2 } }];
    const step = pattern === "stripes" ? 5 : 6;
    for (let at = x + step / 2; pattern !== "open" && at < x + width - 1; at += step) {
      pieces.push(pattern === "stripes"
        ? { type: "line", shape: { x1: at, x2: at, y1: y, y2: y + height }, style: { stroke: colour, lineWidth: 2 } }
        : { type: "circle", shape: { cx: at, cy: y + height / 2, r: 1.6 }, style: { fill: colour } });
    }
    return pieces;
  }

  function canvas(node, height, option) {
    const box = document.createElement("div");
    box.style.height = height + "px";
    node.append(box);
    const chart = echarts.init(box, null, { renderer: "svg" });
    chart.setOption({ animation: false, textStyle: font(), ...option });
    return chart;
  }

  // Characters of East Asian scripts and emoji take two places.
  const places = (letter) => (letter.codePointAt(0) > 0x2e7f ? 2 : 1);
  const wide = (text) => Array.from(text).reduce((sum, letter) => sum + places(letter), 0);

  // A name that is too long for its margin is broken into lines, and cut after the third. Letters are never
  // halved: half of a pair of code units would be drawn as a box.
  function wrapped(name, width) {
    const most = Math.max(6, Math.floor(width / 6.6));
    const lines = [""];
    for (const word of name.split(/(?<=[\s\-_/:+])/)) {
      const fits = wide(lines[lines.length - 1]) + wide(word) <= most;
      if (!fits) lines.push("");
      for (const letter of word) {
        if (wide(lines[lines.length - 1]) + places(letter) > most) lines.push("");
        lines[lines.length - 1] += letter;
      }
      if (lines.length > 4) break;
    }
    const shown = lines.map((line) => line.trimEnd()).filter(Boolean);
    if (shown.length <= 3) return shown;
    const last = Array.from(shown[2]);
    while (wide(last.join("")) >= most) last.pop();
    return [shown[0], shown[1], last.join("") + "…"];
  }

  function nameAxis(figure, c, width) {
    return {
      type: "category", data: figure.groups, inverse: true, axisTick: { show: false },
      axisLine: { lineStyle: { color: c.line } },
      axisLabel: { color: c.ink, interval: 0, margin: 10, lineHeight: 14, formatter: (name) => wrapped(name, width).join("\n") },
    };
  }

  const margin = (node, figure) => {
    const longest = Math.max(...figure.groups.map(wide)) * 6.6 + 16;
    return Math.min(longest, narrow(node) ? 112 : 200);
  };

  // What the longest of the names needs, in pixels.
  const tall = (figure, width) => Math.max(...figure.groups.map((name) => wrapped(name, width).length)) * 14 + 4;

  function bars(node, figure, c) {
    const several = figure.series.length;
    const count = figure.unit === "count";
    const signed = figure.unit === "points";
    const tick = (value) => (count ? value.toLocaleString("en") : signed ? (value > 0 ? "+" : "") + Math.round(value * 100) : Math.round(value * 100) + " %");
    const thick = several > 4 ? 11 : several > 1 ? 14 : figure.groups.length > 14 ? 13 : 18;
    const gap = figure.groups.length > 14 ? 7 : 16;
    const left = margin(node, figure);
    if (several > 1) legend(node, figure.series, mark(c));
    if (figure.lines.length) {
      const said = figure.lines.map((line, s) => (line === null ? "" : figure.lines_shown[s] + (several > 1 ? " (" + figure.series[s] + ")" : ""))).filter(Boolean);
      const note = document.createElement("p");
      note.className = "small";
      note.textContent = "Dashed: " + figure.line_name + ", " + said.join(", ");
      node.append(note);
    }
    const data = [];
    figure.points.forEach((row, s) => row.forEach((p, g) => { if (p && p.value !== null) data.push([p.value, g, p.low, p.high, s]); }));
    const height = figure.groups.length * Math.max(several * thick + gap, tall(figure, left - 14)) + 38;
    return canvas(node, height, {
      grid: { left, right: count ? 56 : 62, top: 6, bottom: 30 },
      xAxis: {
        type: "value", min: signed ? -1 : 0, max: count ? undefined : 1, interval: count ? undefined : signed && narrow(node) ? 1 : signed || narrow(node) ? 0.5 : 0.25, splitNumber: narrow(node) ? 2 : 4,
        axisLabel: { color: c.muted, formatter: tick },
        splitLine: { lineStyle: { color: c.line } },
      },
      yAxis: nameAxis(figure, c, left - 14),
      tooltip: tooltip(c, ({ value: [, g, , , s] }) => figure.groups[g] + (several > 1 ? "\n" + figure.series[s] : "") + "\n" + figure.said[s][g]),
      series: [{
        type: "custom", clip: false, data, encode: { x: [0, 2, 3], y: 1 },
        renderItem: (params, api) => {
          const [value, g, low, high, s] = data[params.dataIndex];
          const at = (x) => api.coord([x, g])[0];
          const y = api.coord([value, g])[1] + (s - several / 2) * thick + 1;
          const middle = y + (thick - 2) / 2;
          const colour = c.series[s % c.series.length];
          const from = Math.min(at(0), at(value));
          const whisker = (x1, x2, y1, y2) => ({ type: "line", shape: { x1, x2, y1, y2 }, style: { stroke: c.ink, lineWidth: 1.3 } });
          const children = bar({ x: from, y, width: Math.max(Math.abs(at(value) - at(0)), 1.5), height: thick - 2 }, mark(c)(s));
          if (low !== null && high !== null) {
            children.push(whisker(at(low), at(high), middle, middle), whisker(at(low), at(low), middle - 3, middle + 3), whisker(at(high), at(high), middle - 3, middle + 3));
          }
          children.push({ type: "text", style: { text: figure.shown[s][g], x: Math.max(at(value), high === null ? 0 : at(high), at(0)) + 6, y: middle, verticalAlign: "middle", fill: c.ink, fontSize: 11, fontFamily: font().fontFamily } });
          const line = figure.lines[s] ?? null;
          if (line !== null) {
            children.push({ type: "line", shape: { x1: at(line), x2: at(line), y1: y - (several > 1 ? 1 : gap / 2), y2: y + thick - 1 + (several > 1 ? 0 : gap / 2) }, style: { stroke: several > 1 ? colour : c.ink, lineWidth: 1.5, lineDash: [4, 3] } });
          }
          return { type: "group", children };
        },
      }],
    });
  }

  function stack(node, figure, c) {
    const fills = [c.refusal, c.warning, c.unsafe, c.other];
    const inks = [c.onRefusal, c.onWarning, c.onUnsafe, c.card];
    const left = margin(node, figure);
    const totals = figure.groups.map((_, g) => figure.counts.reduce((sum, row) => sum + row[g], 0));
    legend(node, figure.parts, full(fills));
    return canvas(node, figure.groups.length * Math.max(36, tall(figure, left - 14)) + 38, {
      grid: { left, right: 22, top: 6, bottom: 30 },
      xAxis: { type: "value", min: 0, max: 1, interval: narrow(node) ? 0.5 : 0.25, axisLabel: { color: c.muted, formatter: (value) => Math.round(value * 100) + " %" }, splitLine: { lineStyle: { color: c.line } } },
      yAxis: nameAxis(figure, c, left - 14),
      tooltip: tooltip(c, ({ seriesIndex: p, dataIndex: g }) => figure.groups[g] + "\n" + figure.parts[p] + " " + figure.shown[p][g] + " (" + figure.counts[p][g].toLocaleString("en") + " of " + totals[g].toLocaleString("en") + ")"),
      series: figure.parts.map((part, p) => ({
        type: "bar", stack: "all", name: part, barWidth: 22, itemStyle: { color: fills[p % fills.length] },
        data: figure.counts[p].map((count, g) => (totals[g] ? count / totals[g] : 0)),
        label: { show: true, color: inks[p % inks.length], fontSize: 11, formatter: ({ value, dataIndex }) => (value >= (narrow(node) ? 0.25 : 0.12) ? figure.shown[p][dataIndex] : "") },
      })),
    });
  }

  function radar(node, figure, c) {
    legend(node, figure.series, mark(c));
    const panels = document.createElement("div");
    panels.className = "panels";
    node.append(panels);
    // All of them first: a panel is as wide as the others beside it let it be.
    const cells = figure.panels.map(() => document.createElement("div"));
    panels.append(...cells);
    figure.panels.forEach(([name, values], number) => {
      const title = document.createElement("p");
      title.className = "panel-name";
      title.textContent = name;
      cells[number].append(title, Radar.draw({
        width: cells[number].clientWidth, axes: figure.axes, series: figure.series, values, wrap: wrapped, c,
        colour: (s) => c.series[s % c.series.length], said: (s, axis) => figure.shown[number][s][axis],
      }));
    });
    return [];
  }

  function sunburst(node, figure, c) {
    const data = Object.entries(figure.tree).map(([name, subs], number) => {
      // The first and the last of a ring are neighbours too.
      const color = c.series[(number + Math.floor(number / c.series.length)) % c.series.length];
      return { name, said: figure.sums_shown[name], itemStyle: { color }, children: Object.entries(subs).map(([sub, value]) => ({ name: sub, value, said: figure.shown[name][sub], itemStyle: { color, opacity: 0.72 } })) };
    });
    const size = Math.min(node.clientWidth, 460);
    const fits = (width) => ({ width, overflow: "truncate", color: c.card, fontSize: narrow(node) ? 9 : 10.5, minAngle: 9, textBorderWidth: 0 });
    return canvas(node, size, {
      tooltip: tooltip(c, ({ name, data }) => name + "\n" + data.said),
      series: [{
        type: "sunburst", data, radius: ["14%", "98%"], nodeClick: false, sort: undefined, itemStyle: { borderColor: c.card, borderWidth: 1.5 },
        levels: [{}, { r0: "14%", r: "50%", label: { rotate: "radial", ...fits(size * 0.16) } }, { r0: "50%", r: "98%", label: { rotate: "radial", ...fits(size * 0.22) } }],
      }],
    });
  }

  function cloud(node, figure) {
    const list = document.createElement("ul");
    list.className = "cloud";
    const most = figure.words[0][1];
    for (const [word, count] of [...figure.words].sort(([a], [b]) => a.localeCompare(b))) {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.className = "w" + Math.max(1, Math.ceil(5 * Math.sqrt(count / most)));
      button.textContent = word;
      button.title = count.toLocaleString("en") + " queries; search for it";
      button.addEventListener("click", () => document.dispatchEvent(new CustomEvent("search", { detail: word })));
      item.append(button);
      list.append(item);
    }
    node.append(list);
    return [];
  }

  const kinds = { bars, stack, radar, sunburst, cloud };

  function draw(node, figure) {
    for (const chart of drawn.get(node)?.charts ?? []) chart.dispose();
    node.replaceChildren();
    node.closest(".figure").dataset.kind = figure.kind;
    if (figure.kind !== "cloud") {
      node.setAttribute("role", "img");
      node.setAttribute("aria-label", figure.alt);
    }
    drawn.set(node, { figure, width: node.clientWidth, charts: [kinds[figure.kind](node, figure, colours())].flat() });
  }

  function redraw() {
    for (const [node, { figure }] of [...drawn]) draw(node, figure);
  }

  // On paper a chart is as wide as the page is: its drawing is scaled, since nobody says before how wide that is.
  function scalable() {
    for (const svg of document.querySelectorAll(".chart svg:not([viewBox])")) {
      svg.setAttribute("viewBox", `0 0 ${svg.getAttribute("width")} ${svg.getAttribute("height")}`);
    }
  }

  let nodes = [], figures = [];
  const drawAll = () => nodes.forEach((node, number) => { if (!drawn.has(node)) draw(node, figures[number]); });

  function start(given) {
    figures = given;
    nodes = [...document.querySelectorAll("[data-chart]")];
    const seen = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (isIntersecting && !drawn.has(target)) draw(target, figures[nodes.indexOf(target)]);
      }
    }, { rootMargin: "600px" });
    nodes.forEach((node) => seen.observe(node));
    let timer = 0;
    addEventListener("resize", () => {
      clearTimeout(timer);
      timer = setTimeout(() => { for (const [node, was] of [...drawn]) if (node.clientWidth !== was.width) draw(node, was.figure); }, 120);
    });
    addEventListener("beforeprint", () => { drawAll(); scalable(); });
  }

  return { start, drawAll, redraw };
})();
