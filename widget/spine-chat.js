/**
 * Spinebot chat: one custom element, no dependencies, no build step.
 *
 *   <script src="https://host/widget/spine-chat.js" defer></script>
 *
 * Attributes of the script tag:
 *   data-open             start with the panel open, unless the visitor closed it before
 *                         or the screen is so narrow that the panel would cover the page
 *   data-position="left"  lower left corner instead of lower right
 *
 * The server owns the transcript. The browser keeps an opaque token, the words not yet
 * accepted by the server and whether the panel is open, all in sessionStorage, so that
 * nothing is left behind on a shared computer.
 */
(() => {
  "use strict";

  /** @typedef {{title: string, payload: string}} Button */
  /** @typedef {{title: string, url: string}} Call */
  /** @typedef {{term: string, meaning: string, common: string | null}} Term a word of a report */
  /** @typedef {{level: string, meaning: string}} Level */
  /**
   * What a message carries besides its text; which fields are there depends on the type.
   * @typedef {{type: string, advice?: string | null, notice?: string, body?: string,
   *   article_title?: string, section_title?: string, url?: string, review?: string,
   *   footnotes?: string[], call_today?: string | null, opening?: string, terms?: Term[],
   *   levels?: Level[], closing?: string, action?: string, calls?: Call[], reference?: string,
   *   step?: number, steps?: number}} Custom
   */
  /**
   * @typedef {{number: number, sender: "visitor" | "bot" | "staff", text: string, at: string,
   *   key?: string | null, buttons?: Button[], custom?: Custom | null}} Message
   */
  /** What the visitor sent; `text` is typed, `button` is a payload shown as `title`.
   * @typedef {{key: string, text?: string, button?: string, title?: string, at: string}} Outgoing
   */
  /**
   * @typedef {{clinic: {name: string, phone: string, phone_link: string}, title: string,
   *   greeting: string, notice: string, placeholder: string, starters: string[],
   *   colors: Record<string, string>, unreachable: string, limit: number}} Config
   */
  /**
   * @typedef {object} Listener what a Conversation tells its owner
   * @property {(messages: Message[]) => void} onMessages never the same number twice
   * @property {() => void} onOutbox something was queued, or left the queue
   * @property {(item: Outgoing, reason: string) => void} onRefused
   * @property {(reason: string | null) => void} onTrouble null: all is well again
   * @property {(on: boolean) => void} onTyping
   * @property {() => void} onEnded the server no longer knows the conversation
   */

  // ---------------------------------------------------------------- storage

  const SCRIPT = /** @type {HTMLScriptElement | null} */ (document.currentScript);
  const ORIGIN = new URL(SCRIPT?.src || location.href).origin;

  /** Small values that outlive a page but not the tab. */
  class Store {
    /** @param {string} name */
    constructor(name) {
      this._name = name;
      /** @type {Record<string, any>} */
      this._values = {};
      try {
        this._values = JSON.parse(sessionStorage.getItem(name) || "{}");
      } catch {
        // Storage may be switched off: the chat then lasts as long as the page.
      }
    }

    /** @param {string} name */
    get(name) {
      return this._values[name];
    }

    /** @param {string} name @param {any} value */
    set(name, value) {
      this._values[name] = value;
      try {
        sessionStorage.setItem(this._name, JSON.stringify(this._values));
      } catch {
        // See above; also thrown when the storage is full.
      }
    }
  }

  /** @returns {string} */
  function newKey() {
    // randomUUID exists on https pages only.
    if (crypto.randomUUID) return crypto.randomUUID();
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  // -------------------------------------------------------------- transport

  const ANSWER_TIMEOUT = 15_000;
  const POLL_INTERVAL = 2_000;
  const POLL_BEFORE_RETRYING_STREAM = 60_000;
  const STREAM_FAILURES_BEFORE_POLLING = 3;
  const STREAM_COUNTS_AS_STABLE = 10_000;
  const ECHO_EXPECTED_WITHIN = 3_000;

  /** @param {number} failures */
  const backOff = (failures) => Math.min(30, 2 ** failures) * 1000;

  class ServerError extends Error {
    /** @param {number} status @param {string} message for the visitor; may be empty */
    constructor(status, message) {
      super(message);
      this.status = status;
    }
  }

  /** @param {unknown} error */
  const statusOf = (error) => (error instanceof ServerError ? error.status : 0);

  /** Whether sending the same again would only be refused again. @param {unknown} error */
  function isRefusal(error) {
    const status = statusOf(error);
    return status >= 400 && status < 500 && ![404, 408, 425, 429].includes(status);
  }

  /** GET, or POST when there is a body. @param {string} path @param {object} [body] */
  async function request(path, body) {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), ANSWER_TIMEOUT);
    /** @type {RequestInit} */
    const options = { signal: abort.signal };
    if (body) {
      options.method = "POST";
      options.headers = { "Content-Type": "application/json" };
      options.body = JSON.stringify(body);
    }
    try {
      const response = await fetch(ORIGIN + path, options);
      const data = await response.json().catch(() => null);
      if (!response.ok) throw new ServerError(response.status, data?.error?.message || "");
      // A hotel's sign-in page also answers 200, but not with JSON.
      if (!data) throw new ServerError(0, "");
      return data;
    } finally {
      clearTimeout(timer);
    }
  }

  /** One conversation: an ordered outbox on the way up, numbered messages on the way down. */
  class Conversation {
    /** @param {Store} store @param {Listener} listener */
    constructor(store, listener) {
      this._store = store;
      this._listener = listener;
      /** @type {string | null} */
      this._token = store.get("token") || null;
      /** @type {Outgoing[]} not yet accepted, oldest first */
      this.outbox = store.get("outbox") || [];
      /** @type {Map<number, Message>} */
      this.messages = new Map();
      /** Everything up to this number has arrived. */
      this._complete = 0;
      /** @type {Set<() => void>} waits that wake() cuts short */
      this._waits = new Set();
      /** @type {Record<"network" | "send" | "receive", string | null>} */
      this._troubles = { network: null, send: null, receive: null };
      this._draining = false;
      this._filling = false;
      this._streamFailures = 0;
      /** @type {EventSource | null} */
      this._source = null;
      /** Identifies the current way of listening; an older one sees it changed and stops. */
      this._turn = {};
    }

    /** Take up the conversation of an earlier page, if there is one. */
    async start() {
      for (let failures = 0; this._token && !this._complete; failures++) {
        try {
          await this._catchUp();
          break;
        } catch {
          await this._wait(backOff(failures));
        }
      }
      this._listen();
      this._drain();
    }

    stop() {
      this._turn = {};
      this._source?.close();
      this._source = null;
    }

    /** @param {{text: string} | {button: string, title: string}} content */
    send(content) {
      this.outbox.push({ ...content, key: newKey(), at: new Date().toISOString() });
      this._saveOutbox();
      this._drain();
    }

    /** Try again at once: the network is back, or the visitor asked for it. */
    wake() {
      this._setTrouble("network", null);
      for (const done of [...this._waits]) done();
      this._streamFailures = 0;
      this._listen();
    }

    _saveOutbox() {
      this._store.set("outbox", this.outbox);
      this._listener.onOutbox();
    }

    /** The browser says so before any request has failed. */
    sleep() {
      this._setTrouble("network", "");
    }

    /** @param {number} milliseconds @returns {Promise<void>} */
    _wait(milliseconds) {
      return new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          this._waits.delete(done);
          resolve();
        };
        const timer = setTimeout(done, milliseconds);
        this._waits.add(done);
      });
    }

    /** @param {"network" | "send" | "receive"} where @param {string | null} reason "" has no words of its own */
    _setTrouble(where, reason) {
      if (this._troubles[where] === reason) return;
      this._troubles[where] = reason;
      const { network, send, receive } = this._troubles;
      this._listener.onTrouble(send ?? receive ?? network);
    }

    // Up: strictly one after the other, so that the order is the visitor's.

    async _drain() {
      if (this._draining) return;
      this._draining = true;
      for (let failures = 0; this.outbox.length; ) {
        const item = this.outbox[0];
        try {
          const { number } = await this._deliver(item);
          failures = 0;
          this._setTrouble("send", null);
          this._accepted(number);
        } catch (error) {
          if (isRefusal(error)) {
            this._refused(item, /** @type {ServerError} */ (error));
          } else {
            this._setTrouble("send", statusOf(error) === 429 ? String(Object(error).message) : "");
            await this._wait(backOff(failures++));
          }
        }
      }
      this._draining = false;
    }

    /** @param {Outgoing} item @returns {Promise<{number: number}>} */
    async _deliver(item) {
      if (this._token) {
        try {
          return await this._post(item);
        } catch (error) {
          if (statusOf(error) !== 404) throw error;
          this._forget();
        }
      }
      await this._begin();
      return this._post(item);
    }

    /** @param {Outgoing} item */
    _post({ key, text, button }) {
      return request(`/api/conversations/${this._token}/messages`, { key, text, button });
    }

    async _begin() {
      // Without query and fragment: they may hold what the visitor searched for.
      const page = location.origin + location.pathname;
      const { token } = await request("/api/conversations", { page });
      this._token = encodeURIComponent(token);
      this._store.set("token", this._token);
      this._listen();
    }

    /** The bubble waits for the server's copy. @param {number} number */
    _accepted(number) {
      this.outbox.shift();
      this._saveOutbox();
      const last = [...this.messages.values()].filter(({ sender }) => sender !== "visitor").pop();
      const isAnswered = last && last.number > number;
      // People do not start to type the moment a message arrives.
      if (!isAnswered && last?.sender !== "staff") this._listener.onTyping(true);
      setTimeout(() => this._checkEcho(number), ECHO_EXPECTED_WITHIN);
    }

    /** @param {Outgoing} item @param {ServerError} error */
    _refused(item, error) {
      this.outbox.shift();
      this._saveOutbox();
      this._setTrouble("send", null);
      this._listener.onRefused(item, error.message);
    }

    /** Some proxies hold an event stream back without closing it: then only asking helps.
     * @param {number} number */
    async _checkEcho(number) {
      if (this.messages.has(number) || !this._token) return;
      this._streamFailures = STREAM_FAILURES_BEFORE_POLLING;
      this._listen();
    }

    _forget() {
      this.stop();
      this._token = null;
      this._store.set("token", null);
      this.messages.clear();
      this._complete = 0;
      this._listener.onEnded();
    }

    // Down: a stream if possible, else polling; numbers decide what is new.

    _listen() {
      this.stop();
      if (!this._token) return;
      const isStreamable = this._streamFailures < STREAM_FAILURES_BEFORE_POLLING;
      if (isStreamable && window.EventSource) this._stream();
      else this._poll();
    }

    _stream() {
      const turn = this._turn;
      const path = `/api/conversations/${this._token}/events?after=${this._complete}`;
      const source = new EventSource(ORIGIN + path);
      this._source = source;
      let openedAt = Infinity;
      source.onopen = () => {
        openedAt = Date.now();
        this._setTrouble("receive", null);
      };
      source.onmessage = (event) => this._receive([JSON.parse(event.data)]);
      source.addEventListener("typing", (event) =>
        this._listener.onTyping(Boolean(JSON.parse(event.data).on)));
      source.onerror = async () => {
        // The browser would repeat the old ?after=; we know better what we have.
        source.close();
        const wasStable = Date.now() - openedAt > STREAM_COUNTS_AS_STABLE;
        this._streamFailures = wasStable ? 0 : this._streamFailures + 1;
        await this._wait(backOff(Math.max(0, this._streamFailures - 1)));
        if (this._turn === turn) this._listen();
      };
    }

    async _poll() {
      const turn = this._turn;
      const end = Date.now() + POLL_BEFORE_RETRYING_STREAM;
      for (let failures = 0; this._turn === turn; ) {
        try {
          await this._catchUp();
          failures = 0;
        } catch {
          failures++;
        }
        await this._wait(failures ? backOff(failures) : POLL_INTERVAL);
        if (Date.now() > end && !failures && this._turn === turn) {
          this._streamFailures = STREAM_FAILURES_BEFORE_POLLING - 1;
          this._listen();
        }
      }
    }

    /** Ask for everything after the last complete number. */
    async _catchUp() {
      const token = this._token;
      try {
        const path = `/api/conversations/${token}/messages?after=${this._complete}`;
        const { messages } = await request(path);
        if (this._token !== token) return;
        this._receive(messages, true);
        this._setTrouble("receive", null);
      } catch (error) {
        if (this._token !== token) return;
        if (statusOf(error) === 404) return this._forget();
        this._setTrouble("receive", "");
        throw error;
      }
    }

    /**
     * @param {Message[]} messages
     * @param {boolean} [isAll] the server has nothing else: what is missing does not exist
     */
    _receive(messages, isAll = false) {
      const fresh = messages
        .filter(({ number }) => !this.messages.has(number))
        .sort((a, b) => a.number - b.number);
      for (const message of fresh) this.messages.set(message.number, message);
      const newest = Math.max(0, ...this.messages.keys());
      if (isAll) this._complete = newest;
      while (this.messages.has(this._complete + 1)) this._complete++;
      if (fresh.some(({ sender }) => sender !== "visitor")) this._listener.onTyping(false);
      if (fresh.length) this._listener.onMessages(fresh);
      if (this._complete < newest) this._fillGap(newest);
    }

    /** @param {number} newest */
    async _fillGap(newest) {
      if (this._filling) return;
      this._filling = true;
      for (let failures = 0; this._token && this._complete < newest; failures++) {
        try {
          await this._catchUp();
        } catch {
          await this._wait(backOff(failures));
        }
      }
      this._filling = false;
    }
  }

  // -------------------------------------------------------------- rendering

  /** Strokes on a 24 x 24 grid. */
  const ICONS = {
    chat: "M4 6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v7a2.5 2.5 0 0 1-2.5 2.5H12l-5 4v-4h-.5A2.5 2.5 0 0 1 4 13.5zM8.5 8.5h7M8.5 11.7h4.5",
    close: "M6 6l12 12M18 6L6 18",
    phone: "M5.5 4h3.2l1.6 4-2 1.5a12 12 0 0 0 6.2 6.2l1.5-2 4 1.6v3.2a1.5 1.5 0 0 1-1.6 1.5A15.5 15.5 0 0 1 4 5.6 1.5 1.5 0 0 1 5.5 4z",
    send: "M12 19.5v-15M5.5 11L12 4.5l6.5 6.5",
    warning: "M12 3.8L2.5 20h19zM12 10v4.5M12 17.3v.2",
    article: "M6.5 3.5H14l4 4v13H6.5zM14 3.5v4h4M9.5 12h5M9.5 15.5h5",
    away: "M9 6h9v9M18 6L6.5 17.5",
    check: "M5 12.5l4.5 4.5L19 7.5",
  };

  /** Fixed headings; the advice itself is the clinic's text. @type {Record<string, string>} */
  const EMERGENCY_HEADINGS = {
    call_911: "Emergency: call 911",
    call_988: "Call or text 988 now",
    er_now: "Go to an emergency room now",
    doctor_today: "See a doctor today",
  };

  /** Numbers that are the same for everybody in the country. */
  const HELPLINES = new Map([
    ["911", "tel:911"], ["988", "tel:988"], ["1-800-222-1222", "tel:+18002221222"],
  ]);

  const SENDERS = { visitor: "You", bot: "Assistant", staff: "Clinic staff" };

  /**
   * @param {string} tag
   * @param {Record<string, string>} [attributes] from this file only; what the server says is a child
   * @param {...(Node | string | null | undefined | false)} children
   * @returns {HTMLElement}
   */
  function element(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    // Strings become text nodes here, never markup.
    for (const child of children) if (child) node.append(child);
    return node;
  }

  /** @param {keyof typeof ICONS} name */
  function icon(name) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    const path = document.createElementNS(space, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", ICONS[name]);
    svg.append(path);
    return svg;
  }

  /** The address if it is one we are willing to link to. @param {string | undefined} url */
  function allowedUrl(url) {
    if (!url) return null;
    if (url.startsWith("/articles/")) return ORIGIN + url;
    try {
      const { protocol, href } = new URL(url);
      return ["https:", "http:", "tel:"].includes(protocol) ? href : null;
    } catch {
      return null;
    }
  }

  /** A link, or the same content without one. @param {string | undefined} url @param {string} className @param {...(Node | string)} children */
  function link(url, className, ...children) {
    const href = allowedUrl(url);
    if (!href) return element("span", { class: className }, ...children);
    const node = element("a", { class: className, href }, ...children);
    if (!href.startsWith("tel:")) {
      node.setAttribute("target", "_blank");
      node.setAttribute("rel", "noopener");
    }
    return node;
  }

  /** @param {string} text */
  const hidden = (text) => element("span", { class: "unseen" }, text);

  /** Helplines become links; odd pieces are numbers, longer ones that hold a helpline included.
   * @param {string} text */
  const numbers = (text) =>
    text.split(/(\d+(?:[-. ]\d+)*)/).map((piece) =>
      HELPLINES.has(piece) ? link(HELPLINES.get(piece), "number", piece) : piece);

  /** Odd pieces stand between asterisks. @param {string} text */
  const inline = (text) =>
    text.split(/\*\*(.+?)\*\*/).flatMap((piece, i) =>
      i % 2 ? element("strong", {}, ...numbers(piece)) : numbers(piece));

  /** Paragraphs, "- " lists, **bold** and helplines; all else is literal. @param {string} text */
  function prose(text) {
    const node = element("div", { class: "prose" });
    /** @type {HTMLElement | null} what the next line may continue */
    let last = null;
    for (const line of text.split("\n")) {
      const tag = line.startsWith("- ") ? "UL" : "P";
      if (!line.trim()) {
        last = null;
        continue;
      }
      if (last?.tagName !== tag) node.append((last = element(tag)));
      else if (tag === "P") last.append("\n");
      if (tag === "UL") last.append(element("li", {}, ...inline(line.slice(2))));
      else last.append(...inline(line));
    }
    return node;
  }

  /** @param {string} at */
  function time(at) {
    const date = new Date(at);
    if (isNaN(date.getTime())) return element("span");
    const isToday = date.toDateString() === new Date().toDateString();
    /** @type {Intl.DateTimeFormatOptions} */
    const format = { hour: "numeric", minute: "2-digit" };
    if (!isToday) Object.assign(format, { month: "short", day: "numeric" });
    return element("time", { datetime: at }, date.toLocaleString([], format));
  }

  /** @param {Custom} custom */
  function source(custom) {
    return link(custom.url, "source",
      icon("article"),
      element("span", { class: "source-words" },
        element("span", { class: "small" }, "From our article"),
        element("strong", {}, custom.article_title || "Read the article"),
        custom.section_title && element("span", { class: "section" }, custom.section_title),
        custom.review && element("span", { class: "small" }, custom.review),
        hidden(" (opens in a new tab)")),
      icon("away"));
  }

  /** What must be read first, as where the question is about an emergency.
   * @param {...(string | null | undefined)} texts */
  const advice = (...texts) =>
    texts.map((text) => (text ? element("p", { class: "advice" }, ...inline(text)) : null));

  /** @param {Message} message @param {Custom} custom */
  function answerCard(message, custom) {
    return element("div", { class: "bubble answer" },
      ...advice(custom.advice),
      prose(custom.body || message.text),
      source(custom),
      ...(custom.footnotes || []).map((note) => element("p", { class: "small" }, note)));
  }

  /** The text without its last lines, which the source's card shows as a link.
   * @param {string} text @param {Custom} custom */
  function withoutAddress(text, { url, advice: first }) {
    const isShown = (/** @type {string} */ part) => part === first || (url && part.endsWith(url));
    return text.split("\n\n").filter((part) => !isShown(part.trim())).join("\n\n");
  }

  /** Messages with a shape of their own, by custom.type; any other type shows its text.
   * @type {Record<string, (message: Message, custom: Custom, config: Config) => HTMLElement>} */
  const SHAPES = {
    answer: answerCard,

    // No article fits the question: first that is said, then the closest one.
    closest: (message, custom) =>
      element("div", { class: "stack" },
        custom.notice && element("div", { class: "bubble" }, prose(custom.notice)),
        answerCard(message, custom)),

    again: (message, custom) =>
      element("div", { class: "bubble answer" },
        ...advice(custom.advice),
        prose(withoutAddress(message.text, custom)),
        source(custom)),

    glossary: (message, custom) => {
      const { terms = [], levels = [] } = custom;
      if (!terms.length && !levels.length)
        return element("div", { class: "bubble" }, prose(message.text));
      const words = [
        ...terms.map(({ term, meaning, common }) => [term, `${meaning} ${common || ""}`.trim()]),
        ...levels.map(({ level, meaning }) => [level, meaning]),
      ];
      return element("div", { class: "bubble answer" },
        ...advice(custom.advice, custom.call_today),
        prose(custom.opening || ""),
        element("dl", {}, ...words.flatMap(([word, meaning]) =>
          [element("dt", {}, word), element("dd", {}, meaning)])),
        prose(custom.closing || ""));
    },

    emergency: (message, custom) => {
      const heading = Object.entries(EMERGENCY_HEADINGS).find(([action]) => action === custom.action);
      // The first number stands above the text: on a small screen it must not need scrolling.
      const [first, ...others] = (custom.calls || [])
        .filter((call) => allowedUrl(call.url))
        .map((call) => link(call.url, "call", icon("phone"), call.title));
      return element("div",
        { class: `bubble emergency ${custom.action === "doctor_today" ? "soon" : "now"}` },
        element("p", { class: "alarm" }, icon("warning"), heading ? heading[1] : "Important"),
        first,
        prose(message.text),
        ...others);
    },

    handoff: (message, custom) =>
      element("div", { class: "bubble" },
        prose(message.text),
        element("p", { class: "reference" },
          element("span", { class: "small" }, "Your reference number"),
          element("strong", {}, custom.reference || ""))),

    form: (message, custom) =>
      element("div", { class: "bubble" },
        custom.step && custom.steps
          ? element("p", { class: "small step" }, `Step ${custom.step} of ${custom.steps}`) : null,
        prose(message.text)),

    error: (message, _custom, { clinic }) =>
      element("div", { class: "bubble error" },
        icon("warning"),
        element("div", {},
          prose(message.text),
          link(clinic.phone_link, "plain", `Call ${clinic.phone}`))),
  };

  /** @param {Message} message @param {Config} config */
  function bubble(message, config) {
    // A visitor's asterisks are the visitor's.
    if (message.sender === "visitor") return element("div", { class: "bubble" }, message.text);
    const shape = message.custom && Object.prototype.hasOwnProperty.call(SHAPES, message.custom.type)
      && SHAPES[message.custom.type];
    if (shape && message.custom) return shape(message, message.custom, config);
    return element("div", { class: "bubble" }, prose(message.text));
  }

  /** @param {Message["sender"]} sender @param {string} at */
  function heading(sender, at) {
    const name = element("span", { class: sender === "visitor" ? "unseen" : "name" }, SENDERS[sender]);
    return element("p", { class: "heading" }, name, " ", time(at));
  }

  // ---------------------------------------------------------------- element

  const STYLE = `
:host {
  all: initial;
  --primary: var(--spine-chat-primary, #0b5c7a);
  --on-primary: var(--spine-chat-on-primary, #fff);
  --ink: #1c2a32;
  --soft: #53646e;
  --line: #dbe3e7;
  --ground: #f4f7f8;
  --gap: 20px;
  color: var(--ink);
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  line-height: 1.5;
  text-align: start;
}
*, ::before, ::after { box-sizing: border-box; }
[hidden] { display: none !important; }
p, ul, dl, dd, h2 { margin: 0; }
button, textarea { font: inherit; color: inherit; }
button { border: 0; background: none; cursor: pointer; }
svg { width: 22px; height: 22px; flex: none; fill: none; stroke: currentColor; stroke-width: 1.9;
  stroke-linecap: round; stroke-linejoin: round; }
:focus { outline: none; }
:focus-visible { outline: 3px solid var(--primary); outline-offset: 2px; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; }
.small { font-size: .8125em; line-height: 1.45; color: var(--soft); }

.launcher { position: fixed; z-index: 2147483000; right: max(var(--gap), env(safe-area-inset-right));
  bottom: max(var(--gap), env(safe-area-inset-bottom)); display: flex; align-items: center; gap: 10px;
  min-height: 56px; padding: 0 22px 0 18px; border-radius: 28px; background: var(--primary);
  color: var(--on-primary); font-weight: 600; box-shadow: 0 6px 24px rgb(16 42 56 / .28);
  transition: transform .15s, box-shadow .15s; }
.launcher:hover { transform: translateY(-2px); box-shadow: 0 10px 28px rgb(16 42 56 / .32); }
.launcher:focus-visible { outline-offset: 3px; }
.badge { position: absolute; top: -6px; right: -4px; min-width: 24px; height: 24px; padding: 0 7px;
  border: 2px solid #fff; border-radius: 12px; background: #b3261e; color: #fff; font-size: 13px;
  line-height: 20px; text-align: center; }

.panel { position: fixed; z-index: 2147483001; right: var(--gap); bottom: var(--gap); display: flex;
  flex-direction: column; width: 408px; height: min(700px, calc(100vh - 2 * var(--gap)));
  height: min(700px, calc(100dvh - 2 * var(--gap))); overflow: hidden; border-radius: 20px;
  background: var(--ground); animation: rise .22s ease-out;
  box-shadow: 0 0 0 1px rgb(16 42 56 / .08), 0 18px 60px rgb(16 42 56 / .26); }
@keyframes rise { from { opacity: 0; transform: translateY(14px); } }
:host([data-position="left"]) :is(.launcher, .panel) { right: auto; left: var(--gap); }

.top { display: flex; flex: none; align-items: center; gap: 4px; padding: 12px 10px 12px 22px;
  background: var(--primary); color: var(--on-primary); }
.top div { flex: 1; min-width: 0; }
h2 { font-size: 1.0625em; line-height: 1.3; font-weight: 650; overflow-wrap: anywhere; }
h2 + p { font-size: .875em; line-height: 1.35; }
.round { display: grid; flex: none; place-items: center; width: 44px; height: 44px; padding: 0;
  border-radius: 50%; color: inherit; }
.round:hover { background: rgb(255 255 255 / .16); }
.top :focus-visible { outline-color: var(--on-primary); outline-offset: -3px; }

.banner { flex: none; padding: 12px 22px; border-bottom: 1px solid #ecd9ae; background: #fff6e0;
  color: #4d3600; font-size: .9375em; }
.banner div { display: flex; flex-wrap: wrap; gap: 0 20px; }
.plain { display: inline-flex; align-items: center; min-height: 44px; padding: 0; color: inherit;
  font-weight: 600; text-decoration: underline; text-underline-offset: 3px; }

.log { position: relative; flex: 1; min-height: 0; overflow: hidden auto; padding: 20px 18px 14px;
  overscroll-behavior: contain; scrollbar-width: thin; scrollbar-color: #c3ced4 transparent; }
.log:focus-visible { outline-offset: -4px; border-radius: 8px; }
.intro { display: flex; flex-direction: column; gap: 14px; }
.intro .bubble { max-width: none; padding: 16px 18px; }
.intro > .small { padding: 0 4px; }
.starters { display: flex; flex-direction: column; gap: 8px; }
.starters .choice { width: 100%; border-radius: 14px; text-align: start; }

.message { display: flex; flex-direction: column; align-items: flex-start; margin-top: 8px; }
.heading { display: flex; gap: 7px; margin: 10px 4px 5px; color: var(--soft); font-size: .8125em;
  line-height: 1.3; }
.name { color: var(--ink); font-weight: 600; }
.visitor + .visitor .heading, .bot + .bot .heading, .staff + .staff .heading { display: none; }
.bubble { max-width: 92%; padding: 12px 16px; border: 1px solid var(--line);
  border-radius: 6px 18px 18px; background: #fff; overflow-wrap: anywhere; }
.visitor { align-items: flex-end; }
.visitor .bubble { max-width: 84%; border-color: transparent; border-radius: 18px 6px 18px 18px;
  background: var(--primary); color: var(--on-primary); white-space: pre-wrap; }
.staff .bubble { border-inline-start: 4px solid var(--primary); }
.status { margin: 4px 4px 0; }
.prose > * + * { margin-top: 10px; }
.prose p { white-space: pre-line; }
.prose ul { padding-inline-start: 20px; }
.prose li + li { margin-top: 5px; }
strong { font-weight: 650; }
.bubble > * + .small { margin-top: 10px; }

.number { color: inherit; font-weight: 650; text-underline-offset: 3px; white-space: nowrap; }

.stack { display: flex; flex-direction: column; align-items: flex-start; gap: 8px; width: 100%; }
.bubble.answer { width: 100%; max-width: none; }
.advice { margin-bottom: 12px; padding: 10px 14px; border-inline-start: 4px solid #a81e17;
  border-radius: 4px 12px 12px 4px; background: #fdf0ef; }
dl { margin: 10px 0; }
dt { font-weight: 650; }
dd + dt { margin-top: 10px; }
dd::first-letter { text-transform: uppercase; }
.source { display: flex; gap: 12px; margin-top: 14px; padding: 12px 14px; border: 1px solid var(--line);
  border-radius: 12px; background: var(--ground); color: inherit; font-size: .9375em; line-height: 1.4;
  text-decoration: none; }
.source svg { color: var(--primary); }
.source svg:last-child { width: 18px; height: 18px; margin-inline-start: auto; }
.source-words { display: flex; flex-direction: column; gap: 2px; min-width: 0; }
.source .small { font-size: .8667em; }
span.source :is(svg:last-child, .unseen) { display: none; }
a.source strong { color: var(--primary); }
a.source:hover { border-color: var(--primary); }
a.source:hover strong { text-decoration: underline; text-underline-offset: 3px; }

.emergency { --alarm: #a81e17; width: 100%; max-width: none; padding: 0 18px 18px;
  border: 2px solid var(--alarm); border-radius: 14px; overflow: hidden; font-size: 1.0625em; }
.emergency.soon { --alarm: #8a4600; }
.alarm { display: flex; align-items: center; gap: 10px; margin: 0 -18px 14px; padding: 12px 18px;
  background: var(--alarm); color: #fff; font-weight: 700; }
.call { display: flex; align-items: center; justify-content: center; gap: 10px; min-height: 52px;
  margin: 14px 0; padding: 8px 16px; border: 2px solid var(--alarm); border-radius: 12px;
  background: var(--alarm); color: #fff; font-weight: 700; text-decoration: none; }
.prose ~ .call { margin-bottom: 0; background: #fff; color: var(--alarm); }
.call + .call { margin-top: 10px; }
.call:hover { text-decoration: underline; text-underline-offset: 3px; }
.call:focus-visible { outline-color: var(--alarm); }

.reference { display: flex; flex-direction: column; gap: 2px; margin-top: 14px; padding: 12px 16px;
  border-radius: 12px; background: var(--ground); box-shadow: inset 0 0 0 1px var(--line); }
.reference strong { font-size: 1.375em; letter-spacing: .06em; font-variant-numeric: tabular-nums;
  user-select: all; }
.step { margin-bottom: 4px; }
.error { display: flex; gap: 12px; border-color: #e3c784; background: #fffaf0; }
.error svg { margin-top: 2px; color: #8a4600; }

.choices { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 10px; }
.choice { display: inline-flex; align-items: center; gap: 8px; min-height: 44px; max-width: 100%;
  padding: 9px 16px; border: 1px solid var(--primary); border-radius: 22px; background: #fff;
  color: var(--primary); font-size: .9375em; font-weight: 550; line-height: 1.35; text-align: start;
  overflow-wrap: anywhere; }
.choice:hover { background: var(--primary); color: var(--on-primary); }
.choice[aria-disabled="true"] { border-color: var(--line); background: transparent; color: var(--soft);
  font-weight: 400; cursor: default; }
.choice.chosen { border-color: var(--primary); background: #fff; color: var(--primary); font-weight: 650; }
.choice svg { width: 18px; height: 18px; }

.divider { margin: 24px 0 8px; padding-top: 12px; border-top: 1px solid var(--line); text-align: center; }
.typing { display: flex; gap: 5px; width: max-content; margin-top: 14px; padding: 15px 17px;
  border: 1px solid var(--line); border-radius: 6px 18px 18px; background: #fff; }
.typing i { width: 7px; height: 7px; border-radius: 50%; background: var(--soft);
  animation: breathe 1.3s infinite ease-in-out; }
.typing i:nth-child(2) { animation-delay: .18s; }
.typing i:nth-child(3) { animation-delay: .36s; }
@keyframes breathe { 0%, 70%, 100% { opacity: .3; } 35% { opacity: 1; } }

form { flex: none; padding: 12px 14px; padding-bottom: max(12px, env(safe-area-inset-bottom));
  border-top: 1px solid var(--line); background: #fff; }
.fault { margin: 0 4px 8px; color: #a81e17; font-size: .9375em; line-height: 1.4; }
.fault:empty { margin: 0; }
.row { display: flex; align-items: flex-end; gap: 8px; padding: 3px; border: 1px solid #7b8c96;
  border-radius: 26px; background: #fff; }
.row:focus-within { border-color: var(--primary); box-shadow: 0 0 0 2px var(--primary); }
textarea { flex: 1; min-width: 0; min-height: 44px; max-height: 132px; margin: 0; padding: 10px 4px 10px 16px;
  border: 0; background: none; font-size: max(16px, 1em); line-height: 24px; resize: none; }
textarea:focus-visible { outline: none; }
textarea::placeholder { color: #5f6f79; opacity: 1; }
.send { background: var(--primary); color: var(--on-primary); }
.send:hover { background: var(--primary); filter: brightness(1.12); }
.send[aria-disabled="true"] { background: #e6ecef; color: #5f6f79; filter: none; cursor: default; }
.count { margin: 6px 8px 0; text-align: end; }

.closed { display: flex; flex: 1; flex-direction: column; align-items: flex-start; justify-content: center;
  gap: 16px; padding: 28px; }

@media (max-width: 480px) {
  .launcher { --gap: 16px; }
  .panel, :host([data-position="left"]) .panel { inset: 0 0 auto 0; width: auto;
    height: 100vh; height: 100dvh; height: var(--view-height, 100dvh); top: var(--view-top, 0);
    border-radius: 0; }
  .top { padding-top: max(10px, env(safe-area-inset-top)); padding-left: 18px; }
  .log { padding: 16px 14px 12px; }
}
@media (max-height: 480px) { .top { padding-block: 4px; } .log { padding-block: 10px; } }
@media (prefers-reduced-motion: reduce) {
  *, ::before, ::after { animation: none !important; transition: none !important; }
  .launcher:hover { transform: none; }
  .typing i { opacity: .7; }
}
@media (forced-colors: active) {
  .panel, .launcher, .visitor .bubble, .call, .send { border: 1px solid; }
}
`;

  const NARROW = "(max-width: 480px)";
  const QUIET_AFTER_OPENING = 600;
  const TYPING_AT_MOST = 30_000;
  /** A reply within this time needs no spoken "is typing" before it. */
  const TYPING_WORTH_SAYING = 1_500;
  const NOT_CONFIGURED =
    "The chat cannot be reached just now. Please try again, or use the phone number on this page.";

  /** @param {ShadowRoot} root */
  function addStyle(root) {
    try {
      // A constructed sheet is allowed under a strict Content-Security-Policy, a style tag is not.
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
    } catch {
      root.append(element("style", {}, STYLE));
    }
  }

  /** One message on the screen; a pending one has no number yet.
   * @typedef {{number: number, key: string | null | undefined, message: Message, node: HTMLElement,
   *   buttons: HTMLElement[]}} Entry */

  /** The transcript: keeps the messages in the order of their numbers. */
  class Transcript {
    /** @param {Config} config @param {(content: {text: string} | {button: string, title: string}) => void} send */
    constructor(config, send) {
      this._config = config;
      this._send = send;
      /** @type {Entry[]} */
      this._entries = [];
      this._starters = element("div", { class: "starters" },
        ...(config.starters || []).map((text) => this._choice(text, () => {
          send({ text });
          // The button is about to go; focus must not fall back to the page.
          this.node.focus({ preventScroll: true });
        })));
      this._list = element("div");
      this._dots = element("div", { class: "typing", hidden: "", "aria-hidden": "true" },
        element("i"), element("i"), element("i"));
      this.node = element("div",
        { class: "log", role: "log", "aria-live": "off", "aria-label": "Conversation", tabindex: "0" },
        element("div", { class: "intro" },
          element("div", { class: "bubble" }, prose(config.greeting)),
          this._starters,
          element("p", { class: "small" }, ...inline(config.notice))),
        this._list,
        this._dots);
      this._wasAtEnd = false;
      this.node.addEventListener("scroll", () => (this._wasAtEnd = this._isAtEnd()));
      // A phone's keyboard takes half of the log: the half that was being read must stay.
      new ResizeObserver(() => this._wasAtEnd && this.scroll()).observe(this.node);
    }

    /** @param {string} title @param {() => void} press */
    _choice(title, press) {
      const node = element("button", { class: "choice", type: "button" }, title);
      node.addEventListener("click", () => {
        if (node.getAttribute("aria-disabled") !== "true") press();
      });
      return node;
    }

    /** @param {Message} message */
    _entry(message) {
      const buttons = (message.buttons || []).map(({ title, payload }) =>
        this._choice(title, () => this._send({ button: payload, title })));
      const choices = element("div", { class: "choices", role: "group", "aria-label": "Quick replies" });
      choices.append(...buttons);
      const node = element("div", { class: `message ${message.sender}` },
        heading(message.sender, message.at),
        bubble(message, this._config),
        buttons.length > 0 && choices);
      return { number: message.number, key: message.key, message, node, buttons };
    }

    /** @param {Entry} entry */
    _place(entry) {
      const after = this._entries.filter((other) => other !== entry && other.number <= entry.number);
      const at = after.length;
      const current = this._entries.indexOf(entry);
      // Moving a node makes screen readers say it again: only when it is in the wrong place.
      if (current === at) return;
      if (current >= 0) this._entries.splice(current, 1);
      this._list.insertBefore(entry.node, this._entries[at]?.node || null);
      this._entries.splice(at, 0, entry);
    }

    /** @param {Message[]} messages from the server */
    add(messages) {
      this.keepAtEnd(() => {
        for (const message of messages) {
          const pending = message.key && this._entries.find(
            ({ key, number }) => key === message.key && number === Infinity);
          const entry = pending || this._entry(message);
          if (pending) this._confirm(pending, message);
          this._place(entry);
        }
        this._refresh();
      });
    }

    /** @param {Entry} entry @param {Message} message */
    _confirm(entry, message) {
      Object.assign(entry, { number: message.number, message });
      entry.node.classList.remove("pending");
      entry.node.querySelector(".status")?.remove();
      const words = entry.node.querySelector(".bubble");
      if (words && words.textContent !== message.text) words.textContent = message.text;
    }

    /** Show what waits, drop what was refused. @param {Outgoing[]} outbox @param {boolean} inTrouble */
    showOutbox(outbox, inTrouble) {
      for (const { key, text, title, at } of outbox) {
        if (this._entries.some((entry) => entry.key === key)) continue;
        const entry = this._entry(
          { number: Infinity, sender: "visitor", text: text ?? title ?? "", at, key });
        entry.node.classList.add("pending");
        entry.node.append(element("p", { class: "status small" }));
        this._place(entry);
        this.scroll();
      }
      for (const { node, key } of this._entries) {
        const status = node.querySelector(".status");
        const isWaiting = outbox.some((item) => item.key === key);
        const words = !isWaiting ? "" : inTrouble ? "Not sent yet. We keep trying." : "Sending…";
        if (status && status.textContent !== words) status.textContent = words;
      }
      this._refresh();
    }

    /** @param {string} key */
    remove(key) {
      const entry = this._entries.find((other) => other.key === key);
      entry?.node.remove();
      this._entries = this._entries.filter((other) => other !== entry);
      this._refresh();
    }

    /** The next conversation starts at number 1 again: what is shown stays, but only to read.
     * @param {Outgoing[]} outbox */
    end(outbox) {
      const waiting = this._entries.filter((entry) => outbox.some(({ key }) => key === entry.key));
      const past = this._entries.filter((entry) => !waiting.includes(entry));
      this._entries = waiting;
      if (!past.length) return;
      for (const button of past.flatMap(({ buttons }) => buttons)) this._disable(button, true);
      const divider = element("p", { class: "divider small" },
        "That conversation has ended. What you write now starts a new one.");
      this._list.insertBefore(divider, waiting[0]?.node || null);
    }

    /** @param {HTMLElement} button @param {boolean} isDisabled */
    _disable(button, isDisabled) {
      // Not `disabled`: the button just pressed would lose the keyboard's focus.
      button.setAttribute("aria-disabled", String(isDisabled));
      button.tabIndex = isDisabled ? -1 : 0;
    }

    /** Quick replies count until the visitor has said something after them. */
    _refresh() {
      this._starters.hidden = this._list.childElementCount > 0;
      /** @type {Message | null} */
      let reply = null;
      for (const { message, buttons } of [...this._entries].reverse()) {
        if (message.sender === "visitor") reply = message;
        buttons.forEach((button, i) => {
          this._disable(button, reply !== null);
          const isChosen = reply !== null && reply.text === message.buttons?.[i].title;
          if (isChosen && !button.classList.contains("chosen")) {
            button.classList.add("chosen");
            button.prepend(icon("check"), hidden("Chosen: "));
          }
          if (!isChosen && button.classList.contains("chosen")) {
            button.classList.remove("chosen");
            button.textContent = message.buttons?.[i].title || "";
          }
        });
      }
    }

    /** @param {boolean} on */
    setTyping(on) {
      if (this._dots.hidden === !on) return;
      this.keepAtEnd(() => (this._dots.hidden = !on));
    }

    /** Who has scrolled back to read is not pulled away. @param {() => void} change */
    keepAtEnd(change) {
      const wasAtEnd = this._isAtEnd();
      change();
      if (wasAtEnd) this.scroll();
    }

    _isAtEnd() {
      const { scrollHeight, scrollTop, clientHeight } = this.node;
      return scrollHeight - scrollTop - clientHeight < 80;
    }

    /** To the end, but not past the visitor's own last words: a long answer is read from its top. */
    scroll() {
      const own = [...this._entries].reverse().find(({ message }) => message.sender === "visitor");
      // Before the first message the greeting is read from its top as well.
      const top = own ? own.node.offsetTop - 8 : this._entries.length ? Infinity : 0;
      this.node.scrollTop = Math.min(top, this.node.scrollHeight - this.node.clientHeight);
    }
  }

  /** @implements {Listener} */
  class SpineChat extends HTMLElement {
    constructor() {
      super();
      this._store = new Store(`spine-chat ${ORIGIN}`);
      /** @type {Config | null} of an earlier page until the server answers */
      this._config = this._store.get("config") || null;
      /** @type {Transcript | null} */
      this._transcript = null;
      /** @type {string | null} */
      this._trouble = null;
      this._typingTimers = [0, 0];
      this._conversation = new Conversation(this._store, this);
      this._root = this.attachShadow({ mode: "open" });
      addStyle(this._root);
      this._badge = element("span", { class: "badge", hidden: "", "aria-hidden": "true" });
      this._unread = element("span", { class: "unseen", role: "status" });
      this._launcher = element("button", { class: "launcher", type: "button", "aria-haspopup": "dialog" },
        icon("chat"), "Ask a question", this._badge);
      this._panel = element("section",
        { class: "panel", role: "dialog", "aria-labelledby": "title", lang: "en", hidden: "" });
      this._root.append(this._launcher, this._unread, this._panel);
      this._launcher.addEventListener("click", () => this.open());
      this._panel.addEventListener("keydown", (event) => this._onKey(event));
      // The page's own shortcuts must not fire on what is typed here.
      for (const type of ["keyup", "keypress"])
        this._panel.addEventListener(type, (event) => event.stopPropagation());
      this._onOnline = () => this._conversation.wake();
      this._onOffline = () => this._conversation.sleep();
      this._onVisible = () => document.hidden || (this._conversation.wake(), this._markRead());
      this._onView = () => this._fitView();
    }

    connectedCallback() {
      window.addEventListener("online", this._onOnline);
      window.addEventListener("offline", this._onOffline);
      document.addEventListener("visibilitychange", this._onVisible);
      window.visualViewport?.addEventListener("resize", this._onView);
      window.visualViewport?.addEventListener("scroll", this._onView);
      this._applyColors();
      this._configure();
      this._restored = this._conversation.start();
      const wasOpen = this._store.get("open");
      const isInvited = this.hasAttribute("data-open") && !matchMedia(NARROW).matches;
      if (wasOpen ?? isInvited) this._show();
    }

    disconnectedCallback() {
      window.removeEventListener("online", this._onOnline);
      window.removeEventListener("offline", this._onOffline);
      document.removeEventListener("visibilitychange", this._onVisible);
      window.visualViewport?.removeEventListener("resize", this._onView);
      window.visualViewport?.removeEventListener("scroll", this._onView);
      this._conversation.stop();
    }

    // Opening and closing.

    /** By the visitor's wish: takes the focus. */
    open() {
      this._store.set("open", true);
      if (!this._config && this._isConfigured) this._configure();
      this._show();
      this._focus();
    }

    close() {
      this._store.set("open", false);
      this._panel.hidden = true;
      this._transcript?.node.setAttribute("aria-live", "off");
      this._launcher.hidden = false;
      this._launcher.focus({ preventScroll: true });
    }

    _show() {
      if (!this._transcript) this._build();
      this._panel.hidden = false;
      this._launcher.hidden = true;
      this._transcript?.scroll();
      this._growBox();
      this._markRead();
      // Only what comes from now on is news to a screen reader.
      this._restored?.then(() => setTimeout(() => {
        if (!this._panel.hidden) this._transcript?.node.setAttribute("aria-live", "polite");
      }, QUIET_AFTER_OPENING));
    }

    _focus() {
      // On a touch screen the text box would bring up the keyboard over the greeting.
      const isTouch = matchMedia(`${NARROW}, (pointer: coarse)`).matches;
      const target = isTouch ? null : this._box;
      (target || /** @type {HTMLElement} */ (this._panel.querySelector("h2"))).focus();
    }

    /** @param {KeyboardEvent} event */
    _onKey(event) {
      event.stopPropagation();
      if (event.key === "Escape" && !event.isComposing) this.close();
    }

    /** Keep the box above the on-screen keyboard, which the layout viewport ignores. */
    _fitView() {
      const view = window.visualViewport;
      if (!view || view.scale !== 1) return;
      this.style.setProperty("--view-height", `${view.height}px`);
      this.style.setProperty("--view-top", `${view.offsetTop}px`);
    }

    // Configuration.

    async _configure() {
      this._isConfigured = false;
      try {
        this._config = /** @type {Config} */ (await request("/api/widget"));
        this._store.set("config", this._config);
      } catch {
        // Asked again when the visitor opens the panel or presses the button in it.
      }
      this._isConfigured = true;
      this._applyColors();
      if (!this._panel.hidden && !this._transcript) {
        const hadFocus = this._root.activeElement !== null;
        this._build();
        this._show();
        if (hadFocus) this._focus();
      }
    }

    _applyColors() {
      for (const name of ["primary", "on_primary"]) {
        const color = this._config?.colors?.[name];
        if (color && CSS.supports("color", color))
          this.style.setProperty(`--spine-chat-${name.replace("_", "-")}`, color);
      }
    }

    _build() {
      this._panel.replaceChildren(this._header());
      if (this._config) this._buildChat(this._config);
      else if (this._isConfigured) this._buildRetry();
      else this._panel.append(element("p", { class: "closed small", role: "status" }, "One moment…"));
    }

    _header() {
      const { title = "Chat", clinic } = this._config || {};
      const close = element("button", { class: "round", type: "button", "aria-label": "Close chat" },
        icon("close"));
      close.addEventListener("click", () => this.close());
      const header = element("div", { class: "top" },
        element("div", {},
          element("h2", { id: "title", tabindex: "-1" }, title),
          clinic && !title.includes(clinic.name) && element("p", {}, clinic.name)));
      if (clinic)
        header.append(link(clinic.phone_link, "round", icon("phone"), hidden(`Call ${clinic.phone}`)));
      header.append(close);
      return header;
    }

    _buildRetry() {
      const retry = element("button", { class: "choice", type: "button" }, "Try again");
      retry.addEventListener("click", () => {
        retry.textContent = "Trying…";
        this._configure();
      });
      this._panel.append(
        element("div", { class: "closed" }, element("p", { role: "alert" }, NOT_CONFIGURED), retry));
    }

    /** @param {Config} config */
    _buildChat(config) {
      this._transcript = new Transcript(config, (content) => this._conversation.send(content));
      this._status = element("span", { class: "unseen", role: "status" });
      this._banner = this._buildBanner(config);
      this._panel.append(this._banner, this._transcript.node, this._status, this._buildComposer(config));
      const { messages, outbox } = this._conversation;
      this._transcript.add([...messages.values()].sort((a, b) => a.number - b.number));
      this._transcript.showOutbox(outbox, this._trouble !== null);
      this.onTrouble(this._trouble);
    }

    /** @param {Config} config */
    _buildBanner({ clinic }) {
      const retry = element("button", { class: "plain", type: "button" }, "Try again now");
      retry.addEventListener("click", () => this._conversation.wake());
      return element("div", { class: "banner", hidden: "" },
        element("p", { role: "status" }),
        element("div", {}, link(clinic.phone_link, "plain", `Call ${clinic.phone}`), retry));
    }

    // Writing.

    /** @param {Config} config */
    _buildComposer({ placeholder, limit }) {
      this._box = /** @type {HTMLTextAreaElement} */ (element("textarea",
        { rows: "1", "aria-label": "Your message", "aria-describedby": "fault", placeholder, enterkeyhint: "send" }));
      this._send = element("button", { class: "round send", "aria-label": "Send" }, icon("send"));
      this._fault = element("p", { class: "fault", id: "fault", role: "alert" });
      this._count = element("p", { class: "count small", hidden: "" });
      const form = element("form", {}, this._fault,
        element("div", { class: "row" }, this._box, this._send), this._count);
      this._box.value = this._store.get("draft") || "";
      this._box.addEventListener("input", () => this._onInput(limit));
      this._box.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
        event.preventDefault();
        this._submit(limit);
      });
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        this._submit(limit);
      });
      this._onInput(limit);
      return form;
    }

    /** @param {number} limit */
    _onInput(limit) {
      const text = this._box?.value || "";
      this._store.set("draft", text);
      this._send?.setAttribute("aria-disabled", String(!text.trim()));
      if (this._count) {
        this._count.hidden = text.length <= limit * 0.9;
        this._count.textContent = `${text.length} of ${limit} characters`;
      }
      if (text.length <= limit) this._setFault("");
      this._growBox();
    }

    _growBox() {
      if (!this._box) return;
      this._box.style.height = "0";
      this._box.style.height = `${Math.max(44, this._box.scrollHeight)}px`;
    }

    /** @param {number} limit */
    _submit(limit) {
      const text = this._box?.value.trim();
      if (!text || !this._box) return;
      this._box.focus();
      if (text.length > limit)
        return this._setFault(`Please shorten your message: ${text.length - limit} characters too many.`);
      this._box.value = "";
      this._onInput(limit);
      this._conversation.send({ text });
    }

    /** @param {string} words */
    _setFault(words) {
      if (this._fault && this._fault.textContent !== words) this._fault.textContent = words;
    }

    // What the conversation tells us.

    /** @param {Message[]} messages */
    onMessages(messages) {
      this._transcript?.add(messages);
      this._markRead();
    }

    onOutbox() {
      this._transcript?.showOutbox(this._conversation.outbox, this._trouble !== null);
    }

    /** @param {Outgoing} item @param {string} reason */
    onRefused(item, reason) {
      this._transcript?.remove(item.key);
      if (this._box && this._config && item.text) {
        const newer = this._box.value;
        this._box.value = newer ? `${item.text}\n${newer}` : item.text;
        this._onInput(this._config.limit);
      }
      const phone = this._config?.clinic.phone;
      this._setFault(reason || `This message could not be sent. You can call us at ${phone}.`);
    }

    /** @param {string | null} reason */
    onTrouble(reason) {
      this._trouble = reason;
      if (reason !== null) this.onTyping(false);
      this._transcript?.keepAtEnd(() => {
        this.onOutbox();
        const words = this._banner?.querySelector("p");
        if (!this._banner || !words) return;
        this._banner.hidden = reason === null;
        words.textContent = reason === null ? "" : reason || this._config?.unreachable || "";
      });
    }

    /** @param {boolean} on */
    onTyping(on) {
      this._typingTimers.forEach((timer) => clearTimeout(timer));
      this._transcript?.setTyping(on);
      if (this._status) this._status.textContent = "";
      if (!on) return;
      this._typingTimers = [
        window.setTimeout(() => this.onTyping(false), TYPING_AT_MOST),
        window.setTimeout(() => {
          if (this._status) this._status.textContent = "A reply is being written.";
        }, TYPING_WORTH_SAYING),
      ];
    }

    onEnded() {
      this._transcript?.end(this._conversation.outbox);
      this._store.set("read", 0);
      this.onTyping(false);
    }

    /** Count what came while nobody was looking. */
    _markRead() {
      const numbers = [...this._conversation.messages.values()]
        .filter(({ sender }) => sender !== "visitor").map(({ number }) => number);
      if (!this._panel.hidden && !document.hidden)
        this._store.set("read", Math.max(0, ...numbers));
      const unread = numbers.filter((number) => number > (this._store.get("read") || 0)).length;
      this._badge.hidden = !unread;
      this._badge.textContent = unread > 9 ? "9+" : String(unread);
      const words = unread ? `${unread} unread ${unread === 1 ? "message" : "messages"} in the chat` : "";
      if (this._unread.textContent !== words) this._unread.textContent = words;
    }
  }

  // ------------------------------------------------------------ installation

  function install() {
    if (document.querySelector("spine-chat")) return;
    const chat = document.createElement("spine-chat");
    for (const name of ["data-open", "data-position"]) {
      const value = SCRIPT?.getAttribute(name);
      if (value !== null && value !== undefined) chat.setAttribute(name, value);
    }
    document.body.append(chat);
  }

  // A page that carries the tag twice still gets one chat.
  if (!customElements.get("spine-chat")) {
    customElements.define("spine-chat", SpineChat);
    if (document.body) install();
    else document.addEventListener("DOMContentLoaded", install);
  }
})();
