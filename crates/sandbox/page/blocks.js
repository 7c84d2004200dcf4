// Block Kit as DOM nodes. An unknown block says what it is instead of vanishing.

import { h, icon, fragment } from './dom.js';
import { broadcast, channelMention, dateNode, emojiNode, link, mention, mrkdwn, safeAddress } from './mrkdwn.js';
import { emoji } from './emoji.js';
import { markdown } from './markdown.js';

/**
 * `context` is `{ world, act(element, block, extra), confirm(confirmation) }`: `act` tells the app that an element was
 * used, `confirm` asks first and resolves to true or false.
 */
export function renderBlocks(blocks, context) {
  return h('div', { class: 'blocks' }, blocks.map((block) => renderBlock(block, context)));
}

function renderBlock(block, context) {
  const kinds = { section, header, context: contextBlock, divider, actions, rich_text: richText, image, markdown: markdownBlock, table };
  const render = Object.hasOwn(kinds, block.type) ? kinds[block.type] : unknown;
  let node;
  try {
    node = render(block, context);
  } catch (error) {
    console.error('A block could not be drawn', block, error);
    node = unknown(block);
  }
  if (block.block_id) node.dataset.blockId = block.block_id;
  return node;
}

/** A text object: `plain_text` shows its text as it is (emoji apart), `mrkdwn` is formatted. */
export function text(object, world) {
  if (!object) return null;
  const source = String(object.text ?? '');
  if (object.type === 'mrkdwn') return mrkdwn(source, world, { verbatim: object.verbatim });
  return object.emoji === false ? source : fragment(source.split(/(:[a-z0-9_+'-]+:)/).map(
    (part, index) => (index % 2 && emoji(part.slice(1, -1)) ? emojiNode(part.slice(1, -1)) : part),
  ));
}

function section(block, context) {
  return h('div', { class: 'block section' },
    h('div', { class: 'section-body' },
      block.text && h('div', { class: 'text' }, text(block.text, context.world)),
      block.fields?.length && h('div', { class: 'fields' }, block.fields.map((field) => h('div', { class: 'text field' }, text(field, context.world))))),
    block.accessory && h('div', { class: 'accessory' }, element(block.accessory, block, context)));
}

const header = (block, context) => h('div', { class: 'block header', role: 'heading', 'aria-level': block.level ? block.level + 2 : 3 }, text(block.text, context.world));
const divider = () => h('hr', { class: 'block divider' });

function contextBlock(block, context) {
  return h('div', { class: 'block context' }, (block.elements ?? []).map((one) => (one.type === 'image'
    ? h('span', { class: 'alt-image' }, icon('image'), one.alt_text)
    : h('span', { class: 'text' }, text(one, context.world)))));
}

const actions = (block, context) => h('div', { class: 'block actions' }, (block.elements ?? []).map((one) => element(one, block, context)));

function image(block, context) {
  return h('figure', { class: 'block image' },
    h('div', { class: 'alt-image', role: 'img', 'aria-label': block.alt_text }, icon('image'), block.alt_text ?? 'Image'),
    block.title && h('figcaption', {}, text(block.title, context.world)));
}

const markdownBlock = (block, context) => h('div', { class: 'block text markdown' }, markdown(String(block.text ?? ''), context.world));

function table(block, context) {
  const cell = (one) => (one?.type === 'rich_text' ? richText(one, context) : String(one?.text ?? ''));
  const align = (column) => (block.column_settings?.[column]?.align === 'right' ? 'right' : null);
  const [head = [], ...rows] = block.rows ?? [];
  return h('div', { class: 'block table-wrap', tabindex: '0' }, h('table', {},
    h('thead', {}, h('tr', {}, head.map((one, column) => h('th', { scope: 'col', class: align(column) }, cell(one))))),
    h('tbody', {}, rows.map((row) => h('tr', {}, row.map((one, column) => h('td', { class: align(column) }, cell(one))))))));
}

const unknown = (block) => h('div', { class: 'block unknown' }, `This page does not draw “${block.type}” blocks yet.`);

// Rich text.

function richText(block, context) {
  return h('div', { class: 'block text rich-text' }, (block.elements ?? []).map((one) => richElement(one, context)));
}

function richElement(one, context) {
  const inline = (elements) => (elements ?? []).map((part) => richInline(part, context));
  switch (one.type) {
    case 'rich_text_section': return h('div', { class: 'rich-section' }, inline(one.elements));
    case 'rich_text_quote': return h('blockquote', {}, inline(one.elements));
    case 'rich_text_preformatted': return h('pre', { tabindex: '0' }, h('code', {}, inline(one.elements)));
    case 'rich_text_list': {
      const list = h(one.style === 'ordered' ? 'ol' : 'ul', { class: `indent-${Math.min(4, one.indent ?? 0)}` },
        (one.elements ?? []).map((item) => h('li', {}, inline(item.elements))));
      if (one.style === 'ordered' && one.offset) list.start = one.offset + 1;
      return list;
    }
    default: return richInline(one, context);
  }
}

function richInline(part, { world }) {
  let node;
  switch (part.type) {
    case 'link': node = link(part.url, part.text); break;
    case 'user': node = mention(part.user_id, world); break;
    case 'channel': node = channelMention(part.channel_id, world); break;
    case 'broadcast': node = broadcast(part.range); break;
    case 'emoji': node = emojiNode(part.name); break;
    case 'date': node = dateNode(new Date(Number(part.timestamp) * 1000), part.format ?? '{date_short} {time}', part.url); break;
    default: node = document.createTextNode(String(part.text ?? part.value ?? ''));
  }
  for (const [style, tag] of [['code', 'code'], ['bold', 'strong'], ['italic', 'em'], ['strike', 's']]) {
    if (part.style?.[style]) node = h(tag, {}, node);
  }
  return node;
}

// Elements that can be used.

function element(one, block, context) {
  switch (one.type) {
    case 'button': return button(one, block, context);
    case 'static_select':
    case 'overflow': return select(one, block, context);
    case 'image': return h('span', { class: 'alt-image', role: 'img', 'aria-label': one.alt_text }, icon('image'), one.alt_text);
    default: return h('span', { class: 'unknown' }, `“${one.type}” is not drawn here.`);
  }
}

function marks(one, block) {
  return { 'data-testid': 'action', 'data-action-id': one.action_id, 'data-focus': `${block.block_id ?? ''} ${one.action_id ?? ''}` };
}

function button(one, block, context) {
  const style = one.style === 'primary' || one.style === 'danger' ? one.style : '';
  const face = [text(one.text, context.world)];
  const common = { class: `button ${style}`, 'aria-label': one.accessibility_label, 'data-value': one.value, ...marks(one, block) };
  const leads = one.url && safeAddress(one.url);
  const node = leads
    ? h('a', { ...common, href: one.url, target: '_blank', rel: 'noopener noreferrer', role: 'button' }, face, icon('external'))
    : h('button', { ...common, type: 'button' }, face);
  if (leads) node.addEventListener('keydown', (event) => { if (event.key === ' ') { event.preventDefault(); node.click(); } });
  node.addEventListener('click', async (event) => {
    if (node.getAttribute('aria-busy') === 'true') { event.preventDefault(); return; }
    if (one.confirm) {
      event.preventDefault();
      if (!(await context.confirm(confirmation(one.confirm, context.world)))) return;
      if (leads) window.open(one.url, '_blank', 'noopener');
    }
    await busy(node, () => context.act(one, block, { opened: leads }));
  });
  return node;
}

function select(one, block, context) {
  const option = (choice) => h('option', { value: choice.value }, choice.text?.text ?? choice.value);
  const overflow = one.type === 'overflow';
  const initial = one.initial_option?.value;
  const label = overflow ? 'More actions' : one.placeholder?.text ?? 'Choose…';
  const node = h('select', { 'aria-label': label, ...marks(one, block) },
    initial === undefined && h('option', { value: '', hidden: true }, overflow ? '⋯' : label),
    (one.options ?? []).map(option),
    (one.option_groups ?? []).map((group) => h('optgroup', { label: group.label?.text ?? '' }, (group.options ?? []).map(option))));
  node.value = initial ?? '';
  let before = node.value;
  node.addEventListener('change', async () => {
    const chosen = node.value;
    if (one.confirm && !(await context.confirm(confirmation(one.confirm, context.world)))) { node.value = before; return; }
    before = overflow ? '' : chosen;
    await busy(node, () => context.act(one, block, { selected: chosen }));
    if (overflow) node.value = '';
  });
  return h('span', { class: `select ${overflow ? 'overflow' : ''}` }, node, icon('chevron'));
}

async function busy(node, work) {
  node.setAttribute('aria-busy', 'true');
  try { await work(); } finally { node.removeAttribute('aria-busy'); }
}

function confirmation(confirm, world) {
  return {
    title: text(confirm.title, world) ?? 'Are you sure?',
    text: text(confirm.text, world) ?? '',
    confirm: confirm.confirm?.text ?? 'Yes',
    deny: confirm.deny?.text ?? 'Cancel',
    danger: confirm.style === 'danger',
  };
}
