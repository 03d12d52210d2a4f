/*
 * <baoke-chat>: the chat widget (网页客服). One script tag is all a page needs:
 *   <script src="https://host/widget.js" defer></script>
 * The server puts vendor/socket.io.min.js in front of this file. Settings are data-
 * attributes of the script tag or of a <baoke-chat> the page already contains:
 * data-title, data-open="true", data-position="left", data-color="#0b5c6b".
 * In the page, data-baoke-open on any element opens the chat when it is clicked;
 * data-baoke-draft="…" puts words into the input as well, and sends nothing.
 *
 * Works under a strict CSP (script-src and style-src of the server's origin, no
 * 'unsafe-inline') and under Trusted Types: nothing from the wire is parsed as HTML.
 *
 * From top to bottom: words, settings, styles, small tools, Memory (what the browser
 * keeps), Line (the wire: sockets, REST when sockets are blocked), Sender (one message
 * after the other until the server has it), Log (what is on screen), BaokeChat (the
 * element that joins them).
 */
(() => {
"use strict";

if (customElements.get("baoke-chat")) return;

// ---------------------------------------------------------------- words (文案)

const WORDS = {
  title: "在线客服",
  launcher: "在线客服",
  launcherUnread: (n) => `在线客服，${n} 条未读消息`,
  newMessage: "客服发来新消息",
  close: "收起对话窗口",
  more: "更多操作",
  log: "对话记录",
  you: "我",
  authors: { bot: "机器人", agent: "人工坐席", system: "系统" },
  welcome:
    "您好，我是智能客服（机器人）。查保单、查理赔进度、报案、投诉、问条款都可以找我，需要时随时转人工。",
  safety: "请不要在这里发送银行卡密码或短信验证码，客服不会向您索要。",
  menu: [
    { title: "查理赔进度", payload: "/track_claim" },
    { title: "我要报案", payload: "/report_claim" },
    { title: "查我的保单", payload: "/query_policy" },
    { title: "了解产品", payload: "/ask_product" },
    { title: "我要投诉", payload: "/file_complaint" },
    { title: "全部服务", payload: "/greet" },
  ],
  menuLabel: "常用服务",
  handoff: { title: "转人工", payload: "/request_handoff" },
  cancelHandoff: { title: "取消排队", payload: "/cancel_handoff" },
  servicesAgain: "显示服务菜单",
  endSession: "结束会话并清除记录",
  endTitle: "结束这次会话？",
  endText:
    "结束后，本浏览器不再保留这次对话，也无法再打开。已提交的报案、投诉和申请不受影响。",
  endYes: "结束并清除",
  endNo: "取消",
  ended: "会话已结束，本浏览器中的记录已清除。您再发消息就会开始新的会话。",
  expired: "上一次会话已过期，已为您开始新的会话。",
  states: {
    idle: "智能客服",
    connecting: "正在连接…",
    offline: "连接已断开",
    bot: "智能客服在线",
    queued: "正在排队等待人工",
    agent: "人工坐席服务中",
    closed: "人工服务已结束",
  },
  offline: "连接已断开，正在重新连接。您可以继续输入，恢复后会自动发送。",
  noNetwork: "您的设备没有联网。您可以继续输入，恢复后会自动发送。",
  retryNow: "立即重试",
  online: "已恢复连接",
  inputLabel: "输入消息",
  placeholder: "请输入您的问题",
  send: "发送",
  attach: "发送图片或 PDF",
  note: "机器人自动回复，条款以合同原文为准",
  agentNote: "人工坐席正在为您服务",
  counter: (left) => (left >= 0 ? `还可以输入 ${left} 字` : `超出 ${-left} 字，请缩短后发送`),
  botTyping: "机器人正在输入",
  agentTyping: "人工坐席正在输入",
  sending: "发送中…",
  waiting: "等待网络，恢复后自动发送",
  sent: "已送达",
  failed: "发送失败",
  failedWhy: (why) => `发送失败：${why}`,
  retry: "重新发送",
  uploading: (percent) => `正在上传 ${percent}%`,
  citation: (title, ref) => `依据：${title ? `《${title}》` : ""}${ref}`,
  version: (version) => `版本 ${version}`,
  effective: (date) => `${date} 起生效`,
  quoteLabel: "条款原文",
  download: (name) => `下载文件 ${name}`,
  downloadFailed: "文件没有取到，请稍后再试。",
  picture: "图片",
  pictureFailed: "图片无法显示",
  fileType: "只能发送图片（PNG、JPEG、GIF、WebP）或 PDF 文件。",
  fileSize: "文件太大，最大 10 MB。",
  fileEmpty: "这是一个空文件，请重新选择。",
  earlier: "查看更早的消息",
  toBottom: "回到最新消息",
  today: "今天",
  yesterday: "昨天",
  noReply: "没有收到服务器的确认",
  unknownError: "请稍后再试",
};

// ------------------------------------------------------------- settings (设定)

const SCRIPT = document.currentScript;
const HOST = SCRIPT && SCRIPT.src ? new URL(SCRIPT.src).origin : location.origin;
const IO_KEY = Symbol.for("baoke.io");
const io = globalThis[IO_KEY];
delete globalThis[IO_KEY];

const MAX_CHARS = 2000; // the server's BAOKE_MAX_TEXT_CHARS
const COUNTER_FROM = 1800;
const MAX_FILE_BYTES = 10 * 1024 * 1024; // the server's BAOKE_MAX_ATTACHMENT_BYTES
const FILE_TYPES = ["image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"];
const ACK_MS = 8000; // then the message is sent again under the same id
const TRIES = 3;
const REST_AFTER_MS = 6000; // without a socket for so long, REST is used beside it
const POLL_SECONDS = 25;
const GAP_MS = 2500; // a number is missing for so long: fetch it
const BANNER_MS = 1000; // shorter breaks are not worth a word
const TYPING_MS = 35000; // longer than the server tries to get an answer
const HISTORY = 50;
const PHONE = "(max-width: 480px), (max-height: 420px)";

// --------------------------------------------------------------- styles (样式)

const STYLE = `
:host { all: initial; --brand: #0b5c6b; --on-brand: #fff; --brand-text: #0b5c6b;
  --ink: #1c2b2e; --muted: #516366; --line: #dfe6e7;
  --ground: #f4f7f7; --danger: #b3261e; --gap: 24px; }
:host([hidden]) { display: none; }
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
.root { font: 15px/1.6 -apple-system, BlinkMacSystemFont, "PingFang SC", "HarmonyOS Sans SC",
  "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", sans-serif; color: var(--ink);
  -webkit-text-size-adjust: 100%; text-align: start; }
button, textarea { font: inherit; color: inherit; margin: 0; letter-spacing: inherit; }
button { cursor: pointer; background: none; border: 0; padding: 0;
  -webkit-tap-highlight-color: transparent; }
:focus { outline: none; }
:focus-visible { outline: 3px solid #1f7a8c; outline-offset: 2px; }
.head :focus-visible { outline-color: var(--on-brand); outline-offset: -3px; }
svg { display: block; width: 20px; height: 20px; fill: none; stroke: currentColor;
  stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; flex: none; }
svg.more { stroke-width: 3; }
.unseen { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap; }

.launcher { position: fixed; z-index: 2147483000; right: calc(var(--gap) + env(safe-area-inset-right));
  bottom: calc(var(--gap) + env(safe-area-inset-bottom)); display: flex; align-items: center;
  gap: 8px; height: 56px; padding: 0 22px 0 18px; border-radius: 28px; background: var(--brand);
  color: var(--on-brand); font-size: 16px; font-weight: 600;
  box-shadow: 0 2px 6px rgb(16 42 48 / .18), 0 8px 24px rgb(16 42 48 / .18);
  transition: transform .15s ease, box-shadow .15s ease; }
.launcher:hover { transform: translateY(-1px);
  box-shadow: 0 3px 8px rgb(16 42 48 / .2), 0 12px 30px rgb(16 42 48 / .22); }
.launcher svg { width: 24px; height: 24px; }
.badge { position: absolute; top: -6px; right: -2px; min-width: 24px; height: 24px; padding: 0 7px;
  border-radius: 12px; border: 2px solid #fff; background: var(--danger); color: #fff;
  font-size: 13px; line-height: 20px; text-align: center; }
.left .launcher { right: auto; left: calc(var(--gap) + env(safe-area-inset-left)); }

.panel { position: fixed; z-index: 2147483000; right: calc(var(--gap) + env(safe-area-inset-right));
  bottom: calc(var(--gap) + env(safe-area-inset-bottom)); display: flex; flex-direction: column;
  width: 400px; max-width: calc(100vw - 2 * var(--gap)); height: 700px;
  max-height: calc(100vh - 2 * var(--gap)); max-height: calc(100dvh - 2 * var(--gap));
  overflow: hidden; border-radius: 18px; background: var(--ground);
  box-shadow: 0 0 0 1px rgb(16 42 48 / .08), 0 12px 48px rgb(16 42 48 / .24);
  animation: rise .2s ease-out; }
.left .panel { right: auto; left: calc(var(--gap) + env(safe-area-inset-left)); }
@keyframes rise { from { opacity: 0; transform: translateY(12px); } }

.head { display: flex; align-items: center; gap: 10px; flex: none; padding: 12px 10px 12px 16px;
  background: var(--brand); color: var(--on-brand); }
.mark { display: grid; place-items: center; width: 38px; height: 38px; border-radius: 50%;
  background: rgb(255 255 255 / .16); flex: none; }
.mark svg { width: 22px; height: 22px; }
.names { flex: 1; min-width: 0; }
h2 { margin: 0; font-size: 16px; font-weight: 600; line-height: 1.35; overflow: hidden;
  text-overflow: ellipsis; white-space: nowrap; }
.state { display: flex; align-items: center; gap: 6px; font-size: 12.5px; line-height: 1.5; }
.state::before { content: ""; width: 8px; height: 8px; border-radius: 50%; background: #8fe3b0;
  flex: none; }
.state[data-state=connecting]::before, .state[data-state=queued]::before { background: #ffd877; }
.state[data-state=offline]::before { background: transparent; border: 2px solid currentColor; }
.state[data-state=idle]::before { display: none; }
.handoff { height: 34px; padding: 0 12px; border: 1px solid currentColor; border-radius: 17px;
  font-size: 14px; white-space: nowrap; }
.tool { display: grid; place-items: center; width: 38px; height: 38px; border-radius: 10px;
  flex: none; }
.handoff:hover, .head .tool:hover { background: rgb(255 255 255 / .14); }

.menu { position: absolute; z-index: 3; top: 58px; right: 12px; min-width: 200px; padding: 6px;
  border-radius: 12px; background: #fff; box-shadow: 0 0 0 1px rgb(16 42 48 / .1),
  0 8px 28px rgb(16 42 48 / .2); }
.menu button { display: block; width: 100%; min-height: 40px; padding: 6px 12px; border-radius: 8px;
  text-align: start; }
.menu button:hover { background: var(--ground); }
.menu .danger { color: var(--danger); }

.banner { display: flex; align-items: center; gap: 10px; flex: none; padding: 9px 16px;
  background: #fff3d1; color: #5f4300; font-size: 14px; line-height: 1.5; }
.banner span { flex: 1; }
.banner button { flex: none; min-height: 32px; padding: 0 10px; border: 1px solid currentColor;
  border-radius: 8px; font-size: 13px; white-space: nowrap; }
.toast { flex: none; padding: 9px 16px; background: #fdecea; color: #8c1d18; font-size: 14px; }

.stage { position: relative; flex: 1; min-height: 0; }
.log { position: absolute; inset: 0; overflow-y: auto; overscroll-behavior: contain;
  padding: 16px 16px 8px; }
.log:focus-visible { outline-offset: -3px; border-radius: 4px; }
.early { display: block; min-height: 36px; margin: 0 auto 12px; padding: 0 14px; border-radius: 18px;
  color: var(--brand-text); font-size: 13.5px; }
.early:hover { background: #e6eeee; }
.day { margin: 6px 0 14px; color: var(--muted); font-size: 12.5px; text-align: center; }
.msg { position: relative; max-width: 100%; margin: 0 0 16px; }
.msg.follows { margin-top: -8px; }
.msg.follows > .meta { display: none; }
.meta { display: flex; align-items: center; gap: 8px; margin: 0 2px 5px; color: var(--muted);
  font-size: 12.5px; line-height: 1.4; }
.who { font-weight: 600; color: #3c4d50; }
.agent .who { padding: 1px 7px; border-radius: 5px; background: #8a5300; color: #fff;
  font-weight: 500; }
.bubble { width: fit-content; max-width: 90%; padding: 10px 14px; border: 1px solid var(--line);
  border-radius: 4px 16px 16px 16px; background: #fff; }
.follows > .bubble { border-radius: 16px; }
.agent > .bubble { border-color: #ecd7a5; background: #fff8e6; }
.customer { display: flex; flex-direction: column; align-items: flex-end; }
.customer > .bubble { border-color: transparent; border-radius: 16px 4px 16px 16px;
  background: var(--brand); color: var(--on-brand); }
.customer.failed > .bubble { background: #fff; color: var(--ink); border-color: var(--danger); }
.text { white-space: pre-wrap; overflow-wrap: anywhere; }
.text + *, .shot + * { margin-top: 8px; }
.text a { color: inherit; text-underline-offset: 3px; }
.bot .text a, .agent .text a, .system .text a { color: var(--brand-text); }
.system { display: flex; flex-direction: column; align-items: center; }
.system > .bubble { max-width: 94%; padding: 8px 14px; border-color: transparent; border-radius: 10px;
  background: #e7eded; color: #33464a; font-size: 14px; }
.system > .meta { margin-bottom: 4px; }
.system .who { font-weight: 500; color: var(--muted); }
.delivery { display: flex; align-items: center; gap: 8px; min-height: 18px; margin: 3px 2px 0;
  color: var(--muted); font-size: 12.5px; line-height: 1.4; }
.delivery:empty { display: none; }
.failed .delivery { color: var(--danger); }
.delivery button { min-height: 28px; padding: 0 10px; border: 1px solid currentColor;
  border-radius: 14px; white-space: nowrap; }
progress { display: block; width: 100%; min-width: 140px; height: 6px; margin-top: 8px;
  accent-color: currentColor; }
.shot { display: block; max-width: 240px; max-height: 240px; border-radius: 10px; }
.file { display: flex; align-items: center; gap: 8px; max-width: 100%; padding: 2px 0;
  text-align: start; text-decoration: underline; text-underline-offset: 3px;
  overflow-wrap: anywhere; }
.file[disabled] { text-decoration: none; cursor: default; }
.shot-wrap { display: block; }

details { margin-top: 10px; border-top: 1px solid var(--line); padding-top: 8px; font-size: 13.5px; }
details + details { margin-top: 8px; }
details:first-child { margin-top: 0; border-top: 0; padding-top: 0; }
.agent details { border-color: #ecd7a5; }
summary { display: flex; gap: 6px; align-items: flex-start; min-height: 28px; padding: 3px 0;
  border-radius: 6px; cursor: pointer; color: var(--brand-text); line-height: 1.55;
  list-style: none; }
summary::-webkit-details-marker { display: none; }
summary svg { width: 16px; height: 16px; margin-top: 2.5px; transition: transform .15s; }
details[open] summary svg { transform: rotate(90deg); }
.fine { display: block; color: var(--muted); font-size: 12.5px; }
blockquote { margin: 6px 0 2px; padding: 8px 12px; border-left: 3px solid var(--brand);
  border-radius: 0 8px 8px 0; background: var(--ground); color: #2a3a3d; white-space: pre-wrap;
  overflow-wrap: anywhere; }

.choices { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 10px; }
.system > .choices { justify-content: center; }
.choices button { min-height: 38px; max-width: 100%; padding: 5px 15px; border: 1px solid var(--brand);
  border-radius: 19px; background: #fff; color: var(--brand-text); line-height: 1.45;
  overflow-wrap: anywhere; transition: background .12s; }
.choices button:hover:enabled { background: #e9f2f3; }
.choices button:disabled { border-color: #d3dcdd; background: transparent; color: #6d7c7f;
  cursor: default; }
.choices button.chosen:disabled { border-color: #b9cdd0; background: #e3edee; color: #33464a; }
.grid { display: grid; grid-template-columns: 1fr 1fr; }
.grid button { border-color: var(--line); border-radius: 12px; min-height: 44px; }
.welcome { margin-bottom: 20px; }
.welcome .fine { margin-top: 6px; }

.typing { display: flex; align-items: center; gap: 8px; min-height: 26px; margin: 0 2px 10px;
  color: var(--muted); font-size: 13px; }
.dots { display: inline-flex; gap: 4px; }
.dots i { width: 6px; height: 6px; border-radius: 50%; background: var(--muted);
  animation: blink 1.2s infinite; }
.dots i:nth-child(2) { animation-delay: .2s; }
.dots i:nth-child(3) { animation-delay: .4s; }
@keyframes blink { 0%, 60%, 100% { opacity: .3; } 30% { opacity: 1; } }
.down { position: absolute; left: 50%; bottom: 12px; transform: translateX(-50%); display: flex;
  align-items: center; gap: 6px; min-height: 36px; padding: 0 14px; border-radius: 18px;
  background: #fff; color: var(--brand-text); font-size: 13.5px; white-space: nowrap;
  box-shadow: 0 0 0 1px var(--line), 0 4px 14px rgb(16 42 48 / .18); }
.down svg { width: 16px; height: 16px; transform: rotate(90deg); }

form { flex: none; padding: 10px 12px calc(8px + env(safe-area-inset-bottom)); background: #fff;
  border-top: 1px solid var(--line); }
.row { display: flex; align-items: flex-end; gap: 8px; }
textarea { flex: 1; min-width: 0; height: 42px; max-height: 132px; padding: 8px 13px; resize: none;
  border: 1px solid #84959a; border-radius: 14px; background: #fff; font-size: 16px;
  line-height: 1.5; overflow-y: auto; }
textarea::placeholder { color: #66777a; opacity: 1; }
textarea:focus-visible { outline: 2px solid var(--brand); outline-offset: -1px; }
form .tool { width: 42px; height: 42px; color: #445659; }
form .tool:hover { background: var(--ground); }
.send { flex: none; height: 42px; padding: 0 16px; border-radius: 14px; background: var(--brand);
  color: var(--on-brand); font-weight: 600; }
.send[aria-disabled=true] { background: #e2e9ea; color: #5d6d70; cursor: default; }
.under { display: flex; justify-content: space-between; gap: 12px; margin: 6px 4px 0;
  color: var(--muted); font-size: 12px; line-height: 1.4; }
.counter.over { color: var(--danger); font-weight: 600; }

.veil { position: absolute; z-index: 4; inset: 0; display: grid; place-items: center; padding: 20px;
  background: rgb(16 30 34 / .5); }
.ask { width: 100%; max-width: 320px; padding: 20px; border-radius: 16px; background: #fff; }
.ask h3 { margin: 0 0 8px; font-size: 17px; line-height: 1.4; }
.ask p { margin: 0 0 18px; color: #3c4d50; font-size: 14.5px; }
.ask div { display: flex; gap: 10px; justify-content: flex-end; }
.ask button { min-height: 42px; padding: 0 16px; border-radius: 12px; border: 1px solid #84959a; }
.ask .danger { border-color: transparent; background: var(--danger); color: #fff; }

@media (pointer: coarse) {
  .tool, form .tool { width: 44px; height: 44px; }
  .handoff, textarea, .send, .early, .down, .choices button, .menu button, .banner button,
  .delivery button, .ask button { min-height: 44px; }
  .choices button { border-radius: 22px; }
  .grid button { border-radius: 12px; }
  summary, .file { min-height: 44px; align-items: center; }
  summary svg { margin-top: 0; }
}
@media ${PHONE} {
  :host { --gap: 16px; }
  .launcher { width: 60px; height: 60px; padding: 0; border-radius: 50%; justify-content: center; }
  .launcher .label { display: none; }
  .panel, .left .panel { inset: 0; width: 100%; max-width: none; height: 100vh; height: 100dvh;
    max-height: none; border-radius: 0; box-shadow: none; }
  .head { padding-top: calc(10px + env(safe-area-inset-top));
    padding-left: calc(14px + env(safe-area-inset-left));
    padding-right: calc(6px + env(safe-area-inset-right)); }
  .menu { top: calc(62px + env(safe-area-inset-top)); }
  .log, form { padding-left: calc(14px + env(safe-area-inset-left));
    padding-right: calc(14px + env(safe-area-inset-right)); }
  .typed form { padding-bottom: 8px; }
  .typed .under:not(:has(.counter:not(:empty))) { display: none; }
}
@media (max-width: 340px) { .mark { display: none; } .grid { grid-template-columns: 1fr; } }
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { animation: none !important; transition: none !important; }
}
@media (forced-colors: active) {
  .bubble, .launcher, .panel, .send { border: 1px solid; }
  .dots i, .state::before { background: CanvasText; forced-color-adjust: none; }
}
`;

// ----------------------------------------------------------- small tools (工具)

/** Make an element: attributes by name, listeners as on…, class and text as such. */
function make(tag, { class: name, text, on = {}, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  for (const [event, listener] of Object.entries(on)) element.addEventListener(event, listener);
  element.append(...children.filter(Boolean));
  return element;
}

const ICONS = {
  chat: ["M4 5.5h16v11H9.5L5 20v-3.5H4z", "M8 9.5h8", "M8 12.5h5"],
  wave: ["M3 9c3-3 6-3 9 0s6 3 9 0", "M3 15c3-3 6-3 9 0s6 3 9 0"],
  close: ["M6 6l12 12", "M18 6L6 18"],
  more: ["M5.5 12h.01", "M12 12h.01", "M18.5 12h.01"],
  clip: ["M20 11.5l-7.8 7.8a5 5 0 01-7-7l8-8a3.4 3.4 0 014.8 4.8l-8 7.9a1.7 1.7 0 01-2.4-2.4l7.3-7.2"],
  file: ["M6 3h8l4 4v14H6z", "M14 3v4h4", "M9 12h6", "M9 16h6"],
  right: ["M9 5l7 7-7 7"],
};

function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", name);
  for (const shape of ICONS[name]) {
    const path = document.createElementNS(space, "path");
    path.setAttribute("d", shape);
    svg.append(path);
  }
  return svg;
}

/** Return an id no other message has; also on plain http, where randomUUID is missing. */
function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Characters as the server counts them: an emoji is one. */
const countChars = (text) => Array.from(text).length;

/** Return an address that is safe to put into a link, else null. */
function safeAddress(raw, protocols, base) {
  try {
    const url = new URL(raw, base);
    if (protocols.includes(url.protocol) || (base && url.origin === HOST)) return url.href;
  } catch {
    // no address at all
  }
  return null;
}

const LINK = new RegExp(
  [
    "https:\\/\\/[^\\s<>\"'`，。；：！？、（）【】《》“”‘’]+",
    "tel:\\+?[\\d-]{5,20}",
    "(?:mailto:)?[\\w.+-]+@[\\w-]+(?:\\.[\\w-]+)+",
    "\\b400-\\d{3}-\\d{4}\\b",
  ].join("|"),
  "g",
);

/** Return text as nodes; https, telephone and mail addresses become links. */
function linked(text) {
  const nodes = document.createDocumentFragment();
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const shown = match[0].replace(/[.,;:!?)\]]+$/, "");
    const scheme = /^(https|tel|mailto):/.test(shown) ? "" : shown.includes("@") ? "mailto:" : "tel:";
    const href = safeAddress(scheme + shown, ["https:", "tel:", "mailto:"]);
    if (!href) continue;
    nodes.append(text.slice(end, match.index));
    const outside = href.startsWith("https:") && { target: "_blank", rel: "noopener noreferrer nofollow" };
    nodes.append(make("a", { href, text: shown, ...outside }));
    end = match.index + shown.length;
  }
  nodes.append(text.slice(end));
  return nodes;
}

const twoDigits = (n) => String(n).padStart(2, "0");
const clockOf = (at) => `${twoDigits(at.getHours())}:${twoDigits(at.getMinutes())}`;

function dayOf(at) {
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(at).setHours(0, 0, 0, 0)) / 864e5);
  if (days === 0) return WORDS.today;
  if (days === 1) return WORDS.yesterday;
  const year = at.getFullYear() === new Date().getFullYear() ? "" : `${at.getFullYear()}年`;
  return `${year}${at.getMonth() + 1}月${at.getDate()}日`;
}

/** Relative luminance (WCAG) of red, green and blue from 0 to 255. */
function luminance(rgb) {
  const [r, g, b] = rgb.map((c) => {
    const part = c / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Return styles for a page's colour; words on it and in it stay readable (AA). */
function colourStyle(colour) {
  const hex = /^#([0-9a-f]{6})$/i.exec((colour || "").trim());
  if (!hex) return "";
  const rgb = [0, 2, 4].map((at) => parseInt(hex[1].slice(at, at + 2), 16));
  const onBrand = luminance(rgb) > 0.179 ? "#10181a" : "#ffffff";
  let text = rgb;
  while (1.05 / (luminance(text) + 0.05) < 5.2) text = text.map((c) => Math.floor(c * 0.9));
  const dark = `rgb(${text.join(" ")})`;
  return `:host { --brand: #${hex[1]}; --on-brand: ${onBrand}; --brand-text: ${dark}; }`;
}

function addStyle(root, text) {
  if (!text) return;
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  } catch {
    root.append(make("style", { text })); // a browser from before 2023
  }
}

// -------------------------------------------------------------- Memory (记忆)

/**
 * What the browser keeps: the session, its token and the last number that was read.
 * Never a message. Where storage is forbidden it lasts as long as the page.
 */
class Memory {
  constructor(host, changed) {
    this.key = `baoke:${host}`;
    this.kept = {};
    addEventListener("storage", (event) => {
      if (event.key !== this.key && event.key !== null) return;
      const before = this.kept.sessionId || null;
      this.kept = this.load();
      changed(before !== (this.kept.sessionId || null));
    });
    this.kept = this.load();
  }

  load() {
    try {
      const found = JSON.parse(localStorage.getItem(this.key) || "{}");
      return found && typeof found.token === "string" ? found : {};
    } catch {
      return this.kept || {};
    }
  }

  /** Read what another window may have written meanwhile. */
  refresh() {
    this.kept = this.load();
    return this.kept;
  }

  write(changes) {
    this.kept = { ...this.kept, ...changes };
    try {
      localStorage.setItem(this.key, JSON.stringify(this.kept));
    } catch {
      // full or forbidden: this page keeps it
    }
  }

  forget() {
    this.kept = {};
    try {
      localStorage.removeItem(this.key);
    } catch {
      // nothing was kept
    }
  }

  /** Whether the panel is open in this window, also on its next page; null: not said. */
  get open() {
    try {
      const kept = sessionStorage.getItem(`${this.key}:open`);
      return kept === null ? null : kept === "1";
    } catch {
      return null;
    }
  }

  set open(is) {
    try {
      sessionStorage.setItem(`${this.key}:open`, is ? "1" : "0");
    } catch {
      // the next page starts closed
    }
  }
}

// ---------------------------------------------------------------- Line (线路)

/** A request that was not done. `lost`: nobody knows whether it arrived. */
class LineError extends Error {
  constructor(code, message, { seq = null, wait = 0 } = {}) {
    super(message || WORDS.unknownError);
    this.code = code;
    this.seq = seq;
    this.wait = wait; // seconds after which it may be tried again
  }

  get lost() {
    return this.code === "lost";
  }

  get passing() {
    return this.lost || ["rate_limited", "overloaded", "unavailable"].includes(this.code);
  }
}

/**
 * The wire. Sockets first; while they cannot be had, REST with long polling. Says
 * through its hooks:
 *   message(m)       one stored message, as in GET /api/chat/events; repeats happen
 *   state(name)      "idle" | "connecting" | "online" | "offline"
 *   status(name)     who holds the conversation: bot | queued | agent | closed
 *   typing(on)       the server's own word about it
 *   notice(text)     something to tell the customer, not stored
 *   replay(on)       what follows is history, until replay(false)
 *   fresh(why)       a new session: nothing shown before belongs to it any more
 *   seen()           asks for the number up to which everything is on screen, or null
 */
class Line {
  constructor(memory, hooks) {
    this.memory = memory;
    this.hooks = hooks;
    this.socket = null;
    this.socketReady = false;
    this.restReady = false;
    this.running = false;
    this.was = false; // has been online before
    this.failures = 0; // since then
    this.polling = null; // AbortController of the poll loop
    this.timers = new Set();
  }

  get ready() {
    return this.socketReady || this.restReady;
  }

  get byRest() {
    return this.restReady && !this.socketReady;
  }

  start() {
    if (this.running) return;
    this.running = true;
    this.hooks.state("connecting");
    this.openSocket();
    this.restIn(REST_AFTER_MS);
  }

  stop() {
    this.running = false;
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    this.stopPolling();
    if (this.socket) this.socket.removeAllListeners().disconnect();
    this.socket = null;
    this.socketReady = this.was = false;
    this.hooks.state("idle");
  }

  /** Try again now instead of at the next turn. */
  hurry() {
    if (!this.running || this.socketReady) return;
    if (this.socket && !this.socket.connected) this.socket.disconnect().connect();
    if (!this.restReady) {
      this.stopPolling();
      this.poll();
    }
  }

  /** Nothing came back in time: perhaps the line is dead and nobody has noticed. */
  doubt() {
    if (this.socketReady) this.socket.disconnect().connect();
  }

  later(ms, what) {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      if (this.running) what();
    }, ms);
    this.timers.add(timer);
  }

  // Sockets.

  openSocket() {
    if (!io) return;
    const socket = io(HOST, {
      path: "/socket.io/",
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      multiplex: false,
      timeout: 8000,
      reconnectionDelay: 800,
      reconnectionDelayMax: 20000,
      auth: (give) => {
        const { token } = this.memory.refresh();
        this.offered = token || null;
        give(token ? { token } : {});
      },
    });
    this.socket = socket;
    socket.on("connect", () => this.enter(socket));
    socket.on("connect_error", (error) => this.refused(socket, error));
    socket.on("disconnect", (reason) => this.dropped(socket, reason));
    socket.on("bot_uttered", (data, acknowledge) => {
      this.hear(fromRasa(data));
      if (typeof acknowledge === "function") acknowledge();
    });
    socket.on("user_echoed", (data) => this.hear(fromRasa(data)));
    socket.on("session_state", (data) => this.hooks.status(data && data.status));
    socket.on("session_token", (data) => this.socketReady && this.keep(data));
    socket.on("typing", (data) => this.hooks.typing(Boolean(data && data.on)));
    socket.on("notice", (data) => data && this.hooks.notice(String(data.text || ""), data.code));
  }

  async enter(socket) {
    const { sessionId } = this.memory.kept;
    const wish = { session_id: sessionId || null, customData: { client: "baoke" } };
    const seen = this.hooks.seen();
    if (seen !== null) wish.after = seen;
    this.hooks.replay(true);
    let answer;
    try {
      answer = await socket.timeout(ACK_MS).emitWithAck("session_request", wish);
    } catch {
      if (socket.connected) socket.disconnect();
      this.comeBack(socket, 2000);
      return;
    } finally {
      this.hooks.replay(false);
    }
    if (this.socket !== socket) return;
    if (!this.offered && this.memory.refresh().token) {
      socket.disconnect(); // a session was opened meanwhile, by REST or in another window
      this.comeBack(socket, 100);
      return;
    }
    if (!answer || answer.error) {
      if (answer) this.hooks.notice(answer.error.message, answer.error.code);
      socket.disconnect();
      this.comeBack(socket, 8000);
      return;
    }
    this.keep(answer);
    this.socketReady = true;
    this.stopPolling();
    this.hooks.status(answer.status);
    this.online();
  }

  refused(socket, error) {
    this.failures += 1;
    if (socket.active) this.offline(); // no network; the library tries again
    else if (error.message === "unauthorized") {
      this.expire(this.offered);
      this.comeBack(socket, 300);
    } else this.comeBack(socket, 8000);
  }

  dropped(socket, reason) {
    if (this.socket !== socket) return;
    this.socketReady = false;
    this.hooks.typing(false);
    this.offline();
    this.restIn(REST_AFTER_MS);
    if (reason === "io server disconnect") this.comeBack(socket, 3000);
  }

  comeBack(socket, ms) {
    this.offline();
    this.later(ms * (0.75 + Math.random() / 2), () => {
      if (this.socket === socket && !socket.connected) socket.connect();
    });
  }

  // REST, while there is no socket.

  restIn(ms) {
    this.later(ms, () => {
      if (!this.socketReady && !this.polling) this.poll();
    });
  }

  stopPolling() {
    if (this.polling) this.polling.abort();
    this.polling = null;
    this.restReady = false;
  }

  async poll() {
    const mine = new AbortController();
    this.polling = mine;
    let failures = 0;
    while (this.running && !mine.signal.aborted) {
      try {
        if (!this.memory.refresh().token) await this.openByRest(mine.signal);
        await this.pollOnce(mine);
        failures = 0;
      } catch (error) {
        if (mine.signal.aborted) return;
        if (error.code === "unauthorized") {
          this.expire(this.memory.kept.token);
          await pause(500);
          continue;
        }
        this.restReady = false;
        this.failures += 1;
        this.offline();
        failures += 1;
        await pause(Math.max(error.wait || 0, Math.min(2 ** failures, 20)) * 1000);
      }
    }
  }

  async pollOnce(mine) {
    let after = this.hooks.seen();
    const first = !this.restReady;
    if (after === null) after = await this.firstOfHistory(mine.signal);
    const wait = first ? 0 : POLL_SECONDS;
    const found = await this.fetchJson(`/api/chat/events?after=${after}&wait=${wait}`, {
      signal: mine.signal,
      patience: (wait + 15) * 1000,
    });
    if (mine.signal.aborted) return;
    if (first) this.hooks.replay(true);
    for (const event of found.events) this.hear(event);
    if (first) this.hooks.replay(false);
    this.hooks.status(found.status);
    if (first) {
      this.restReady = true;
      this.online();
    }
  }

  async firstOfHistory(signal) {
    const { last_seq: last } = await this.fetchJson("/api/chat/events?after=0&wait=0", { signal });
    return Math.max(0, (last || 0) - HISTORY);
  }

  async openByRest(signal) {
    const opened = await this.fetchJson("/api/chat/sessions", { method: "POST", signal });
    if (!signal.aborted && !this.memory.refresh().token) this.keep(opened);
  }

  /** Fetch a stretch of the conversation; used for history and for gaps. */
  async between(after, before = Infinity) {
    const found = await this.fetchJson(`/api/chat/events?after=${after}`, {});
    return found.events.filter((event) => event.seq < before);
  }

  async fetchJson(path, { method = "GET", body, signal, patience = 15000 }) {
    const timer = new AbortController();
    const stop = () => timer.abort();
    const clock = setTimeout(stop, patience);
    if (signal) signal.addEventListener("abort", stop);
    const headers = {};
    const { token } = this.memory.kept;
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body) headers["Content-Type"] = "application/json";
    try {
      const answer = await fetch(HOST + path, {
        method,
        headers,
        body: body && JSON.stringify(body),
        signal: timer.signal,
        credentials: "omit",
        cache: "no-store",
      });
      const data = await answer.json().catch(() => null);
      if (!answer.ok || !data) throw readError(answer.status, data, answer.headers.get("Retry-After"));
      return data;
    } catch (error) {
      throw error instanceof LineError ? error : new LineError("lost", WORDS.noReply);
    } finally {
      clearTimeout(clock);
      if (signal) signal.removeEventListener("abort", stop);
    }
  }

  // Both.

  /**
   * Send one message; a repeat of its id is harmless.
   * @returns {Promise<number>} its number in the conversation
   * @throws {LineError}
   */
  async say({ cid, text, payload }) {
    if (!this.socketReady) {
      const wish = payload ? { payload } : { text };
      const body = { ...wish, client_message_id: cid };
      return (await this.fetchJson("/api/chat/messages", { method: "POST", body })).seq;
    }
    let answer;
    try {
      answer = await this.socket.timeout(ACK_MS).emitWithAck("user_uttered", {
        message: payload || text,
        session_id: this.memory.kept.sessionId,
        metadata: { client_message_id: cid },
      });
    } catch {
      throw new LineError("lost", WORDS.noReply);
    }
    if (answer && answer.error) throw readError(400, answer);
    return answer.seq;
  }

  /** Send a file; `progress` hears of parts from 0 to 1. */
  upload(file, cid, progress) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const form = new FormData();
      form.append("client_message_id", cid);
      form.append("file", file, file.name || "image.png");
      request.open("POST", `${HOST}/api/chat/attachments`);
      request.setRequestHeader("Authorization", `Bearer ${this.memory.kept.token}`);
      request.responseType = "json";
      request.timeout = 180000;
      request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
      request.onload = () => {
        const { status, response } = request;
        if (status >= 200 && status < 300 && response) resolve(response);
        else reject(readError(status, response, request.getResponseHeader("Retry-After")));
      };
      request.onerror = request.ontimeout = () => reject(new LineError("lost", WORDS.noReply));
      request.send(form);
    });
  }

  /** Fetch a file of this conversation. */
  async download(id) {
    const answer = await fetch(`${HOST}/api/chat/attachments/${encodeURIComponent(id)}`, {
      headers: { Authorization: `Bearer ${this.memory.kept.token}` },
      credentials: "omit",
    });
    if (!answer.ok) throw readError(answer.status, null);
    return answer.blob();
  }

  hear(message) {
    if (message && Number.isInteger(message.seq)) this.hooks.message(message);
    else if (message) this.hooks.notice(message.parts.map((part) => part.text || "").join("\n"));
  }

  /** Keep a session and its token; another session than before is a fresh one. */
  keep({ session_id: sessionId, token }) {
    if (!sessionId || !token) return;
    const before = this.memory.kept.sessionId;
    if (before === sessionId) this.memory.write({ token });
    else {
      if (before) this.hooks.fresh("expired");
      this.memory.write({ sessionId, token, read: 0 });
    }
  }

  /** The token no longer opens anything; another window may have a newer one. */
  expire(refused) {
    if (this.memory.refresh().token !== refused) return;
    this.memory.forget();
    this.hooks.fresh("expired");
  }

  online() {
    this.was = true;
    this.failures = 0;
    this.hooks.state("online");
  }

  offline() {
    if (!this.running || this.ready) return;
    this.hooks.state(this.was || this.failures > 2 ? "offline" : "connecting");
  }
}

function readError(status, data, retryAfter) {
  const error = (data && data.error) || {};
  const code = error.code || (status === 401 ? "unauthorized" : status >= 500 ? "unavailable" : "failed");
  return new LineError(code, error.message, { seq: (data && data.seq) || null, wait: Number(retryAfter) || 0 });
}

/** Return a Socket.IO message as GET /api/chat/events would show it. */
function fromRasa(data) {
  if (!data || typeof data !== "object") return null;
  const known = data.metadata || {};
  let { parts } = known;
  if (!Array.isArray(parts)) {
    parts = [];
    if (data.text) parts.push({ type: "text", text: String(data.text) });
    if (Array.isArray(data.quick_replies)) parts.push({ type: "buttons", buttons: data.quick_replies });
    const source = data.attachment && data.attachment.payload && data.attachment.payload.src;
    if (source) parts.push({ type: "image", url: source, alt: "" });
  }
  return { ...known, author: known.author || "bot", parts };
}

// -------------------------------------------------------------- Sender (发送)

/** Sends one message after the other, in order, until the server has each. */
class Sender {
  constructor(line, changed) {
    this.line = line;
    this.changed = changed; // changed(entry), after every step
    this.queue = [];
    this.busy = false;
  }

  add(entry) {
    entry.state = "sending";
    entry.tries = 0;
    this.queue.push(entry);
    this.changed(entry);
    this.pump();
  }

  clear() {
    this.queue = [];
  }

  /** Called whenever there is something to send or somebody to send it to. */
  async pump() {
    if (this.busy) return;
    this.busy = true;
    while (this.queue.length && this.line.ready) {
      const entry = this.queue[0];
      await this.attempt(entry);
      if (entry.state !== "sending" && this.queue[0] === entry) this.queue.shift();
    }
    this.busy = false;
    for (const entry of this.queue) this.changed(entry);
  }

  async attempt(entry) {
    entry.tries += 1;
    try {
      const seq = entry.file ? await this.upload(entry) : await this.line.say(entry);
      this.settle(entry, "sent", { seq });
    } catch (error) {
      if (entry.state !== "sending") return; // its echo came first
      if (error.seq) this.settle(entry, "sent", { seq: error.seq }); // kept; the answer says why
      else if (error.code === "unauthorized" || error.code === "session_unknown") this.renew(entry, error);
      else if (!this.line.ready) entry.tries = 0; // wait for the line, then again
      else if (error.passing && entry.tries < TRIES) {
        if (error.lost && !entry.file) this.line.doubt();
        await pause(Math.max(error.wait, entry.tries) * 1000);
      } else this.settle(entry, "failed", { error });
    }
  }

  renew(entry, error) {
    if (entry.tries >= TRIES) return this.settle(entry, "failed", { error });
    this.line.expire(this.line.memory.kept.token);
    this.line.stop();
    this.line.start();
  }

  async upload(entry) {
    const answer = await this.line.upload(entry.file, entry.cid, (part) => {
      entry.progress = part;
      this.changed(entry);
    });
    entry.parts = [{ type: "file", attachment_id: answer.attachment_id, name: entry.parts[0].name }];
    return answer.seq;
  }

  settle(entry, state, { seq = null, error = null }) {
    entry.state = state;
    entry.error = error;
    if (seq) entry.seq = seq;
    this.changed(entry);
  }
}

// ----------------------------------------------------------------- Log (对话)

/**
 * The conversation on screen: every message once, ordered by number, own messages
 * that have none yet at the end.
 *
 * An entry: {seq, cid, author, at, parts, replyTo, state, …, element, days, chosen}.
 */
class Log {
  constructor(list, hooks) {
    this.list = list;
    this.hooks = hooks; // choose(button), retry(entry), download(part, button)
    this.clear();
  }

  clear() {
    this.entries = [];
    this.bySeq = new Map();
    this.byCid = new Map();
    this.upTo = null; // every number up to here is on screen
    for (const address of this.pictures || []) URL.revokeObjectURL(address);
    this.pictures = [];
    this.list.replaceChildren();
  }

  get first() {
    return this.entries.length ? this.entries[0].seq : null;
  }

  get top() {
    return Math.max(0, ...this.bySeq.keys());
  }

  /** Say that a number is missing below the newest one. */
  get hasGap() {
    return this.upTo !== null && this.top > this.upTo;
  }

  /** Put a message from the wire on screen; null when it was there before. */
  take(message) {
    const cid = message.client_message_id || null;
    const known = this.bySeq.get(message.seq) || (cid && this.byCid.get(cid));
    if (known) {
      if (known.seq === message.seq && known.state !== "sending") return null;
      Object.assign(known, { seq: message.seq, state: "sent", at: new Date(message.at) });
      if (known.file) known.parts = message.parts;
      this.refresh(known);
      return null;
    }
    const entry = {
      seq: message.seq,
      cid,
      author: ["customer", "agent", "system"].includes(message.author) ? message.author : "bot",
      at: new Date(message.at || Date.now()),
      parts: Array.isArray(message.parts) ? message.parts : [],
      replyTo: message.in_reply_to || null,
      state: "sent",
    };
    this.add(entry);
    return entry;
  }

  /** Put an own message on screen before the server knows of it. */
  own({ text, payload, title, file }) {
    const entry = {
      seq: null,
      cid: newId(),
      author: "customer",
      at: new Date(),
      parts: file ? [{ type: "file", name: file.name || WORDS.picture }] : [{ type: "text", text: title || text }],
      text,
      payload,
      file,
      state: "sending",
      progress: 0,
    };
    this.add(entry);
    return entry;
  }

  /** Put up a line that is not part of the stored conversation. */
  local(text) {
    this.list.append(
      make("div", { class: "msg system local" }, make("div", { class: "bubble" }, make("div", { class: "text", text }))),
    );
  }

  add(entry) {
    if (entry.cid) this.byCid.set(entry.cid, entry);
    entry.days = make("div", { class: "day", hidden: true });
    entry.element = this.draw(entry);
    this.entries.push(entry);
    this.place(entry);
  }

  /** Move an entry to where its number belongs. */
  place(entry) {
    if (entry.seq) this.count(entry);
    const rank = (one) => one.seq || Infinity;
    const rest = this.entries.filter((one) => one !== entry);
    let at = rest.length;
    while (at > 0 && rank(rest[at - 1]) > rank(entry)) at -= 1;
    const next = rest[at];
    rest.splice(at, 0, entry);
    this.entries = rest;
    const before = next ? next.days : null;
    if (entry.element.nextSibling !== before || !entry.element.isConnected) {
      this.list.insertBefore(entry.days, before);
      this.list.insertBefore(entry.element, before);
    }
    this.tidySoon();
  }

  count(entry) {
    this.bySeq.set(entry.seq, entry);
    if (this.upTo === null) this.upTo = entry.seq;
    while (this.bySeq.has(this.upTo + 1)) this.upTo += 1;
  }

  tidySoon() {
    if (this.tidying) return;
    this.tidying = true;
    queueMicrotask(() => {
      this.tidying = false;
      this.tidy();
    });
  }

  /** Days, groups, which buttons may still be pressed, where 已送达 stands. */
  tidy() {
    let before = null;
    let lastOwn = null;
    for (const entry of this.entries) {
      const day = dayOf(entry.at);
      const newDay = !before || dayOf(before.at) !== day;
      if (entry.days.hidden === newDay) entry.days.hidden = !newDay;
      if (entry.days.textContent !== day) entry.days.textContent = day;
      const near = before && before.author === entry.author && entry.at - before.at < 180000;
      entry.element.classList.toggle("follows", Boolean(near && !newDay));
      if (entry.author === "customer") lastOwn = entry;
      before = entry;
    }
    if (this.lastOwn !== lastOwn) {
      const old = this.lastOwn;
      this.lastOwn = lastOwn;
      if (old) this.drawDelivery(old);
      if (lastOwn) this.drawDelivery(lastOwn);
    }
    this.tidyChoices();
  }

  /**
   * Buttons live until the customer says something or a later turn is answered; a
   * remark of the system or a second reply to the same message does not end them.
   */
  tidyChoices() {
    let spoken = null; // the customer's next words below
    let turn; // what the newest answers reply to
    for (const entry of [...this.entries].reverse()) {
      if (entry.author === "customer") spoken = entry.state === "failed" ? spoken : entry;
      else if (entry.author !== "system" && turn === undefined) turn = entry.replyTo;
      if (!entry.choices) continue;
      const over = Boolean(spoken) || (entry.author !== "system" && entry.replyTo !== turn);
      const said = spoken && spoken.parts[0] && spoken.parts[0].text;
      for (const button of entry.choices) {
        button.disabled = over;
        button.classList.toggle("chosen", over && button.textContent === said);
      }
    }
  }

  // Drawing.

  draw(entry) {
    const mine = entry.author === "customer";
    const who = mine ? WORDS.you : WORDS.authors[entry.author];
    const time = make("time", { datetime: entry.at.toISOString(), text: clockOf(entry.at) });
    const name = make("span", { class: mine ? "unseen" : "who", text: who });
    const element = make("div", { class: `msg ${entry.author}` }, make("div", { class: "meta" }, name, time));
    entry.bubble = make("div", { class: "bubble" });
    element.append(entry.bubble);
    this.drawParts(entry);
    for (const part of entry.parts) if (part.type === "buttons") element.append(this.drawChoices(entry, part));
    if (mine) {
      entry.delivery = make("div", { class: "delivery", "aria-live": "off" });
      element.append(entry.delivery);
      this.drawDelivery(entry, element);
    }
    return element;
  }

  drawParts(entry) {
    const shown = entry.parts.map((part) => this.drawPart(entry, part)).filter(Boolean);
    entry.bubble.replaceChildren(...shown);
    entry.bubble.hidden = !shown.length;
  }

  drawPart(entry, part) {
    switch (part.type) {
      case "text":
        return make("div", { class: "text" }, linked(readable(entry, String(part.text || ""))));
      case "citation":
        return this.drawCitation(part);
      case "image":
        return this.drawImage(part);
      case "file":
        return this.drawFile(entry, part);
      default:
        return null; // buttons stand below; unknown kinds are left out
    }
  }

  drawCitation({ title, ref, quote, version, effective_from: from }) {
    const fine = [version && WORDS.version(version), from && WORDS.effective(from)].filter(Boolean).join(" · ");
    const heading = make("span", { text: WORDS.citation(title, ref) });
    if (fine) heading.append(make("span", { class: "fine", text: fine }));
    const show = (event) => {
      if (event.target.open) event.target.scrollIntoView({ block: "nearest" });
    };
    return make(
      "details",
      { on: { toggle: show } },
      make("summary", {}, icon("right"), heading),
      make("blockquote", { "aria-label": WORDS.quoteLabel, text: String(quote || "") }),
    );
  }

  drawImage({ url, alt }) {
    const source = safeAddress(String(url || ""), ["https:"], HOST);
    if (!source) return null;
    const image = make("img", { class: "shot", alt: alt || WORDS.picture, loading: "lazy", referrerpolicy: "no-referrer" });
    const link = make("a", { class: "shot-wrap", href: source, target: "_blank", rel: "noopener noreferrer" }, image);
    image.addEventListener("error", () => link.replaceChildren(alt || WORDS.pictureFailed), { once: true });
    image.addEventListener("load", () => this.hooks.grown(), { once: true });
    image.src = source;
    return link;
  }

  drawFile(entry, part) {
    const holder = make("div");
    if (entry.file && entry.file.type.startsWith("image/")) {
      entry.preview = entry.preview || URL.createObjectURL(entry.file);
      this.pictures.push(entry.preview);
      const image = make("img", { class: "shot", src: entry.preview, alt: part.name });
      image.addEventListener("load", () => this.hooks.grown(), { once: true });
      holder.append(image);
    }
    const button = make("button", { type: "button", class: "file" }, icon("file"), make("span", { text: part.name }));
    button.disabled = !part.attachment_id;
    if (part.attachment_id) button.setAttribute("aria-label", WORDS.download(part.name));
    button.addEventListener("click", () => this.hooks.download(part, button));
    holder.append(button);
    if (entry.file && entry.state === "sending") {
      entry.bar = make("progress", { max: 1, "aria-label": part.name });
      holder.append(entry.bar);
    }
    return holder;
  }

  drawChoices(entry, part) {
    const row = make("div", { class: "choices", role: "group", "aria-label": WORDS.menuLabel });
    for (const { title, payload } of Array.isArray(part.buttons) ? part.buttons : []) {
      const button = make("button", { type: "button", text: String(title) });
      button.addEventListener("click", () => this.hooks.choose({ title: String(title), payload: String(payload || title) }));
      row.append(button);
    }
    entry.choices = [...(entry.choices || []), ...row.children];
    return row;
  }

  /** Show how far an own message has come. */
  drawDelivery(entry, element = entry.element) {
    const line = entry.delivery;
    if (!line) return;
    element.classList.toggle("failed", entry.state === "failed");
    if (entry.state === "failed") {
      const why = entry.error && entry.error.message;
      const again = make("button", { type: "button", text: WORDS.retry, on: { click: () => this.hooks.retry(entry) } });
      line.replaceChildren(make("span", { text: why ? WORDS.failedWhy(why) : WORDS.failed }), again);
      return;
    }
    let words = "";
    if (entry.state === "sending") {
      words = this.hooks.reachable() ? WORDS.sending : WORDS.waiting;
      if (entry.file && entry.progress) words = WORDS.uploading(Math.round(entry.progress * 100));
    } else if (entry === this.lastOwn) words = WORDS.sent;
    if (line.textContent !== words || line.childElementCount) line.textContent = words;
  }

  /** Draw again what changed about an own message. */
  refresh(entry) {
    if (!entry.element.isConnected) return;
    if (entry.seq && this.bySeq.get(entry.seq) !== entry) this.place(entry);
    if (entry.bar && entry.state === "sending") entry.bar.value = entry.progress;
    else if (entry.file) this.drawParts(entry);
    this.drawDelivery(entry);
  }
}

/** Own words as the customer chose them: a menu payload is shown by its title. */
function readable(entry, text) {
  if (entry.author !== "customer" || !text.startsWith("/")) return text;
  const known = [...WORDS.menu, WORDS.handoff, WORDS.cancelHandoff].find((one) => one.payload === text);
  return known ? known.title : text;
}

// --------------------------------------------------------- the element (组件)

class BaokeChat extends HTMLElement {
  connectedCallback() {
    if (this.root) {
      if (this.memory.kept.token) this.line.start();
      return;
    }
    this.shadow = this.attachShadow({ mode: "open" });
    addStyle(this.shadow, STYLE);
    addStyle(this.shadow, colourStyle(this.setting("color")));
    this.status = "bot";
    this.state = "idle";
    this.unread = 0;
    this.replaying = 0;
    this.stuck = true; // the newest message is in view
    this.scrolledTo = 0;
    this.build();
    this.memory = new Memory(HOST, (other) => this.rememberedElsewhere(other));
    this.line = new Line(this.memory, this.lineHooks());
    this.sender = new Sender(this.line, (entry) => this.onDelivery(entry));
    this.listenToPage();
    this.paint();
    if (this.memory.kept.token) this.line.start(); // hear of answers while closed
    const open = this.memory.open ?? this.setting("open") === "true";
    if (open) this.open({ focus: false });
  }

  /** A page that takes the element away and puts it back finds the chat as it was. */
  disconnectedCallback() {
    this.line.stop();
  }

  setting(name) {
    const own = this.getAttribute(`data-${name}`);
    return own !== null ? own : SCRIPT && SCRIPT.dataset[name];
  }

  // Building.

  build() {
    const title = this.setting("title") || WORDS.title;
    const act = (click) => ({ click });
    this.badge = make("span", { class: "badge", "aria-hidden": "true", hidden: true });
    this.launcher = make(
      "button",
      { type: "button", class: "launcher", "aria-expanded": "false", "aria-haspopup": "dialog", on: act(() => this.open()) },
      icon("chat"),
      make("span", { class: "label", "aria-hidden": "true", text: WORDS.launcher }),
      this.badge,
    );
    this.live = make("div", { class: "unseen", role: "status" });
    this.panel = make(
      "section",
      { class: "panel", role: "dialog", "aria-labelledby": "title", tabindex: "-1", hidden: true },
      this.buildHeader(title, act),
      this.buildMenu(act),
      this.buildBanner(act),
      this.buildStage(act),
      this.buildForm(act),
      this.buildQuestion(act),
    );
    const side = this.setting("position") === "left" ? "left" : "right";
    this.root = make("div", { class: `root ${side}`, lang: "zh-CN" }, this.launcher, this.panel, this.live);
    this.shadow.append(this.root);
    this.log = new Log(this.list, {
      choose: (button) => this.say(button),
      retry: (entry) => this.sender.add(entry),
      download: (part, button) => this.download(part, button),
      reachable: () => this.line.ready,
      grown: () => this.follow(),
    });
  }

  buildHeader(title, act) {
    this.stateLine = make("div", { class: "state" });
    this.handoff = make("button", { type: "button", class: "handoff", on: act(() => this.askForHuman()) });
    this.moreButton = make(
      "button",
      { type: "button", class: "tool", "aria-label": WORDS.more, "aria-expanded": "false", "aria-controls": "menu", on: act(() => this.toggleMenu()) },
      icon("more"),
    );
    const close = make("button", { type: "button", class: "tool", "aria-label": WORDS.close, on: act(() => this.close()) }, icon("close"));
    return make(
      "div",
      { class: "head" },
      make("div", { class: "mark" }, icon("wave")),
      make("div", { class: "names" }, make("h2", { id: "title", text: title }), this.stateLine),
      this.handoff,
      this.moreButton,
      close,
    );
  }

  buildMenu(act) {
    const services = () => {
      this.toggleMenu(false);
      this.say({ title: WORDS.servicesAgain, payload: "/greet" });
    };
    this.menu = make(
      "div",
      { class: "menu", id: "menu", hidden: true },
      make("button", { type: "button", text: WORDS.servicesAgain, on: act(services) }),
      make("button", { type: "button", class: "danger", text: WORDS.endSession, on: act(() => this.askToEnd()) }),
    );
    return this.menu;
  }

  buildBanner(act) {
    this.bannerText = make("span");
    const again = make("button", { type: "button", text: WORDS.retryNow, on: act(() => this.line.hurry()) });
    this.banner = make("div", { class: "banner", hidden: true }, this.bannerText, again);
    this.toast = make("div", { class: "toast", role: "alert", hidden: true });
    const both = document.createDocumentFragment();
    both.append(this.banner, this.toast);
    return both;
  }

  buildStage(act) {
    this.early = make("button", { type: "button", class: "early", text: WORDS.earlier, hidden: true, on: act(() => this.showEarlier()) });
    this.welcome = this.buildWelcome();
    this.list = make("div");
    this.typingText = make("span");
    this.typingLine = make(
      "div",
      { class: "typing", "aria-hidden": "true", hidden: true },
      make("span", { class: "dots" }, make("i"), make("i"), make("i")),
      this.typingText,
    );
    this.scroller = make(
      "div",
      { class: "log", role: "log", "aria-live": "polite", "aria-label": WORDS.log, tabindex: "0", on: { scroll: () => this.onScroll() } },
      this.early,
      this.welcome,
      this.list,
      this.typingLine,
    );
    this.down = make("button", { type: "button", class: "down", hidden: true, on: act(() => this.toBottom()) }, icon("right"), make("span", { text: WORDS.toBottom }));
    return make("div", { class: "stage" }, this.scroller, this.down);
  }

  buildWelcome() {
    const menu = make("div", { class: "choices grid", role: "group", "aria-label": WORDS.menuLabel });
    for (const choice of WORDS.menu) {
      menu.append(make("button", { type: "button", text: choice.title, on: { click: () => this.say(choice) } }));
    }
    return make(
      "div",
      { class: "msg bot welcome" },
      make("div", { class: "meta" }, make("span", { class: "who", text: WORDS.authors.bot })),
      make("div", { class: "bubble" }, make("div", { class: "text", text: WORDS.welcome }), make("span", { class: "fine", text: WORDS.safety })),
      menu,
    );
  }

  buildForm(act) {
    this.input = make("textarea", {
      id: "input", rows: "1", placeholder: WORDS.placeholder, "aria-describedby": "counter", autocomplete: "off", enterkeyhint: "send",
    });
    this.picker = make("input", { type: "file", accept: FILE_TYPES.join(","), hidden: true, tabindex: "-1", "aria-label": WORDS.attach });
    this.picker.addEventListener("change", () => {
      this.sendFiles(this.picker.files);
      this.picker.value = "";
    });
    const attach = make("button", { type: "button", class: "tool", "aria-label": WORDS.attach, on: act(() => this.picker.click()) }, icon("clip"));
    this.sendButton = make("button", { type: "submit", class: "send", text: WORDS.send });
    this.note = make("span");
    this.counter = make("span", { class: "counter", id: "counter", "aria-live": "polite" });
    this.form = make(
      "form",
      { novalidate: true },
      make("label", { class: "unseen", for: "input", text: WORDS.inputLabel }),
      make("div", { class: "row" }, attach, this.input, this.sendButton),
      this.picker,
      make("div", { class: "under" }, this.note, this.counter),
    );
    return this.form;
  }

  buildQuestion(act) {
    this.keepButton = make("button", { type: "button", text: WORDS.endNo, on: act(() => this.askToEnd(false)) });
    const end = make("button", { type: "button", class: "danger", text: WORDS.endYes, on: act(() => this.end()) });
    const box = make(
      "div",
      { class: "ask", role: "alertdialog", "aria-modal": "true", "aria-labelledby": "ask-title", "aria-describedby": "ask-text" },
      make("h3", { id: "ask-title", text: WORDS.endTitle }),
      make("p", { id: "ask-text", text: WORDS.endText }),
      make("div", {}, this.keepButton, end),
    );
    this.veil = make("div", { class: "veil", hidden: true }, box);
    return this.veil;
  }

  // Listening.

  listenToPage() {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.input.addEventListener("keydown", (event) => this.onKey(event));
    this.input.addEventListener("input", () => this.onInput());
    this.input.addEventListener("paste", (event) => this.onFiles(event, event.clipboardData));
    this.panel.addEventListener("dragover", (event) => event.preventDefault());
    this.panel.addEventListener("drop", (event) => this.onFiles(event, event.dataTransfer));
    this.panel.addEventListener("keydown", (event) => this.onPanelKey(event));
    this.panel.addEventListener("click", (event) => {
      if (!this.menu.hidden && !event.composedPath().some((el) => el === this.menu || el === this.moreButton)) this.toggleMenu(false, false);
    });
    document.addEventListener("click", (event) => this.onPageClick(event));
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      this.line.hurry();
      this.countUnread();
    });
    addEventListener("online", () => this.line.hurry());
    addEventListener("offline", () => this.paint());
    this.phone = matchMedia(PHONE);
    this.phone.addEventListener("change", () => this.fit());
    if (window.visualViewport) {
      visualViewport.addEventListener("resize", () => this.fit());
      visualViewport.addEventListener("scroll", () => this.fit());
    }
  }

  lineHooks() {
    return {
      message: (message) => this.onMessage(message),
      state: (state) => this.onState(state),
      status: (status) => this.onStatus(status),
      typing: (on) => this.setTyping(on, true),
      notice: (text, code) => this.onNotice(text, code),
      replay: (on) => this.onReplay(on),
      fresh: () => this.onFresh(),
      seen: () => this.log.upTo,
    };
  }

  onMessage(message) {
    const entry = this.log.take(message);
    if (!entry) return;
    if (this.log.hasGap) this.healSoon();
    this.welcome.hidden = this.log.first !== null && this.log.first > 1;
    this.early.hidden = !this.welcome.hidden;
    if (this.replaying) return;
    if (entry.author === "customer") return this.follow();
    if (!this.serverTyping) this.setTyping(false);
    this.countUnread();
    this.follow(entry.element);
  }

  onState(state) {
    const before = this.state;
    this.state = state;
    if (state === "online" && !this.banner.hidden) this.announce(WORDS.online);
    if (state === "offline" && before !== "offline") {
      this.offlineAt = Date.now();
      setTimeout(() => this.paint(), BANNER_MS);
    }
    this.paint();
    this.sender.pump();
  }

  onStatus(status) {
    if (!WORDS.states[status]) return;
    this.status = status;
    this.paint();
  }

  onNotice(text) {
    if (text && !this.sender.busy) this.warn(text); // a refused message says so itself
  }

  warn(text) {
    this.toast.textContent = text;
    this.toast.hidden = false;
    clearTimeout(this.toastTimer);
    this.toastTimer = setTimeout(() => (this.toast.hidden = true), 8000);
  }

  /** A page's first history is not read aloud; what was missed in a break is. */
  onReplay(on) {
    this.replaying = on ? 1 : 0;
    this.scroller.setAttribute("aria-busy", String(on));
    if (on && this.log.upTo === null && this.memory.kept.sessionId) this.scroller.setAttribute("aria-live", "off");
    if (!on) setTimeout(() => this.replaying || this.scroller.setAttribute("aria-live", "polite"), 300);
    if (on) return;
    this.countUnread();
    this.follow();
  }

  onFresh() {
    this.clearLog();
    this.log.local(WORDS.expired);
    for (const entry of this.sender.queue) this.log.add(entry);
  }

  onDelivery(entry) {
    this.log.refresh(entry);
    if (entry.state === "failed") this.announce(WORDS.failed);
    if (entry.state === "sent" && !entry.file && this.status !== "agent" && !this.answered(entry)) this.setTyping(true);
  }

  answered(entry) {
    return this.log.entries.some((one) => one.author !== "customer" && one.seq > entry.seq);
  }

  onInput() {
    const left = MAX_CHARS - countChars(this.input.value.trim());
    this.counter.textContent = left <= MAX_CHARS - COUNTER_FROM ? WORDS.counter(left) : "";
    this.counter.classList.toggle("over", left < 0);
    this.sendButton.setAttribute("aria-disabled", String(left < 0 || left === MAX_CHARS));
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight + 2, 132)}px`;
    this.follow();
  }

  /** Enter sends; never while an input method (输入法) is still composing. */
  onKey(event) {
    if (event.key !== "Enter" || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.isComposing || event.keyCode === 229) return; // 229: Safari's last Enter
    event.preventDefault();
    this.submit();
  }

  onPanelKey(event) {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      if (!this.veil.hidden) this.askToEnd(false);
      else if (!this.menu.hidden) this.toggleMenu(false);
      else this.close();
    } else if (event.key === "Tab" && (this.phone.matches || !this.veil.hidden)) this.keepFocus(event);
  }

  /** Where the chat covers the page, Tab stays in it. */
  keepFocus(event) {
    const area = this.veil.hidden ? this.panel : this.veil;
    const all = [...area.querySelectorAll("button, textarea, a[href], summary, [tabindex='0']")].filter(
      (one) => !one.disabled && one.getClientRects().length,
    );
    const [first, last] = [all[0], all[all.length - 1]];
    const here = this.shadow.activeElement;
    const leaves = event.shiftKey ? here === first || here === this.panel : here === last;
    if (!leaves) return;
    event.preventDefault();
    (event.shiftKey ? last : first).focus();
  }

  onFiles(event, data) {
    const files = data && data.files;
    if (event.type === "drop") event.preventDefault();
    if (!files || !files.length) return;
    event.preventDefault();
    this.sendFiles(files);
  }

  onPageClick(event) {
    const asked = event.target instanceof Element && event.target.closest("[data-baoke-open], [data-baoke-draft]");
    if (!asked) return;
    event.preventDefault();
    this.open();
    if (asked.dataset.baokeDraft) this.draft(asked.dataset.baokeDraft);
  }

  onScroll() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    // Below may be more because something grew; only going up means reading.
    if (scrollHeight - scrollTop - clientHeight < 60) this.stuck = true;
    else if (scrollTop < this.scrolledTo - 4) this.stuck = false;
    this.scrolledTo = scrollTop;
    if (this.stuck) this.down.hidden = true;
  }

  rememberedElsewhere(otherSession) {
    if (!otherSession) return this.countUnread();
    this.line.stop();
    this.clearLog();
    if (this.memory.kept.token) {
      for (const entry of this.sender.queue) this.log.add(entry);
      this.line.start();
      return;
    }
    this.sender.clear();
    if (!this.panel.hidden) this.log.local(WORDS.ended);
  }

  // Doing.

  /** Open the panel. */
  open({ focus = true } = {}) {
    if (this.panel.hidden) {
      this.panel.hidden = false;
      this.launcher.hidden = true;
      this.launcher.setAttribute("aria-expanded", "true");
      this.memory.open = true;
      this.line.start();
      this.fit();
      this.toBottom();
      this.countUnread();
      this.onInput();
    }
    if (focus) this.focusBelow(this.panel);
  }

  /** Close the panel; the conversation goes on. */
  close() {
    if (this.panel.hidden) return;
    this.toggleMenu(false);
    this.askToEnd(false);
    this.panel.hidden = true;
    this.launcher.hidden = false;
    this.launcher.setAttribute("aria-expanded", "false");
    this.memory.open = false;
    this.fit();
    this.launcher.focus({ preventScroll: true });
  }

  /** Put words into the input without sending them. */
  draft(text) {
    this.input.value = text;
    this.onInput();
  }

  submit() {
    const text = this.input.value.trim();
    if (!text || countChars(text) > MAX_CHARS) return;
    this.input.value = "";
    this.onInput();
    this.say({ text });
  }

  say(message) {
    this.line.start();
    this.toast.hidden = true;
    const had = this.shadow.activeElement;
    this.sender.add(this.log.own(message));
    this.toBottom();
    // The pressed button is about to be disabled and would lose the focus.
    if (message.payload && had && had.closest(".choices")) this.focusBelow(this.scroller);
  }

  /** Focus the input, or on a touch screen, where that raises the keyboard, another. */
  focusBelow(other) {
    (matchMedia("(pointer: coarse)").matches ? other : this.input).focus({ preventScroll: true });
  }

  askForHuman() {
    if (this.status === "agent") return;
    this.say(this.status === "queued" ? WORDS.cancelHandoff : WORDS.handoff);
    this.focusBelow(this.scroller);
  }

  sendFiles(files) {
    for (const file of files) {
      let wrong = "";
      if (!FILE_TYPES.includes(file.type)) wrong = WORDS.fileType;
      else if (file.size > MAX_FILE_BYTES) wrong = WORDS.fileSize;
      else if (!file.size) wrong = WORDS.fileEmpty;
      if (wrong) this.warn(wrong);
      else this.say({ file });
    }
  }

  async download(part, button) {
    button.disabled = true;
    try {
      const address = URL.createObjectURL(await this.line.download(part.attachment_id));
      make("a", { href: address, download: part.name }).click();
      setTimeout(() => URL.revokeObjectURL(address), 60000);
    } catch {
      this.warn(WORDS.downloadFailed);
    } finally {
      button.disabled = false;
    }
  }

  async showEarlier() {
    this.early.disabled = true;
    const { first } = this.log;
    const from = this.scroller.scrollHeight - this.scroller.scrollTop;
    try {
      const found = await this.line.between(Math.max(0, first - 1 - HISTORY), first);
      this.onReplay(true);
      this.stuck = false;
      for (const message of found) this.log.take(message);
      this.welcome.hidden = this.log.first > 1;
      this.early.hidden = !this.welcome.hidden;
      this.scroller.scrollTop = this.scroller.scrollHeight - from;
      this.onReplay(false);
      if (this.early.hidden) this.scroller.focus({ preventScroll: true });
    } catch (error) {
      this.warn(error.message);
    } finally {
      this.early.disabled = false;
    }
  }

  healSoon() {
    clearTimeout(this.healing);
    this.healing = setTimeout(async () => {
      if (!this.log.hasGap) return;
      const found = await this.line.between(this.log.upTo).catch(() => []);
      for (const message of found) this.onMessage(message);
    }, GAP_MS);
  }

  toggleMenu(open = this.menu.hidden, focus = true) {
    if (this.menu.hidden !== open) return;
    this.menu.hidden = !open;
    this.moreButton.setAttribute("aria-expanded", String(open));
    if (focus) (open ? this.menu.firstElementChild : this.moreButton).focus();
  }

  askToEnd(open = true) {
    if (this.veil.hidden !== open) return;
    if (open) this.toggleMenu(false);
    this.veil.hidden = !open;
    for (const area of this.panel.children) if (area !== this.veil) area.inert = open;
    (open ? this.keepButton : this.moreButton).focus();
  }

  end() {
    this.askToEnd(false);
    this.line.stop();
    this.sender.clear();
    this.memory.forget();
    this.clearLog();
    this.log.local(WORDS.ended);
    this.announce(WORDS.ended);
    this.focusBelow(this.panel);
  }

  clearLog() {
    this.log.clear();
    this.setTyping(false);
    this.status = "bot";
    this.welcome.hidden = false;
    this.early.hidden = true;
    this.countUnread();
    this.paint();
  }

  // Showing.

  paint() {
    const shown = this.state === "online" ? this.status : this.state;
    this.stateLine.textContent = WORDS.states[shown];
    this.stateLine.dataset.state = shown;
    this.handoff.textContent = (this.status === "queued" ? WORDS.cancelHandoff : WORDS.handoff).title;
    this.handoff.hidden = this.status === "agent";
    this.paintBanner();
    this.note.textContent = this.status === "agent" ? WORDS.agentNote : WORDS.note;
    for (const entry of this.sender ? this.sender.queue : []) this.log.drawDelivery(entry);
    this.launcher.setAttribute("aria-label", this.unread ? WORDS.launcherUnread(this.unread) : WORDS.launcher);
    this.badge.hidden = !this.unread;
    this.badge.textContent = this.unread > 99 ? "99+" : String(this.unread);
    const bare = document.title.replace(/^\(\d+\) /, "");
    const title = this.unread ? `(${this.unread}) ${bare}` : bare;
    if (document.title !== title) document.title = title;
  }

  paintBanner() {
    const hidden = this.state !== "offline" || Date.now() - this.offlineAt < BANNER_MS;
    const words = navigator.onLine === false ? WORDS.noNetwork : WORDS.offline;
    if (!hidden && this.banner.hidden) this.announce(words);
    this.banner.hidden = hidden;
    this.bannerText.textContent = words;
  }

  reading() {
    return !this.panel.hidden && !document.hidden;
  }

  /** What is on screen counts as read; the rest is on the badge and in the title. */
  countUnread() {
    const { top } = this.log;
    const { token, read: known = 0 } = this.memory.kept;
    if (this.reading() && token && top > known) this.memory.write({ read: top });
    const read = this.memory.kept.read || 0;
    const before = this.unread;
    this.unread = this.log.entries.filter((one) => one.author !== "customer" && one.seq > read).length;
    if (this.unread > before) this.announce(WORDS.newMessage);
    if (this.unread !== before) this.paint();
  }

  setTyping(on, byServer = false) {
    if (byServer) this.serverTyping = on;
    clearTimeout(this.typingTimer);
    if (on) this.typingTimer = setTimeout(() => this.setTyping(false, true), TYPING_MS);
    if (this.typingLine.hidden !== on) return;
    const words = this.status === "agent" ? WORDS.agentTyping : WORDS.botTyping;
    this.typingText.textContent = words;
    this.typingLine.hidden = !on;
    if (on) this.announce(words);
    this.follow();
  }

  /** Say something to screen readers, also while the panel is closed. */
  announce(text) {
    this.live.textContent = "";
    setTimeout(() => (this.live.textContent = text), 60);
  }

  /** Keep the newest in view, unless the customer has scrolled up to read. */
  follow(element = null) {
    requestAnimationFrame(() => {
      if (!this.stuck) {
        if (element && !this.replaying) this.down.hidden = false;
        return;
      }
      const bottom = this.scroller.scrollHeight - this.scroller.clientHeight;
      const tall = element && element.offsetHeight > this.scroller.clientHeight;
      this.scroller.scrollTop = tall ? element.offsetTop - 12 : bottom;
      this.scrolledTo = this.scroller.scrollTop;
      if (tall) {
        this.stuck = false; // it is read from its beginning
        this.down.hidden = false;
      }
    });
  }

  toBottom() {
    this.stuck = true;
    this.down.hidden = true;
    this.follow();
  }

  /** On a phone the panel is the screen above the keyboard, and the page stands still. */
  fit() {
    const covers = this.phone.matches && !this.panel.hidden;
    this.panel.setAttribute("aria-modal", String(covers));
    const page = document.documentElement.style;
    if (covers && this.pageOverflow === undefined) {
      this.pageOverflow = page.overflow;
      page.overflow = "hidden";
    } else if (!covers && this.pageOverflow !== undefined) {
      page.overflow = this.pageOverflow;
      this.pageOverflow = undefined;
    }
    const view = window.visualViewport;
    const lifted = covers && view && view.scale < 1.02;
    this.panel.style.height = lifted ? `${view.height}px` : "";
    this.panel.style.transform = lifted && view.offsetTop ? `translateY(${view.offsetTop}px)` : "";
    this.panel.classList.toggle("typed", Boolean(lifted && innerHeight - view.height > 120));
    this.follow();
  }
}

customElements.define("baoke-chat", BaokeChat);

function addToPage() {
  if (!document.querySelector("baoke-chat")) document.body.append(document.createElement("baoke-chat"));
}
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", addToPage);
else addToPage();
})();
