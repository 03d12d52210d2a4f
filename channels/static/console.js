// The agents' console. Uses nothing but /api/desk; words of customers are text, never HTML.
'use strict';

const CHANGE_SECONDS = 3; // a list is never older, whatever is heard
const PAUSE_MS = 2000; // after something failed
const BEAT_MS = 20000;
const WAIT_SECONDS = 20;
const NEWEST = Number.MAX_SAFE_INTEGER;
const CHANNELS = { web: '网页', wechat: '微信', telegram: 'Telegram' };
const STATES = { pending: '发送中', sending: '发送中', kept: '暂存，客户来信时发出', undeliverable: '未送达', unknown: '可能未送达', dropped: '已放弃' };
const REASONS = {
  customer_asked: '客户要求人工', transferred: '转来', accepted: '接入', released: '交还机器人', closed: '结束',
  customer_cancelled: '客户取消排队', customer_ended: '客户结束', wrote_again: '客户再次来信', brain_failed: '机器人出错', core_away: '保单系统没回应', outside_window: '超出 48 小时',
  quota_used_up: '条数用完', not_understood: '多次没听懂', angry: '客户着急', wechat_tool: '微信客服', agent_gone: '坐席掉线', taken_over: '组长接管', despair: '客户情绪危险', lawsuit: '客户要起诉',
  media: '客户要曝光', fraud_warning: '可能有人冒充', upset: '客户着急',
  complaint_overdue: '投诉超时', complaint_review: '投诉核查', request_overdue: '申请超时', claim_overdue: '理赔超时', service_request: '业务申请', no_policy_to_claim: '没有可报案的保单',
};
const HOLDERS = { bot: '机器人', queued: '排队', agent: '坐席', closed: '已结束' };
const $ = (id) => document.getElementById(id);

let me = null; // who is logged in
let current = null; // sender_id of the open conversation
let row = null; // its row
let seen = 0; // highest number on screen
let reading = 0; // counts openings, so late answers of older ones are dropped
const read = new Map(); // read.get(sender_id) = highest number the agent has seen
let rows = { queue: [], mine: [], all: [], live: [] };
let heard = 0; // number of the last change heard of
let offered = new Set(); // what was offered to me when last looked
let unreadBefore = 0;
let failing = false;
let templates = []; // what agents write often
let categories = []; // what a conversation can have been about
let people = []; // accounts

class Refused extends Error {
  constructor(status, code, message) { super(message); this.status = status; this.code = code; }
}

// Sessions. Whatever was asked for in one session is never heard in another: not by the
// next agent at this screen, and not by a later login in another tab of this browser.

let session = 0; // counts the ends of sessions
const reads = new Set(); // what is being read, stopped when the session ends
const forgets = []; // each script says how it forgets what it keeps
const unheard = () => new Promise(() => {});

async function call(method, path, body, seconds = 15, again = true) {
  const mine = session;
  const word = me ? me.csrf : '';
  const form = body instanceof FormData;
  // The word goes with reads too, so that the server refuses them after another login.
  const headers = { ...(word ? { 'X-CSRF-Token': word } : {}), ...(form || body === undefined ? {} : { 'Content-Type': 'application/json' }) };
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), seconds * 1000);
  if (method === 'GET') reads.add(limit);
  let answer, data;
  try {
    answer = await fetch(`/api/desk/${path}`, {
      method, headers, body: form || body === undefined ? body : JSON.stringify(body), credentials: 'same-origin', signal: limit.signal,
    });
    data = await answer.json().catch(() => ({}));
  } catch (error) {
    if (mine !== session) return unheard();
    stale(true);
    throw error;
  } finally {
    clearTimeout(timer);
    reads.delete(limit);
  }
  if (mine !== session) return unheard();
  stale(answer.status >= 500);
  if (answer.ok) return data;
  const said = data.error || { code: '', message: '出错了，请稍后再试。' };
  const other = ['other_session', 'csrf'].includes(said.code);
  if (word && (other || answer.status === 401)) {
    // A login in another tab ends this session before the browser has its new cookie.
    const now = other || said.code === 'desk_left' ? await whoIsIn(other ? 1 : 2) : null;
    if (mine !== session) return unheard();
    if (now && now.name === me.name && again) { // logged in again in another tab
      Object.assign(me, now);
      return call(method, path, body, seconds, false);
    }
    endSession(whyEnded(said, now));
    return unheard();
  }
  throw new Refused(answer.status, said.code, said.message);
}

async function whoIsIn(tries) {
  const answer = await fetch('/api/desk/me', { credentials: 'same-origin' }).catch(() => null);
  if (answer && answer.ok) return answer.json();
  if (tries < 2) return null;
  await new Promise((done) => setTimeout(done, 700));
  return whoIsIn(tries - 1);
}

function whyEnded(said, now) {
  if (now) return `这个浏览器里已经换成“${now.title}”登录，这个页面上的登录不再有效。`;
  return said.code.startsWith('desk_') ? said.message : '登录已经失效：可能在别的标签页退出了。请重新登录。';
}

// What the page looked like before anybody logged in.
const PRISTINE = [...document.querySelectorAll('#desk [id], dialog, dialog [id]')].map((each) => ({
  each, hidden: each.hidden, disabled: each.disabled,
  inside: each.querySelector('[id]') ? null : [...each.childNodes].map((child) => child.cloneNode(true)),
}));

function wipe() {
  for (const { each, hidden, disabled, inside } of PRISTINE) {
    if (each.tagName === 'DIALOG' && each.open) each.close('no');
    each.hidden = hidden;
    if (disabled !== undefined) each.disabled = disabled;
    if (inside) each.replaceChildren(...inside.map((child) => child.cloneNode(true)));
    if (each.type === 'checkbox') each.checked = each.defaultChecked;
    else if (['INPUT', 'TEXTAREA'].includes(each.tagName)) each.value = each.defaultValue;
    for (const name of Object.keys(each.dataset)) delete each.dataset[name];
  }
  document.title = '坐席工作台';
}

// The end of a session, whatever ended it: nothing of it stays on the page or in memory.
function endSession(why) {
  session += 1;
  for (const each of reads) each.abort();
  me = null;
  templates = [];
  categories = [];
  people = [];
  rows = { queue: [], mine: [], all: [], live: [] };
  read.clear();
  heard = 0;
  offered = new Set();
  unreadBefore = 0;
  for (const forget of forgets) forget();
  wipe();
  stale(false);
  showLogin(why);
}

const wordsOf = (error) => (error instanceof Refused ? error.message : '没有连上服务器，请稍后再试。');
const get = (path, seconds) => call('GET', path, undefined, seconds);
const post = (path, body = {}) => call('POST', path, body);
const send = (path, form) => call('POST', path, form, 120);
const at = (id, rest = '') => `conversations/${encodeURIComponent(id)}${rest}`;
const newKey = () => crypto.randomUUID();

function stale(on) {
  failing = on;
  $('stale').hidden = !on;
}

function el(tag, name, text) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

const clock = (iso) => new Date(iso).toLocaleTimeString('zh-CN', { hour: '2-digit', minute: '2-digit' });

function ago(iso) {
  const minutes = Math.floor((Date.now() - new Date(iso)) / 60000);
  return minutes < 1 ? '刚刚' : minutes < 60 ? `${minutes} 分钟` : `${Math.floor(minutes / 60)} 小时 ${minutes % 60} 分`;
}

const waited = (iso) => (ago(iso) === '刚刚' ? '刚刚来' : `等了 ${ago(iso)}`);

// Logging in and out.

function showLogin(why = '') {
  $('desk').hidden = true;
  $('login').hidden = false;
  $('login-error').textContent = why;
  $('login-form').elements.password.value = '';
  $('login-form').elements.name.focus();
}

async function enter(found) {
  if (me) endSession('');
  me = found;
  $('login-error').textContent = '';
  $('login').hidden = true;
  $('desk').hidden = false;
  $('who').textContent = `${me.title}（${me.role === 'leader' ? '组长' : '坐席'}${me.skills.length ? '，' + me.skills.join('、') : ''}）`;
  $('all-section').hidden = me.role !== 'leader';
  $('ready').checked = me.ready;
  await beat();
  await refresh();
  const stock = await get('templates').catch(() => ({ templates: [], categories: [] }));
  templates = stock.templates;
  categories = stock.categories;
  listen();
}

$('login-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const fields = event.target.elements;
  $('login-error').textContent = '';
  await leaving;
  try {
    const found = await post('login', { name: fields.name.value, password: fields.password.value });
    fields.password.value = '';
    sessionStorage.removeItem(LEAVING);
    await enter(found);
  } catch (error) {
    $('login-error').textContent = error.status === 401 ? '账号或密码不对。' : wordsOf(error);
    fields.password.select();
  }
});

// Leaving clears the screen at once, and tells the server; what could not be told is told
// when the page is opened the next time. A login waits for it, as both set the cookie.

const LEAVING = 'baoke-desk-leaving';
let leaving = Promise.resolve();

$('logout').addEventListener('click', () => {
  const word = me.csrf;
  $('login-form').reset();
  endSession('');
  leaving = leave(word);
});

async function leave(word) {
  sessionStorage.setItem(LEAVING, 'yes');
  const answer = await fetch('/api/desk/logout', {
    method: 'POST', headers: { 'X-CSRF-Token': word }, credentials: 'same-origin', keepalive: true, signal: AbortSignal.timeout(10000),
  }).catch(() => null);
  if (answer && answer.status < 500) sessionStorage.removeItem(LEAVING);
  else if (!me) $('login-error').textContent = '退出还没有送到服务器。请联网后刷新这一页，会自动再退出一次。';
}

async function begin() {
  const found = await get('me').catch(() => null);
  if (!found || !sessionStorage.getItem(LEAVING)) return found ? enter(found) : showLogin();
  showLogin();
  leaving = leave(found.csrf);
}

// A page that the browser keeps to come back to keeps nothing of a customer.
addEventListener('pagehide', (event) => { if (event.persisted && me) endSession(''); });
addEventListener('pageshow', (event) => { if (event.persisted) begin(); });

$('ready').addEventListener('change', () => {
  if ($('ready').checked && 'Notification' in window && Notification.permission === 'default') Notification.requestPermission();
  chosenAt = Infinity;
  beat($('ready').checked).then(() => {
    chosenAt = looks;
    return refresh();
  });
});

let chosenAt = 0; // looks asked for up to then do not know yet what was chosen

// A heartbeat chooses nothing: the same agent may have another browser open.
async function beat(ready) {
  if (me) await post('presence', ready === undefined ? {} : { ready }).catch(() => {});
}

// Lists.

let looks = 0; // numbers the looks at the lists: an older one that comes late is dropped
let newestLook = 0;

async function refresh() {
  if (!me) return;
  looks += 1;
  const look = looks;
  try {
    const asked = [get('queue'), get('conversations'), get('agents')];
    if (me.role === 'leader') asked.push(get('conversations?everybody=true'), get('live'));
    const [queue, mine, agents, all, live] = await Promise.all(asked);
    if (look < newestLook) return;
    newestLook = look;
    people = agents.agents;
    const own = people.find((each) => each.name === me.name);
    if (own && look > chosenAt) $('ready').checked = own.state === 'ready';
    rows = {
      queue: queue.conversations,
      mine: mine.conversations,
      all: all ? all.conversations.filter((each) => each.agent !== me.name) : [],
      live: live ? live.conversations : [],
    };
    rows.queue.sort((a, b) => isMine(b) - isMine(a)); // what I am asked to take stands first
    dropDrafts();
    draw();
    callAttention();
    if (current && row) await details();
  } catch (error) {
    if (!(error instanceof Refused) && !failing) throw error;
  }
}

const isMine = (each) => Number(each.offered_to === me.name);
const everything = () => [...rows.mine, ...rows.queue, ...rows.all, ...rows.live];

function draw() {
  for (const name of ['queue', 'mine', 'all', 'live']) drawList(name);
  $('people').replaceChildren(...people.map((each) => {
    const state = { ready: '接待中', busy: '不接新会话', away: '不在' }[each.state];
    const item = el('li', `person ${each.state}`, `${each.title}：${state}，${each.held}/${each.capacity}`);
    const scores = each.scores;
    if (scores && scores.answered) item.append(el('span', 'hint', `，评价 ${scores.average.toFixed(1)} 分（${scores.answered} 次，满分 3）`));
    return item;
  }));
}

// Wait until the server says that a list may look different; look anyway now and then.

async function listen() {
  const whose = me;
  while (me && me === whose) {
    try {
      heard = (await get(`changes?since=${heard}&wait=${CHANGE_SECONDS}`)).number;
      await refresh();
    } catch (error) {
      await new Promise((go) => setTimeout(go, PAUSE_MS));
    }
  }
}

function drawList(name) {
  const list = $(name);
  const focused = document.activeElement && document.activeElement.dataset.id;
  $(`${name}-count`).textContent = rows[name].length;
  list.replaceChildren(...rows[name].map((each) => {
    const item = el('li');
    const button = el('button');
    button.type = 'button';
    button.dataset.id = each.sender_id;
    button.setAttribute('aria-current', String(each.sender_id === current));
    const first = el('span', 'first');
    first.append(el('span', ['high', 'critical'].includes(each.priority) ? 'urgent' : '', `${CHANNELS[each.channel] || each.channel} · ${each.sender_id.slice(-6)}`));
    const unread = unreadOf(each);
    if (name === 'queue') first.append(isMine(each) ? el('span', 'badge', '请您接') : el('span', 'hint', waited(each.waiting_since)));
    else if (name === 'all') first.append(el('span', 'hint', titleOf(each.agent)));
    else if (unread) first.append(el('span', 'badge', '新消息'));
    const left = draftMark(each.sender_id);
    if (left) first.append(el('span', left.failed ? 'badge failed' : 'hint', left.words));
    button.append(first, el('span', 'last', each.last_text));
    const due = dueWords(each.due);
    if (due) button.append(el('span', due.late ? 'due late' : 'due', due.words));
    button.addEventListener('click', () => open(each.sender_id));
    item.append(button);
    return item;
  }));
  if (focused) list.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
}

function unreadOf(each) {
  if (each.sender_id === current) return 0;
  // Numbers count all lines, so this is right as "something new", not as a sum.
  return each.asked_seq > (read.get(each.sender_id) ?? 0) ? 1 : 0;
}

const titleOf = (name) => (people.find((each) => each.name === name) || { title: name }).title;

function span(minutes) {
  if (minutes < 60) return `${minutes} 分钟`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} 小时 ${minutes % 60} 分` : `${Math.floor(hours / 24)} 天 ${hours % 24} 小时`;
}

// Until when the agreement promises an answer.
function dueWords(due) {
  if (!due) return null;
  const minutes = Math.round((new Date(due.at) - Date.now()) / 60000);
  const words = span(Math.abs(minutes));
  return { late: minutes < 0, words: minutes < 0 ? `超时 ${words}（${due.clause}）` : `还剩 ${words}（${due.clause}）` };
}

// A sound and a word outside the page: for what I am asked to take, and for new lines of mine.

function callAttention() {
  const now = new Set(rows.queue.filter(isMine).map((each) => each.sender_id));
  const fresh = [...now].filter((id) => !offered.has(id));
  const unread = rows.mine.filter((each) => unreadOf(each)).length;
  if (fresh.length) notify('有一位客户请您接待');
  else if (unread > unreadBefore) notify('您的客户有新消息');
  offered = now;
  unreadBefore = unread;
  const waiting = rows.queue.length + unread;
  document.title = waiting ? `（${waiting}）坐席工作台` : '坐席工作台';
}

function notify(words) {
  beep();
  if (document.hidden && 'Notification' in window && Notification.permission === 'granted') new Notification(words);
}

let speaker = null;
function beep() {
  if (!$('sound').checked) return;
  try {
    speaker ||= new AudioContext();
    const tone = speaker.createOscillator();
    const volume = speaker.createGain();
    volume.gain.setValueAtTime(0.2, speaker.currentTime);
    volume.gain.exponentialRampToValueAtTime(0.001, speaker.currentTime + 0.4);
    tone.frequency.value = 880;
    tone.connect(volume).connect(speaker.destination);
    tone.start();
    tone.stop(speaker.currentTime + 0.4);
  } catch (error) {
    // No sound on this machine; the words are there.
  }
}

setInterval(() => beat(), BEAT_MS);

// Enter while an input method (输入法) is composing only takes what it offers: it never
// sends or submits. Safari ends the composition before it tells of the key (keyCode 229).

let composed = false; // input methods that are scripts do both in one go

const composing = (event) => event.isComposing || event.keyCode === 229 || composed;

document.addEventListener('compositionend', () => {
  composed = true;
  queueMicrotask(() => { composed = false; });
}, true);
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || !composing(event)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);
