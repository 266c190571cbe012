/** One message on the screen, by its shape. */

import { element, texts } from "./host.js";
import { icon, box, line, small, button, link, inline, prose } from "./pieces.js";

/** The card of an article: what it is, how it was reviewed, the way to the page. */
export const source = ({ url, article_title, title, section_title, review }) =>
  link(url, "source", icon("article"), element("span", {},
    element("span", { class: "small" }, texts.fromArticle),
    element("strong", {}, article_title || title),
    element("span", {}, section_title),
    element("span", { class: "small" }, review)));

const footnotes = ({ footnotes: notes = [] }) => notes.map((note) => small(note));

/** A passage to unfold. */
export const passage = (title, custom) =>
  element("details", {}, element("summary", {}, title, icon("down")),
    prose(custom.body), source(custom), ...footnotes(custom));

/** What must be read first, as where the question is about an emergency. */
const advice = (...lines) => lines.filter(Boolean).map((words) => line("advice", ...inline(words)));

export function emergency({ text, calls = [], action = "" }) {
  // The first number stands above the text: on a small screen it must not need scrolling.
  const [first, ...others] = calls.map(({ title, url }) => link(url, "call", icon("phone"), title));
  return box(`bubble wide emergency ${action === "doctor_today" ? "soon" : ""}`,
    line("alarm", icon("warning"), texts.emergency[action] || texts.emergency.other),
    first, prose(text), ...others);
}

export const reference = (number) =>
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

export function shape({ sender, text, custom }, said, hours) {
  // A visitor's asterisks are the visitor's.
  if (sender === "visitor") return box("bubble", text);
  const { type } = custom || {};
  if (type === "emergency") return emergency({ text, ...custom });
  const parts = Object.hasOwn(SHAPES, type) && SHAPES[type]({ text, hours, ...custom }, said);
  return box(`bubble ${RATED.includes(type) ? "wide" : type}`, ...(parts || [prose(text)]));
}

export const RATED = ["answer", "closest", "again", "glossary"];

export const speaker = ({ sender, custom }) =>
  sender === "visitor" ? texts.you : sender === "staff" ? texts.staff(custom?.name) : texts.bot;

/** Yes or no, and after a no the reason. */
export function feedback(question, helpful, rate) {
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

export function field(id, label, attributes, tag = "input") {
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
export function formField({ kind, label }, number, send) {
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
