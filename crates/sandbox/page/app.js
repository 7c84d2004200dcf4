// The sandbox's page: a small Slack. The server's state is the only truth; this draws it, and tells the server what
// people do. Where one is (person, conversation, thread) stands in the address, so that a reload or a second window
// comes back to it.

import { SandboxError, api } from './api.js';
import { drawIcons, h, icon, reconcile } from './dom.js';
import { Composer } from './composer.js';
import { exampleButtons } from './examples.js';
import { FaultsDrawer } from './faults.js';
import { MessageList, avatar } from './messages.js';
import { plain, safeAddress } from './mrkdwn.js';
import { World, compareTs, encodeTyped } from './world.js';

const RETRY_MS = 1500;
const $ = (id) => document.getElementById(id);

const TOPICS = {
  incidents: 'What is broken right now, and who is on it',
  general: 'Everyone, everything',
  'shared-partner': 'Shared with a partner’s workspace',
};

const place = { person: null, channel: null, thread: null };
const began = String(Math.floor(Date.now() / 1000));
const seen = new Map(); // `${person} ${channel}` -> the newest ts that was on screen
const notices = [];
let world = null;
let known = null; // the messages that this person's view already had: id -> text
let noticeCount = 0;

// Where one is.

function readAddress() {
  const named = decodeURIComponent(location.hash.slice(1)).split('/').filter(Boolean);
  // An address that leads back from elsewhere names a conversation, and not who one is: that is as it was.
  if (/^[CD]/.test(named[0] ?? '')) named.unshift(localStorage.getItem('person') ?? '');
  const [person, channel, thread] = named.map((one) => one || null);
  Object.assign(place, { person: person ?? null, channel: channel ?? null, thread: thread ?? null });
}

function writeAddress() {
  if (place.person) localStorage.setItem('person', place.person);
  const hash = `#/${[place.person, place.channel, place.thread].filter(Boolean).join('/')}`;
  if (location.hash !== hash) history.replaceState(null, '', hash);
}

// State.

let refreshing = null;
let again = false;

/** Fetches the state and draws it; calls that come meanwhile share one more round. */
function refresh() {
  if (refreshing) { again = true; return refreshing; }
  refreshing = (async () => {
    try {
      do {
        again = false;
        const person = place.person;
        const state = await api.state(person);
        if (person !== place.person) { again = true; continue; }
        take(state);
      } while (again);
    } finally { refreshing = null; }
  })();
  return refreshing;
}

function take(state) {
  world = new World(state, place.person);
  const players = world.players;
  if (!players.some((person) => person.id === place.person)) {
    if (!players.length) throw new Error('The sandbox has no people.');
    place.person = players[0].id;
    known = null;
    again = true;
    return;
  }
  if (!world.conversations.has(place.channel)) {
    const all = [...world.conversations.values()];
    const home = all.find((one) => (place.channel === 'direct' ? one.kind === 'im' : world.conversationName(one.id) === 'incidents'));
    place.channel = (home ?? all[0])?.id ?? null;
    place.thread = null;
  }
  if (place.thread && !world.root(place.channel, place.thread)) place.thread = null;
  const arrived = known ? world.messages.filter((message) => !known.has(message.id) && !message.deleted) : [];
  const rewritten = known ? world.messages.filter((message) => known.has(message.id) && known.get(message.id) !== message.text && !message.deleted) : [];
  known = new Map(world.messages.map((message) => [message.id, message.text]));
  draw();
  announce([...arrived, ...rewritten]);
}

function announce(messages) {
  const here = messages.filter((message) => message.channel === place.channel && message.author !== place.person);
  if (!here.length) return;
  $('announcer').textContent = here.map((message) => `${world.fullName(message.author)}${message.private_to ? ', only to you' : ''}: ${plain(message.text, world).slice(0, 300) || 'a message'}`).join('. ');
}

async function follow() {
  let away = false;
  for (;;) {
    try {
      if (!world || away) {
        await refresh();
        away = false;
        offline('');
      }
      const { version } = await api.changes(world.state.version);
      if (version !== world.state.version) await refresh();
    } catch (error) {
      away = true;
      if (error instanceof SandboxError) offline('The sandbox does not answer. Start it with “npm start”; this page comes back by itself.');
      else console.error(error);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

function offline(text) {
  $('offline').hidden = !text;
  if ($('offline').textContent !== text) $('offline').textContent = text;
}

// Drawing.

const narrow = () => matchMedia('(max-width: 860px)').matches;

function draw() {
  writeAddress();
  drawSidebar();
  drawConversation();
  drawThread();
  const faults = drawer.update(world.state);
  $('faults-count').hidden = faults === 0;
  $('faults-count').textContent = String(faults);
  $('faults-count').setAttribute('aria-label', `${faults} on`);
}

function drawSidebar() {
  $('workspace-name').textContent = world.team.name;
  $('workspace-mark').textContent = world.team.name.slice(0, 1);
  const me = world.fullName(place.person);
  const unseen = (words) => h('span', { class: 'visually-hidden' }, words);
  $('bar-me').replaceChildren(avatar(place.person, world, 'small'), h('span', {}, unseen('You are '), world.firstName(place.person), unseen(': be somebody else')));
  $('you-are').replaceChildren('You are ', h('strong', {}, world.firstName(place.person)));
  document.title = `${place.channel ? `${heading()} · ` : ''}${world.firstName(place.person)} · Vedette sandbox`;
  $('person-switch').dataset.person = place.person;
  $('you-are').title = me;
  const switching = $('person-switch').contains(document.activeElement);
  reconcile($('person-switch'), world.players.map((person) => {
    const chosen = person.id === place.person;
    return {
      key: person.id,
      signature: `${chosen} ${world.fullName(person.id)}`,
      build: () => h('button', {
        type: 'button', role: 'radio', 'aria-checked': String(chosen), tabindex: chosen ? '0' : '-1', class: 'person', title: person.email ?? null,
        'data-testid': `person-${world.firstName(person.id).toLowerCase()}`, 'data-person': person.id, 'data-focus': 'person',
        onclick: () => become(person.id), onkeydown: (event) => personKey(event, person.id),
      }, avatar(person.id, world, 'small'), h('span', {}, world.firstName(person.id))),
    };
  }));
  if (switching) $('person-switch').querySelector('[aria-checked="true"]')?.focus();

  const all = [...world.conversations.values()];
  const group = (title, list) => list.length && {
    key: title,
    signature: JSON.stringify([list.map((one) => [one.id, world.conversationName(one.id), one.id === place.channel, unread(one.id)])]),
    build: () => h('section', { 'aria-label': title }, h('h2', { class: 'group-title' }, title), h('ul', {}, list.map(conversationRow))),
  };
  reconcile($('conversations'), [
    group('Channels', all.filter((one) => one.kind !== 'im')),
    group('Direct messages', all.filter((one) => one.kind === 'im')),
  ].filter(Boolean));
}

function conversationRow(one) {
  const here = one.id === place.channel;
  const fresh = unread(one.id);
  return h('li', {}, h('button', {
    type: 'button', class: `conversation ${fresh ? 'unread' : ''}`, 'aria-current': here ? 'page' : null,
    'data-testid': 'conversation', 'data-conversation': one.id, 'data-focus': one.id, onclick: () => go(one.id),
  },
  one.kind === 'im' ? avatar(world.bot.id, world, 'tiny') : icon('hash'),
  h('span', { class: 'conversation-label' }, world.conversationName(one.id)),
  one.kind === 'im' && h('span', { class: 'badge' }, 'App'),
  fresh && h('span', { class: 'dot', 'data-testid': 'unread' }, h('span', { class: 'visually-hidden' }, 'unread'))));
}

/** Something newer than what was on screen, said by somebody else. What stood there when the page came counts as read. */
function unread(channel) {
  const key = `${place.person} ${channel}`;
  const newest = world.messages.filter((message) => message.channel === channel && !message.deleted && message.author !== place.person).at(-1)?.ts ?? '0';
  if (channel === place.channel) seen.set(key, newest);
  return compareTs(newest, seen.get(key) ?? began) > 0;
}

const isDirect = () => world.conversations.get(place.channel)?.kind === 'im';
const heading = () => (isDirect() ? world.conversationName(place.channel) : `#${world.conversationName(place.channel)}`);

function drawConversation() {
  if (!place.channel) return;
  const name = world.conversationName(place.channel);
  const conversation = world.conversations.get(place.channel);
  $('conversation-name').replaceChildren(isDirect() ? avatar(world.bot.id, world, 'tiny') : icon('hash'), name);
  $('conversation-topic').textContent = conversation?.topic || (isDirect() ? 'Just you and the app' : TOPICS[name] ?? '');
  const heard = world.messages.some((message) => message.channel === place.channel && world.isBot(message.author));
  const faces = isDirect() ? [place.person, world.bot.id]
    : conversation?.members ?? [...world.players.map((person) => person.id), ...(heard ? [world.bot.id] : [])];
  reconcile($('bar-people'), [{ key: 'faces', signature: faces.join(), build: () => h('span', { class: 'faces', role: 'img', 'aria-label': `Members: ${faces.map((id) => world.fullName(id)).join(', ')}` }, faces.map((id) => avatar(id, world, 'small'))) }]);
  drawIntro(name);
  composer.show(place.person + place.channel, `Message ${heading()}`, world, place.channel);
  conversationList.show(`${place.person} ${place.channel}`, world.roots(place.channel), noticesFor(null), world);
  $('jump').hidden = conversationList.atBottom();
}

function drawIntro(name) {
  const grace = world.players.find((person) => person.id !== place.person);
  reconcile($('intro'), [{
    key: 'intro',
    signature: `${place.person} ${place.channel} ${name}`,
    build: () => h('div', { class: 'intro-inner' },
      h('div', { class: 'intro-head' },
        h('img', { src: '/page/favicon.svg', alt: '', class: 'intro-mark' }),
        h('div', {},
          h('h2', {}, isDirect() ? 'Ask vedette, just between you two' : 'Ask Sentry from here, with your own access'),
          h('p', {}, 'A small Slack, a pretend Sentry, and the real Vedette Worker between them, all on this computer. People, projects and errors are made up; nothing leaves it.'))),
      h('div', { class: 'try-card', 'data-testid': 'try-card' },
        h('h3', {}, icon('bulb'), 'Try this'),
        exampleButtons(world, place.channel, (text) => composer.tryOut(text)),
        grace && h('p', { class: 'try-foot' }, 'Then ', h('button', { type: 'button', class: 'link-button', onclick: () => become(grace.id) }, `be ${world.firstName(grace.id)}`), ' and ask again: what each sees in Sentry is their own.'))),
  }]);
}

function drawThread() {
  const root = place.thread && world.root(place.channel, place.thread);
  $('thread').hidden = !root;
  $('app').classList.toggle('has-thread', Boolean(root));
  if (!root) { threadList.clear(); return; }
  $('thread-where').textContent = heading();
  threadComposer.show(`${place.person}${place.channel}${place.thread}`, 'Reply…', world, place.channel);
  threadList.show(`${place.person} ${place.channel} ${place.thread}`, [root, ...world.replies(place.channel, place.thread)], noticesFor(place.thread), world, { thread: true });
}

// Going somewhere.

function go(channel) {
  place.channel = channel;
  place.thread = null;
  sidebar(false);
  draw();
  if (!narrow()) composer.input.focus();
}

function become(person) {
  if (person === place.person) return;
  Object.assign(place, { person, thread: null });
  if (isDirect()) place.channel = 'direct'; // the other one's own
  known = null;
  refresh().catch(failed);
}

function personKey(event, id) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const ids = world.players.map((person) => person.id);
  become(ids[(ids.indexOf(id) + step + ids.length) % ids.length]);
}

function openThread(ts, focus) {
  place.thread = ts;
  draw();
  if (focus) threadComposer.input.focus();
}

function closeThread() {
  const ts = place.thread;
  place.thread = null;
  draw();
  const root = $('messages').querySelector(`[data-ts="${CSS.escape(ts ?? '')}"]`);
  (root?.querySelector('.thread-link') ?? composer.input).focus({ preventScroll: true });
}

function sidebar(open) {
  document.body.classList.toggle('sidebar-open', open);
  $('scrim').hidden = !open;
  $('sidebar-open').setAttribute('aria-expanded', String(open));
  if (open) $('person-switch').querySelector('[aria-checked="true"]')?.focus();
}

function faultsDrawer(open) {
  drawer.open(open);
  $('app').classList.toggle('has-faults', open);
  $('faults-open').setAttribute('aria-expanded', String(open));
  sidebar(false);
  if (open) $('faults').querySelector('button')?.focus();
  else $('faults-open').focus();
}

// What people do.

async function send(text, threadTs) {
  const { person, channel } = place;
  try {
    if (text.startsWith('/')) {
      if (threadTs) {
        notice({ thread: threadTs, title: 'Slash commands do not work in threads', text: 'That is Slack’s own rule. Type it in the conversation, or mention vedette here instead.' });
        return false;
      }
      conversationList.stuck = true;
      const answer = await api.slash(person, channel, text);
      refused(answer, { thread: null });
      return true;
    }
    (threadTs ? threadList : conversationList).stuck = true;
    const encoded = encodeTyped(text, world);
    const answer = await api.say(person, channel, encoded, threadTs);
    const asked = encoded.includes(`<@${world.bot.id}>`) || isDirect();
    if (asked && answer.ok !== false && !('delivery' in answer && answer.delivery)) {
      notice({
        thread: threadTs, tone: 'calm', title: `vedette did not get this`, text: `Slack told nobody: it may not be a member of ${heading()}.`,
        action: { label: `Invite vedette to ${heading()}`, run: () => invite(channel) },
      });
    } else if (asked || answer.ok === false) refused(answer, { thread: threadTs });
    refresh().catch(failed);
    return true;
  } catch (error) {
    failed(error, threadTs);
    return false;
  }
}

async function invite(channel) {
  try {
    await api.invite(channel);
    notices.splice(0);
    notice({ thread: null, tone: 'calm', title: 'vedette is here now', text: 'Ask again, and it answers.' });
    await refresh();
  } catch (error) { failed(error); }
}

async function act(message, element, block, { selected, opened }) {
  const thread = world.isReply(message) ? message.thread_ts : null;
  (thread ? threadList : conversationList).stuck = true;
  try {
    const answer = await api.click({ person: place.person, message: message.id, action_id: element.action_id, block_id: block.block_id ?? null, selected: selected ?? null });
    if (answer.url && !opened && safeAddress(answer.url)) window.open(answer.url, '_blank', 'noopener');
    refused(answer, { thread });
    await refresh();
  } catch (error) { failed(error, thread); }
}

/** Says kindly that the app did not take what Slack brought. */
function refused(answer, where) {
  if (answer.ok === false && answer.error) {
    notice({ ...where, title: 'Slack did not take that', text: answer.error });
    return;
  }
  const { status } = answer.delivery ?? {};
  if (status && status < 400) {
    const before = notices.length;
    for (const old of noticesFor(where.thread)) notices.splice(notices.indexOf(old), 1);
    if (notices.length !== before) draw();
    return;
  }
  notice(status
    ? { ...where, title: `vedette answered ${status}`, text: `It got the message and could not take it${status === 401 ? ': the signing secrets of the Worker and of the sandbox differ' : ''}. The Worker’s own log says more.` }
    : { ...where, title: 'vedette is not answering', text: 'The Worker took longer than Slack’s 3 seconds, or is not running. “npm start” starts it; Slack tries events again by itself.' });
}

function failed(error, thread = null) {
  console.error(error);
  notice({ thread, title: 'That did not work', text: error.message });
}

function notice({ thread, title, text, tone, action }) {
  const one = { key: `notice-${noticeCount += 1}`, person: place.person, channel: place.channel, thread, title, text, tone, action };
  one.dismiss = () => { notices.splice(notices.indexOf(one), 1); if (world) draw(); };
  for (const same of notices.filter((old) => old.title === title && old.text === text && old.thread === thread && old.channel === place.channel)) notices.splice(notices.indexOf(same), 1);
  notices.push(one);
  if (world) draw();
}

const noticesFor = (thread) => notices.filter((one) => one.person === place.person && one.channel === place.channel && (one.thread ?? null) === (thread ?? null));

/** Asks in a dialog; resolves to whether the answer was yes. */
function confirm({ title, text, confirm: yes, deny, danger }) {
  const dialog = $('confirm');
  return new Promise((resolve) => {
    dialog.replaceChildren(h('form', { method: 'dialog' },
      h('h2', { id: 'confirm-title' }, title),
      h('div', { class: 'text' }, text),
      h('div', { class: 'dialog-actions' },
        h('button', { class: 'button', value: 'no', 'data-testid': 'confirm-no' }, deny),
        h('button', { class: `button ${danger ? 'danger' : 'primary'}`, value: 'yes', 'data-testid': 'confirm-yes', autofocus: true }, yes))));
    dialog.returnValue = '';
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
    dialog.showModal();
  });
}

// Wiring.

const composer = new Composer($('composer'), { id: 'composer', testid: 'composer', tools: true, send: (text) => send(text, null) });
const threadComposer = new Composer($('thread-composer'), { id: 'thread-composer', testid: 'thread-composer', tools: false, send: (text) => send(text, place.thread) });
const conversationList = new MessageList($('scroller'), $('messages'), { openThread, act, confirm, isOpen: (ts) => ts === place.thread });
const threadList = new MessageList($('thread-scroller'), $('thread-messages'), { openThread: null, act, confirm });
const drawer = new FaultsDrawer($('faults'), {
  api,
  refresh,
  failed,
  close: () => faultsDrawer(false),
  reset: async () => {
    if (!(await confirm({ title: 'Reset the sandbox?', text: 'Every message, fault and Sentry token here is forgotten.', confirm: 'Reset', deny: 'Cancel', danger: true }))) return;
    await api.reset();
    notices.splice(0);
    seen.clear();
    known = null;
    await refresh();
  },
});

conversationList.onScroll = () => { $('jump').hidden = conversationList.stuck; };
$('jump').append(icon('down'));
$('jump').addEventListener('click', () => conversationList.toBottom());
$('thread-close').addEventListener('click', closeThread);
$('faults-open').addEventListener('click', () => faultsDrawer($('faults').hidden));
$('sidebar-open').addEventListener('click', () => sidebar(true));
$('bar-me').addEventListener('click', () => sidebar(true));
$('sidebar-close').addEventListener('click', () => { sidebar(false); $('sidebar-open').focus(); });
$('scrim').addEventListener('click', () => sidebar(false));
addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || event.defaultPrevented || $('confirm').open) return;
  if (document.body.classList.contains('sidebar-open')) { sidebar(false); $('sidebar-open').focus(); }
  else if (!$('faults').hidden) faultsDrawer(false);
  else if (place.thread) closeThread();
});
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault(); // the address says where one is
  composer.input.focus();
});
addEventListener('hashchange', () => {
  readAddress();
  known = null;
  refresh().catch(failed);
});

drawIcons(document);
readAddress();
follow();
