/**
 * What `@cloudflare/workers-oauth-provider` needs of Workers KV, in a map. It costs next to nothing, as KV does in production,
 * where it is another machine's work: a lower bound of what the peer needs.
 */
export class MemoryKv {
  #entries = new Map();

  async get(key, options) {
    const text = this.#entries.get(key);
    if (text === undefined) return null;
    return (options?.type ?? options) === "json" ? JSON.parse(text) : text;
  }

  async put(key, value) {
    this.#entries.set(key, value);
  }

  async delete(key) {
    this.#entries.delete(key);
  }

  async list({ prefix = "" } = {}) {
    const keys = [...this.#entries.keys()].filter((name) => name.startsWith(prefix)).map((name) => ({ name }));
    return { keys, list_complete: true };
  }
}
