// Messages as a list: grouping, day lines, thread links, and the notices that only this page writes.

import { h, icon, fragment, reconcile } from './dom.js';
import { mrkdwn } from './mrkdwn.js';
import { renderBlocks } from './blocks.js';
import { clockTime, compareTs, dayName, fullTime, tsDate } from './world.js';

const GROUP_SECONDS = 5 * 60;
const NEAR_BOTTOM = 60;
const HEADROOM = 34;

/** A square with initials, or the app's own icon. */
export function avatar(id, world, size = '') {
  if (world.isBot(id)) return h('img', { class: `avatar ${size}`, src: '/page/favicon.svg', alt: '' });
  const words = world.fullName(id).split(/\s+/);
  const initials = (words[0]?.[0] ?? '?') + (words.length > 1 ? words.at(-1)[0] : '');
  const node = h('span', { class: `avatar ${size}`, 'aria-hidden': 'true' }, initials.toUpperCase());
  node.style.setProperty('--avatar', world.colour(id));
  return node;
}

export class MessageList {
  /** `actions` is `{ openThread(ts) | null, act(message, element, block, extra), confirm, isOpen(ts) }`. */
  constructor(scroller, list, actions) {
    this.scroller = scroller;
    this.list = list;
    this.actions = actions;
    this.stuck = true;
    scroller.addEventListener('scroll', () => { this.stuck = this.atBottom(); this.onScroll?.(); }, { passive: true });
    new ResizeObserver(() => { if (this.stuck) this.toBottom(); }).observe(list);
    new ResizeObserver(() => { if (this.stuck) this.toBottom(); }).observe(scroller);
  }

  /** The bottom; or the beginning of the last message, when that is longer than the screen. */
  end() {
    if (!this.list.children.length) return 0; // What is above is an introduction, and begins at its beginning.
    const bottom = this.scroller.scrollHeight - this.scroller.clientHeight;
    const last = [...this.list.children].findLast((node) => node.classList.contains('message'));
    if (!last || this.list.lastElementChild !== last) return bottom;
    return Math.max(0, Math.min(bottom, this.top(last)));
  }

  atBottom() { return this.end() - this.scroller.scrollTop < NEAR_BOTTOM; }
  toBottom() { this.scroller.scrollTop = this.end(); }

  /** Where one has to scroll to so that `node` is at the top. */
  top(node) { return node.getBoundingClientRect().top - this.scroller.getBoundingClientRect().top + this.scroller.scrollTop - HEADROOM; }

  /** The beginning of `node`, unless the end is before it. What comes after it then waits below. */
  toNode(node) {
    this.scroller.scrollTop = Math.max(0, Math.min(this.top(node), this.end()));
    this.stuck = this.atBottom();
  }

  /** Shows `messages` and `notices`; `view` names what is on screen, so that another view starts at its bottom. */
  show(view, messages, notices, world, { thread = false } = {}) {
    const changed = this.view !== view;
    this.view = view;
    const items = [];
    let previous = null;
    for (const message of messages) {
      const date = tsDate(message.ts);
      if (!thread && (!previous || tsDate(previous.ts).toDateString() !== date.toDateString())) {
        items.push({ key: `day-${date.toDateString()}`, signature: dayName(date), build: () => h('li', { class: 'day' }, h('span', {}, dayName(date))) });
        previous = null;
      }
      items.push(this.item(message, previous, world, thread));
      if (thread && message === messages[0]) {
        // As in the channel: what only one person sees is no reply.
        const count = messages.slice(1).filter((reply) => !reply.private_to).length;
        items.push({ key: 'replies', signature: String(count), build: () => h('li', { class: 'reply-line' }, h('span', {}, count === 0 ? 'No replies yet' : count === 1 ? '1 reply' : `${count} replies`)) });
        previous = null;
      } else {
        previous = message;
      }
    }
    for (const notice of notices) items.push(this.notice(notice));
    if (changed) this.list.replaceChildren();
    const before = new Map([...this.list.children].map((node) => [node.dataset.key, node]));
    const added = new Set(reconcile(this.list, items));
    if (!changed) for (const node of this.list.children) if (added.has(node.dataset.key)) node.classList.add('fresh');
    if (!changed && !this.stuck) return;
    this.stuck = true;
    this.toBottom();
    // An answer that took the place of a shorter message is read from its beginning.
    const grown = [...this.list.children].find((node) => before.has(node.dataset.key) && before.get(node.dataset.key) !== node && node.dataset.edited);
    if (grown && thread) this.toNode(grown);
  }

  clear() {
    this.view = null;
    this.list.replaceChildren();
  }

  item(message, previous, world, inThread) {
    const grouped = Boolean(previous) && previous.author === message.author && previous.private_to === message.private_to
      && !previous.deleted && tsDate(message.ts) - tsDate(previous.ts) < GROUP_SECONDS * 1000;
    const replies = inThread ? [] : world.replies(message.channel, message.ts);
    const open = !inThread && this.actions.isOpen?.(message.ts);
    return {
      key: message.id,
      signature: JSON.stringify([message, grouped, replies.map((m) => [m.id, m.ts, m.author]), open, world.me]),
      build: () => this.message(message, { grouped, replies, open }, world),
    };
  }

  message(message, { grouped, replies, open }, world) {
    const date = tsDate(message.ts);
    const mine = Boolean(message.private_to);
    const classes = ['message', grouped && 'grouped', mine && 'private', open && 'open'].filter(Boolean).join(' ');
    const time = h('time', { class: 'time', datetime: date.toISOString(), title: fullTime(date) }, clockTime(date));
    const node = h('li', {
      class: classes,
      'data-testid': 'message',
      'data-message-id': message.id,
      'data-ts': message.ts,
      'data-author': message.author,
      'data-private': mine ? 'true' : null,
      'data-edited': message.edited ? 'true' : null,
    });
    if (message.deleted) {
      node.append(h('div', { class: 'gutter' }), h('div', { class: 'content deleted' }, 'This message was deleted.', this.threadLink(message, replies, world)));
      return node;
    }
    const edited = message.edited && h('span', { class: 'edited', 'data-testid': 'edited' }, ' (edited)');
    node.append(
      h('div', { class: 'gutter' }, grouped ? time : avatar(message.author, world)),
      h('div', { class: 'content' },
        mine && h('p', { class: 'only-you', 'data-testid': 'only-you' }, icon('eye'), 'Only visible to you'),
        !grouped && h('div', { class: 'byline' },
          h('strong', {}, world.fullName(message.author)),
          world.isBot(message.author) && h('span', { class: 'badge' }, 'App'),
          time),
        this.body(message, world, edited),
        this.threadLink(message, replies, world)));
    if (this.actions.openThread && !mine) {
      node.append(h('div', { class: 'hover-tools' },
        h('button', { type: 'button', class: 'icon-button', 'aria-label': 'Reply in thread', title: 'Reply in thread', 'data-testid': 'reply-in-thread', 'data-focus': 'reply', onclick: () => this.actions.openThread(message.ts, true) }, icon('thread'))));
    }
    return node;
  }

  body(message, world, edited) {
    if (Array.isArray(message.blocks) && message.blocks.length) {
      const blocks = renderBlocks(message.blocks, {
        world,
        confirm: this.actions.confirm,
        act: (element, block, extra) => this.actions.act(message, element, block, extra),
      });
      return fragment(blocks, edited && h('p', { class: 'edited-line' }, edited));
    }
    return h('div', { class: 'text' }, mrkdwn(String(message.text ?? ''), world), edited);
  }

  threadLink(message, replies, world) {
    // Slack counts no reply that only one person sees, and shows none where a thread has no other.
    const shared = replies.filter((reply) => !reply.private_to);
    if (!shared.length) return null;
    const authors = [...new Set(shared.map((reply) => reply.author))].slice(0, 3);
    const last = shared.reduce((a, b) => (compareTs(a.ts, b.ts) > 0 ? a : b));
    const label = shared.length === 1 ? '1 reply' : `${shared.length} replies`;
    return h('button', { type: 'button', class: 'thread-link', 'data-testid': 'thread-link', 'data-focus': 'thread', onclick: () => this.actions.openThread(message.ts, true) },
      h('span', { class: 'faces' }, authors.map((author) => avatar(author, world, 'tiny'))),
      h('span', { class: 'thread-count' }, label),
      h('span', { class: 'thread-when' }, `Last at ${clockTime(tsDate(last.ts))}`),
      icon('chevron'));
  }

  notice(notice) {
    return {
      key: notice.key,
      signature: notice.text,
      build: () => h('li', { class: `notice ${notice.tone ?? ''}`, 'data-testid': 'notice' },
        icon('alert'),
        h('div', { class: 'notice-body', role: 'alert' }, h('strong', {}, notice.title), h('p', {}, notice.text),
          notice.action && h('button', { type: 'button', class: 'button', onclick: notice.action.run }, notice.action.label)),
        h('button', { type: 'button', class: 'icon-button', 'aria-label': 'Dismiss', onclick: notice.dismiss }, icon('close'))),
    };
  }
}
