/** The panel's style, in its shadow root. */

export const STYLE = `
:host {
  --accent: var(--on-light); --ink: #1c2a32; --soft: #50616b; --line: #d5dfe4; --edge: #74858f;
  --paper: #fff; --ground: #f3f6f7; --alarm: #a81e17; --alarm-soft: #fdf0ef; --banner: #fff4da;
  color-scheme: light; }
@media (prefers-color-scheme: dark) { :host {
  --accent: var(--on-dark); --ink: #e4ecf0; --soft: #a9b9c2; --line: #33444f; --edge: #7f929d;
  --paper: #1c2932; --ground: #121c22; --alarm: #ffa9a2; --alarm-soft: #3b2221; --banner: #3a2f17;
  color-scheme: dark; } }
.panel { position: fixed; z-index: var(--spine-chat-z, 2147483000); --gap: var(--spine-chat-gap, 20px);
  inset: auto var(--gap) var(--gap) auto; display: flex; flex-direction: column; width: 408px;
  height: min(720px, 100dvh - 2 * var(--gap)); overflow: hidden; border-radius: var(--spine-chat-radius, 20px);
  background: var(--ground); color: var(--ink); text-align: start; animation: rise .2s ease-out;
  box-shadow: 0 0 0 1px var(--line), 0 18px 60px rgb(16 42 56 / .3); }
@keyframes rise { from { opacity: 0; transform: translateY(14px); } }
:host([data-position="left"]) .panel { inset: auto auto var(--gap) var(--gap); }
.panel :is(p, ul, dl, dd, h2, h3) { margin: 0; }
.panel :is(button, input, textarea) { font: inherit; color: inherit; }
.panel button { min-height: 44px; border: 0; background: none; cursor: pointer; }
:focus { outline: none; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.small { color: var(--soft); font-size: .8125em; line-height: 1.45; }
.more > .small, .panel .fault { margin-block: 5px; }
.panel .small:empty { display: none; }
strong, dt, .name { font-weight: 650; }

header { display: flex; align-items: center; gap: 4px; padding: 8px 8px 8px 20px; background: var(--primary);
  color: var(--on-primary); }
h2 { flex: 1; font-size: 1.0625em; line-height: 1.3; overflow-wrap: anywhere; }
.round { display: grid; flex: none; place-items: center; width: 44px; height: 44px; padding: 0;
  border-radius: 50%; color: inherit; }
header :focus-visible { outline-color: currentColor; outline-offset: -3px; }
nav { display: flex; border-bottom: 1px solid var(--line); background: var(--paper); }
nav button { flex: 1; color: var(--soft); font-size: .9375em; }
nav [aria-current] { color: var(--accent); font-weight: 650; box-shadow: inset 0 -3px; }
nav :focus-visible { outline-offset: -3px; }

.view { flex: 1; min-height: 0; overflow: hidden auto; padding: 18px; overscroll-behavior: contain; }
.view.chat { display: flex; flex-direction: column; padding: 0; }
.banner { display: flex; flex-wrap: wrap; gap: 0 20px; padding: 10px 18px; background: var(--banner);
  font-size: .9375em; }
.plain { display: inline-flex; align-items: center; min-height: 44px; padding: 0; color: inherit;
  font-weight: 600; text-decoration: underline; text-underline-offset: 3px; }
.log { position: relative; flex: 1; min-height: 60px; overflow: hidden auto; padding: 16px 16px 14px;
  overscroll-behavior: contain; scrollbar-width: thin; }
.log:focus-visible { outline-offset: -4px; }
.intro, .starters { display: flex; flex-direction: column; gap: 8px; align-items: stretch; }
.intro > .small { padding: 6px 4px; }
.begun .starters { display: none; }

.message { display: flex; flex-direction: column; align-items: flex-start; margin-top: 8px; }
.heading { display: flex; gap: 7px; padding: 10px 4px 5px; color: var(--soft); font-size: .8125em; }
.name { display: flex; gap: 4px; color: var(--ink); }
.name svg { width: 18px; height: 18px; }
.visitor + .visitor .heading, .bot + .bot .heading { display: none; }
.bubble { max-width: 92%; padding: 12px 16px; border: 1px solid var(--line); border-radius: 18px;
  border-start-start-radius: 6px; background: var(--paper); overflow-wrap: anywhere; }
.wide { width: 100%; max-width: none; }
.visitor { align-items: flex-end; }
.visitor .bubble { max-width: 84%; border-color: transparent; border-radius: 18px;
  border-end-end-radius: 6px; background: var(--primary); color: var(--on-primary); white-space: pre-wrap; }
.staff .bubble { border-inline-start: 4px solid var(--accent); }
.panel .prose > * + *, .bubble > * + :is(.small, dl, details, .prose) { margin-top: 10px; }
.prose p { white-space: pre-line; }
.prose ul { padding-inline-start: 20px; }
.prose li + li { margin-top: 5px; }
.inline { color: inherit; font-weight: 600; text-underline-offset: 3px; }
dd + dt { margin-top: 10px; }
.advice { margin-bottom: 12px; padding: 10px 14px; border-inline-start: 4px solid var(--alarm);
  border-radius: 8px; background: var(--alarm-soft); }
.source { display: flex; gap: 12px; margin-top: 14px; padding: 11px 14px; border: 1px solid var(--line);
  border-radius: 12px; background: var(--ground); color: inherit; font-size: .9375em; line-height: 1.4;
  text-decoration: none; }
.source > span:not(.unseen) { display: flex; flex-direction: column; min-width: 0; }
.source svg, a.source strong { color: var(--accent); }
a.source:hover { border-color: var(--accent); }
.panel details { border-top: 1px solid var(--line); }
.panel summary { display: flex; justify-content: space-between; align-items: center; gap: 10px; min-height: 48px;
  padding: 8px 4px; font-weight: 600; line-height: 1.35; cursor: pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
[open] > summary svg { rotate: 180deg; }
.panel details[open] { padding-bottom: 14px; }
.topic > details { margin-inline-start: 14px; }

.emergency { padding: 0 18px 18px; border: 2px solid #a81e17; overflow: hidden; font-size: 1.0625em; }
.emergency .alarm { display: flex; align-items: center; gap: 10px; margin: 0 -18px 14px; padding: 12px 18px;
  background: #a81e17; color: #fff; font-weight: 700; }
.soon { border-color: #8a4600; }
.soon :is(.alarm, .call) { background: #8a4600; }
.call { display: flex; align-items: center; justify-content: center; gap: 10px; min-height: 52px; margin: 14px 0;
  padding: 8px; border-radius: 12px; background: #a81e17; color: #fff; font-weight: 700; text-decoration: none; }
.prose ~ .call { margin: 12px 0 0; }
.reference { display: flex; flex-direction: column; padding: 12px 16px; border: 1px solid var(--line);
  border-radius: 12px; background: var(--ground); }
.bubble .reference { margin-top: 12px; }
.reference strong { font-size: 1.375em; letter-spacing: .06em; user-select: all; }
.error { border-color: #b98a2b; background: var(--banner); }

.choices { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; margin-top: 10px; }
.panel .choice { max-width: 100%; padding: 8px 16px; border: 1px solid var(--accent); border-radius: 22px;
  background: var(--paper); color: var(--accent); font-size: .9375em; font-weight: 550; line-height: 1.35;
  text-align: start; overflow-wrap: anywhere; }
.choice svg { width: 18px; height: 18px; margin-inline-end: 6px; vertical-align: -4px; }
.panel .choice:hover, .panel .strong, .panel [aria-pressed="true"] { background: var(--primary);
  color: var(--on-primary); }
.panel .choice[aria-disabled="true"] { border-color: var(--line); background: none; color: var(--soft); cursor: default; }
.panel .choice.chosen { border-color: var(--accent); color: var(--accent); font-weight: 650; }
.panel .danger { border-color: var(--alarm); color: var(--alarm); }
.panel .option { display: block; width: 100%; min-height: 52px; margin: 0 0 8px; padding: 8px 16px; border: 1px solid var(--line);
  border-radius: 14px; background: var(--paper); text-align: start; }
.option:hover { border-color: var(--accent); }
.divider { padding: 14px 0 2px; text-align: center; }
.divider::first-letter { text-transform: uppercase; }
.typing { display: flex; gap: 5px; align-items: center; width: max-content; max-width: 100%; margin-top: 14px; padding: 13px 16px; }
.typing i { width: 7px; height: 7px; border-radius: 50%; background: var(--soft); animation: breathe 1.3s infinite; }
.typing i + i { animation-delay: .2s; }
@keyframes breathe { 35% { opacity: .25; } }

.composer { padding: 10px 12px max(10px, env(safe-area-inset-bottom)); border-top: 1px solid var(--line);
  background: var(--paper); }
.fault { color: var(--alarm); font-size: .9375em; line-height: 1.4; }
.row { display: flex; align-items: flex-end; gap: 6px; padding: 3px; border: 1px solid var(--edge); border-radius: 26px;
  background: var(--paper); }
.row:focus-within { border-color: var(--accent); box-shadow: 0 0 0 2px var(--accent); }
.row > :is(textarea, input) { flex: 1; min-width: 0; min-height: 44px; max-height: 132px; padding: 10px 4px 10px 16px;
  border: 0; outline: 0; background: none; resize: none; }
::placeholder { color: var(--soft); opacity: 1; }
.panel .row .round { background: var(--primary); color: var(--on-primary); }
.panel .row [aria-disabled="true"], .panel .row .mic:not([aria-pressed="true"]) { background: var(--ground); color: var(--soft); }

label { display: block; margin-top: 12px; font-weight: 600; }
.field, [id^="details-"]:not(p) { width: 100%; }
:is(.field, .details) :is(input:not([type="checkbox"], .unseen), textarea) { width: 100%; min-height: 46px; margin-top: 4px;
  padding: 9px 14px; border: 1px solid var(--edge); border-radius: 12px; background: var(--paper); font-size: max(16px, 1em); }
[aria-invalid="true"] { border: 2px solid var(--alarm) !important; }
.field .choice, .details .choice { margin-top: 12px; }
.consent { display: flex; gap: 12px; font-weight: 400; }
.consent input { flex: none; width: 24px; height: 24px; accent-color: var(--accent); }
h3 { margin: 20px 0 6px !important; font-size: 1.0625em; }
.details h3 { margin-top: 0 !important; }

@media (max-width: 480px) {
  .panel, :host([data-position="left"]) .panel { inset: var(--view-top, 0) 0 auto; width: auto;
    height: var(--view-height, 100dvh); border-radius: 0; }
  header { padding-top: max(8px, env(safe-area-inset-top)); }
}
@media (max-height: 480px) { header { padding-block: 0; } }
@media (prefers-reduced-motion: reduce) { .panel * , .panel { animation: none !important; } }
@media (forced-colors: active) { .panel, .visitor .bubble, .call, .round, .typing i { border: 1px solid; } }
@media print { .panel { display: none; } }
`;
