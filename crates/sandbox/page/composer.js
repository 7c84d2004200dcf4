// The box one types in: Enter sends, Shift+Enter makes a line, `/` offers the commands there are, and a small menu has things
// to try.

import { h, icon } from './dom.js';
import { exampleButtons } from './examples.js';

/** The slash commands of the workspace, as the app's manifest describes them. */
const COMMANDS = [{ name: '/sentry', about: 'Investigate Sentry, answered to you alone', usage: 'help | connect | issue list | <issue id or Sentry link>' }];

export class Composer {
  /** `options` is `{ id, testid, send(text) -> Promise<boolean>, tools }`. */
  constructor(host, options) {
    this.options = options;
    this.drafts = new Map();
    this.input = h('textarea', {
      id: `${options.id}-input`, rows: 1, autocomplete: 'off', spellcheck: 'true', 'data-testid': `${options.testid}-input`,
      oninput: () => this.changed(),
      onkeydown: (event) => this.key(event),
    });
    this.button = h('button', { type: 'submit', class: 'send', 'aria-label': 'Send', title: 'Send (Enter)', 'data-testid': `${options.testid}-send`, disabled: true }, icon('send'));
    this.menu = h('div', { class: 'menu', id: `${options.id}-menu`, role: 'group', 'aria-label': 'Examples', hidden: true, 'data-testid': `${options.testid}-examples` });
    this.commands = h('ul', { class: 'menu commands', id: `${options.id}-commands`, role: 'listbox', 'aria-label': 'Slash commands', hidden: true, 'data-testid': `${options.testid}-commands` });
    if (options.tools) {
      this.input.setAttribute('aria-autocomplete', 'list');
      this.input.setAttribute('aria-controls', this.commands.id);
    }
    this.tryButton = h('button', { type: 'button', class: 'tool try', 'aria-expanded': 'false', 'aria-controls': this.menu.id, onclick: () => this.toggleMenu() }, icon('bulb'), 'Examples');
    this.hint = h('span', { class: 'hint' });
    this.form = h('form', { class: 'composer', 'data-testid': options.testid, onsubmit: (event) => { event.preventDefault(); this.send(); } },
      this.menu,
      this.commands,
      this.input,
      h('div', { class: 'tools' },
        options.tools && this.tryButton,
        h('button', { type: 'button', class: 'tool', 'aria-label': 'Mention vedette', title: 'Mention vedette', onclick: () => this.insert(this.mention ?? '@vedette ') }, icon('at')),
        options.tools && h('button', { type: 'button', class: 'tool', 'aria-label': 'Slash command', title: 'Slash command', onclick: () => this.fill('/sentry ') }, icon('slash')),
        this.hint,
        this.button));
    this.form.addEventListener('focusout', (event) => { if (!this.form.contains(event.relatedTarget)) { this.toggleMenu(false); this.offer([]); } });
    host.append(this.form);
  }

  /** Moves to another conversation or thread, keeping what was being typed in each. */
  show(key, placeholder, world, channel) {
    this.mention = `@${world.bot.name} `;
    this.input.placeholder = placeholder;
    this.input.setAttribute('aria-label', placeholder);
    const examplesFor = `${world.me} ${channel}`;
    if (this.options.tools && this.examplesFor !== examplesFor) {
      this.examplesFor = examplesFor;
      this.menu.replaceChildren(h('p', { class: 'menu-title' }, 'Examples'), exampleButtons(world, channel, (text) => this.tryOut(text)));
    }
    if (this.key_ === key) return;
    if (this.key_) this.drafts.set(this.key_, this.input.value);
    this.key_ = key;
    this.input.value = this.drafts.get(key) ?? '';
    this.changed();
  }

  get empty() { return this.input.value.trim() === ''; }

  fill(text) {
    this.toggleMenu(false);
    this.input.value = text;
    this.changed();
    this.input.focus();
    this.input.setSelectionRange(text.length, text.length);
  }

  /** Sends an example at once: what it does is the quickest way to say what it is. */
  tryOut(text) {
    this.fill(text);
    return this.send();
  }

  insert(text) {
    this.input.setRangeText(text, this.input.selectionStart, this.input.selectionEnd, 'end');
    this.changed();
    this.input.focus();
  }

  toggleMenu(open = this.menu.hidden) {
    this.menu.hidden = !open;
    this.tryButton.setAttribute('aria-expanded', String(open));
    if (open) this.menu.querySelector('button')?.focus();
  }

  /** The commands that what is typed begins: chosen with the arrows, Tab or Enter, or by a press. */
  offer(commands) {
    this.offered = commands;
    this.chosen = 0;
    this.commands.replaceChildren(...commands.map((one, index) => h('li', {
      id: `${this.commands.id}-${index}`, role: 'option', class: 'command', 'aria-selected': 'false', 'data-testid': 'command',
      onmousedown: (event) => { event.preventDefault(); this.fill(`${one.name} `); },
    }, h('strong', {}, one.name), h('code', {}, one.usage), h('span', {}, one.about))));
    this.commands.hidden = commands.length === 0;
    this.choose(0);
  }

  choose(index) {
    this.chosen = this.offered.length ? (index + this.offered.length) % this.offered.length : 0;
    [...this.commands.children].forEach((node, at) => node.setAttribute('aria-selected', String(at === this.chosen)));
    const node = this.commands.children[this.chosen];
    if (node) this.input.setAttribute('aria-activedescendant', node.id);
    else this.input.removeAttribute('aria-activedescendant');
  }

  /** Whether the key was for the commands that are offered. */
  commandKey(event) {
    if (this.commands.hidden) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const { name } = this.offered[this.chosen];
    if (step) this.choose(this.chosen + step);
    else if (event.key === 'Escape') { event.stopPropagation(); this.offer([]); }
    else if (event.key === 'Tab' || (event.key === 'Enter' && !event.shiftKey && this.input.value.trim() !== name)) this.fill(`${name} `);
    else return false;
    event.preventDefault();
    return true;
  }

  key(event) {
    if (!event.isComposing && this.commandKey(event)) return;
    if (event.key === 'Escape' && !this.menu.hidden) { event.stopPropagation(); this.toggleMenu(false); return; }
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.send();
  }

  changed() {
    this.button.disabled = this.empty;
    this.input.style.height = 'auto';
    this.input.style.height = `${Math.min(this.input.scrollHeight, 180)}px`;
    const value = this.input.value.trimStart();
    const begun = this.options.tools && document.activeElement === this.input && /^\/\S*$/.test(value);
    this.offer(begun ? COMMANDS.filter((one) => one.name.startsWith(value)) : []);
    this.hint.textContent = value.startsWith('/') ? 'A command: only you see the reply, unless you --share it' : '';
  }

  async send() {
    const text = this.input.value.trim();
    if (!text) return;
    const key = this.key_;
    this.input.value = '';
    this.changed();
    if (await this.options.send(text)) return;
    // Not sent: give the words back, unless others have been typed meanwhile.
    if (this.key_ === key && this.empty) this.input.value = text;
    else if (this.key_ !== key) this.drafts.set(key, text);
    this.changed();
  }
}
