// What the page knows of people, conversations and time.

const COLOURS = ['#3f7d6e', '#b0603a', '#5a6bb0', '#8d5a9a', '#8a7a2f'];

export class World {
  constructor(state, me) {
    this.state = state;
    this.me = me;
    this.team = state.team ?? { id: '', name: 'Workspace' };
    this.bot = state.bot ?? { id: 'U0VEDETTE', name: 'vedette' };
    this.people = new Map((state.people ?? []).map((person) => [person.id, person]));
    this.conversations = new Map((state.conversations ?? []).map((one) => [one.id, one]));
    this.messages = [...(state.messages ?? [])].sort((a, b) => compareTs(a.ts, b.ts));
  }

  /** Who can be played: the people of this workspace, not the guests of a shared channel. */
  get players() {
    return [...this.people.values()].filter(
      (person) => person.id !== this.bot.id && !person.is_bot && !person.deleted && person.id !== 'U0EXT'
        && (person.team_id ?? person.team ?? this.team.id) === this.team.id,
    );
  }

  isBot(id) { return id === this.bot.id; }

  fullName(id) {
    if (this.isBot(id)) return this.bot.name;
    const person = this.people.get(id);
    if (!person) return id ?? 'someone';
    const names = [person.real_name, person.display_name, person.name].filter(Boolean);
    return names.find((name) => name.includes(' ')) ?? names[0] ?? id;
  }

  firstName(id) { return this.isBot(id) ? this.bot.name : this.fullName(id).split(' ')[0]; }

  colour(id) {
    const given = this.people.get(id)?.avatar;
    if (given && CSS.supports('color', given)) return given;
    return COLOURS[[...String(id)].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % COLOURS.length];
  }

  conversationName(id) {
    const one = this.conversations.get(id);
    if (!one) return id;
    return one.kind === 'im' ? this.bot.name : (one.name ?? one.id).replace(/^#/, '');
  }

  isReply(message) { return Boolean(message.thread_ts) && message.thread_ts !== message.ts; }

  roots(channel) {
    const threaded = new Set(this.messages.filter((m) => this.isReply(m) && !m.deleted).map((m) => m.thread_ts));
    return this.messages.filter(
      (m) => m.channel === channel && !this.isReply(m) && (!m.deleted || threaded.has(m.ts)),
    );
  }

  replies(channel, ts) {
    return this.messages.filter((m) => m.channel === channel && this.isReply(m) && m.thread_ts === ts && !m.deleted);
  }

  root(channel, ts) {
    return this.messages.find((m) => m.channel === channel && m.ts === ts && !this.isReply(m));
  }
}

/** Slack's timestamps are two integers joined by a point, not a decimal number. */
export function compareTs(a, b) {
  const [as, au = '0'] = String(a).split('.');
  const [bs, bu = '0'] = String(b).split('.');
  return Number(as) - Number(bs) || Number(au) - Number(bu);
}

export const tsDate = (ts) => new Date(Number(String(ts).split('.')[0]) * 1000);

const clock = new Intl.DateTimeFormat('en', { hour: 'numeric', minute: '2-digit' });
const day = new Intl.DateTimeFormat('en', { weekday: 'long', month: 'long', day: 'numeric' });
const full = new Intl.DateTimeFormat('en', { dateStyle: 'full', timeStyle: 'medium' });

export const clockTime = (date) => clock.format(date);
export const fullTime = (date) => full.format(date);

export function dayName(date) {
  const today = new Date();
  if (date.toDateString() === today.toDateString()) return 'Today';
  today.setDate(today.getDate() - 1);
  return date.toDateString() === today.toDateString() ? 'Yesterday' : day.format(date);
}

/** What Slack would send for what a person typed: escaped, mentions and links as entities. */
export function encodeTyped(text, world) {
  const names = new Map();
  const name = (key, id) => key && names.set(String(key).toLowerCase(), id);
  for (const person of world.people.values()) {
    name(world.firstName(person.id), person.id);
    name(person.name, person.id);
    name(person.display_name, person.id);
  }
  name(world.bot.name, world.bot.id);
  const channels = new Map([...world.conversations.values()].filter((one) => one.kind !== 'im').map((one) => [world.conversationName(one.id), one.id]));
  const escape = (part) => part.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  let encoded = '';
  let end = 0;
  for (const match of text.matchAll(/`[^`\n]*`|https?:\/\/[^\s<>`]+|(?<![\w@])@[\w.-]+|(?<![\w#])#[\w-]+/g)) {
    encoded += escape(text.slice(end, match.index));
    end = match.index + match[0].length;
    let token = match[0];
    if (token.startsWith('http')) {
      const tail = /[.,;:!?)\]]*$/.exec(token)[0];
      token = token.slice(0, token.length - tail.length);
      encoded += `<${escape(token)}>${tail}`;
    } else if (token.startsWith('@')) {
      const tail = /[.-]*$/.exec(token)[0];
      token = token.slice(0, token.length - tail.length);
      const id = names.get(token.slice(1).toLowerCase());
      encoded += (id ? `<@${id}>` : escape(token)) + tail;
    } else if (token.startsWith('#') && channels.has(token.slice(1))) {
      encoded += `<#${channels.get(token.slice(1))}|${token.slice(1)}>`;
    } else {
      encoded += escape(token);
    }
  }
  return encoded + escape(text.slice(end));
}
