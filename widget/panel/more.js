/** The tab with more: details, transcript, voice, rating, deletion. */

import { element, store, texts } from "./host.js";
import { line, small, button, prose, clock, dayName } from "./pieces.js";
import { speaker, feedback } from "./messages.js";
import { openDetails } from "./details.js";

export const Recognition = window.SpeechRecognition || window.webkitSpeechRecognition;

/** The tab's parts. */
export function options(panel) {
  const isNew = panel.talk.language;
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
  panel.sure = element("div", { "aria-live": "polite" });
  return [small(panel.hours()),
    panel.config.consent && option("details", () => openDetails(panel)),
    option("print", () => print(panel)),
    option("save", () => save(panel)),
    window.speechSynthesis && choice("aloud", () => speechSynthesis.cancel()),
    Recognition && choice("dictation", () => (panel.mic.hidden = !store.get("dictation"))),
    Recognition && small(texts.voice),
    isNew && option("erase", () => askErase(panel)),
    panel.sure,
    isNew && feedback(texts.rate, null, (...rating) => panel.rate(null, ...rating))];
}

function askErase(panel) {
  const done = (words) => {
    panel.sure.replaceChildren(words);
    panel.title.focus();
  };
  const keep = button("choice", () => done(""), texts.keep);
  panel.sure.replaceChildren(line("", texts.eraseSure), keep, button("choice danger", () =>
    panel.talk.erase().then(() => done(texts.erased), () => done(texts.away)), texts.eraseNow));
  keep.focus();
}

function lines(panel) {
  return panel.transcript.entries.map(({ message }) =>
    [`${speaker(message)}, ${dayName(message.at)} ${clock(message.at)}`, message.text]);
}

function save(panel) {
  const text = lines(panel).map((parts) => parts.join("\n")).join("\n\n");
  const href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  element("a", { href, download: "chat.txt" }).click();
}

function print(panel) {
  const view = window.open("", "_blank");
  view.document.title = panel.title.textContent;
  view.document.body.append(...lines(panel).flatMap(([who, text]) => [element("h4", {}, who), prose(text)]));
  view.print();
}
