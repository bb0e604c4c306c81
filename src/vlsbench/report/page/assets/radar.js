"use strict";
// One panel of a radar: shares from 0 (centre) to 100 % (rim), the first axis at the top and the others clockwise.
// What is not known is left out: no line leads to it, and none goes through the centre in its place.
const Radar = (() => {
  const RINGS = [0.25, 0.5, 0.75, 1];
  const DASHES = ["none", "6 3", "1.5 3", "8 3 1.5 3"];
  const LINE = 13;

  function svg(tag, attributes, text) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
    if (text !== undefined) node.textContent = text;
    return node;
  }

  const dash = (number) => DASHES[(number % 2) + 2 * (Math.floor(number / 8) % 2)];

  // Neighbours on the ring that are both known are joined; with two axes there is one line between them.
  function lines(values, at) {
    const joined = [];
    values.forEach((value, axis) => {
      const next = (axis + 1) % values.length;
      if (next !== axis && value !== null && values[next] !== null) joined.push([at(axis, value), at(next, values[next])]);
    });
    return joined;
  }

  // draw(width, axes, series, values, ...): `wrap` breaks a name into lines for a width, `colour` is that of a series,
  // and `said` what a point says.
  function draw({ width, axes, series, values, wrap, colour, said, c }) {
    const half = width / 2;
    const radius = Math.min(82, Math.max(40, half - 72));
    const room = Math.min(96, half - radius - 12);
    const middle = radius + 48;
    const root = svg("svg", { width, height: 2 * middle, viewBox: `0 0 ${width} ${2 * middle}` });
    const turn = (axis) => (2 * Math.PI * axis) / axes.length;
    const at = (axis, share) => [half + Math.sin(turn(axis)) * radius * share, middle - Math.cos(turn(axis)) * radius * share];
    const ring = (share) => axes.map((_, axis) => at(axis, share).join(",")).join(" ");
    for (const share of RINGS) root.append(svg("polygon", { points: ring(share), fill: "none", stroke: c.line }));
    axes.forEach((name, axis) => {
      const [x, y] = at(axis, 1);
      root.append(svg("line", { x1: half, y1: middle, x2: x, y2: y, stroke: c.line }));
      const side = Math.sin(turn(axis));
      const anchor = Math.abs(side) < 0.2 ? "middle" : side > 0 ? "start" : "end";
      const broken = wrap(name, anchor === "middle" ? width - 16 : room);
      const [tx, ty] = [half + side * (radius + 7), middle - Math.cos(turn(axis)) * (radius + 8)];
      const top = ty - (broken.length * LINE * (1 + Math.cos(turn(axis)))) / 2 + 10;
      broken.forEach((line, number) => root.append(svg("text", { x: tx, y: top + number * LINE, "text-anchor": anchor, fill: c.ink, "font-size": 11 }, line)));
    });
    for (const share of [0.5, 1]) root.append(svg("text", { x: half + 3, y: at(0, share)[1] + 10, fill: c.muted, "font-size": 9 }, `${100 * share} %`));
    series.forEach((name, number) => {
      const stroke = colour(number);
      const known = values[number];
      if (known.every((value) => value !== null)) root.append(svg("polygon", { points: known.map((value, axis) => at(axis, value).join(",")).join(" "), fill: stroke, "fill-opacity": 0.06 }));
      for (const [[x1, y1], [x2, y2]] of lines(known, at)) root.append(svg("line", { x1, y1, x2, y2, stroke, "stroke-width": 2, "stroke-dasharray": dash(number) }));
      known.forEach((value, axis) => {
        if (value === null) return;
        const [cx, cy] = at(axis, value);
        const dot = svg("circle", { cx, cy, r: 3, fill: number % 16 < 8 ? stroke : c.card, stroke, "stroke-width": 1.5 });
        dot.append(svg("title", {}, `${name}\n${axes[axis]} ${said(number, axis)}`));
        root.append(dot);
      });
    });
    return root;
  }

  return { draw, dash };
})();
