/**
 * The chat's launcher: <script src="https://host/widget/spine-chat.js" defer></script>
 * Attributes, colours and the Content-Security-Policy it needs: docs/widget.md.
 *
 * Only the button is made here; the rest is loaded on first open. The server owns the transcript.
 * The browser keeps a token and unsent words in sessionStorage: nothing stays on a shared computer.
 */
(() => {
  "use strict";

  // A page that carries the tag twice still gets one chat.
  if (window.SpineChat) return;

  const tag = document.currentScript;
  const origin = new URL(tag.dataset.server || tag.src, location.href).origin;
  const PRIMARY = "#0b5c7a";

  // Small values that outlive a page but not the tab.

  const shelf = `spine-chat ${origin}`;
  let values = {};
  try {
    values = JSON.parse(sessionStorage.getItem(shelf)) || {};
  } catch {
    // Storage may be switched off: the chat then lasts as long as the page.
  }

  const store = {
    get: (name) => values[name],
    set(name, value) {
      values[name] = value;
      try {
        sessionStorage.setItem(shelf, JSON.stringify(values));
      } catch {
        // See above; also thrown when the storage is full.
      }
    },
  };

  // Elements.

  /** Strings among the children become text nodes, never markup. */
  function element(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const name in attributes) node.setAttribute(name, attributes[name]);
    node.append(...children.filter(Boolean));
    return node;
  }

  /** @param {string} strokes on a grid of 24 by 24 */
  function drawing(strokes) {
    const [svg, path] = ["svg", "path"].map((name) =>
      document.createElementNS("http://www.w3.org/2000/svg", name));
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", strokes);
    svg.append(path);
    return svg;
  }

  // Colours.

  /** Any CSS colour as red, green, blue; one that cannot be read counts as the default. */
  function channels(color) {
    const pen = document.createElement("canvas").getContext("2d");
    pen.fillStyle = PRIMARY;
    pen.fillStyle = color;
    const [hex] = pen.fillStyle.match(/^#\w{6}$/) || [PRIMARY];
    return hex.match(/\w\w/g).map((channel) => parseInt(channel, 16));
  }

  /** Contrast as in WCAG 2. */
  function contrast(...colors) {
    const [low, high] = colors.map((rgb) => rgb.reduce((sum, channel, i) =>
      sum + [0.2126, 0.7152, 0.0722][i] * ((channel / 255 + 0.055) / 1.055) ** 2.4, 0.05))
      .sort((a, b) => a - b);
    return high / low;
  }

  /** The colour, moved towards black (0) or white (255) until it can be read on the ground. */
  function legible(rgb, ground, end) {
    while (contrast(rgb, ground) < 4.6) rgb = rgb.map((channel) => channel + (end - channel) / 9);
    return `rgb(${rgb.map(Math.round)})`;
  }

  /** What text and lines need of the clinic's colour, whatever colour that is. */
  function palette(color) {
    const rgb = channels(color);
    const isDark = contrast(rgb, [255, 255, 255]) > 4.6;
    return `:host { --primary: rgb(${rgb}); --on-primary: ${isDark ? "#fff" : legible(rgb, rgb, 0)};
      --on-light: ${legible(rgb, [238, 243, 245], 0)}; --on-dark: ${legible(rgb, [34, 48, 57], 255)}; }`;
  }

  const STYLE = `
:host { all: initial !important; font: 16px/1.5 var(--spine-chat-font, system-ui, -apple-system,
  "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif) !important; }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
svg { width: 22px; height: 22px; flex: none; fill: none; stroke: currentColor; stroke-width: 1.9;
  stroke-linecap: round; stroke-linejoin: round; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; }
.launcher { position: fixed; z-index: var(--spine-chat-z, 2147483000);
  right: max(var(--gap), env(safe-area-inset-right));
  bottom: max(var(--gap), env(safe-area-inset-bottom)); --gap: var(--spine-chat-gap, 20px);
  display: flex; align-items: center; gap: 10px; min-height: 56px; margin: 0; padding: 8px 22px 8px 18px;
  border: 1px solid transparent; border-radius: 28px; background: var(--primary); color: var(--on-primary);
  font: inherit; font-weight: 600; cursor: pointer; box-shadow: 0 6px 24px rgb(16 42 56 / .3); }
.launcher:hover { box-shadow: 0 8px 30px rgb(16 42 56 / .5); }
.launcher:focus-visible { outline: 3px solid var(--on-light); outline-offset: 3px; box-shadow: 0 0 0 3px #fff; }
:host([data-position="left"]) .launcher { right: auto; left: max(var(--gap), env(safe-area-inset-left)); }
.badge { position: absolute; top: -6px; right: -4px; min-width: 24px; padding: 0 7px;
  border: 2px solid #fff; border-radius: 12px; background: #b3261e; color: #fff; font-size: 13px;
  line-height: 20px; }
@media print { .launcher { display: none; } }
`;

  class SpineChat extends HTMLElement {
    constructor() {
      super();
      Object.assign(this, { origin, store, element, drawing });
      Object.assign(this.dataset, tag.dataset);
      this.attachShadow({ mode: "open" });
      this._colors = this.addStyle("");
      this.addStyle(STYLE);
    }

    /** Constructed sheets are allowed under a strict Content-Security-Policy, style tags are not. */
    addStyle(css) {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      this.shadowRoot.adoptedStyleSheets = [...this.shadowRoot.adoptedStyleSheets, sheet];
      return sheet;
    }

    /** The tag's colour, the page's variable or the clinic's colour: the first there is. */
    setColor(ofClinic) {
      const ofPage = getComputedStyle(this).getPropertyValue("--spine-chat-primary");
      this._colors.replaceSync(palette(this.dataset.primary || ofPage || ofClinic || PRIMARY));
    }

    async connectedCallback() {
      if (this.launcher) return;
      this.setColor(store.get("color"));
      await this._loadTexts();
      this._badge = element("span", { class: "badge", "aria-hidden": true, hidden: "" });
      this._news = element("span", { class: "unseen", role: "status" });
      this.launcher = element("button", { class: "launcher", type: "button", "aria-haspopup": "dialog" });
      this.launcher.addEventListener("click", () => this.open());
      this._label(this.texts.launch);
      this.shadowRoot.append(this.launcher, this._news);
      const isInvited = "open" in this.dataset && !matchMedia("(max-width: 480px)").matches;
      const isOpen = store.get("open") ?? isInvited;
      // An answer may have come on the way from one page to the next.
      if (isOpen || store.get("token")) this._load().then((panel) => isOpen && panel.show(), () => {});
    }

    async _loadTexts() {
      const wanted = this.dataset.language || document.documentElement.lang || navigator.language;
      const { TEXTS = {} } = await this.import("texts").catch(() => ({}));
      const language = wanted.slice(0, 2).toLowerCase();
      this.lang = TEXTS[language] ? language : "en";
      // Without the file there is still a button: the word is the same in both languages.
      this.texts = TEXTS[this.lang] || { launch: "Chat", failed: "Chat" };
    }

    _label(words) {
      this.launcher.replaceChildren(drawing("M4 6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v7a2.5"
        + " 2.5 0 0 1-2.5 2.5H12l-5 4v-4h-.5A2.5 2.5 0 0 1 4 13.5zM8.5 8.5h7M8.5 11.7h4.5"),
      words, this._badge);
    }

    /** By the visitor's wish, or the page's: takes the focus. */
    open() {
      return this._load().then((panel) => panel.open(), () => this._label(this.texts.failed));
    }

    close() {
      return this._load().then((panel) => panel.close());
    }

    _load() {
      this._panel ||= this.import("panel").then(({ createPanel }) => createPanel());
      // A failed try is forgotten: the next press tries again.
      this._panel.catch(() => (this._panel = null));
      return this._panel;
    }

    /** From where this file came; under a new name after a failure, as browsers remember those. */
    import(name) {
      const url = new URL(`${name}.js`, tag.src);
      url.search = new URL(tag.src).search;
      if (this._failures) url.searchParams.set("again", this._failures);
      return import(url).catch((error) => {
        this._failures = (this._failures || 0) + 1;
        throw error;
      });
    }

    showUnread(count) {
      this._badge.hidden = !count;
      this._badge.textContent = count > 9 ? "9+" : count;
      const words = count ? this.texts.unread(count) : "";
      if (this._news.textContent !== words) this._news.textContent = words;
    }
  }

  customElements.define("spine-chat", SpineChat);
  window.SpineChat = new SpineChat();
  // Beside the body, where the page's transforms and "body > *" rules do not reach.
  document.documentElement.append(window.SpineChat);
})();
