/** Leave your details: a request without the dialogue. */

import { element, store, texts } from "./host.js";
import { isFinal, request, newKey } from "./server.js";
import { small, alert } from "./pieces.js";
import { emergency, reference, field } from "./messages.js";

export function openDetails(panel) {
  if (!panel.views.details) panel.addView("details", detailsForm(panel));
  panel.showView("details");
  panel.views.details.querySelector("h3").focus();
}

function detailsForm(panel) {
  const draft = store.get("details") || { key: newKey() };
  const own = (name, attributes, tag) => {
    const parts = field(`details-${name}`, texts[name] || texts.about, { name, ...attributes }, tag);
    parts[1].value = draft[name] || "";
    return parts;
  };
  const form = element("form", {},
    element("h3", { tabindex: -1 }, texts.details),
    small(panel.hours()),
    ...own("name", { autocomplete: "name" }),
    ...own("phone", { type: "tel", autocomplete: "tel" }),
    ...own("email", { type: "email", autocomplete: "email" }),
    small(texts.either),
    ...own("best_time"),
    ...own("message", { maxlength: 500 }, "textarea"),
    element("label", { class: "consent" }, element("input", { type: "checkbox", name: "consent" }), panel.config.consent),
    // No visitor sees this field; programs fill it in.
    element("input", { class: "unseen", name: "website", tabindex: -1, autocomplete: "off", "aria-hidden": true }),
    alert(),
    element("button", { class: "choice strong" }, texts.submit));
  const values = () => ({ ...draft, ...Object.fromEntries(new FormData(form)), consent: form.consent.checked });
  form.noValidate = true;
  form.addEventListener("input", () => store.set("details", values()));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sendDetails(panel, form, values());
  });
  return form;
}

async function sendDetails(panel, form, values) {
  try {
    const stored = await request("POST", "handoffs", { ...values, token: panel.talk.token || null });
    store.set("details", null);
    form.replaceChildren(stored.emergency ? emergency(stored.emergency) : "",
      element("p", { role: "status" }, texts.stored), reference(stored.reference));
    panel.title.focus();
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
