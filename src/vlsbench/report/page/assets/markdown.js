"use strict";
// Markdown in answers as plain structure: headings, lists, quotes, code, strong and emphasised text. An answer is
// hostile text: everything ends as text nodes, links and pictures stay as they were written, and HTML is letters.
const Markdown = (() => {
  const FENCE = /^ {0,3}(`{3,}|~{3,})(.*)$/;
  const HEADING = /^ {0,3}(#{1,6}) +(.*)$/;
  const QUOTE = /^ {0,3}> ?(.*)$/;
  const ITEM = /^( *)(?:[-*+]|(\d{1,9})[.)]) +(.*)$/;
  // Markers stand beside the words that they mark: 7*7 and snake_case are no emphasis.
  const INLINE = /`([^`\n]+)`|(?<![\w*])\*\*(?=\S)([^*\n]*[^\s*])\*\*(?!\w)|(?<![\w*])\*(?=[^\s*])([^*\n]*[^\s*])\*(?![\w*])/g;

  function element(tag, ...children) {
    const node = document.createElement(tag);
    node.append(...children);
    return node;
  }

  function inline(text) {
    const nodes = [];
    let at = 0;
    for (const found of text.matchAll(INLINE)) {
      const [all, code, strong, weak] = found;
      nodes.push(text.slice(at, found.index));
      nodes.push(code !== undefined ? element("code", code) : strong !== undefined ? element("strong", strong) : element("em", weak));
      at = found.index + all.length;
    }
    nodes.push(text.slice(at));
    return nodes.filter((node) => node !== "");
  }

  // A fence is closed by one of its own kind that is at least as long, or by the end of the text.
  function fenced(lines, start, fence) {
    let end = start;
    while (end < lines.length && !(FENCE.exec(lines[end])?.[1].startsWith(fence) && FENCE.exec(lines[end])[2].trim() === "")) end += 1;
    return [element("pre", element("code", lines.slice(start, end).join("\n"))), end + 1];
  }

  // One list of neighbouring items; deeper ones are moved to the right by a class, not nested.
  function list(lines, start) {
    const ordered = ITEM.exec(lines[start])[2] !== undefined;
    const node = element(ordered ? "ol" : "ul");
    if (ordered) node.start = Number(ITEM.exec(lines[start])[2]);
    let at = start;
    for (let found; at < lines.length && (found = ITEM.exec(lines[at])); at += 1) {
      const depth = Math.min(3, Math.floor(found[1].length / 2));
      if (depth === 0 && (found[2] !== undefined) !== ordered) break;
      const item = element("li", ...inline(found[3]));
      if (depth) item.className = "deeper-" + depth;
      if (ordered && found[2] === undefined) item.classList.add("bullet");
      node.append(item);
    }
    return [node, at];
  }

  function quote(lines, start) {
    const inner = [];
    let at = start;
    for (let found; at < lines.length && (found = QUOTE.exec(lines[at])); at += 1) inner.push(found[1]);
    return [element("blockquote", ...inline(inner.join("\n"))), at];
  }

  function paragraph(lines, start) {
    let at = start + 1;
    while (at < lines.length && lines[at].trim() && ![FENCE, HEADING, QUOTE, ITEM].some((kind) => kind.test(lines[at]))) at += 1;
    return [element("p", ...inline(lines.slice(start, at).join("\n"))), at];
  }

  function block(lines, at) {
    const fence = FENCE.exec(lines[at]);
    if (fence) return fenced(lines, at + 1, fence[1]);
    const heading = HEADING.exec(lines[at]);
    if (heading) return [element("p", element("strong", ...inline(heading[2]))), at + 1];
    if (QUOTE.test(lines[at])) return quote(lines, at);
    return ITEM.test(lines[at]) ? list(lines, at) : paragraph(lines, at);
  }

  function blocks(text) {
    const lines = text.split(/\r?\n/);
    const nodes = [];
    for (let at = 0; at < lines.length; ) {
      if (!lines[at].trim()) { at += 1; continue; }
      const [node, next] = block(lines, at);
      nodes.push(node);
      at = next;
    }
    return nodes;
  }

  return { blocks };
})();
