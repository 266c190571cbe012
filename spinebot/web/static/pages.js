// The button in an article that opens the chat. Without the chat there is no button.
addEventListener("DOMContentLoaded", () => {
  for (const box of document.querySelectorAll(".ask")) {
    box.hidden = !window.SpineChat;
    box.querySelector("[data-chat]").addEventListener("click", () => window.SpineChat.open());
  }
});
