/** What the launcher has for the panel (spine-chat.js). */

export const host = window.SpineChat;
export const { element, drawing, store, origin, texts } = host;
