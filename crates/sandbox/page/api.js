// The sandbox's JSON API.

/** A refusal or an unreachable sandbox; `message` can be shown to a person. */
export class SandboxError extends Error {}

async function call(path, { method = 'GET', body, signal } = {}) {
  let response;
  try {
    response = await fetch(path, {
      method,
      signal,
      cache: 'no-store',
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new SandboxError('The sandbox does not answer.');
  }
  const text = await response.text();
  let json = null;
  try { json = text ? JSON.parse(text) : null; } catch { /* said below */ }
  if (!response.ok) throw new SandboxError(json?.error ?? `The sandbox answered ${response.status} to ${method} ${path}.`);
  return json ?? {};
}

const entries = (answer) => (Array.isArray(answer) ? answer : Object.values(answer).find(Array.isArray) ?? []);

export const api = {
  state: (person) => call(`/sandbox/state${person ? `?person=${encodeURIComponent(person)}` : ''}`),
  changes: (since, signal) => call(`/sandbox/changes?since=${since}`, { signal }),
  say: (person, channel, text, threadTs) => call('/sandbox/say', { method: 'POST', body: { person, channel, text, thread_ts: threadTs ?? null, twin: false } }),
  slash: (person, channel, text) => call('/sandbox/slash', { method: 'POST', body: { person, channel, text } }),
  click: (click) => call('/sandbox/click', { method: 'POST', body: click }),
  invite: (channel) => call('/sandbox/invite', { method: 'POST', body: { channel } }),
  addFault: (fault) => call('/sandbox/faults', { method: 'POST', body: fault }),
  removeFault: (id) => call(`/sandbox/faults/${encodeURIComponent(id)}`, { method: 'DELETE' }),
  tokens: (body) => call('/sandbox/sentry/tokens', { method: 'POST', body }),
  sentryLog: async () => entries(await call('/sandbox/sentry/log')),
  slackLog: async () => entries(await call('/sandbox/slack/log')),
  reset: () => call('/sandbox/reset', { method: 'POST', body: {} }),
};
