// The Markdown of Slack's `markdown` block, as far as a reader of this page meets it: headings, lists, quotes, tables,
// fences, and the inline marks.

import { h, fragment } from './dom.js';
import { emojiNode, link, mention, broadcast } from './mrkdwn.js';
import { emoji } from './emoji.js';

export function markdown(source, world) {
  const lines = source.replaceAll('\r\n', '\n').split('\n');
  const out = fragment();
  let at = 0;
  while (at < lines.length) at = block(at);
  return out;

  function block(start) {
    const line = lines[start];
    let next = start + 1;
    const fence = /^\s*(```+|~~~+)/.exec(line);
    if (fence) {
      while (next < lines.length && !lines[next].trim().startsWith(fence[1])) next += 1;
      out.append(h('pre', { tabindex: '0' }, h('code', {}, lines.slice(start + 1, next).join('\n'))));
      return next + 1;
    }
    if (!line.trim()) return next;
    const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line);
    if (heading) {
      out.append(h('div', { class: `md-heading md-h${heading[1].length}`, role: 'heading', 'aria-level': Math.min(6, heading[1].length + 3) }, inline(heading[2])));
      return next;
    }
    if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) {
      out.append(h('hr'));
      return next;
    }
    if (/^\s*>/.test(line)) {
      while (next < lines.length && /^\s*>/.test(lines[next])) next += 1;
      out.append(h('blockquote', {}, markdown(lines.slice(start, next).map((one) => one.replace(/^\s*> ?/, '')).join('\n'), world)));
      return next;
    }
    if (line.includes('|') && /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/.test(lines[next] ?? '')) {
      next += 1;
      while (next < lines.length && lines[next].includes('|')) next += 1;
      out.append(table([line, ...lines.slice(start + 2, next)], lines[start + 1]));
      return next;
    }
    const item = /^(\s*)([-*+]|\d+[.)])\s+/;
    if (item.test(line)) {
      while (next < lines.length && (item.test(lines[next]) || /^\s{2,}\S/.test(lines[next]))) next += 1;
      const list = h(/^\s*\d/.test(line) ? 'ol' : 'ul', { start: /^\s*\d/.test(line) ? parseInt(line, 10) : null });
      for (const one of lines.slice(start, next)) {
        const mark = item.exec(one);
        if (mark) list.append(h('li', { class: mark[1].length > 1 ? 'nested' : null }, inline(one.slice(mark[0].length))));
        else list.lastElementChild?.append('\n', ...inline(one.trim()));
      }
      out.append(list);
      return next;
    }
    while (next < lines.length && lines[next].trim() && !/^\s*(```|~~~|>|#{1,6}\s|[-*+]\s|\d+[.)]\s)/.test(lines[next])) next += 1;
    out.append(h('p', {}, inline(lines.slice(start, next).join('\n'))));
    return next;
  }

  function table(rows, rule) {
    const cells = (row) => row.trim().replace(/^\|/, '').replace(/\|$/, '').split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'));
    const [head, ...body] = rows.map(cells);
    const align = cells(rule).map((cell) => (/^-+:$/.test(cell) ? 'right' : null));
    return h('div', { class: 'table-wrap', tabindex: '0' }, h('table', {},
      h('thead', {}, h('tr', {}, head.map((cell, column) => h('th', { scope: 'col', class: align[column] }, inline(cell))))),
      h('tbody', {}, body.map((row) => h('tr', {}, row.map((cell, column) => h('td', { class: align[column] }, inline(cell))))))));
  }

  function inline(text) {
    const nodes = [];
    const patterns = [
      [/\\([!-/:-@[-`{-~])/y, (m) => m[1]],
      [/(`+)(.+?)\1(?!`)/ys, (m) => h('code', {}, m[2].trim() || m[2])],
      [/<@([UW]\w+)>/y, (m) => mention(m[1], world)],
      [/<!(here|channel|everyone)>/y, (m) => broadcast(m[1])],
      [/<(https?:[^\s|>]+)\|([^>]+)>/y, (m) => link(m[1], m[2])],
      [/<(https?:[^\s>]+)>/y, (m) => link(m[1])],
      [/!?\[([^\]]*)\]\(([^()\s]*(?:\([^()\s]*\)[^()\s]*)*)(?:\s+"[^"]*")?\)/y, (m) => link(m[2], fragment(inline(m[1])))],
      [/(\*\*|__)(?=\S)(.+?\S|\S)\1/ys, (m) => h('strong', {}, inline(m[2]))],
      [/~~(?=\S)(.+?)~~/ys, (m) => h('s', {}, inline(m[1]))],
      [/\*(?=[^\s*])(.*?[^\s*])\*/ys, (m) => h('em', {}, inline(m[1]))],
      [/(?<!\w)_(?=[^\s_])(.*?[^\s_])_(?!\w)/ys, (m) => h('em', {}, inline(m[1]))],
      [/:([a-z0-9_+-]+):/y, (m) => (emoji(m[1]) ? emojiNode(m[1]) : null)],
      [/(?<!\w)https?:\/\/[^\s<>|`]+[^\s<>|`.,;:!?)\]'"*_~]/y, (m) => link(m[0])],
      [/&(amp|lt|gt|quot|#39);/y, (m) => ({ amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" })[m[1]]],
    ];
    let run = '';
    let position = 0;
    outer: while (position < text.length) {
      if (!/[\w\s.,]/.test(text[position]) || text[position] === 'h' || text[position] === '_') {
        for (const [pattern, make] of patterns) {
          pattern.lastIndex = position;
          const match = pattern.exec(text);
          const node = match && make(match);
          if (!node) continue;
          if (run) nodes.push(run);
          run = '';
          nodes.push(node);
          position += match[0].length;
          continue outer;
        }
      }
      run += text[position];
      position += 1;
    }
    if (run) nodes.push(run);
    return nodes;
  }
}
