// What the Worker does in JavaScript: whole exchanges. A step from wasm into JavaScript and back costs microseconds, so wasm
// is left once for an exchange, not once for each header, promise and piece of a body. Nothing is decided here; bridge.rs says
// what each function is for, and docs/performance.md what they gain.

const NOTHING = new Uint8Array();

/** How the core hears what became of an exchange: `(exchange, status, text, bytes)`. Status 0: it failed, and text is why. */
let tell;

export function connect(callback) {
  tell = callback;
}

/** How long a body is, by the headers of its message; NaN where they do not say. */
function lengthOf(pairs) {
  let length = NaN;
  for (const [name, value] of pairs) {
    // The length as it was told is not the body's when the runtime unpacks the body.
    if (name === "content-encoding") return NaN;
    if (name === "content-length") length = Number(value);
  }
  return length;
}

/** The most bytes of a request's body that are read, kept or not. */
const MOST_READ = 8 * 1024 * 1024;

/**
 * A body of at most `most` bytes, or as many and one more where it is longer. `pairs` are the message's headers. At most
 * `mostRead` bytes are read, and nothing of a body that says itself that it is longer.
 */
async function bodyOf(message, pairs, most, mostRead = most) {
  const length = lengthOf(pairs);
  if (length > mostRead) return new Uint8Array(most + 1);
  if (length <= most) {
    const bytes = new Uint8Array(await message.arrayBuffer());
    // A connection that breaks in the middle may look like its end.
    if (bytes.length !== length && message.body !== null) throw new Error("the body is not as long as was told");
    return bytes;
  }
  const pieces = [];
  let size = 0;
  for await (const piece of message.body ?? []) {
    if (size <= most) pieces.push(piece);
    size += piece.length;
    if (size > mostRead) break;
  }
  const bytes = new Uint8Array(Math.min(size, most + 1));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece.subarray(0, bytes.length - at), at);
    at += piece.length;
  }
  return bytes;
}

const BODILESS = ["GET", "HEAD", "OPTIONS"];

export function receive(exchange, client, request, most) {
  const report = tell;
  request.signal.addEventListener("abort", () => report(client, 0, "the client left", NOTHING), { once: true });
  const { method } = request;
  const pairs = [...request.headers];
  const head = JSON.stringify([method, request.url, pairs]);
  if (BODILESS.includes(method)) {
    report(exchange, 200, head, NOTHING);
    return;
  }
  // A client whose connection closes while it still writes does not read the response: what is too long is read to its end.
  bodyOf(request, pairs, most, MOST_READ).then(
    (body) => report(exchange, 200, head, body),
    () => report(exchange, 200, head, NOTHING), // a client that goes away in the middle reads no answer
  );
}

export const respond = (status, headers, body) =>
  new Response(body.length > 0 ? body.slice() : null, { status, headers });

export const headersOf = (pairs) => new Headers(JSON.parse(pairs));

export function send(exchange, url, method, headers, body, milliseconds, most) {
  const report = tell;
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort("timeout"), milliseconds);
  const exchanged = async () => {
    const response = await fetch(url, {
      method,
      headers: JSON.parse(headers),
      body: body.length > 0 ? body.slice() : undefined,
      redirect: "manual",
      signal: controller.signal,
    });
    const pairs = [...response.headers];
    const bytes = await bodyOf(response, pairs, most);
    clearTimeout(timer);
    if (bytes.length > most) report(exchange, 0, "too long", NOTHING);
    else report(exchange, response.status, JSON.stringify(pairs), bytes);
  };
  exchanged().catch(() => {
    clearTimeout(timer);
    report(exchange, 0, controller.signal.aborted ? "timeout" : "connection", NOTHING);
  });
  return controller;
}

const ask = (namespace, name, path, body) =>
  namespace.getByName(name).fetch(`https://object${path}`, { method: "POST", body: body.slice() });

export function call(exchange, namespace, name, path, body, milliseconds) {
  const report = tell;
  const failed = (why) => report(exchange, 0, String(why), NOTHING);
  const timer = setTimeout(failed, milliseconds, "no reply in time");
  const answered = async () => {
    const response = await ask(namespace, name, path, body);
    const bytes = new Uint8Array(await response.arrayBuffer());
    clearTimeout(timer);
    if (response.status === 200) report(exchange, 200, "", bytes);
    else failed(`${path} was answered with ${response.status}`);
  };
  answered().catch((error) => {
    clearTimeout(timer);
    failed(error);
  });
}

export async function open(namespace, name, path, body) {
  const response = await ask(namespace, name, path, body);
  if (response.status !== 200) throw new Error(`${path} was answered with ${response.status}`);
  return response.body;
}

export function called(exchange, request) {
  const report = tell;
  request.arrayBuffer().then(
    (body) => report(exchange, 200, request.url, new Uint8Array(body)),
    (error) => report(exchange, 0, String(error), NOTHING),
  );
}

export function limit(exchange, limiter, key) {
  const report = tell;
  limiter.limit({ key }).then(
    ({ success }) => report(exchange, success ? 200 : 429, "", NOTHING),
    (error) => report(exchange, 0, String(error), NOTHING),
  );
}

// ---- SQLite: values and rows cross as one JSON text, and blobs in it as `{ "blob": base64url }` ----

const BASE64URL = { alphabet: "base64url", omitPadding: true };
const fromJson = (value) =>
  value !== null && typeof value === "object" ? Uint8Array.fromBase64(value.blob, BASE64URL) : value;
const toJson = (cell) => (cell instanceof ArrayBuffer ? { blob: new Uint8Array(cell).toBase64(BASE64URL) } : cell);

export function exec(sql, statement, values) {
  const rows = sql.exec(statement, ...JSON.parse(values).map(fromJson)).raw();
  return JSON.stringify(Array.from(rows, (row) => row.map(toJson)));
}
