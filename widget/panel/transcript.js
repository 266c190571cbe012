/** All messages on the screen. */

import { element, texts } from "./host.js";
import { icon, hidden, box, line, small, button, disable, clock, dayName } from "./pieces.js";
import { shape, RATED, speaker, feedback, formField } from "./messages.js";

/** Messages in the order in which they come, unsent ones behind them. */
export class Transcript {
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
