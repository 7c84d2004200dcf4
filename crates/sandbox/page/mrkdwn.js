// Slack's mrkdwn, and the smaller Markdown of `markdown` blocks, as DOM nodes. Titles are hostile: every piece of text
// goes in through a text node, and only http, https and mailto addresses become links.

import { h, fragment } from './dom.js';
import { emoji } from './emoji.js';

export const unescape = (text) => text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

/** A link to open in a new tab, or plain text when the address is not one that a message may link to. */
export function link(address, label) {
  if (!safeAddress(address)) return h('span', {}, label ?? address);
  return h('a', { href: address, target: '_blank', rel: 'noopener noreferrer' }, label ?? address);
}

export function safeAddress(address) {
  try {
    return ['http:', 'https:', 'mailto:'].includes(new URL(address).protocol);
  } catch {
    return false;
  }
}

export function mention(id, world) {
  return h('span', { class: id === world.me ? 'mention me' : 'mention' }, `@${world.isBot(id) ? world.bot.name : world.fullName(id)}`);
}

export const channelMention = (id, world, label) => h('span', { class: 'mention' }, `#${label || world.conversationName(id)}`);
export const broadcast = (range) => h('span', { class: 'mention me' }, `@${range}`);

export function emojiNode(name) {
  const glyph = emoji(name);
  return glyph ? h('span', { class: 'emoji', role: 'img', 'aria-label': name.replaceAll('_', ' ') }, glyph) : `:${name}:`;
}

export function mrkdwn(text, world, { verbatim = false } = {}) {
  const out = fragment();
  let end = 0;
  for (const match of text.matchAll(/```\n?([\s\S]+?)\n?```/g)) {
    lines(out, text.slice(end, match.index).replace(/\n$/, ''));
    out.append(h('pre', { tabindex: '0' }, h('code', {}, codeText(match[1]))));
    end = match.index + match[0].length;
    if (text[end] === '\n') end += 1;
  }
  lines(out, text.slice(end));
  return out;

  function lines(target, part) {
    let plain = [];
    let quoted = [];
    const flushPlain = () => { if (plain.length) target.append(...inline(plain.join('\n'))); plain = []; };
    const flushQuoted = () => { if (quoted.length) target.append(h('blockquote', {}, inline(quoted.join('\n')))); quoted = []; };
    if (part === '') return;
    for (const line of part.split('\n')) {
      const quote = /^(?:&gt;|>) ?(.*)$/.exec(line);
      if (quote) { flushPlain(); quoted.push(quote[1]); } else { flushQuoted(); plain.push(line); }
    }
    flushPlain();
    flushQuoted();
  }

  function inline(part) {
    const nodes = [];
    let run = '';
    const flush = () => { if (run) nodes.push(unescape(run)); run = ''; };
    const push = (node, next) => { flush(); nodes.push(node); at = next; };
    let at = 0;
    while (at < part.length) {
      const letter = part[at];
      if (letter === '`') {
        const close = part.indexOf('`', at + 1);
        const inside = close > 0 ? part.slice(at + 1, close) : '';
        if (inside && !inside.includes('\n')) { push(h('code', {}, codeText(inside)), close + 1); continue; }
      } else if (letter === '<') {
        const close = part.indexOf('>', at);
        const node = close > 0 ? entity(part.slice(at + 1, close), world) : null;
        if (node) { push(node, close + 1); continue; }
      } else if (letter === '*' || letter === '_' || letter === '~') {
        const close = closing(part, at);
        if (close) {
          const tag = { '*': 'strong', _: 'em', '~': 's' }[letter];
          push(h(tag, {}, inline(part.slice(at + 1, close))), close + 1);
          continue;
        }
      } else if (letter === ':') {
        const name = matchAt(/:([a-z0-9_+'-]+):(?::skin-tone-\d:)?/y, part, at);
        if (name && emoji(name[1])) { push(emojiNode(name[1]), at + name[0].length); continue; }
      } else if (letter === 'h' && !verbatim && !/\w/.test(part[at - 1] ?? ' ')) {
        const bare = matchAt(/https?:\/\/[^\s<>|`]+[^\s<>|`.,;:!?)\]'"*_~]/y, part, at);
        if (bare) { push(link(unescape(bare[0])), at + bare[0].length); continue; }
      }
      run += letter;
      at += 1;
    }
    flush();
    return nodes;
  }

  function codeText(part) {
    return unescape(part.replace(/<((?:https?:|mailto:)[^|>]*)(?:\|([^>]*))?>/g, (_, address, label) => label ?? address));
  }
}

function matchAt(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** Where `*bold*` ends, by Slack's rules: markers hug their text and stand at word boundaries, on one line. */
function closing(text, open) {
  const marker = text[open];
  if (/[\p{L}\p{N}]/u.test(text[open - 1] ?? ' ') || /[\s]/.test(text[open + 1] ?? ' ') || text[open + 1] === marker) return null;
  for (let at = open + 1; at < text.length; at += 1) {
    if (text[at] === '\n') return null;
    if (text[at] === '`' && marker !== '`') {
      const close = text.indexOf('`', at + 1);
      if (close > 0) { at = close; continue; }
    }
    if (text[at] === '<') {
      const close = text.indexOf('>', at);
      if (close > 0) { at = close; continue; }
    }
    if (text[at] === marker && !/\s/.test(text[at - 1]) && !/[\p{L}\p{N}]/u.test(text[at + 1] ?? ' ')) return at;
  }
  return null;
}

/** What stands between angle brackets: a mention, a channel, a broadcast, a date, a link. */
function entity(inside, world) {
  const bar = inside.indexOf('|');
  const target = bar < 0 ? inside : inside.slice(0, bar);
  const label = bar < 0 ? undefined : unescape(inside.slice(bar + 1));
  if (/^@[UWB]\w+$/.test(target)) return mention(target.slice(1), world);
  if (/^#[CG]\w+$/.test(target)) return channelMention(target.slice(1), world, label);
  if (/^!(here|channel|everyone)$/.test(target)) return broadcast(target.slice(1));
  if (target.startsWith('!subteam^')) return h('span', { class: 'mention' }, label ?? '@group');
  if (target.startsWith('!date^')) return date(target, label);
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return link(unescape(target), label);
  return null;
}

function date(target, label) {
  const [, seconds, format, address] = target.split('^');
  const when = new Date(Number(seconds) * 1000);
  if (Number.isNaN(when.getTime())) return h('span', {}, label ?? target);
  return dateNode(when, format ? unescape(format) : '{date_short} {time}', address);
}

export function dateNode(when, format, address) {
  const write = (options) => new Intl.DateTimeFormat('en', options).format(when);
  const formats = {
    date_num: () => write({ dateStyle: 'short' }), date: () => write({ dateStyle: 'long' }), date_pretty: () => write({ dateStyle: 'long' }),
    date_short: () => write({ dateStyle: 'medium' }), date_short_pretty: () => write({ dateStyle: 'medium' }),
    date_long: () => write({ dateStyle: 'full' }), date_long_pretty: () => write({ dateStyle: 'full' }),
    day_divider_pretty: () => write({ dateStyle: 'full' }),
    time: () => write({ timeStyle: 'short' }), time_secs: () => write({ timeStyle: 'medium' }), ago: () => ago(when),
  };
  const text = format.replace(/\{(\w+)\}/g, (whole, name) => formats[name]?.() ?? whole);
  const node = h('time', { datetime: when.toISOString() }, text);
  return address ? link(unescape(address), node) : node;
}

export function ago(when, now = Date.now()) {
  const seconds = Math.round((now - when.getTime()) / 1000);
  const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
  for (const [unit, size] of [['day', 86400], ['hour', 3600], ['minute', 60]]) {
    if (Math.abs(seconds) >= size) return relative.format(-Math.round(seconds / size), unit);
  }
  return 'just now';
}

/** The text of a message in one line, for the announcer and short previews. */
export function plain(text, world) {
  return mrkdwn(text ?? '', world).textContent.replace(/\s+/g, ' ').trim();
}
