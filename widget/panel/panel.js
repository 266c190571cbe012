/** The panel itself: its views, the composer, what the conversation tells. */

import { host, element, store, texts } from "./host.js";
import { seconds, request } from "./server.js";
import { Conversation } from "./conversation.js";
import { NUMBERS, icon, hidden, box, small, alert, button, link, inline, prose, clock } from "./pieces.js";
import { Transcript } from "./transcript.js";
import { loadTopics } from "./home.js";
import { Recognition, options } from "./more.js";
import { STYLE } from "./style.js";

const NARROW = "(max-width: 480px)";

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
    loadTopics(this);
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
    this.addView("more", ...options(this));
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
}

export const createPanel = () => new Panel();
