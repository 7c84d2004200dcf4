// Building the page's nodes. Text only ever enters as text: nothing here, or above it, parses HTML.

const SVG = 'http://www.w3.org/2000/svg';

/** `h('button', { class: 'x', onclick: f, 'aria-label': 'y' }, 'text', node, null)` */
export function h(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'class') node.className = value;
    else if (name === 'value') node.value = value;
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  append(node, children);
  return node;
}

export function append(node, children) {
  for (const child of [children].flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child);
  }
  return node;
}

export const fragment = (...children) => append(document.createDocumentFragment(), children);

/** Strokes on a 24 by 24 grid. */
const ICONS = {
  alert: 'M12 4 2.8 19.5h18.4L12 4zM12 10v4.5M12 17.2v.1',
  at: 'M12 8.2a3.8 3.8 0 1 0 0 7.6 3.8 3.8 0 0 0 0-7.6zM15.8 8.2v5.3a2.5 2.5 0 0 0 5 0V12A8.8 8.8 0 1 0 17 19.2',
  bolt: 'M13 3 5 13.5h6L10.5 21 19 10.2h-6.2L13 3z',
  bulb: 'M9.2 17.5h5.6M10 20.5h4M8.8 14.5a6 6 0 1 1 6.4 0c-.4.4-.7.9-.7 1.5v1.5h-5V16c0-.6-.3-1.1-.7-1.5z',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  chevron: 'M9 6l6 6-6 6',
  close: 'M6 6l12 12M18 6 6 18',
  down: 'M12 5v14M6 13l6 6 6-6',
  external: 'M14 5h5v5M19 5l-8.5 8.5M17 14v4.5a.5.5 0 0 1-.5.5h-11a.5.5 0 0 1-.5-.5v-11a.5.5 0 0 1 .5-.5H10',
  eye: 'M2.5 12S6 5.8 12 5.8 21.5 12 21.5 12 18 18.2 12 18.2 2.5 12 2.5 12zM12 9.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6z',
  hash: 'M9.5 4 7.5 20M16.5 4l-2 16M4.5 9h16M3.5 15h16',
  image: 'M4 5h16v14H4zM8.5 8.5a1.4 1.4 0 1 0 0 2.8 1.4 1.4 0 0 0 0-2.8zM4.5 17.5 10 13l3 2.5 3.5-3.5 3.5 3.5',
  menu: 'M4 7h16M4 12h16M4 17h16',
  reset: 'M4.5 5v5h5M5 10a7.5 7.5 0 1 1-.3 4.5',
  send: 'M4 4.5 20.5 12 4 19.5l2.3-7.5zM6.3 12h6.5',
  slash: 'M15.5 4.5l-7 15',
  thread: 'M5 5h14a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1h-7l-4.5 4v-4H5a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1zM8 9h8M8 12h5',
};

export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('focusable', 'false');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', ICONS[name] ?? '');
  svg.append(path);
  return svg;
}

/** `<button data-icon="close">` in the page's own HTML gets its drawing here. */
export function drawIcons(root) {
  for (const node of root.querySelectorAll('[data-icon]')) node.prepend(icon(node.dataset.icon));
}

/**
 * Makes `container` hold exactly `items`, in order, touching only what differs.
 * An item is `{ key, signature, build() }`: same key and signature, same node. Returns the keys that are new.
 */
export function reconcile(container, items) {
  const before = new Map([...container.children].map((node) => [node.dataset.key, node]));
  const added = [];
  let cursor = container.firstElementChild;
  for (const item of items) {
    const old = before.get(item.key);
    before.delete(item.key);
    if (old && old.signature === item.signature) {
      if (old === cursor) cursor = cursor.nextElementSibling;
      else container.insertBefore(old, cursor);
      continue;
    }
    const node = item.build();
    node.dataset.key = item.key;
    node.signature = item.signature;
    if (old) {
      const focus = old.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
      if (old === cursor) cursor = cursor.nextElementSibling;
      old.remove();
      container.insertBefore(node, cursor);
      if (focus) (node.dataset.focus === focus ? node : node.querySelector(`[data-focus="${CSS.escape(focus)}"]`))?.focus({ preventScroll: true });
    } else {
      container.insertBefore(node, cursor);
      added.push(item.key);
    }
  }
  for (const node of before.values()) node.remove();
  return added;
}
