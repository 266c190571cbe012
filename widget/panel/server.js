/** Requests to the web process. */

import { origin } from "./host.js";

export const seconds = (count) => count * 1000;
/** Twice as long each time; not all widgets in the same moment after a restart. */
export const backOff = (failures) => seconds(Math.min(30, 2 ** failures) * (0.75 + Math.random() / 2));
export const isFinal = ({ status }) => status >= 400 && status < 500 && ![404, 408, 425, 429].includes(status);

/** Not fetch: pages wrap it, and their wrappers change requests or swallow answers. */
export const request = (method, path, body) => new Promise((resolve, reject) => {
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
export const newKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
