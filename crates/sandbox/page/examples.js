// Things to try, each with the reason why it is worth trying.

import { h } from './dom.js';

export function examples(world, channel) {
  const direct = world.conversations.get(channel)?.kind === 'im';
  const vedette = direct ? '' : `@${world.bot.name} `;
  if (world.firstName(world.me) === 'Grace') {
    return [
      { text: `${vedette}what is broken in umbrella?`, why: 'Grace’s own organization, with Grace’s own access.' },
      { text: `${vedette}issue list globex`, why: 'Ada’s organization. Sentry says no to Grace, and vedette says so kindly.' },
      { text: '/sentry status', why: 'Whose Sentry access is in use. Only you see the reply.' },
      { text: '/sentry help', why: 'Everything that vedette can look up.' },
    ];
  }
  return [
    { text: `${vedette}what is broken in checkout-api?`, why: 'In plain words. The first time, a private link to connect Sentry in the thread; then the answer comes by itself.' },
    { text: `${vedette}issue list globex`, why: 'The same as a command, for a whole organization.' },
    { text: `${vedette}which errors in globex affect the most people?`, why: 'Another question. The small print says how it was read.' },
    { text: `${vedette}CHECKOUT-API-4F`, why: 'One issue: what broke, where in the code, for how many people.' },
    { text: '/sentry status', why: 'Whose Sentry access is in use. Only you see the reply.' },
    { text: '/sentry issue list globex --share', why: 'The same list, this time for the whole channel.' },
  ];
}

export function exampleButtons(world, channel, choose) {
  return h('ul', { class: 'examples' }, examples(world, channel).map((one) => h('li', {},
    h('button', { type: 'button', class: 'example', 'data-testid': 'example', onclick: () => choose(one.text) },
      h('code', {}, one.text),
      h('span', {}, one.why)))));
}
