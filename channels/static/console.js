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
let quoted = null; // the clause the next words will quote

class Refused extends Error {
  constructor(status, message) { super(message); this.status = status; }
}

async function call(method, path, body, seconds = 15) {
  const form = body instanceof FormData;
  const headers = body === undefined ? {} : { 'X-CSRF-Token': me ? me.csrf : '', ...(form ? {} : { 'Content-Type': 'application/json' }) };
  let answer;
  try {
    answer = await fetch(`/api/desk/${path}`, {
      method, headers, body: form || body === undefined ? body : JSON.stringify(body),
      credentials: 'same-origin', signal: AbortSignal.timeout(seconds * 1000),
    });
  } catch (error) {
    stale(true);
    throw error;
  }
  const data = await answer.json().catch(() => ({}));
  stale(answer.status >= 500);
  if (answer.ok) return data;
  if (answer.status === 401 && path !== 'login') showLogin();
  throw new Refused(answer.status, data.error ? data.error.message : '出错了，请稍后再试。');
}

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

function showLogin() {
  me = null;
  current = null;
  reading += 1;
  $('desk').hidden = true;
  $('login').hidden = false;
  $('login-form').elements.name.focus();
}

async function enter(found) {
  me = found;
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
  try {
    const found = await post('login', { name: fields.name.value, password: fields.password.value });
    fields.password.value = '';
    await enter(found);
  } catch (error) {
    $('login-error').textContent = error.status === 401 ? '账号或密码不对。' : error.message;
    fields.password.select();
  }
});

$('logout').addEventListener('click', async () => {
  await post('logout').catch(() => {});
  showLogin();
});

$('ready').addEventListener('change', () => {
  if ($('ready').checked && 'Notification' in window && Notification.permission === 'default') Notification.requestPermission();
  beat().then(refresh);
});

async function beat() {
  if (me) await post('presence', { ready: $('ready').checked }).catch(() => {});
}

// Lists.

async function refresh() {
  if (!me) return;
  try {
    const asked = [get('queue'), get('conversations'), get('agents')];
    if (me.role === 'leader') asked.push(get('conversations?everybody=true'), get('live'));
    const [queue, mine, agents, all, live] = await Promise.all(asked);
    if (!me) return;
    people = agents.agents;
    rows = {
      queue: queue.conversations,
      mine: mine.conversations,
      all: all ? all.conversations.filter((each) => each.agent !== me.name) : [],
      live: live ? live.conversations : [],
    };
    rows.queue.sort((a, b) => isMine(b) - isMine(a)); // what I am asked to take stands first
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
    first.append(el('span', each.priority === 'high' ? 'urgent' : '', `${CHANNELS[each.channel] || each.channel} · ${each.sender_id.slice(-6)}`));
    const unread = unreadOf(each);
    if (name === 'queue') first.append(isMine(each) ? el('span', 'badge', '请您接') : el('span', 'hint', waited(each.waiting_since)));
    else if (name === 'all') first.append(el('span', 'hint', titleOf(each.agent)));
    else if (unread) first.append(el('span', 'badge', '新消息'));
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

setInterval(beat, BEAT_MS);
