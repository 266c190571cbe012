/** What messages are made of: icons, links, paragraphs, times. All text becomes text nodes. */

import { element, drawing, origin, texts } from "./host.js";
import { seconds } from "./server.js";

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
export const NUMBERS = { 911: "tel:911", 988: "tel:988", "1-800-222-1222": "tel:+18002221222" };

export const icon = (name) => drawing(ICONS[name]);
export const hidden = (text) => element("span", { class: "unseen" }, text);
export const box = (className, ...children) => element("div", { class: className }, ...children);
export const line = (className, ...children) => element("p", { class: className }, ...children);
export const small = (...children) => line("small", ...children);
export const alert = (words) => element("p", { class: "fault", role: "alert" }, words);

export function button(className, press, ...children) {
  const node = element("button", { class: className, type: "button" }, ...children);
  node.addEventListener("click", () => node.ariaDisabled === "true" || press());
  return node;
}

export function disable(node, isDisabled) {
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
export function link(url, className, ...children) {
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

export const inline = (text) => text.split(MARKS).map(mark);

/** Paragraphs and "- " lists. */
export function prose(text = "") {
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

export const clock = (at, day) =>
  new Date(at).toLocaleString(texts.locale, { hour: "numeric", minute: "2-digit", weekday: day });

/** "today", "yesterday", or the date. */
export function dayName(at) {
  const midnight = (time) => new Date(time).setHours(0, 0, 0, 0);
  const days = Math.round((midnight(at) - midnight(Date.now())) / seconds(86400));
  return days > -2 ? new Intl.RelativeTimeFormat(texts.locale, { numeric: "auto" }).format(days, "day")
    : new Date(at).toLocaleDateString(texts.locale, { weekday: "long", day: "numeric", month: "long" });
}
