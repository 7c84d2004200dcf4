// The drawer of faults: what can go wrong at Sentry and at Slack, and what the two of them saw.

import { h, icon, reconcile } from './dom.js';
import { clockTime } from './world.js';

const EVERY_API = 'api/0';
const ORGANIZATIONS = 'api/0/organizations/';
const WEB_API = 'api/';

const FAULTS = {
  sentry: [
    { id: 'sentry-slow', label: 'Slow', why: 'Every answer takes 5 seconds.', fault: { match: '*', kind: 'delay', ms: 5000 } },
    { id: 'sentry-503', label: 'Unavailable', why: 'Every API call answers 503.', fault: { match: EVERY_API, kind: 'status', code: 503 } },
    { id: 'sentry-rate-limited', label: 'Rate limited', why: 'Every API call answers 429, as after too many requests.', fault: { match: EVERY_API, kind: 'rate_limited', retry_after: 5 } },
    { id: 'sentry-html', label: 'HTML, not JSON', why: 'A maintenance page where data should be.', fault: { match: EVERY_API, kind: 'html', code: 200 } },
    { id: 'sentry-truncate', label: 'Truncated body', why: 'Answers end in the middle of the JSON.', fault: { match: EVERY_API, kind: 'truncate' } },
    { id: 'sentry-drop', label: 'Connection drops', why: 'Connections close before anything is answered.', fault: { match: '*', kind: 'drop' } },
    { id: 'sentry-drop-after-work', label: 'Refresh reply lost', why: 'Once: the token is rotated, then the connection drops.', fault: { match: 'oauth/token', kind: 'drop', after_work: true, times: 1 } },
    { id: 'sentry-token-expired', label: 'Token expired', why: 'Once: the token is dead before its time. It is refreshed.', fault: { match: EVERY_API, kind: 'token_expired', times: 1 } },
    { id: 'sentry-token-revoked', label: 'Token revoked', why: 'Once: someone removed the authorization in Sentry.', fault: { match: EVERY_API, kind: 'token_revoked', times: 1 } },
    { id: 'sentry-missing-scope', label: 'Missing scope', why: 'Once: the token may no longer read events.', fault: { match: EVERY_API, kind: 'missing_scope', scopes: ['event:read'], times: 1 } },
    { id: 'sentry-forbidden', label: 'No permission', why: 'Organizations answer 403: not for this account.', fault: { match: ORGANIZATIONS, kind: 'forbidden' } },
    { id: 'sentry-sso', label: 'Single sign-on required', why: 'Organizations want a fresh sign-in.', fault: { match: ORGANIZATIONS, kind: 'sso_required' } },
  ],
  slack: [
    { id: 'slack-429', label: 'Rate limited', why: 'Calls answer 429, “Retry-After: 5”.', fault: { match: WEB_API, kind: 'rate_limited', retry_after: 5 } },
    { id: 'slack-500', label: 'Server errors', why: 'Calls answer 500.', fault: { match: WEB_API, kind: 'status', code: 500 } },
    { id: 'slack-slow', label: 'Slow', why: 'Calls take 4 seconds.', fault: { match: WEB_API, kind: 'delay', ms: 4000 } },
  ],
};

const LOG_LENGTH = 14;
const POLL_MS = 2500;

export class FaultsDrawer {
  /** `actions` is `{ api, refresh(), reset(), close(), failed(error) }`. */
  constructor(node, actions) {
    this.node = node;
    this.actions = actions;
    this.state = null;
    this.switches = new Map();
    this.build();
  }

  build() {
    const section = (title, ...content) => h('section', { class: 'drawer-section' }, h('h3', {}, title), ...content);
    const list = (side) => h('ul', { class: 'fault-list' }, FAULTS[side].map((one) => this.faultRow(side, one)));
    const action = (testid, label, run, name = 'button') => h('button', { type: 'button', class: name, 'data-testid': testid, onclick: async (event) => {
      event.currentTarget.setAttribute('aria-busy', 'true');
      const button = event.currentTarget;
      try { await run(); } catch (error) { this.actions.failed(error); } finally { button.removeAttribute('aria-busy'); this.pollLogs(); }
    } }, label);
    this.counters = h('dl', { class: 'counters', 'data-testid': 'counters' });
    this.others = h('ul', { class: 'fault-list' });
    this.othersSection = section('Also on', this.others);
    this.sentryLog = h('ol', { class: 'log', 'data-testid': 'sentry-log' });
    this.slackLog = h('ol', { class: 'log', 'data-testid': 'slack-log' });
    this.note = h('p', { class: 'drawer-note', role: 'status' });
    this.expireButton = action('expire-token', 'Expire the Sentry tokens in one minute', async () => {
      await this.actions.api.tokens({ action: 'expire_in', seconds: 60 });
      this.say('The tokens have one minute to live. The next question refreshes them.');
    });
    this.node.append(
      h('header', { class: 'bar' },
        h('div', { class: 'bar-title' }, h('h2', { id: 'faults-title' }, 'Faults'), h('p', {}, 'Make Sentry or Slack misbehave, and ask again')),
        h('button', { type: 'button', class: 'icon-button', 'aria-label': 'Close the faults', 'data-testid': 'faults-close', onclick: () => this.actions.close() }, icon('close'))),
      h('div', { class: 'scroller drawer-body', tabindex: '0', role: 'region', 'aria-label': 'Faults and traffic' },
        this.counters,
        section('Sentry', list('sentry'),
          h('div', { class: 'drawer-actions' },
            this.expireButton,
            action('revoke-tokens', 'Revoke all tokens', async () => {
              await this.actions.api.tokens({ action: 'revoke_all' });
              this.say('All Sentry tokens are dead. The next question asks to connect again.');
            }, 'button danger'))),
        section('Slack', list('slack')),
        this.othersSection,
        section('Sentry saw', this.sentryLog),
        section('Slack saw', this.slackLog),
        section('Start again',
          h('p', { class: 'drawer-text' }, 'Forgets every message, fault and token of the sandbox. What the Worker keeps is its own; connect again after a reset.'),
          h('div', { class: 'drawer-actions' }, action('reset', 'Reset the sandbox', () => this.actions.reset(), 'button danger')))),
      this.note);
  }

  faultRow(side, one) {
    const label = h('span', { class: 'fault-label' }, one.label);
    const toggle = h('button', {
      type: 'button', role: 'switch', class: 'fault', 'aria-checked': 'false', 'data-testid': `fault-${one.id}`, 'data-fault': one.id,
      onclick: () => this.toggle(side, one),
    }, h('span', { class: 'fault-text' }, label, h('small', {}, one.why)), h('span', { class: 'knob', 'aria-hidden': 'true' }));
    this.switches.set(one.id, { side, one, toggle });
    return h('li', {}, toggle);
  }

  active(side, one) {
    const same = (fault) => fault.id === one.id || (fault.side === side && Object.entries(one.fault).every(
      ([key, value]) => key === 'times' || JSON.stringify(fault[key] ?? (key === 'after_work' ? false : undefined)) === JSON.stringify(value),
    ) && Boolean(fault.after_work) === Boolean(one.fault.after_work));
    return (this.state?.faults ?? []).find(same);
  }

  async toggle(side, one) {
    const on = this.active(side, one);
    const { toggle } = this.switches.get(one.id);
    toggle.setAttribute('aria-checked', String(!on));
    try {
      if (on) await this.actions.api.removeFault(on.id);
      else await this.actions.api.addFault({ id: one.id, side, after_work: false, times: null, ...one.fault });
      await this.actions.refresh();
    } catch (error) {
      this.actions.failed(error);
      this.update(this.state);
    }
  }

  say(text) {
    this.note.textContent = text;
    clearTimeout(this.noteTimer);
    this.noteTimer = setTimeout(() => { this.note.textContent = ''; }, 6000);
  }

  update(state) {
    this.state = state;
    const known = new Set();
    for (const { side, one, toggle } of this.switches.values()) {
      const on = this.active(side, one);
      if (on) known.add(on.id);
      toggle.setAttribute('aria-checked', String(Boolean(on)));
    }
    const others = (state.faults ?? []).filter((fault) => !known.has(fault.id));
    this.othersSection.hidden = others.length === 0;
    reconcile(this.others, others.map((fault) => ({
      key: String(fault.id), signature: JSON.stringify(fault),
      build: () => h('li', {}, h('button', { type: 'button', role: 'switch', 'aria-checked': 'true', class: 'fault', onclick: () => this.actions.api.removeFault(fault.id).then(() => this.actions.refresh()).catch((error) => this.actions.failed(error)) },
        h('span', { class: 'fault-text' }, h('span', { class: 'fault-label' }, `${fault.side}: ${fault.kind}`), h('small', {}, `on ${fault.match}${fault.times ? `, ${fault.times} more` : ''}`)), h('span', { class: 'knob', 'aria-hidden': 'true' }))),
    })));
    const numbers = [
      ['sentry-requests', 'Sentry requests', state.sentry?.requests], ['refreshes', 'Token refreshes', state.sentry?.refreshes],
      ['live-tokens', 'Tokens live', state.sentry?.live_tokens], ['slack-calls', 'Slack calls', state.slack?.calls],
    ];
    reconcile(this.counters, numbers.map(([id, label, value]) => ({
      key: id, signature: String(value),
      build: () => h('div', {}, h('dt', {}, label), h('dd', { 'data-testid': `counter-${id}` }, String(value ?? '–'))),
    })));
    return (state.faults ?? []).length;
  }

  open(open) {
    this.node.hidden = !open;
    clearInterval(this.timer);
    if (!open) return;
    this.pollLogs();
    this.timer = setInterval(() => { if (!document.hidden) this.pollLogs(); }, POLL_MS);
  }

  async pollLogs() {
    if (this.node.hidden) return;
    try {
      const [sentry, slack] = await Promise.all([this.actions.api.sentryLog(), this.actions.api.slackLog()]);
      this.log(this.sentryLog, sentry, (one) => ({
        name: `${one.method ?? 'GET'} ${one.path ?? ''}`, more: [one.host, one.account, one.query && `?${one.query}`].filter(Boolean).join(' · '), status: one.status, good: Number(one.status) < 400,
      }));
      this.log(this.slackLog, slack, (one) => ({
        name: one.method ?? '?', more: one.error ?? one.body?.channel ?? '', status: one.error ? 'error' : one.status, good: !one.error && Number(one.status ?? 200) < 400,
      }));
    } catch { /* the page already says when the sandbox is away */ }
  }

  log(node, entries, describe) {
    const last = entries.map((entry, index) => ({ entry, index })).slice(-LOG_LENGTH).reverse();
    if (!last.length) {
      reconcile(node, [{ key: 'none', signature: '', build: () => h('li', { class: 'log-none' }, 'Nothing yet.') }]);
      return;
    }
    reconcile(node, last.map(({ entry, index }) => ({
      key: `n${index}`, signature: JSON.stringify(entry),
      build: () => {
        const { name, more, status, good } = describe(entry);
        const at = entry.at_ms ?? entry.now_ms ?? entry.at ?? entry.time;
        return h('li', {},
          h('span', { class: `status ${good ? 'good' : 'bad'}` }, String(status ?? '—')),
          h('span', { class: 'log-name', title: name }, name),
          typeof at === 'number' && h('time', {}, clockTime(new Date(at))),
          more && h('small', {}, more));
      },
    })));
  }
}
