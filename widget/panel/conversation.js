/** The conversation with the server: what goes up, what comes down. */

import { store, origin } from "./host.js";
import { seconds, backOff, isFinal, request, newKey } from "./server.js";

const POLLING_FROM = 3;

/**
 * An ordered outbox on the way up, numbered messages on the way down. Nothing is lost, doubled or
 * out of order: what the visitor says stays in the outbox until the server has its key; what the
 * server says is handed on strictly by number, and a gap is asked for.
 */
export class Conversation {
  constructor(listener) {
    this.listener = listener;
    this.token = store.get("token");
    this.outbox = store.get("outbox") || [];
    /** The number up to which everything has been handed on; what came too early. */
    this.last = 0;
    this.early = new Map();
    this.waits = new Set();
    this.troubles = {};
    this.streamFailures = 0;
    this.joinTabs();
  }

  /** Take up the conversation of an earlier page, if there is one. */
  async start() {
    for (let failures = 0; this.token && !this.last; failures++)
      await this.catchUp().catch(() => this.wait(backOff(failures)));
    this.listen();
    this.drain();
  }

  send(content) {
    this.outbox.push({ ...content, key: newKey(), at: new Date().toISOString() });
    this.saveOutbox();
    this.drain();
  }

  /** Try again at once: the network or the visitor is back. */
  wake() {
    this.setTrouble("network", null);
    for (const done of this.waits) done();
    this.streamFailures = 0;
    this.listen();
  }

  call(method, path, body) {
    return request(method, `conversations/${this.token}${path}`, body);
  }

  async erase() {
    const { token } = this;
    if (token) await this.call("DELETE", "").catch((error) => error.status === 404 || Promise.reject(error));
    this.outbox = [];
    this.saveOutbox();
    this.forget(true);
    this.tabs.postMessage({ erased: token });
  }

  /** A second tab shows the same conversation. When the last tab closes, no browser knows it. */
  joinTabs() {
    this.tabs = new BroadcastChannel(`spine-chat ${origin}`);
    this.tabs.onmessage = ({ data: { token, erased } }) => {
      if (erased && erased === this.token) this.forget(true);
      else if (token && !this.token) this.adopt(token);
      else if (!token && this.token) this.tabs.postMessage({ token: this.token });
    };
    if (!this.token) this.tabs.postMessage({});
  }

  adopt(token) {
    this.token = token;
    store.set("token", token);
    this.listen();
  }

  forget(isErased) {
    this.stop();
    this.token = null;
    store.set("token", null);
    this.last = 0;
    this.early.clear();
    this.listener.onEnded(isErased);
  }

  /** A wait that wake() cuts short. */
  wait(time) {
    return new Promise((resolve) => {
      const done = () => {
        this.waits.delete(done);
        resolve();
      };
      setTimeout(done, time);
      this.waits.add(done);
    });
  }

  /** @param {string | null} words null: none; "": the clinic's own */
  setTrouble(where, words) {
    this.troubles[where] = words;
    const { network, send, receive } = this.troubles;
    this.listener.onTrouble(send ?? receive ?? network ?? null);
  }

  // Up: one after the other, so that the order is the visitor's.

  async drain() {
    if (this.isDraining) return;
    this.isDraining = true;
    for (let failures = 0; this.outbox.length; ) {
      const [item] = this.outbox;
      try {
        const { number } = await this.deliver(item);
        failures = 0;
        this.drop(item);
        if (this.last <= number) this.listener.onDelivered();
        // Some proxies hold a stream back without closing it.
        setTimeout(() => this.checkStream(), seconds(3));
      } catch (error) {
        if (isFinal(error)) {
          this.drop(item);
          this.listener.onRefused(item, error.words);
        } else {
          this.setTrouble("send", (error.status === 429 && error.words) || "");
          await this.wait(Math.max(error.pause, backOff(failures++)));
        }
      }
    }
    this.isDraining = false;
  }

  async deliver({ key, text, button }) {
    const post = () => this.call("POST", "/messages", { key, text, button });
    if (this.token) {
      try {
        return await post();
      } catch (error) {
        if (error.status !== 404) throw error;
        this.forget();
      }
    }
    await this.begin();
    return post();
  }

  async begin() {
    // Without query and fragment: they may hold what the visitor searched for.
    const page = location.origin + location.pathname;
    const { token } = await request("POST", "conversations", { page, language: this.language });
    // Another tab may have been faster.
    if (this.token) return;
    this.adopt(encodeURIComponent(token));
    this.tabs.postMessage({ token: this.token });
  }

  drop(item) {
    this.setTrouble("send", null);
    this.outbox = this.outbox.filter((other) => other !== item);
    this.saveOutbox();
  }

  saveOutbox() {
    store.set("outbox", this.outbox);
    this.listener.onOutbox();
  }

  // Down: a stream if possible, else polling; numbers decide what is new.

  listen() {
    this.stop();
    if (!this.token) return;
    if (this.streamFailures < POLLING_FROM) this.stream();
    else this.poll();
  }

  stop() {
    /** Names the current way of listening; an older one sees it changed and stops. */
    this.turn = {};
    this.source?.close();
    clearInterval(this.check);
  }

  stream() {
    const { turn } = this;
    const source = new EventSource(`${origin}/api/conversations/${this.token}/events?after=${this.last}`);
    const on = (name, act) => source.addEventListener(name, ({ data }) => act(JSON.parse(data)));
    let openedAt = Infinity;
    this.source = source;
    source.onopen = () => {
      openedAt = Date.now();
      this.setTrouble("receive", null);
    };
    on("message", (message) => this.receive([message]));
    on("typing", (typing) => this.listener.onTyping(typing));
    on("reading", ({ name }) => this.listener.onReading(name));
    source.onerror = async () => {
      // The browser would repeat the old ?after=; we know better what we have.
      source.close();
      this.streamFailures = Date.now() - openedAt > seconds(10) ? 0 : this.streamFailures + 1;
      await this.wait(backOff(this.streamFailures - 1));
      if (this.turn === turn) this.listen();
    };
    this.check = setInterval(() => this.checkStream(), seconds(30));
  }

  /** Ask whether the stream, which says that it is open, has kept something back. */
  async checkStream() {
    const { last, turn, token } = this;
    if (token) await this.catchUp().catch(() => {});
    if (this.last === last || this.turn !== turn) return;
    this.streamFailures = POLLING_FROM;
    this.listen();
  }

  async poll() {
    const { turn } = this;
    for (let failures = 0, polls = 0; this.turn === turn; ) {
      await this.catchUp().then(() => (failures = 0), () => failures++);
      await this.wait(failures ? backOff(failures) : seconds(2));
      if (this.turn !== turn || failures || polls++ < 30) continue;
      this.streamFailures = POLLING_FROM - 1;
      this.listen();
    }
  }

  async catchUp() {
    const { token } = this;
    try {
      const { messages, typing } = await this.call("GET", `/messages?after=${this.last}`);
      if (this.token !== token) return;
      this.receive(messages, true);
      if (typing?.on) this.listener.onTyping(typing);
      this.setTrouble("receive", null);
    } catch (error) {
      if (this.token !== token) return;
      if (error.status === 404) return this.forget();
      this.setTrouble("receive", "");
      throw error;
    }
  }

  /** @param {boolean} [isWhole] the server has no others up to the last of these */
  receive(messages, isWhole) {
    for (const message of messages) {
      if (isWhole && message.number > this.last) this.hand(message);
      this.early.set(message.number, message);
    }
    while (this.early.has(this.last + 1)) this.hand(this.early.get(this.last + 1));
    for (const number of this.early.keys()) if (number <= this.last) this.early.delete(number);
    if (this.early.size) this.fillGap();
  }

  hand(message) {
    this.last = message.number;
    this.listener.onMessage(message);
  }

  async fillGap() {
    if (this.isFilling) return;
    this.isFilling = true;
    for (let failures = 0; this.early.size; failures++) {
      await this.catchUp().catch(() => {});
      if (this.early.size) await this.wait(backOff(failures));
    }
    this.isFilling = false;
  }
}
