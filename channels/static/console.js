// The agents' console. Uses nothing but /api/desk; words of customers are text, never HTML.
'use strict';

const POLL_MS = 2000;
const BEAT_MS = 20000;
const WAIT_SECONDS = 20;
const CHANNELS = { web: '网页', wechat: '微信', telegram: 'Telegram' };
const STATES = { pending: '发送中', sending: '发送中', kept: '暂存，客户来信时发出', undeliverable: '未送达', unknown: '可能未送达', dropped: '已放弃' };
const REASONS = {
  customer_asked: '客户要求人工', transferred: '转来', accepted: '接入', released: '交还机器人', closed: '结束',
  customer_cancelled: '客户取消排队', wrote_again: '客户再次来信', brain_failed: '机器人出错', outside_window: '超出 48 小时',
  quota_used_up: '条数用完', not_understood: '多次没听懂', angry: '客户着急', wechat_tool: '微信客服',
};
const HOLDERS = { bot: '机器人', queued: '排队', agent: '坐席', closed: '已结束' };
const $ = (id) => document.getElementById(id);

let me = null; // who is logged in
let current = null; // sender_id of the open conversation
let row = null; // its row
let seen = 0; // highest number on screen
let reading = 0; // counts openings, so late answers of older ones are dropped
const read = new Map(); // read.get(sender_id) = highest number the agent has seen
let rows = { queue: [], mine: [], all: [] };
let failing = false;
let templates = []; // what agents write often
let quoted = null; // the clause the next words will quote

class Refused extends Error {
  constructor(status, message) { super(message); this.status = status; }
}

async function call(method, path, body, seconds = 15) {
  const headers = body === undefined ? {} : { 'Content-Type': 'application/json', 'X-CSRF-Token': me ? me.csrf : '' };
  let answer;
  try {
    answer = await fetch(`/api/desk/${path}`, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body),
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
  $('ready').checked = localStorage.getItem('ready') === 'yes';
  await beat();
  await refresh();
  templates = (await get('templates').catch(() => ({ templates: [] }))).templates;
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
  localStorage.setItem('ready', $('ready').checked ? 'yes' : 'no');
  beat();
});

async function beat() {
  if (me) await post('presence', { ready: $('ready').checked }).catch(() => {});
}

// Lists.

async function refresh() {
  if (!me) return;
  try {
    const asked = [get('queue'), get('conversations')];
    if (me.role === 'leader') asked.push(get('conversations?everybody=true'));
    const [queue, mine, all] = await Promise.all(asked);
    const before = rows.queue.length;
    rows = {
      queue: queue.conversations,
      mine: mine.conversations,
      all: all ? all.conversations.filter((each) => each.agent !== me.name) : [],
    };
    if (rows.queue.length > before) notify(`有 ${rows.queue.length} 位客户在排队`);
    for (const name of ['queue', 'mine', 'all']) drawList(name);
    const found = [...rows.queue, ...rows.mine, ...rows.all].find((each) => each.sender_id === current);
    if (current && row && (!found || found.status !== row.status || found.agent !== row.agent)) await details();
  } catch (error) {
    if (!(error instanceof Refused) && !failing) throw error;
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
    if (name === 'queue') first.append(el('span', 'hint', `等了 ${ago(each.waiting_since)}`));
    else if (unread) first.append(el('span', 'badge', '新消息'));
    button.append(first, el('span', 'last', each.last_text));
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

function notify(words) {
  document.title = `（${rows.queue.length || '!'}）坐席工作台`;
  if (document.hidden && 'Notification' in window && Notification.permission === 'granted') new Notification(words);
}

// One conversation.

async function open(id) {
  current = id;
  seen = 0;
  reading += 1;
  row = null;
  $('nothing').hidden = true;
  $('open').hidden = false;
  $('log').replaceChildren();
  $('problem').textContent = '';
  for (const name of ['queue', 'mine', 'all']) drawList(name);
  const mine = reading;
  quote(null);
  drawCustomer();
  await details();
  while (mine === reading) {
    try {
      const found = await get(at(id, `/messages?after=${seen}&wait=${seen ? WAIT_SECONDS : 0}`), WAIT_SECONDS + 10);
      if (mine !== reading) return;
      found.messages.forEach(drawMessage);
      if (!found.messages.length && !seen) seen = row ? row.last_seq : 0;
      if (found.messages.length) read.set(id, seen);
    } catch (error) {
      if (error instanceof Refused && error.status === 404) return;
      await new Promise((go) => setTimeout(go, POLL_MS));
    }
  }
}

// The customer's business, and clauses to quote.

async function drawCustomer() {
  const id = current;
  const box = $('customer');
  box.replaceChildren(el('p', 'hint', '正在查……'));
  let found = null;
  try {
    found = (await get(at(id, '/customer'))).customer;
  } catch (error) {
    if (!(error instanceof Refused)) return;
  }
  if (id !== current) return;
  if (!found) return box.replaceChildren(el('p', 'hint', '暂时查不到客户资料。'));
  const lines = [found.verified ? `已核实身份：${found.name} ${found.phone}` : '未核实身份'];
  if (found.locked_until) lines.push(`核对失败太多，锁到 ${clock(found.locked_until)}`);
  for (const each of found.policies) lines.push(`保单 ${each.number} ${each.what}：${each.status}，到 ${each.until}`);
  for (const each of found.claims) lines.push(`理赔 ${each.number} ${each.what}：${each.status}${each.amount ? '，' + each.amount : ''}`);
  for (const each of found.complaints) lines.push(`投诉 ${each.number} ${each.what}：${each.status}，最迟 ${new Date(each.due).toLocaleString('zh-CN')}（${each.clause}）`);
  box.replaceChildren(...lines.map((line) => el('p', '', line)));
}

$('clause-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const asked = $('clause-words').value.trim();
  if (!asked) return;
  const found = await get(`clauses?q=${encodeURIComponent(asked)}`).catch(() => ({ clauses: [] }));
  $('clauses').replaceChildren(...(found.clauses.length ? found.clauses.map((clause) => {
    const item = el('li');
    const button = el('button', '', `引用 ${clause.ref}`);
    button.type = 'button';
    button.disabled = clause.open_blanks.length > 0;
    button.addEventListener('click', () => quote(clause));
    item.append(el('strong', '', `《${clause.title}》${clause.ref}`), el('span', 'quote', clause.quote), button);
    return item;
  }) : [el('li', '', '没有找到能回答这句话的条款。')]));
});

function quote(clause) {
  quoted = clause;
  $('quoting').hidden = !clause;
  if (!clause) return;
  $('quoting-text').textContent = `将附上《${clause.title}》${clause.ref} 的原文`;
  const words = $('words');
  if (!words.value.trim() && clause.plain) words.value = clause.plain;
  words.focus();
}

$('unquote').addEventListener('click', () => quote(null));

async function details() {
  if (!current) return;
  const id = current;
  try {
    const [found, notes] = await Promise.all([get(at(id)), get(at(id, '/notes'))]);
    if (id !== current) return;
    row = found;
    drawDetails(notes.notes);
  } catch (error) {
    if (id !== current || !(error instanceof Refused)) return;
    row = row && { ...row, status: 'closed', agent: null };
    drawSteps();
    $('problem').textContent = error.status === 404 ? '这个会话已经不在您这里了。' : error.message;
  }
}

function drawDetails(notes) {
  $('title').textContent = `${CHANNELS[row.channel] || row.channel} · ${row.sender_id.slice(-6)} · ${HOLDERS[row.status]}`;
  $('left').textContent = leftWords(row.left);
  $('moves').replaceChildren(...row.moves.map((move) => {
    const why = REASONS[move.reason] || move.reason;
    return el('li', '', `${clock(move.at)} ${HOLDERS[move.moved_from]} → ${HOLDERS[move.moved_to]}：${why}${move.summary ? '（' + move.summary + '）' : ''}`);
  }));
  $('notes').replaceChildren(...notes.map((note) => {
    const item = el('li', '', note.text);
    item.prepend(el('span', 'by', `${note.agent} ${clock(note.at)}`));
    return item;
  }));
  drawSteps();
}

function leftWords(left) {
  if (!left) return '';
  if (left.refused || !left.until) return '微信现在不收消息：您写的会在客户下次来信时发出';
  const until = new Date(left.until).toLocaleString('zh-CN', { month: 'numeric', day: 'numeric', hour: '2-digit', minute: '2-digit' });
  return `微信还能发 ${left.pushes} 条，到 ${until}`;
}

function drawSteps() {
  const mine = row && row.status === 'agent' && row.agent === me.name;
  $('accept').hidden = !row || row.status !== 'queued';
  $('release').hidden = $('close').hidden = !mine;
  $('transfer').hidden = !(mine || (row && row.status === 'agent' && me.role === 'leader'));
  $('words').disabled = !mine;
  $('composer').querySelector('button').disabled = !mine;
}

function drawMessage(message) {
  if (message.seq <= seen) return;
  seen = message.seq;
  const by = { customer: '客户', bot: '机器人', agent: '坐席', system: '系统' }[message.author];
  const line = el('article', `line ${message.author}`);
  line.append(el('div', 'by', `${by} ${clock(message.at)}`));
  line.append(el('div', 'text', message.parts.map(partWords).filter(Boolean).join('\n')));
  const state = message.delivery && STATES[message.delivery.state];
  if (message.author !== 'customer' && state && row && row.channel !== 'web') {
    const why = message.delivery.reason ? `（${REASONS[message.delivery.reason] || message.delivery.reason}）` : '';
    line.append(el('div', 'state', state + why));
  }
  if (message.author === 'bot') {
    const button = el('button', 'why-button', '为什么');
    button.type = 'button';
    button.addEventListener('click', () => showWhy(message.seq));
    line.append(button);
  }
  const log = $('log');
  const below = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  log.append(line);
  if (below || message.author === 'agent') log.scrollTop = log.scrollHeight;
}

async function showWhy(seq) {
  const lines = $('why-lines');
  lines.replaceChildren();
  const add = (name, words) => words && lines.append(el('dt', '', name), el('dd', '', words));
  try {
    const why = await get(at(current, `/why/${seq}`));
    const percent = (value) => (value === null || value === undefined ? '' : ` ${Math.round(value * 100)}%`);
    add('客户说', why.asked.map((each) => each.text || each.payload).join(' / '));
    add('理解为', why.ranking.map((each) => `${each.intent}${percent(each.confidence)}`).join('，') || why.intent);
    add('读出', why.values.map((each) => Object.values(each).join(' ')).join('，'));
    add('办理中', why.active_form);
    add('回答', why.responses.join('，'));
    add('条款', why.searched.map((each) => JSON.stringify(each)).join('，'));
    add('备注', why.note);
  } catch (error) {
    add('说明', '这条消息没有可看的过程。');
  }
  $('why').showModal();
}

// What agents write often: "/" and the beginning of a shortcut.

function offerTemplates() {
  const words = $('words');
  const typed = words.value.startsWith('/') ? words.value.slice(1).toLowerCase() : null;
  const found = typed === null ? [] : templates.filter((each) => each.shortcut.startsWith(typed) || each.text.includes(typed));
  $('templates').hidden = !found.length;
  $('templates').replaceChildren(...found.map((each) => {
    const item = el('li');
    const button = el('button', '', `/${each.shortcut}　${each.text}`);
    button.type = 'button';
    button.addEventListener('click', () => useTemplate(each));
    item.append(button);
    return item;
  }));
  return found;
}

function useTemplate(template) {
  $('words').value = template.text;
  delete $('words').dataset.key;
  $('templates').hidden = true;
  $('words').focus();
}

function partWords(part) {
  switch (part.type) {
    case 'text': return part.text;
    case 'buttons': return part.buttons.map((button) => `［${button.title}］`).join(' ');
    case 'citation': return `依据 ${part.ref}：“${part.quote}”`;
    case 'file': return `［文件］${part.name}`;
    case 'image': return `［图片］${part.alt || ''}`;
    default: return '';
  }
}

async function act(work) {
  $('problem').textContent = '';
  try {
    await work();
  } catch (error) {
    $('problem').textContent = error instanceof Refused ? error.message : '没有连上服务器，请稍后再试。';
  }
  await refresh();
  await details();
}

$('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  const words = $('words');
  const text = words.value.trim();
  if (!text || words.disabled) return;
  // The same key until it is taken: pressing again never sends twice.
  words.dataset.key ||= newKey();
  act(async () => {
    const clause = quoted && { document: quoted.document, ref: quoted.ref };
    await post(at(current, '/messages'), { text, key: words.dataset.key, clause });
    words.value = '';
    quote(null);
    delete words.dataset.key;
  });
});

$('words').addEventListener('input', () => {
  delete $('words').dataset.key;
  offerTemplates();
});
$('words').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  const [first] = $('words').value.startsWith('/') ? offerTemplates() : [];
  if (first) return useTemplate(first);
  $('composer').requestSubmit();
});

$('note-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = $('note').value.trim();
  if (text && current) act(async () => { await post(at(current, '/notes'), { text }); $('note').value = ''; });
});

function ask(title, text, withReceiver) {
  $('ask-title').textContent = title;
  $('ask-text').textContent = text;
  $('ask-words').value = '';
  $('ask-to').hidden = !withReceiver;
  $('ask').returnValue = 'no';
  $('ask').showModal();
  return new Promise((done) => $('ask').addEventListener('close', () => done(
    $('ask').returnValue === 'yes' ? { words: $('ask-words').value.trim(), to: $('ask-select').value } : null,
  ), { once: true }));
}

const accept = (id) => act(async () => {
  await post(at(id, '/accept'), { key: newKey() });
  if (current !== id) open(id);
  $('words').disabled = false;
  $('words').focus();
});
$('accept').addEventListener('click', () => accept(current));
$('release').addEventListener('click', () => act(() => post(at(current, '/release'), { key: newKey() })));
$('close').addEventListener('click', async () => {
  const said = await ask('结束会话', '小结（客户看不到）', false);
  if (said) act(() => post(at(current, '/close'), { key: newKey(), summary: said.words }));
});
$('transfer').addEventListener('click', async () => {
  const said = await ask('转出会话', '交代给下一位（客户看不到）', true);
  if (!said) return;
  const skill = said.to.startsWith('skill:') ? said.to.slice(6) : null;
  act(() => post(at(current, '/transfer'), { key: newKey(), skill, memo: said.words }));
});

document.addEventListener('keydown', (event) => {
  if (!event.altKey || !me || $('ask').open) return;
  const all = [...rows.mine, ...rows.queue, ...rows.all].map((each) => each.sender_id);
  const here = all.indexOf(current);
  if (event.code === 'KeyJ' && all.length) open(all[(here + 1) % all.length]);
  else if (event.code === 'KeyK' && all.length) open(all[(here - 1 + all.length) % all.length]);
  else if (event.code === 'KeyA' && rows.queue.length) accept(rows.queue[0].sender_id);
  else return;
  event.preventDefault();
});

document.addEventListener('visibilitychange', () => { if (!document.hidden) document.title = '坐席工作台'; });
setInterval(refresh, POLL_MS);
setInterval(beat, BEAT_MS);
get('me').then(enter, showLogin);
