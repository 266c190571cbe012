/**
 * All of the chat behind the launcher's button: the conversation with the server, messages on the
 * screen, the panel, its style. What is said becomes text nodes, never markup.
 */

const host = window.SpineChat;
const { element, drawing, store, origin, texts } = host;

// ---------------------------------------------------------------- server

const seconds = (count) => count * 1000;
/** Twice as long each time; not all widgets in the same moment after a restart. */
const backOff = (failures) => seconds(Math.min(30, 2 ** failures) * (0.75 + Math.random() / 2));
const isFinal = ({ status }) => status >= 400 && status < 500 && ![404, 408, 425, 429].includes(status);

/** Not fetch: pages wrap it, and their wrappers change requests or swallow answers. */
const request = (method, path, body) => new Promise((resolve, reject) => {
  const call = new XMLHttpRequest();
  call.open(method, `${origin}/api/${path}`);
  call.timeout = seconds(15);
  if (body) call.setRequestHeader("Content-Type", "application/json");
  call.onloadend = () => {
    let data = null;
    try {
      data = JSON.parse(call.responseText);
    } catch {
      // A hotel's sign-in page also answers 200, but not with JSON.
    }
    const isGood = call.status >= 200 && call.status < 300;
    if (isGood && (data || call.status === 204)) return resolve(data);
    reject({
      status: isGood ? 0 : call.status,
      words: data?.error?.message,
      fields: data?.fields || data?.error?.fields || {},
      pause: seconds(call.getResponseHeader("Retry-After")),
    });
  };
  call.send(body && JSON.stringify(body));
});

// randomUUID exists on https pages only.
const newKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

const POLLING_FROM = 3;

/**
 * An ordered outbox on the way up, numbered messages on the way down. Nothing is lost, doubled or
 * out of order: what the visitor says stays in the outbox until the server has its key; what the
 * server says is handed on strictly by number, and a gap is asked for.
 */
class Conversation {
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

// -------------------------------------------------------------- rendering

/** Strokes on a grid of 24 by 24. */
const ICONS = {
  close: "M6 6l12 12M18 6L6 18",
  phone: "M5.5 4h3.2l1.6 4-2 1.5a12 12 0 0 0 6.2 6.2l1.5-2 4 1.6v3.2a1.5 1.5 0 0 1-1.6 1.5A15.5 15.5 0 0 1 4 5.6 1.5 1.5 0 0 1 5.5 4z",
  send: "M12 19.5v-15M5.5 11L12 4.5l6.5 6.5",
  warning: "M12 3.8L2.5 20h19zM12 10v4.5M12 17.3v.2",
  article: "M6.5 3.5H14l4 4v13H6.5zM14 3.5v4h4M9.5 12h5M9.5 15.5h5",
  check: "M5 12.5l4.5 4.5L19 7.5",
  down: "M6 9.5l6 6 6-6",
  find: "M11 4a7 7 0 1 0 .1 0zM16 16l4.5 4.5",
  person: "M12 4a4 4 0 1 0 .1 0zM4.5 20a7.5 7.5 0 0 1 15 0",
  mic: "M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3zM5.5 11a6.5 6.5 0 0 0 13 0M12 17.5V21",
};

/** Bold, [link](url), bare address, telephone number: all the marks there are. */
const MARKS = /(\*\*.+?\*\*|\[[^\]\n]+\]\([^)\s]+\)|https?:\/\/[^\s<>"')\]]*[^\s<>"')\].,;:!?]|\+?\(?\d+(?:(?:[-. ]|\) ?)\(?\d+)*)/;

/** Numbers that are the same for everybody in the country; the clinic's own is added. */
const NUMBERS = { 911: "tel:911", 988: "tel:988", "1-800-222-1222": "tel:+18002221222" };

const icon = (name) => drawing(ICONS[name]);
const hidden = (text) => element("span", { class: "unseen" }, text);
const box = (className, ...children) => element("div", { class: className }, ...children);
const line = (className, ...children) => element("p", { class: className }, ...children);
const small = (...children) => line("small", ...children);
const alert = (words) => element("p", { class: "fault", role: "alert" }, words);

function button(className, press, ...children) {
  const node = element("button", { class: className, type: "button" }, ...children);
  node.addEventListener("click", () => node.ariaDisabled === "true" || press());
  return node;
}

function disable(node, isDisabled) {
  // Not `disabled`: the button just pressed would lose the keyboard's focus.
  node.ariaDisabled = isDisabled;
  node.tabIndex = isDisabled ? -1 : 0;
}

/** The address if it is one that may be linked to. */
function allowedUrl(url) {
  try {
    const { protocol, href } = new URL(url, url.startsWith("/articles/") ? origin : undefined);
    return ["https:", "http:", "tel:", "mailto:"].includes(protocol) && href;
  } catch {
    return null;
  }
}

/** A link, or the same content without one. */
function link(url, className, ...children) {
  const href = allowedUrl(url || "");
  if (!href) return element("span", { class: className }, ...children);
  const node = element("a", { class: className, href }, ...children);
  if (href.startsWith("http")) {
    node.target = "_blank";
    node.rel = "noopener";
    node.append(hidden(` ${texts.newTab}`));
  }
  return node;
}

function mark(piece, i) {
  if (i % 2 === 0) return piece;
  if (piece.startsWith("**")) return element("strong", {}, ...inline(piece.slice(2, -2)));
  const [, title, url] = /^\[(.+)\]\((.+)\)$/.exec(piece) || [];
  const address = url || (piece.startsWith("http") ? piece : Object.hasOwn(NUMBERS, piece) && NUMBERS[piece]);
  return address && allowedUrl(address) ? link(address, "inline", title || piece) : piece;
}

const inline = (text) => text.split(MARKS).map(mark);

/** Paragraphs and "- " lists. */
function prose(text = "") {
  const node = box("prose");
  let last = null;
  for (const words of text.split("\n")) {
    const tag = words.startsWith("- ") ? "ul" : "p";
    if (!words.trim()) last = null;
    else {
      if (last?.localName !== tag) node.append((last = element(tag)));
      else if (tag === "p") last.append("\n");
      last.append(...(tag === "p" ? inline(words) : [element("li", {}, ...inline(words.slice(2)))]));
    }
  }
  return node;
}

const clock = (at, day) =>
  new Date(at).toLocaleString(texts.locale, { hour: "numeric", minute: "2-digit", weekday: day });

/** "today", "yesterday", or the date. */
function dayName(at) {
  const midnight = (time) => new Date(time).setHours(0, 0, 0, 0);
  const days = Math.round((midnight(at) - midnight(Date.now())) / seconds(86400));
  return days > -2 ? new Intl.RelativeTimeFormat(texts.locale, { numeric: "auto" }).format(days, "day")
    : new Date(at).toLocaleDateString(texts.locale, { weekday: "long", day: "numeric", month: "long" });
}

/** The card of an article: what it is, how it was reviewed, the way to the page. */
const source = ({ url, article_title, title, section_title, review }) =>
  link(url, "source", icon("article"), element("span", {},
    element("span", { class: "small" }, texts.fromArticle),
    element("strong", {}, article_title || title),
    element("span", {}, section_title),
    element("span", { class: "small" }, review)));

const footnotes = ({ footnotes: notes = [] }) => notes.map((note) => small(note));

/** A passage to unfold. */
const passage = (title, custom) =>
  element("details", {}, element("summary", {}, title, icon("down")),
    prose(custom.body), source(custom), ...footnotes(custom));

/** What must be read first, as where the question is about an emergency. */
const advice = (...lines) => lines.filter(Boolean).map((words) => line("advice", ...inline(words)));

function emergency({ text, calls = [], action = "" }) {
  // The first number stands above the text: on a small screen it must not need scrolling.
  const [first, ...others] = calls.map(({ title, url }) => link(url, "call", icon("phone"), title));
  return box(`bubble wide emergency ${action === "doctor_today" ? "soon" : ""}`,
    line("alarm", icon("warning"), texts.emergency[action] || texts.emergency.other),
    first, prose(text), ...others);
}

const reference = (number) =>
  line("reference", element("span", { class: "small" }, texts.reference), element("strong", {}, number));

/** Messages with a shape of their own, by custom.type; any other type shows its text. */
const SHAPES = {
  answer: ({ text, body = text, ...custom }) =>
    [...advice(custom.advice), prose(body), source(custom), ...footnotes(custom)],

  // No article fits the question: first that is said, then the closest one, to unfold.
  closest: ({ text, notice = text, ...custom }) =>
    [...advice(custom.advice), prose(notice), passage(custom.section_title, custom)],

  again({ text, url, ...custom }, said) {
    const isShown = (part) => part === custom.advice || part.endsWith(url);
    const words = text.split("\n\n").filter((part) => !isShown(part.trim())).join("\n\n");
    const before = said.find((other) => other?.body && other.url === url);
    return [...advice(custom.advice), prose(words),
      before ? passage(custom.section_title, before) : source({ url, ...custom })];
  },

  glossary({ terms = [], levels = [], ...custom }) {
    const words = [...terms.map(({ term, meaning, common }) => [term, `${meaning} ${common || ""}`]),
      ...levels.map(({ level, meaning }) => [level, meaning])];
    return words.length > 0 && [...advice(custom.advice, custom.call_today), prose(custom.opening),
      element("dl", {}, ...words.flatMap(([word, meaning]) =>
        [element("dt", {}, word), element("dd", {}, meaning)])),
      prose(custom.closing)];
  },

  handoff: ({ text, reference: number }) => [prose(text), reference(number)],

  form: ({ text, step, steps, hours }) =>
    [small(texts.step(step, steps)), prose(text), step === 1 && hours && small(hours)],
};

function shape({ sender, text, custom }, said, hours) {
  // A visitor's asterisks are the visitor's.
  if (sender === "visitor") return box("bubble", text);
  const { type } = custom || {};
  if (type === "emergency") return emergency({ text, ...custom });
  const parts = Object.hasOwn(SHAPES, type) && SHAPES[type]({ text, hours, ...custom }, said);
  return box(`bubble ${RATED.includes(type) ? "wide" : type}`, ...(parts || [prose(text)]));
}

const RATED = ["answer", "closest", "again", "glossary"];

const speaker = ({ sender, custom }) =>
  sender === "visitor" ? texts.you : sender === "staff" ? texts.staff(custom?.name) : texts.bot;

/** Yes or no, and after a no the reason. */
function feedback(question, helpful, rate) {
  const node = element("div", { class: "choices", "aria-live": "off" });
  const words = element("p", { class: "small", role: "status" });
  const options = [true, false].map((value) =>
    button("choice", () => answer(value), texts[value ? "yes" : "no"]));
  const reasons = Object.entries(texts.reasons).map(([code, title]) =>
    button("choice", () => answer(false, code), title));
  const show = (value, reason) => {
    const isRated = typeof value === "boolean";
    words.textContent = !isRated ? question : value || reason ? texts.thanks : texts.why;
    options.forEach((option, i) => (option.ariaPressed = isRated && value === !i));
    for (const option of reasons) option.hidden = value !== false || Boolean(reason);
  };
  const answer = (value, reason) => rate(value, reason).then(() => {
    show(value, reason);
    // The button just pressed is gone.
    if (reason) options[1].focus();
  }, () => {});
  node.append(words, ...options, ...reasons);
  show(helpful, "given");
  if (typeof helpful !== "boolean") show(null);
  return node;
}

function field(id, label, attributes, tag = "input") {
  return [element("label", { for: id }, label),
    element(tag, { id, "aria-describedby": `${id}-fault`, ...attributes }),
    element("p", { class: "fault", id: `${id}-fault` })];
}

/** The inputs for a question of the form. A contact has two, for the browser's sake. */
const FIELDS = {
  name: [{ autocomplete: "name" }],
  contact: [{ type: "tel", autocomplete: "tel" }, { type: "email", autocomplete: "email" }],
  time: [{}],
  month: [{ type: "month" }],
  area: [{}],
};

/** A choice has none: it is made with the message's buttons. */
function formField({ kind, label }, number, send) {
  if (!Object.hasOwn(FIELDS, kind)) return null;
  const form = element("form", { class: "field" },
    ...FIELDS[kind].flatMap((attributes, i) => field(`field-${number}-${i}`,
      kind === "contact" ? texts[attributes.type === "tel" ? "phone" : "email"] : label, attributes)),
    element("button", { class: "choice" }, texts.next));
  form.noValidate = true;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const inputs = [...form.querySelectorAll("input")];
    const words = inputs.map(({ value }) => value.trim()).filter(Boolean);
    if (words.length) send({ text: words.join(", ") });
    else inputs[0].focus();
  });
  return form;
}

/** Messages in the order in which they come, unsent ones behind them. */
class Transcript {
  constructor({ intro, hours, send, rate }) {
    Object.assign(this, { intro, hours, send, rate, entries: [] });
    this.list = element("div");
    this.who = small();
    this.dots = element("div", { class: "typing", hidden: "", "aria-hidden": true },
      element("i"), element("i"), element("i"), this.who);
    this.node = element("div", { class: "log", role: "log", "aria-live": "off", "aria-label": texts.log, tabindex: 0 },
      intro, this.list, this.dots);
    this.node.addEventListener("scroll", () => (this.wasAtEnd = this.isAtEnd()));
    // A phone's keyboard takes half of the log: the half that was being read must stay.
    new ResizeObserver(() => this.wasAtEnd && this.scroll()).observe(this.node);
  }

  add(message) {
    this.keepAtEnd(() => {
      const waiting = this.entries.find((entry) => entry.status && entry.message.key === message.key);
      if (waiting) {
        waiting.status.remove();
        waiting.node.querySelector(".bubble").textContent = message.text;
        Object.assign(waiting, { message, status: null });
      } else this.insert(this.entry(message));
      this.refresh();
    });
  }

  showOutbox(outbox, isTrouble) {
    for (const item of outbox) {
      if (this.entries.some(({ message }) => message.key === item.key)) continue;
      const entry = this.entry({ ...item, sender: "visitor", text: item.text ?? item.title });
      entry.status = small();
      entry.node.append(entry.status);
      this.insert(entry);
      this.scroll();
    }
    for (const { status, message } of this.entries) {
      const isWaiting = outbox.some(({ key }) => key === message.key);
      const words = !isWaiting ? "" : texts[isTrouble ? "waiting" : "sending"];
      if (status && status.textContent !== words) status.textContent = words;
    }
    this.refresh();
  }

  remove(refused) {
    this.entries.find(({ message }) => message.key === refused).node.remove();
    this.entries = this.entries.filter(({ message }) => message.key !== refused);
    this.refresh();
  }

  /** The next conversation starts at number 1 again: what is shown stays, but only to read. */
  end(isErased) {
    const past = this.entries.filter(({ status }) => !status);
    this.entries = this.entries.filter(({ status }) => status);
    for (const old of this.list.querySelectorAll("button")) disable(old, true);
    if (isErased) this.list.replaceChildren();
    else if (past.length) this.place(line("divider small", texts.ended), this.entries[0]);
    this.refresh();
  }

  entry(message) {
    const { sender, custom, at, number, text } = message;
    const buttons = (message.buttons || []).map(({ title, payload }) =>
      button("choice", () => this.send({ button: payload, title }), title));
    if (sender === "note") return { message, buttons, node: line("divider small", text) };
    const said = this.entries.map((entry) => entry.message.custom).reverse();
    const form = custom?.field && formField(custom.field, number, this.send);
    const isRated = "helpful" in message && RATED.includes(custom?.type);
    const node = box(`message ${sender}`,
      line("heading", element("span", { class: sender === "visitor" ? "unseen" : "name" },
        sender === "staff" && icon("person"), speaker(message)), " ",
      element("time", { datetime: at }, clock(at))),
      shape(message, said, this.hours),
      form,
      buttons.length > 0 && element("div", { class: "choices", role: "group", "aria-label": texts.replies }, ...buttons),
      isRated && feedback(texts.helpful, message.helpful, (...rating) => this.rate(number, ...rating)));
    return { message, node, buttons, form };
  }

  place(node, before) {
    this.list.insertBefore(node, before?.node || null);
  }

  /** Before what waits: that has no number yet, so it comes last. */
  insert(entry) {
    const at = entry.status ? this.entries.length : this.entries.filter(({ status }) => !status).length;
    const day = dayName(entry.message.at);
    if (day !== this.day || !this.entries.length) this.place(line("divider small", day), this.entries[at]);
    this.day = day;
    this.place(entry.node, this.entries[at]);
    this.entries.splice(at, 0, entry);
  }

  /** Quick replies and fields count until the visitor has said something after them. */
  refresh() {
    this.intro.classList.toggle("begun", this.entries.length > 0);
    let reply = null;
    for (const { message, buttons, form } of [...this.entries].reverse()) {
      if (message.sender === "visitor") reply = message;
      if (form) form.hidden = Boolean(reply);
      buttons.forEach((option, i) => {
        const { title } = message.buttons[i];
        const isChosen = reply?.text === title;
        disable(option, Boolean(reply));
        if (isChosen === option.classList.contains("chosen")) return;
        option.classList.toggle("chosen", isChosen);
        option.replaceChildren(...(isChosen ? [icon("check"), hidden(`${texts.chosen} `)] : []), title);
      });
    }
  }

  setTyping(isOn, words) {
    this.who.textContent = words;
    if (this.dots.hidden === isOn) this.keepAtEnd(() => (this.dots.hidden = !isOn));
  }

  /** Who has scrolled back to read is not pulled away. */
  keepAtEnd(change) {
    const wasAtEnd = this.isAtEnd();
    change();
    if (wasAtEnd) this.scroll();
  }

  isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.node;
    return scrollHeight - scrollTop - clientHeight < 80;
  }

  /** To the end, but not past the visitor's own last words: a long answer is read from its top. */
  scroll() {
    const own = this.entries.findLast(({ message }) => message.sender === "visitor");
    // Before the first message the greeting is read from its top as well.
    this.node.scrollTop = own ? own.node.offsetTop - 8 : this.entries.length ? 1e9 : 0;
  }
}

// ------------------------------------------------------------------ panel

const NARROW = "(max-width: 480px)";
const Recognition = window.SpeechRecognition || window.webkitSpeechRecognition;

class Panel {
  constructor() {
    this.config = store.get("config");
    this.node = element("section",
      { class: "panel", role: "dialog", "aria-labelledby": "title", dir: host.dataset.dir || "ltr", hidden: "" });
    host.addStyle(STYLE);
    host.shadowRoot.append(this.node);
    this.talk = new Conversation(this);
    this.build();
    this.configure();
    this.listenToPage();
    this.restored = this.talk.start().then(() => (this.isRestored = true));
  }

  listenToPage() {
    this.node.addEventListener("keydown", ({ key, isComposing }) => {
      if (key === "Escape" && !isComposing) this.close();
    });
    // The page's own shortcuts must not fire on what is typed here.
    for (const type of ["keydown", "keyup", "keypress"])
      this.node.addEventListener(type, (event) => event.stopPropagation());
    addEventListener("online", () => this.talk.wake());
    addEventListener("offline", () => this.talk.setTrouble("network", ""));
    addEventListener("pageshow", ({ persisted }) => persisted && this.talk.wake());
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      this.talk.wake();
      this.markRead();
    });
    // Keep the box above the on-screen keyboard, which the layout viewport ignores.
    const view = window.visualViewport;
    view.onresize = view.onscroll = () => {
      if (view.scale > 1) return;
      this.node.style.setProperty("--view-height", `${view.height}px`);
      this.node.style.setProperty("--view-top", `${view.offsetTop}px`);
    };
  }

  // Opening and closing.

  /** By the visitor's wish: takes the focus. */
  open() {
    store.set("open", true);
    if (!this.config) this.configure();
    this.show();
    this.focus();
    this.count("opened");
  }

  show() {
    this.setOpen(true);
    this.showView(this.view);
  }

  close() {
    store.set("open", false);
    this.setOpen(false);
    this.transcript?.node.setAttribute("aria-live", "off");
    host.launcher.focus({ preventScroll: true });
  }

  setOpen(isOpen) {
    this.node.hidden = !isOpen;
    host.launcher.hidden = isOpen;
    // On a narrow screen the panel covers the page: nothing may be reached behind it.
    document.body.inert = isOpen && matchMedia(NARROW).matches;
  }

  showView(name) {
    this.view = name;
    for (const view in this.views) this.views[view].hidden = view !== name;
    for (const tab of this.nav.children) tab.ariaCurrent = tab.dataset.view === name ? "page" : null;
    if (name !== "chat" || !this.transcript) return;
    this.transcript.scroll();
    this.growBox();
    this.markRead();
    // Only what comes from now on is news to a screen reader.
    this.restored?.then(() => setTimeout(() =>
      this.node.hidden || this.transcript.node.setAttribute("aria-live", "polite"), 600));
  }

  focus() {
    // On a touch screen the text box would bring up the keyboard over the greeting.
    const isTouch = matchMedia(`${NARROW}, (pointer: coarse)`).matches;
    (isTouch || this.view !== "chat" || !this.box ? this.title : this.box).focus();
  }

  // Building.

  async configure() {
    const { topic = "" } = host.dataset;
    try {
      const config = await request("GET", `widget?${new URLSearchParams({ language: host.lang, topic })}`);
      const isFirst = !this.config;
      this.config = config;
      store.set("config", config);
      host.setColor(config.colors.primary);
      if (isFirst) this.build();
    } catch {
      if (!this.config) this.views.chat.replaceChildren(alert(texts.away),
        button("choice", () => this.configure(), texts.retry));
    }
    this.loadTopics();
  }

  build() {
    const hadFocus = this.node.contains(host.shadowRoot.activeElement);
    this.views = {};
    this.nav = element("nav");
    this.node.replaceChildren(this.header(), this.nav);
    if (this.config) this.buildViews();
    else this.addView("chat", element("p", { role: "status" }, texts.wait));
    this.showView("chat");
    if (hadFocus) this.focus();
  }

  addView(name, ...children) {
    this.views[name] = element("div", { class: `view ${name}`, hidden: "" }, ...children);
    this.node.append(this.views[name]);
  }

  addTab(name) {
    const tab = button("", () => this.showView(name), texts[name]);
    tab.dataset.view = name;
    this.nav[name === "home" ? "prepend" : "append"](tab);
  }

  header() {
    const { title = texts.chat, clinic } = this.config || {};
    this.title = element("h2", { id: "title", tabindex: -1 }, host.dataset.title || title);
    return element("header", {}, this.title,
      clinic && link(clinic.phone_link, "round", icon("phone"), hidden(texts.call(clinic.phone))),
      button("round", () => this.close(), icon("close"), hidden(texts.close)));
  }

  buildViews() {
    const { clinic, languages } = this.config;
    NUMBERS[clinic.phone] = clinic.phone_link;
    // A server without languages is an older one, without the calls that came with them.
    this.talk.language = languages && host.lang;
    this.addTab("chat");
    this.addTab("more");
    this.transcript = new Transcript({
      intro: this.intro(),
      hours: this.hours(),
      send: (content) => this.send(content),
      rate: (...rating) => this.rate(...rating),
    });
    this.status = element("span", { class: "unseen", role: "status" });
    this.banner = box("banner",
      element("p", { role: "status" }),
      link(clinic.phone_link, "plain", texts.call(clinic.phone)),
      button("plain", () => this.talk.wake(), texts.retry));
    this.banner.hidden = true;
    this.addView("chat", this.banner, this.transcript.node, this.status, this.composer());
    this.addView("more", ...this.options());
    this.transcript.showOutbox(this.talk.outbox);
  }

  intro() {
    const { greeting, notice, starters } = this.config;
    const questions = host.dataset.starters?.split("|") || starters;
    return box("intro",
      box("bubble wide", prose(greeting)),
      box("starters", ...questions.map((text) => button("choice", () => {
        this.send({ text });
        // The button is about to go; the focus must not fall back to the page.
        this.transcript.node.focus({ preventScroll: true });
      }, text))),
      small(...inline(notice), " ", this.talk.language && texts.privacy));
  }

  /** In the visitor's own time zone. */
  hours() {
    const { open, opens_at, closes_at, text, reply } = this.config.hours || {};
    const at = open ? closes_at : opens_at;
    return [at ? texts[open ? "open" : "closed"](clock(at, open ? undefined : "long")) : text, reply]
      .filter(Boolean).join(" ");
  }

  // Writing.

  composer() {
    this.box = element("textarea", { rows: 1, "aria-label": texts.message, "aria-describedby": "fault",
      placeholder: this.config.placeholder, enterkeyhint: "send" });
    this.submit = element("button", { class: "round" }, icon("send"), hidden(texts.send));
    this.mic = button("round mic", () => this.dictate(), icon("mic"), hidden(texts.dictate));
    this.mic.hidden = !store.get("dictation");
    this.fault = alert();
    this.fault.id = "fault";
    this.used = small();
    const form = element("form", { class: "composer" }, this.fault, box("row", this.box, this.mic, this.submit), this.used);
    this.box.value = store.get("draft") || "";
    this.box.addEventListener("input", () => {
      this.onInput();
      this.tellTyping();
    });
    this.box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) this.onSubmit(event);
    });
    form.addEventListener("submit", (event) => this.onSubmit(event));
    this.onInput();
    return form;
  }

  onInput() {
    const { value } = this.box;
    const { limit } = this.config;
    store.set("draft", value);
    this.submit.ariaDisabled = !value.trim();
    this.used.textContent = value.length > limit * 0.8 ? texts.characters(value.length, limit) : "";
    if (value.length <= limit) this.fault.textContent = "";
    this.growBox();
  }

  growBox() {
    this.box.style.height = "0";
    this.box.style.height = `${Math.max(44, this.box.scrollHeight)}px`;
  }

  onSubmit(event) {
    event.preventDefault();
    const text = this.box.value.trim();
    const over = text.length - this.config.limit;
    this.box.focus();
    if (over > 0) this.fault.textContent = texts.shorten(over);
    else if (text) {
      this.box.value = "";
      this.onInput();
      this.send({ text });
    }
  }

  send(content) {
    this.talk.send(content);
    this.count(content.button ? "button" : "sent");
  }

  /** Staff who are in the chat see that the visitor writes; nobody minds if it gets lost. */
  tellTyping() {
    if (!this.isStaffHere || Date.now() < this.toldAt + seconds(4)) return;
    this.toldAt = Date.now();
    this.talk.call("POST", "/typing", {}).catch(() => {});
  }

  dictate() {
    const ear = new Recognition();
    ear.lang = texts.locale;
    ear.onresult = ({ results }) => {
      this.box.value = `${this.box.value} ${results[0][0].transcript}`.trim();
      this.onInput();
    };
    ear.onend = () => (this.mic.ariaPressed = false);
    this.mic.ariaPressed = true;
    ear.start();
  }

  // What the conversation tells.

  onMessage(message) {
    const { sender, custom, text } = message;
    this.transcript?.add(message);
    if (custom?.type === "presence") this.isStaffHere = custom.state === "joined";
    if (sender !== "visitor") {
      this.onTyping({ on: false });
      if (this.isRestored) this.count("answered");
      if (this.isRestored && store.get("aloud")) {
        // Articles are English, whatever language the widget has.
        const speech = new SpeechSynthesisUtterance(text.replaceAll("**", ""));
        speech.lang = "en-US";
        speechSynthesis.speak(speech);
      }
    }
    this.markRead();
  }

  onOutbox() {
    this.transcript?.showOutbox(this.talk.outbox, this.isTrouble);
  }

  onRefused({ key, text }, words) {
    this.transcript.remove(key);
    if (text) this.box.value = [text, this.box.value].filter(Boolean).join("\n");
    this.onInput();
    this.fault.textContent = words || texts.refused;
  }

  onTrouble(words) {
    const isTrouble = words !== null;
    if (!this.transcript || isTrouble === this.isTrouble) return;
    this.isTrouble = isTrouble;
    if (isTrouble) this.onTyping({ on: false });
    this.onOutbox();
    this.transcript.keepAtEnd(() => {
      this.banner.hidden = !isTrouble;
      this.banner.firstChild.textContent = isTrouble ? words || this.config.unreachable : "";
    });
  }

  onTyping({ on, who, name }) {
    this.showActivity(on, on && who === "staff" ? texts.types(name) : "");
  }

  /** People take longer than the bot: that it arrived is said. */
  onDelivered() {
    this.showActivity(true, this.isStaffHere ? texts.received : "");
  }

  onReading(name) {
    this.showActivity(true, texts.reads(name));
  }

  showActivity(isOn, words) {
    this.timers?.forEach(clearTimeout);
    this.transcript?.setTyping(isOn, words);
    if (this.status) this.status.textContent = "";
    // A reply within a moment needs no spoken "is being written" before it.
    if (isOn) this.timers = [
      setTimeout(() => (this.status.textContent = words || texts.writing), seconds(1.5)),
      setTimeout(() => this.showActivity(false, ""), seconds(30)),
    ];
  }

  onEnded(isErased) {
    this.transcript?.end(isErased);
    store.set("read", 0);
    this.markRead();
    this.onTyping({ on: false });
  }

  /** Count what came while nobody was looking. */
  markRead() {
    const numbers = (this.transcript?.entries || [])
      .filter(({ message }) => message.sender !== "visitor").map(({ message }) => message.number);
    if (!this.node.hidden && !document.hidden && this.view === "chat")
      store.set("read", Math.max(0, ...numbers));
    const unread = numbers.filter((number) => number > (store.get("read") || 0)).length;
    host.showUnread(unread);
    const title = document.title.replace(/^\(\d+\) /, "");
    document.title = unread ? `(${unread}) ${title}` : title;
  }

  rate(number, helpful, reason = null) {
    this.count("feedback");
    return this.talk.call("POST", "/feedback", { number, helpful, reason });
  }

  /** Counted by day, without text and without a token. */
  count(name) {
    if (this.talk.language) request("POST", "events", { name }).catch(() => {});
  }

  // Home: articles, also where the dialogue is away.

  async loadTopics() {
    if (this.views.home || !this.config) return;
    // A server without topics has no home tab.
    const found = await request("GET", "topics").catch(() => null);
    if (!found || this.views.home) return;
    const show = (question) => passage(question.title, question);
    const questions = found.topics.flatMap((topic) => topic.questions);
    const top = found.top.map((title) => questions.find((question) => question.title === title));
    this.addTab("home");
    this.addView("home", this.searchForm(),
      element("h3", {}, texts.topics), ...top.filter(Boolean).map(show),
      ...found.topics.map((topic) => element("details", { class: "topic" },
        element("summary", {}, topic.title, icon("down")), ...topic.questions.map(show))));
  }

  searchForm() {
    const input = element("input", { type: "search", id: "search", maxlength: 200 });
    const results = element("div", { "aria-live": "polite" });
    const form = element("form", { role: "search" },
      element("label", { for: "search" }, texts.search),
      box("row", input, element("button", { class: "round" }, icon("find"), hidden(texts.find))), results);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (input.value.trim()) results.replaceChildren(...await this.search(input.value));
    });
    return form;
  }

  async search(q) {
    this.count("search");
    try {
      const { emergency: alarm, results } = await request("GET", `search?${new URLSearchParams({ q })}`);
      if (alarm) return [emergency(alarm)];
      return [small(texts.found(results.length)), ...results.map((result) => passage(result.section_title, result))];
    } catch {
      return [alert(texts.away)];
    }
  }

  // More: details, transcript, voice, rating, deletion.

  options() {
    const isNew = this.talk.language;
    const option = (name, press) => button("option", press, texts[name]);
    const choice = (name, changed) => {
      const node = option(name, () => {
        store.set(name, !store.get(name));
        show();
        changed();
      });
      const show = () => (node.ariaPressed = Boolean(store.get(name)));
      show();
      return node;
    };
    this.sure = element("div", { "aria-live": "polite" });
    return [small(this.hours()),
      this.config.consent && option("details", () => this.openDetails()),
      option("print", () => this.print()),
      option("save", () => this.save()),
      window.speechSynthesis && choice("aloud", () => speechSynthesis.cancel()),
      Recognition && choice("dictation", () => (this.mic.hidden = !store.get("dictation"))),
      Recognition && small(texts.voice),
      isNew && option("erase", () => this.askErase()),
      this.sure,
      isNew && feedback(texts.rate, null, (...rating) => this.rate(null, ...rating))];
  }

  askErase() {
    const done = (words) => {
      this.sure.replaceChildren(words);
      this.title.focus();
    };
    const keep = button("choice", () => done(""), texts.keep);
    this.sure.replaceChildren(line("", texts.eraseSure), keep, button("choice danger", () =>
      this.talk.erase().then(() => done(texts.erased), () => done(texts.away)), texts.eraseNow));
    keep.focus();
  }

  lines() {
    return this.transcript.entries.map(({ message }) =>
      [`${speaker(message)}, ${dayName(message.at)} ${clock(message.at)}`, message.text]);
  }

  save() {
    const text = this.lines().map((parts) => parts.join("\n")).join("\n\n");
    const href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    element("a", { href, download: "chat.txt" }).click();
  }

  print() {
    const view = window.open("", "_blank");
    view.document.title = this.title.textContent;
    view.document.body.append(...this.lines().flatMap(([who, text]) => [element("h4", {}, who), prose(text)]));
    view.print();
  }

  // Leave your details.

  openDetails() {
    if (!this.views.details) this.addView("details", this.detailsForm());
    this.showView("details");
    this.views.details.querySelector("h3").focus();
  }

  detailsForm() {
    const draft = store.get("details") || { key: newKey() };
    const own = (name, attributes, tag) => {
      const parts = field(`details-${name}`, texts[name] || texts.about, { name, ...attributes }, tag);
      parts[1].value = draft[name] || "";
      return parts;
    };
    const form = element("form", {},
      element("h3", { tabindex: -1 }, texts.details),
      small(this.hours()),
      ...own("name", { autocomplete: "name" }),
      ...own("phone", { type: "tel", autocomplete: "tel" }),
      ...own("email", { type: "email", autocomplete: "email" }),
      small(texts.either),
      ...own("best_time"),
      ...own("message", { maxlength: 500 }, "textarea"),
      element("label", { class: "consent" }, element("input", { type: "checkbox", name: "consent" }), this.config.consent),
      // No visitor sees this field; programs fill it in.
      element("input", { class: "unseen", name: "website", tabindex: -1, autocomplete: "off", "aria-hidden": true }),
      alert(),
      element("button", { class: "choice strong" }, texts.submit));
    const values = () => ({ ...draft, ...Object.fromEntries(new FormData(form)), consent: form.consent.checked });
    form.noValidate = true;
    form.addEventListener("input", () => store.set("details", values()));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.sendDetails(form, values());
    });
    return form;
  }

  async sendDetails(form, values) {
    try {
      const stored = await request("POST", "handoffs", { ...values, token: this.talk.token || null });
      store.set("details", null);
      form.replaceChildren(stored.emergency ? emergency(stored.emergency) : "",
        element("p", { role: "status" }, texts.stored), reference(stored.reference));
      this.title.focus();
    } catch (error) {
      for (const input of form.querySelectorAll("[aria-describedby]")) {
        const words = error.fields[input.name] || "";
        input.ariaInvalid = Boolean(words);
        input.nextSibling.textContent = words;
      }
      form.querySelector("[role=alert]").textContent =
        isFinal(error) ? error.fields.consent || texts.invalid : texts.unsent;
      form.querySelector("[aria-invalid=true]")?.focus();
    }
  }
}

// ------------------------------------------------------------------ style

const STYLE = `
:host {
  --accent: var(--on-light); --ink: #1c2a32; --soft: #50616b; --line: #d5dfe4; --edge: #74858f;
  --paper: #fff; --ground: #f3f6f7; --alarm: #a81e17; --alarm-soft: #fdf0ef; --banner: #fff4da;
  color-scheme: light; }
@media (prefers-color-scheme: dark) { :host {
  --accent: var(--on-dark); --ink: #e4ecf0; --soft: #a9b9c2; --line: #33444f; --edge: #7f929d;
  --paper: #1c2932; --ground: #121c22; --alarm: #ffa9a2; --alarm-soft: #3b2221; --banner: #3a2f17;
  color-scheme: dark; } }
.panel { position: fixed; z-index: var(--spine-chat-z, 2147483000); --gap: var(--spine-chat-gap, 20px);
  inset: auto var(--gap) var(--gap) auto; display: flex; flex-direction: column; width: 408px;
  height: min(720px, 100dvh - 2 * var(--gap)); overflow: hidden; border-radius: var(--spine-chat-radius, 20px);
  background: var(--ground); color: var(--ink); text-align: start; animation: rise .2s ease-out;
  box-shadow: 0 0 0 1px var(--line), 0 18px 60px rgb(16 42 56 / .3); }
@keyframes rise { from { opacity: 0; transform: translateY(14px); } }
:host([data-position="left"]) .panel { inset: auto auto var(--gap) var(--gap); }
.panel :is(p, ul, dl, dd, h2, h3) { margin: 0; }
.panel :is(button, input, textarea) { font: inherit; color: inherit; }
.panel button { min-height: 44px; border: 0; background: none; cursor: pointer; }
:focus { outline: none; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.small { color: var(--soft); font-size: .8125em; line-height: 1.45; }
.more > .small, .panel .fault { margin-block: 5px; }
.panel .small:empty { display: none; }
strong, dt, .name { font-weight: 650; }

header { display: flex; align-items: center; gap: 4px; padding: 8px 8px 8px 20px; background: var(--primary);
  color: var(--on-primary); }
h2 { flex: 1; font-size: 1.0625em; line-height: 1.3; overflow-wrap: anywhere; }
.round { display: grid; flex: none; place-items: center; width: 44px; height: 44px; padding: 0;
  border-radius: 50%; color: inherit; }
header :focus-visible { outline-color: currentColor; outline-offset: -3px; }
nav { display: flex; border-bottom: 1px solid var(--line); background: var(--paper); }
nav button { flex: 1; color: var(--soft); font-size: .9375em; }
nav [aria-current] { color: var(--accent); font-weight: 650; box-shadow: inset 0 -3px; }
nav :focus-visible { outline-offset: -3px; }

.view { flex: 1; min-height: 0; overflow: hidden auto; padding: 18px; overscroll-behavior: contain; }
.view.chat { display: flex; flex-direction: column; padding: 0; }
.banner { display: flex; flex-wrap: wrap; gap: 0 20px; padding: 10px 18px; background: var(--banner);
  font-size: .9375em; }
.plain { display: inline-flex; align-items: center; min-height: 44px; padding: 0; color: inherit;
  font-weight: 600; text-decoration: underline; text-underline-offset: 3px; }
.log { position: relative; flex: 1; min-height: 60px; overflow: hidden auto; padding: 16px 16px 14px;
  overscroll-behavior: contain; scrollbar-width: thin; }
.log:focus-visible { outline-offset: -4px; }
.intro, .starters { display: flex; flex-direction: column; gap: 8px; align-items: stretch; }
.intro > .small { padding: 6px 4px; }
.begun .starters { display: none; }

.message { display: flex; flex-direction: column; align-items: flex-start; margin-top: 8px; }
.heading { display: flex; gap: 7px; padding: 10px 4px 5px; color: var(--soft); font-size: .8125em; }
.name { display: flex; gap: 4px; color: var(--ink); }
.name svg { width: 18px; height: 18px; }
.visitor + .visitor .heading, .bot + .bot .heading { display: none; }
.bubble { max-width: 92%; padding: 12px 16px; border: 1px solid var(--line); border-radius: 18px;
  border-start-start-radius: 6px; background: var(--paper); overflow-wrap: anywhere; }
.wide { width: 100%; max-width: none; }
.visitor { align-items: flex-end; }
.visitor .bubble { max-width: 84%; border-color: transparent; border-radius: 18px;
  border-end-end-radius: 6px; background: var(--primary); color: var(--on-primary); white-space: pre-wrap; }
.staff .bubble { border-inline-start: 4px solid var(--accent); }
.panel .prose > * + *, .bubble > * + :is(.small, dl, details, .prose) { margin-top: 10px; }
.prose p { white-space: pre-line; }
.prose ul { padding-inline-start: 20px; }
.prose li + li { margin-top: 5px; }
.inline { color: inherit; font-weight: 600; text-underline-offset: 3px; }
dd + dt { margin-top: 10px; }
.advice { margin-bottom: 12px; padding: 10px 14px; border-inline-start: 4px solid var(--alarm);
  border-radius: 8px; background: var(--alarm-soft); }
.source { display: flex; gap: 12px; margin-top: 14px; padding: 11px 14px; border: 1px solid var(--line);
  border-radius: 12px; background: var(--ground); color: inherit; font-size: .9375em; line-height: 1.4;
  text-decoration: none; }
.source > span:not(.unseen) { display: flex; flex-direction: column; min-width: 0; }
.source svg, a.source strong { color: var(--accent); }
a.source:hover { border-color: var(--accent); }
.panel details { border-top: 1px solid var(--line); }
.panel summary { display: flex; justify-content: space-between; align-items: center; gap: 10px; min-height: 48px;
  padding: 8px 4px; font-weight: 600; line-height: 1.35; cursor: pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
[open] > summary svg { rotate: 180deg; }
.panel details[open] { padding-bottom: 14px; }
.topic > details { margin-inline-start: 14px; }

.emergency { padding: 0 18px 18px; border: 2px solid #a81e17; overflow: hidden; font-size: 1.0625em; }
.emergency .alarm { display: flex; align-items: center; gap: 10px; margin: 0 -18px 14px; padding: 12px 18px;
  background: #a81e17; color: #fff; font-weight: 700; }
.soon { border-color: #8a4600; }
.soon :is(.alarm, .call) { background: #8a4600; }
.call { display: flex; align-items: center; justify-content: center; gap: 10px; min-height: 52px; margin: 14px 0;
  padding: 8px; border-radius: 12px; background: #a81e17; color: #fff; font-weight: 700; text-decoration: none; }
.prose ~ .call { margin: 12px 0 0; }
.reference { display: flex; flex-direction: column; padding: 12px 16px; border: 1px solid var(--line);
  border-radius: 12px; background: var(--ground); }
.bubble .reference { margin-top: 12px; }
.reference strong { font-size: 1.375em; letter-spacing: .06em; user-select: all; }
.error { border-color: #b98a2b; background: var(--banner); }

.choices { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; margin-top: 10px; }
.panel .choice { max-width: 100%; padding: 8px 16px; border: 1px solid var(--accent); border-radius: 22px;
  background: var(--paper); color: var(--accent); font-size: .9375em; font-weight: 550; line-height: 1.35;
  text-align: start; overflow-wrap: anywhere; }
.choice svg { width: 18px; height: 18px; margin-inline-end: 6px; vertical-align: -4px; }
.panel .choice:hover, .panel .strong, .panel [aria-pressed="true"] { background: var(--primary);
  color: var(--on-primary); }
.panel .choice[aria-disabled="true"] { border-color: var(--line); background: none; color: var(--soft); cursor: default; }
.panel .choice.chosen { border-color: var(--accent); color: var(--accent); font-weight: 650; }
.panel .danger { border-color: var(--alarm); color: var(--alarm); }
.panel .option { display: block; width: 100%; min-height: 52px; margin: 0 0 8px; padding: 8px 16px; border: 1px solid var(--line);
  border-radius: 14px; background: var(--paper); text-align: start; }
.option:hover { border-color: var(--accent); }
.divider { padding: 14px 0 2px; text-align: center; }
.divider::first-letter { text-transform: uppercase; }
.typing { display: flex; gap: 5px; align-items: center; width: max-content; max-width: 100%; margin-top: 14px; padding: 13px 16px; }
.typing i { width: 7px; height: 7px; border-radius: 50%; background: var(--soft); animation: breathe 1.3s infinite; }
.typing i + i { animation-delay: .2s; }
@keyframes breathe { 35% { opacity: .25; } }

.composer { padding: 10px 12px max(10px, env(safe-area-inset-bottom)); border-top: 1px solid var(--line);
  background: var(--paper); }
.fault { color: var(--alarm); font-size: .9375em; line-height: 1.4; }
.row { display: flex; align-items: flex-end; gap: 6px; padding: 3px; border: 1px solid var(--edge); border-radius: 26px;
  background: var(--paper); }
.row:focus-within { border-color: var(--accent); box-shadow: 0 0 0 2px var(--accent); }
.row > :is(textarea, input) { flex: 1; min-width: 0; min-height: 44px; max-height: 132px; padding: 10px 4px 10px 16px;
  border: 0; outline: 0; background: none; resize: none; }
::placeholder { color: var(--soft); opacity: 1; }
.panel .row .round { background: var(--primary); color: var(--on-primary); }
.panel .row [aria-disabled="true"], .panel .row .mic:not([aria-pressed="true"]) { background: var(--ground); color: var(--soft); }

label { display: block; margin-top: 12px; font-weight: 600; }
.field, [id^="details-"]:not(p) { width: 100%; }
:is(.field, .details) :is(input:not([type="checkbox"], .unseen), textarea) { width: 100%; min-height: 46px; margin-top: 4px;
  padding: 9px 14px; border: 1px solid var(--edge); border-radius: 12px; background: var(--paper); font-size: max(16px, 1em); }
[aria-invalid="true"] { border: 2px solid var(--alarm) !important; }
.field .choice, .details .choice { margin-top: 12px; }
.consent { display: flex; gap: 12px; font-weight: 400; }
.consent input { flex: none; width: 24px; height: 24px; accent-color: var(--accent); }
h3 { margin: 20px 0 6px !important; font-size: 1.0625em; }
.details h3 { margin-top: 0 !important; }

@media (max-width: 480px) {
  .panel, :host([data-position="left"]) .panel { inset: var(--view-top, 0) 0 auto; width: auto;
    height: var(--view-height, 100dvh); border-radius: 0; }
  header { padding-top: max(8px, env(safe-area-inset-top)); }
}
@media (max-height: 480px) { header { padding-block: 0; } }
@media (prefers-reduced-motion: reduce) { .panel * , .panel { animation: none !important; } }
@media (forced-colors: active) { .panel, .visitor .bubble, .call, .round, .typing i { border: 1px solid; } }
@media print { .panel { display: none; } }
`;

export const createPanel = () => new Panel();
