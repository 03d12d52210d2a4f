// What an agent has begun for one customer: words, a clause, a note, a search, an open
// question of a dialog. It belongs to that conversation and is never beside another.
'use strict';

const drafts = new Map(); // by sender_id; '' while none is open
const stepping = new Set(); // conversations that a step of mine is about to take away

forgets.push(() => { drafts.clear(); stepping.clear(); });

function draftOf(id) {
  const key = id || '';
  if (!drafts.has(key)) {
    drafts.set(key, { words: '', key: null, clause: null, note: '', asked: '', hits: null, asks: {}, problem: '', done: '', sending: 0, mine: false });
  }
  return drafts.get(key);
}

// Take over what stands in the fields; they show the open conversation's draft only.
function keepDraft() {
  const draft = draftOf(current);
  if (draft.words !== $('words').value) draft.key = null; // other words are another message
  draft.words = $('words').value;
  draft.note = $('note').value;
  draft.asked = $('clause-words').value;
  return draft;
}

function showDraft() {
  const draft = draftOf(current);
  for (const [id, value] of [['words', draft.words], ['note', draft.note], ['clause-words', draft.asked]]) {
    if ($(id).value !== value) $(id).value = value;
  }
  $('quoting').hidden = !draft.clause;
  $('quoting-text').textContent = draft.clause ? `将附上《${draft.clause.title}》${draft.clause.ref} 的原文` : '';
  drawHits(draft.hits);
  offerTemplates();
  drawReport();
}

for (const id of ['words', 'note', 'clause-words']) $(id).addEventListener('input', keepDraft);

// How the last step went, where it was made.
function drawReport() {
  const { problem, done, sending } = draftOf(current);
  $('problem').textContent = problem;
  $('done').textContent = problem ? '' : sending ? '正在发送……' : done;
  $('done').hidden = !$('done').textContent;
}

function report(id, { problem = '', done = '' }) {
  Object.assign(draftOf(id), { problem, done });
  if (id === current) drawReport();
}

// What a list shows of a draft that is not open.
function draftMark(id) {
  const draft = id === current ? null : drafts.get(id);
  if (!draft) return null;
  if (draft.problem) return { words: '没办成', failed: true };
  return draft.words.trim() || draft.note.trim() ? { words: '草稿', failed: false } : null;
}

// The reply, and whatever ends or passes on, is void as soon as another holds it.
function dropReply(id) {
  const draft = draftOf(id);
  Object.assign(draft, { words: '', key: null, clause: null, asks: {}, mine: false });
  if (id === current) showDraft();
}

function dropDrafts() {
  const mine = new Set(rows.mine.map((each) => each.sender_id));
  const here = new Set(everything().map((each) => each.sender_id));
  for (const [id, draft] of drafts) {
    if (!id || id === current || stepping.has(id)) continue;
    if (!here.has(id)) drafts.delete(id);
    else if (draft.mine && !mine.has(id)) dropReply(id);
  }
  for (const id of read.keys()) if (id !== current && !here.has(id)) read.delete(id);
}

// Words are taken out of a field when they are sent, and put back when they are refused,
// before what was written meanwhile.
function takeWords(id) {
  const draft = draftOf(id);
  const taken = { words: draft.words, key: draft.key || newKey(), clause: draft.clause };
  Object.assign(draft, { words: '', key: null, clause: null, sending: draft.sending + 1 });
  if (id === current) showDraft();
  return taken;
}

function putBack(id, taken) {
  const draft = draftOf(id);
  if (id === current) keepDraft();
  draft.key = draft.words ? null : taken.key; // the same words again are the same message
  draft.words = draft.words ? `${taken.words}\n${draft.words}` : taken.words;
  draft.clause ||= taken.clause;
  if (id === current) showDraft();
}
