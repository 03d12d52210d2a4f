// One conversation: what is said, who the customer is, and every step an agent makes.
'use strict';

let lost = false; // the open conversation has gone to somebody else

function turnTo(id) {
  keepDraft().done = ''; // was read
  current = id;
  seen = 0;
  reading += 1;
  row = null;
  lost = false;
  whispered = null;
  filing = null;
  $('nothing').hidden = Boolean(id);
  $('open').hidden = !id;
  for (const part of ['log', 'customer', 'moves', 'notes']) $(part).replaceChildren();
  for (const part of ['title', 'left', 'whisper']) $(part).textContent = '';
  for (const part of ['earlier', 'reveal', 'whisper', 'news']) $(part).hidden = true;
  if ($('why').open) $('why').close();
  showDraft();
  draw();
  drawSteps(); // nothing can be done before it is there
}

function say(words, failed = false) {
  $('news').textContent = words;
  $('news').classList.toggle('failed', failed);
  $('news').hidden = !words;
}

const nameOf = (id) => `${CHANNELS[id.split(':')[0]] || id.split(':')[0]} · ${id.slice(-6)}`;

forgets.push(() => {
  current = row = whispered = filing = null;
  seen = 0;
  first = 0;
  lost = false;
  reading += 1;
});

async function open(id) {
  turnTo(id);
  const mine = reading;
  drawCustomer();
  await details();
  if (mine !== reading) return;
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
  const mine = reading;
  const said = await ask('显示完整信息', '为什么要看（会记录）', null, { kept: askOf(id, 'reveal'), required: true });
  if (!said) return;
  act(id, async () => {
    const found = (await post(at(id, '/reveal'), { reason: said.words })).customer;
    delete draftOf(id).asks.reveal;
    if (mine !== reading || !found) return;
    $('customer').replaceChildren(...customerLines(found).map((line) => el('p', '', line)));
    $('reveal').hidden = true;
  });
});

$('clause-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const id = current;
  const draft = keepDraft();
  const asked = draft.asked.trim();
  if (!asked) return;
  const found = await get(`clauses?q=${encodeURIComponent(asked)}`).catch(() => ({ clauses: [] }));
  if (drafts.get(id || '') !== draft || draft.asked.trim() !== asked) return;
  draft.hits = found.clauses;
  if (id === current) drawHits(draft.hits);
});

function drawHits(hits) {
  if (!hits) return $('clauses').replaceChildren();
  $('clauses').replaceChildren(...(hits.length ? hits.map((clause) => {
    const item = el('li');
    const button = el('button', '', `引用 ${clause.ref}`);
    button.type = 'button';
    button.disabled = clause.open_blanks.length > 0;
    button.addEventListener('click', () => quote(clause));
    item.append(el('strong', '', `《${clause.title}》${clause.ref}`), el('span', 'quote', clause.quote), button);
    return item;
  }) : [el('li', '', '没有找到能回答这句话的条款。')]));
}

function quote(clause) {
  if (!current) return;
  const draft = keepDraft();
  draft.clause = clause;
  draft.key = null;
  if (clause && !draft.words.trim() && clause.plain) draft.words = clause.plain;
  showDraft();
  if (clause) $('words').focus();
}

$('unquote').addEventListener('click', () => quote(null));

let asks = 0; // numbers the looks at the open conversation: an older one is dropped
let newestAsk = 0;

async function details() {
  if (!current) return;
  const id = current;
  const mine = reading;
  asks += 1;
  const look = asks;
  try {
    const [found, notes] = await Promise.all([get(at(id)), get(at(id, '/notes'))]);
    if (mine !== reading || look < newestAsk) return;
    newestAsk = look;
    if (lost) { // it is back; not waited for, as it goes on as long as it is open
      open(id);
      return;
    }
    row = found;
    const holds = isHeldByMe();
    if (draftOf(id).mine && !holds && !stepping.has(id)) dropReply(id);
    draftOf(id).mine = holds;
    drawDetails(notes.notes);
  } catch (error) {
    if (mine !== reading || look < newestAsk || !(error instanceof Refused)) return;
    if (error.status !== 404) return report(id, { problem: error.message });
    newestAsk = look;
    if (!stepping.has(id)) await lose(id);
  }
}

const isHeldByMe = () => Boolean(row && row.status === 'agent' && row.agent === me.name);

// Somebody else has it now, or it ended: say who, and let go of what was begun for it.
async function lose(id) {
  if (lost) return;
  lost = true;
  row = row && { ...row, status: 'closed', agent: null };
  drafts.delete(id);
  showDraft();
  $('customer').replaceChildren();
  $('notes').replaceChildren();
  $('reveal').hidden = true;
  drawSteps();
  const mine = reading;
  const where = await get(at(id, '/holder')).catch(() => null);
  if (mine !== reading || !lost) return;
  report(id, { problem: where ? `这个会话已经不在您这里了：${where.words}。` : '这个会话已经不在您这里了。' });
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
  const mine = isHeldByMe();
  $('accept').hidden = !row || row.status !== 'queued';
  $('take').hidden = !row || !me || me.role !== 'leader' || mine || !['bot', 'agent'].includes(row.status);
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
  const mine = reading;
  const add = (name, words) => words && lines.append(el('dt', '', name), el('dd', '', words));
  try {
    const why = await get(at(current, `/why/${seq}`));
    if (mine !== reading) return;
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
  if (mine === reading && !$('why').open) $('why').showModal();
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
  keepDraft();
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

// A step in one conversation. How it went is said there, also when another is open by then.
async function act(id, work) {
  report(id, {});
  try {
    report(id, { done: (await work()) || '' });
  } catch (error) {
    report(id, { problem: wordsOf(error) });
  }
  await refresh();
  await details();
}

$('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  const id = current;
  if (!keepDraft().words.trim() || $('words').disabled) return;
  const taken = takeWords(id);
  act(id, async () => {
    const clause = taken.clause && { document: taken.clause.document, ref: taken.clause.ref };
    try {
      await post(at(id, '/messages'), { text: taken.words.trim(), key: taken.key, clause });
    } catch (error) {
      if (error.code !== 'not_yours') putBack(id, taken);
      throw error;
    } finally {
      draftOf(id).sending = Math.max(0, draftOf(id).sending - 1);
    }
  });
});

$('words').addEventListener('input', offerTemplates);
$('words').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || composing(event)) return;
  event.preventDefault();
  const [first] = $('words').value.startsWith('/') ? offerTemplates() : [];
  if (first) return useTemplate(first);
  $('composer').requestSubmit();
});

$('note-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const id = current;
  const draft = keepDraft();
  const written = draft.note;
  if (!written.trim() || !id) return;
  draft.note = '';
  showDraft();
  act(id, async () => {
    try {
      await post(at(id, '/notes'), { text: written.trim() });
    } catch (error) {
      draft.note = draft.note ? `${written}\n${draft.note}` : written;
      if (id === current) showDraft();
      throw error;
    }
  });
});

let filing = null; // for whom a file is being chosen

$('attach').addEventListener('click', () => {
  filing = current;
  $('file').click();
});
$('file').addEventListener('cancel', () => { filing = null; });
$('file').addEventListener('change', () => {
  const [file] = $('file').files;
  const id = filing || current;
  filing = null;
  $('file').value = '';
  if (!file || !id) return;
  const form = new FormData();
  form.append('file', file, file.name);
  form.append('key', newKey());
  act(id, () => send(at(id, '/files'), form).then(() => ''));
});

// What was typed into a dialog that was left, or whose step failed, is there the next time.
const askOf = (id, name) => (draftOf(id).asks[name] ||= { words: '', to: null });

// choices = { label, options: [[value, words], …] } or null; without text only a yes is asked for
function ask(title, text, choices, { required = false, longest = 1000, explain = '', kept = null } = {}) {
  $('ask-title').textContent = title;
  $('ask-say').textContent = explain;
  $('ask-say').hidden = !explain;
  $('ask-text').textContent = text;
  $('ask-words').value = kept ? kept.words : '';
  $('ask-words').required = required;
  $('ask-words').maxLength = longest;
  $('ask-label').hidden = !text;
  $('ask-to').hidden = !choices;
  $('ask-to-text').textContent = choices ? choices.label : '';
  const options = choices ? choices.options : [];
  $('ask-select').replaceChildren(...options.map(([value, words]) => new Option(words, value)));
  if (kept && options.some(([value]) => value === kept.to)) $('ask-select').value = kept.to;
  $('ask').returnValue = 'no';
  $('ask').showModal();
  const mine = session;
  return new Promise((done) => $('ask').addEventListener('close', () => {
    if (mine !== session) return done(null);
    const said = { words: $('ask-words').value.trim(), to: $('ask-select').value };
    if (kept) Object.assign(kept, said);
    $('ask-words').value = '';
    done($('ask').returnValue === 'yes' ? said : null);
  }, { once: true }));
}

async function accept(id) {
  const before = current;
  const took = async () => {
    await post(at(id, '/accept'), { key: newKey() });
    if (current !== before) return;
    if (current !== id) open(id);
    $('words').disabled = false;
    $('words').focus();
  };
  if (id === before) return act(id, took);
  try {
    await took();
  } catch (error) {
    say(`${nameOf(id)}：${wordsOf(error)}`, true);
  }
  await refresh();
}
$('accept').addEventListener('click', () => accept(current));

// A step after which the conversation is no longer mine. That is what was wanted, so it is
// told as done; what was begun for it is let go of.
async function part(id, path, body, words) {
  stepping.add(id);
  report(id, {});
  try {
    const told = await post(at(id, path), { key: newKey(), ...body });
    drafts.delete(id);
    if (id === current) {
      showDraft();
      if (me.role === 'leader') open(id); // who may look on
      else turnTo(null);
    }
    say(`${nameOf(id)}：${told.words || words}`);
  } catch (error) {
    report(id, { problem: wordsOf(error) });
  } finally {
    stepping.delete(id);
  }
  await refresh();
  await details();
}

const unsent = (id) => (draftOf(id).words.trim() ? '输入框里还有没发出的话，确定后不会发给客户。' : '');

$('release').addEventListener('click', async () => {
  const id = current;
  const said = await ask('交还机器人', null, null, { explain: `客户会看到您已离开，之后由机器人回答。${unsent(id)}` });
  if (said) part(id, '/release', {}, '已交还机器人。');
});
$('close').addEventListener('click', async () => {
  const id = current;
  const options = [['', '未分类'], ...categories.map((each) => [each, each])];
  const said = await ask('结束会话', '小结（客户看不到）', { label: '类别', options }, { explain: unsent(id), kept: askOf(id, 'close') });
  if (said) part(id, '/close', { summary: said.words, category: said.to }, '会话已结束。');
});
$('take').addEventListener('click', () => {
  const { sender_id: id, status: found, agent } = row;
  act(id, async () => {
    await post(at(id, '/take'), { key: newKey(), found, held_by: agent });
    return '已由您接管。';
  });
});
$('transfer').addEventListener('click', async () => {
  const id = current;
  const skills = [...new Set(people.flatMap((each) => each.skills))];
  const others = people.filter((each) => each.name !== row.agent);
  const options = [['', '任何空闲坐席'], ...skills.map((each) => [`skill:${each}`, `技能：${each}`]), ...others.map((each) => [`to:${each.name}`, `${each.title}（${receives(each)}）`])];
  const said = await ask('转出会话', '交代给下一位（客户看不到）', { label: '转给', options }, { explain: unsent(id), kept: askOf(id, 'transfer') });
  if (!said) return;
  const only = (sign) => (said.to.startsWith(sign) ? said.to.slice(sign.length) : null);
  part(id, '/transfer', { skill: only('skill:'), to: only('to:'), memo: said.words }, '已转出。');
});

function receives(colleague) {
  if (colleague.state === 'away') return '不在，转不过去';
  if (colleague.held >= colleague.capacity) return `已满，${colleague.held}/${colleague.capacity}`;
  return `${colleague.state === 'ready' ? '接待中' : '在线，不接新会话'}，${colleague.held}/${colleague.capacity}`;
}

document.addEventListener('keydown', (event) => {
  if (!event.altKey || !me || event.isComposing || document.querySelector('dialog[open]')) return;
  const all = everything().map((each) => each.sender_id);
  const here = all.indexOf(current);
  if (event.code === 'KeyJ' && all.length) open(all[(here + 1) % all.length]);
  else if (event.code === 'KeyK' && all.length) open(all[(here - 1 + all.length) % all.length]);
  else if (event.code === 'KeyA' && rows.queue.length) accept(rows.queue[0].sender_id);
  else return;
  event.preventDefault();
});

begin();
