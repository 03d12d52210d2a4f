// One conversation: what is said, who the customer is, and every step an agent makes.
'use strict';

async function open(id) {
  current = id;
  seen = 0;
  reading += 1;
  row = null;
  $('nothing').hidden = true;
  $('open').hidden = false;
  $('log').replaceChildren();
  $('problem').textContent = '';
  draw();
  drawSteps(); // nothing can be done before it is there
  const mine = reading;
  whispered = null;
  $('whisper').hidden = true;
  quote(null);
  drawCustomer();
  await details();
  await showEarlier(NEWEST);
  while (mine === reading) {
    try {
      const found = await get(at(id, `/messages?after=${seen}&wait=${seen ? WAIT_SECONDS : 0}`), WAIT_SECONDS + 10);
      if (mine !== reading) return;
      found.messages.forEach(drawMessage);
      if (!found.messages.length && !seen) seen = row ? row.last_seq : 0;
      if (found.messages.length) markRead(id);
    } catch (error) {
      if (error instanceof Refused && error.status === 404) return;
      await new Promise((go) => setTimeout(go, PAUSE_MS));
    }
  }
}

function markRead(id) {
  read.set(id, seen);
  drawList('mine');
}

// What was said before: the newest hundred at first, the rest when asked for.

let first = 0; // lowest number on screen

async function showEarlier(before) {
  const mine = reading;
  const id = current;
  const found = (await get(at(id, `/messages?before=${before}`)).catch(() => ({ messages: [] }))).messages;
  if (mine !== reading) return;
  const log = $('log');
  const below = log.scrollHeight - log.scrollTop;
  const anchor = log.firstChild;
  for (const message of found) log.insertBefore(lineOf(message), anchor);
  first = found.length ? found[0].seq : 1;
  $('earlier').hidden = first <= 1;
  if (before === NEWEST) {
    seen = found.length ? found[found.length - 1].seq : 0;
    log.scrollTop = log.scrollHeight;
    if (seen) markRead(id);
  } else {
    log.scrollTop = log.scrollHeight - below;
  }
}

$('earlier').addEventListener('click', () => showEarlier(first));

// The customer's business, and clauses to quote.

async function drawCustomer() {
  const id = current;
  const box = $('customer');
  $('reveal').hidden = true;
  box.replaceChildren(el('p', 'hint', '正在查……'));
  let found = null;
  try {
    found = (await get(at(id, '/customer'))).customer;
  } catch (error) {
    if (!(error instanceof Refused)) return;
  }
  if (id !== current) return;
  if (!found) return box.replaceChildren(el('p', 'hint', '暂时查不到客户资料。'));
  $('reveal').hidden = !found.verified && !found.complaints.length;
  box.replaceChildren(...customerLines(found).map((line) => el('p', '', line)));
}

function customerLines(found) {
  const lines = [found.verified ? `已核实身份：${found.name} ${found.phone}` : '未核实身份'];
  if (found.locked_until) lines.push(`核对失败太多，锁到 ${clock(found.locked_until)}`);
  for (const each of found.policies) lines.push(`保单 ${each.number} ${each.what}：${each.status}，到 ${each.until}`);
  for (const each of found.claims) lines.push(`理赔 ${each.number} ${each.what}：${each.status}${each.amount ? '，' + each.amount : ''}`);
  for (const each of found.complaints) lines.push(`投诉 ${each.number} ${each.what}：${each.status}，最迟 ${new Date(each.due).toLocaleString('zh-CN')}（${each.clause}）`);
  for (const each of found.requests || []) lines.push(`申请 ${each.number} ${each.what}：${each.status}`);
  return lines;
}

$('reveal').addEventListener('click', async () => {
  const id = current;
  const said = await ask('显示完整信息', '为什么要看（会记录）', null);
  if (!said) return;
  act(async () => {
    const found = (await post(at(id, '/reveal'), { reason: said.words })).customer;
    if (id !== current || !found) return;
    $('customer').replaceChildren(...customerLines(found).map((line) => el('p', '', line)));
    $('reveal').hidden = true;
  });
});

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
  $('file').accept = row.channel === 'wechat' ? 'image/png,image/jpeg,image/gif' : 'image/png,image/jpeg,image/gif,image/webp,application/pdf';
  $('moves').replaceChildren(...row.moves.map((move) => {
    const why = REASONS[move.reason] || move.reason;
    return el('li', '', `${clock(move.at)} ${HOLDERS[move.moved_from]} → ${HOLDERS[move.moved_to]}：${why}${move.category ? '，' + move.category : ''}${move.summary ? '（' + move.summary + '）' : ''}`);
  }));
  $('notes').replaceChildren(...notes.map((note) => {
    const item = el('li', '', note.text);
    item.prepend(el('span', 'by', `${titleOf(note.agent)} ${clock(note.at)}`));
    return item;
  }));
  drawWhisper(notes);
  drawSteps();
  updateStates();
}

// A note of somebody else that comes while I am talking is shown above the conversation.

let whispered = null; // number of the newest note when the conversation was opened

function drawWhisper(notes) {
  const newest = notes.length ? notes[notes.length - 1] : null;
  if (whispered === null) whispered = newest ? newest.note_id : 0;
  if (!newest || newest.note_id <= whispered || newest.agent === me.name) return;
  whispered = newest.note_id;
  $('whisper').textContent = `${titleOf(newest.agent)}悄悄说：${newest.text}`;
  $('whisper').hidden = false;
  beep();
}

// Lines on their way: ask again what became of them.

async function updateStates() {
  const id = current;
  const open = [...document.querySelectorAll('#log .state[data-open]')];
  if (!open.length) return;
  const found = (await get(at(id, `/messages?before=${NEWEST}`)).catch(() => ({ messages: [] }))).messages;
  if (id !== current) return;
  for (const message of found) {
    const line = document.querySelector(`#log [data-seq="${message.seq}"] .state[data-open]`);
    if (line) line.replaceWith(stateOf(message) || '');
  }
}

function stateOf(message) {
  const state = message.delivery && STATES[message.delivery.state];
  if (message.author === 'customer' || !state || !row || row.channel === 'web') return null;
  const why = message.delivery.reason ? `（${REASONS[message.delivery.reason] || message.delivery.reason}）` : '';
  const shown = el('div', 'state', state + why);
  if (['pending', 'sending'].includes(message.delivery.state)) shown.dataset.open = 'yes';
  return shown;
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
  $('take').hidden = !row || me.role !== 'leader' || mine || !['bot', 'agent'].includes(row.status);
  $('release').hidden = $('close').hidden = !mine;
  $('transfer').hidden = !(mine || (row && row.status === 'agent' && me.role === 'leader'));
  $('words').disabled = !mine;
  for (const button of $('composer').querySelectorAll('button')) button.disabled = !mine;
}

function drawMessage(message) {
  if (message.seq <= seen) return;
  seen = message.seq;
  const log = $('log');
  const below = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  log.append(lineOf(message));
  if (below || message.author === 'agent') log.scrollTop = log.scrollHeight;
}

function lineOf(message) {
  const by = { customer: '客户', bot: '机器人', agent: '坐席', system: '系统' }[message.author];
  const line = el('article', `line ${message.author}`);
  line.dataset.seq = message.seq;
  line.append(el('div', 'by', `${by} ${clock(message.at)}`));
  const text = el('div', 'text', message.parts.map(partWords).filter(Boolean).join('\n'));
  message.parts.filter((part) => part.type === 'file').forEach((part) => text.append(fileLink(part)));
  line.append(text);
  const state = stateOf(message);
  if (state) line.append(state);
  if (message.author === 'bot') {
    const button = el('button', 'why-button', '为什么');
    button.type = 'button';
    button.addEventListener('click', () => showWhy(message.seq));
    line.append(button);
  }
  return line;
}

function fileLink(part) {
  const link = el('a', 'file', `文件：${part.name}`);
  link.href = `/api/desk/${at(current, `/files/${encodeURIComponent(part.attachment_id)}`)}`;
  link.download = part.name;
  return link;
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

$('attach').addEventListener('click', () => $('file').click());
$('file').addEventListener('change', () => {
  const [file] = $('file').files;
  if (!file || !current) return;
  const form = new FormData();
  form.append('file', file, file.name);
  form.append('key', newKey());
  $('file').value = '';
  act(() => send(at(current, '/files'), form));
});

// choices = { label, options: [[value, words], …] } or null; without text only a yes is asked for
function ask(title, text, choices, { required = false, longest = 1000 } = {}) {
  $('ask-title').textContent = title;
  $('ask-text').textContent = text;
  $('ask-words').value = '';
  $('ask-words').required = required;
  $('ask-words').maxLength = longest;
  $('ask-label').hidden = !text;
  $('ask-to').hidden = !choices;
  $('ask-to-text').textContent = choices ? choices.label : '';
  $('ask-select').replaceChildren(...(choices ? choices.options : []).map(([value, words]) => new Option(words, value)));
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
  const id = current;
  const options = categories.map((each) => [each, each]);
  const said = await ask('结束会话', '小结（客户看不到）', { label: '类别', options });
  if (said) act(() => post(at(id, '/close'), { key: newKey(), summary: said.words, category: said.to }));
});
$('take').addEventListener('click', () => {
  const { sender_id: id, status: found, agent } = row;
  act(() => post(at(id, '/take'), { key: newKey(), found, held_by: agent }));
});
$('transfer').addEventListener('click', async () => {
  const id = current;
  const skills = [...new Set(people.flatMap((each) => each.skills))];
  const others = people.filter((each) => each.name !== row.agent);
  const options = [['', '任何空闲坐席'], ...skills.map((each) => [`skill:${each}`, `技能：${each}`]),
    ...others.map((each) => [`to:${each.name}`, `${each.title}（${each.state === 'ready' ? '接待中' : '不在接待'}，${each.held}/${each.capacity}）`])];
  const said = await ask('转出会话', '交代给下一位（客户看不到）', { label: '转给', options });
  if (!said) return;
  const part = (sign) => (said.to.startsWith(sign) ? said.to.slice(sign.length) : null);
  act(() => post(at(id, '/transfer'), { key: newKey(), skill: part('skill:'), to: part('to:'), memo: said.words }));
});

document.addEventListener('keydown', (event) => {
  if (!event.altKey || !me || $('ask').open) return;
  const all = everything().map((each) => each.sender_id);
  const here = all.indexOf(current);
  if (event.code === 'KeyJ' && all.length) open(all[(here + 1) % all.length]);
  else if (event.code === 'KeyK' && all.length) open(all[(here - 1 + all.length) % all.length]);
  else if (event.code === 'KeyA' && rows.queue.length) accept(rows.queue[0].sender_id);
  else return;
  event.preventDefault();
});

get('me').then(enter, showLogin);
