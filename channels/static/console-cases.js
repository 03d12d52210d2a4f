// Complaints and requests that wait, one case with all that happened to it, and its steps.
'use strict';

const KIND_OF = { T: 'complaints', R: 'requests', C: 'claims' };
const DONE_STEPS = {
  filed: '登记', accused: '指明被投诉人', assigned: '指定承办人', progress: '告知进展', evidence: '客户补充材料', extension_asked: '申请延期', extended: '同意延期',
  extension_refused: '不同意延期', decided: '作出答复', review_asked: '客户申请核查', closed: '结案', withdrawn: '客户撤回', due_moved: '期限改变',
};
const OPEN_CASE = ['received', 'investigating', 'extended', 'reviewing'];
let shownCase = null; // { kind, number }
forgets.push(() => { shownCase = null; });

const yuan = (fen) => `${(fen / 100).toFixed(2)} 元`;
const whole = (iso) => new Date(iso).toLocaleString('zh-CN', { dateStyle: 'short', timeStyle: 'short' });
const numberOf = (kind, found) => found[{ complaints: 'complaint_no', requests: 'request_no', claims: 'claim_no' }[kind]];

$('cases-open').addEventListener('click', () => {
  $('cases').showModal();
  drawCases();
});
$('cases-close').addEventListener('click', () => $('cases').close());

async function drawCases() {
  for (const kind of ['complaints', 'requests']) {
    const found = (await get(`cases/${kind}`).catch(() => ({ cases: null }))).cases;
    if (!found) {
      $(kind).replaceChildren(el('li', 'hint', '暂时查不到。'));
      continue;
    }
    $(`${kind}-count`).textContent = found.length;
    $(kind).replaceChildren(...found.map((each) => caseItem(kind, each)));
  }
}

function caseItem(kind, found) {
  const number = numberOf(kind, found);
  const button = el('button');
  button.type = 'button';
  button.setAttribute('aria-current', String(shownCase !== null && shownCase.number === number));
  button.append(el('span', 'last', `${number} ${kind === 'complaints' ? found.category : found.kind_word}`));
  button.append(el('span', 'hint', `${found.status_word}，${found.handler ? titleOf(found.handler) : '没有承办人'}`));
  const due = found.due_at && dueWords({ at: found.due_at, clause: found.due_clause });
  if (due) button.append(el('span', due.late ? 'due late' : 'due', due.words));
  button.addEventListener('click', () => openCase(kind, number));
  const item = el('li');
  item.append(button);
  return item;
}

$('case-find').addEventListener('submit', (event) => {
  event.preventDefault();
  const number = $('case-number').value.normalize('NFKC').replace(/\s/g, '').toUpperCase();
  if (number) openCase(KIND_OF[number[0]] || 'complaints', number);
});

async function openCase(kind, number) {
  $('case-problem').textContent = '';
  try {
    const found = (await get(`cases/${kind}/${encodeURIComponent(number)}`)).case;
    shownCase = { kind, number };
    drawCase(kind, found);
    drawCases();
  } catch (error) {
    if (!(error instanceof Refused)) return;
    $('case-problem').textContent = error.status === 404 ? '没有这个编号。' : error.message;
  }
}

function drawCase(kind, found) {
  const facts = { complaints: complaintFacts, requests: requestFacts, claims: claimFacts }[kind](found);
  const list = el('dl');
  for (const [name, value] of facts) if (value) list.append(el('dt', '', name), el('dd', '', String(value)));
  const steps = el('div', 'steps');
  steps.append(...stepsOf(kind, found).map((step) => stepButton(kind, numberOf(kind, found), step)));
  const past = el('ol');
  past.append(...(kind === 'complaints' ? found.entries.map(entryItem) : found.history.map(changeItem)));
  $('case').replaceChildren(el('h3', '', `${numberOf(kind, found)}：${found.status_word}`), list, steps, el('h3', '', '经过'), past);
}

function complaintFacts(found) {
  return [
    ['类别', found.category], ['经过', found.what], ['诉求', found.wanted], ['联系电话', found.contact_phone], ['登记', whole(found.filed_at)],
    ['最迟答复', `${whole(found.due_at)}（${found.due_clause}）`], ['承办人', found.handler && titleOf(found.handler)], ['被投诉人', accusedWords(found)],
    ['等待批准', found.extension_asked_by && `${titleOf(found.extension_asked_by)}申请延期`], ['答复', found.decision && found.decision.text],
  ];
}

function accusedWords(found) {
  if (!found.accused) return null;
  if (found.accused_login === '-') return `${found.accused}（不是坐席或不清楚是谁）`;
  return found.accused_login ? `${found.accused}（${titleOf(found.accused_login)}，${found.accused_login}）` : found.accused;
}

function requestFacts(found) {
  return [
    ['事项', found.kind_word], ['保单', found.detail.policy_no], ['内容', found.detail.detail], ['登记', whole(found.requested_at)],
    ['最迟回应', found.due_at && `${whole(found.due_at)}（${found.due_clause}）`], ['经办人', found.handler && titleOf(found.handler)], ['结果', found.result],
    ['办理凭据', found.evidence],
  ];
}

function claimFacts(found) {
  const lines = found.calculation.map((line) => `${line.label} ${yuan(line.fen)}`).join('\n');
  const papers = found.papers.map((paper) => `${paper.name}：${paper.received_at ? '已收到' : '缺'}`).join('\n');
  return [
    ['承办人', found.handler && titleOf(found.handler)], ['等待同意', waitingWords(found)],
    ['险种', `${found.product} ${found.kind}`], ['保单', found.policy_no], ['经过', found.what], ['金额', found.amount_fen && yuan(found.amount_fen)],
    ['计算', lines], ['原因', found.decision_reason], ['材料', papers], ['客户发来', found.files.map((file) => `${file.paper}：${file.name}`).join('\n')],
  ];
}

// A decision above the limit that one person has made and a second one has to agree to.
const waitsForSecond = (found) => found.approval && !found.approval.second && found.approval.wish.outcome !== 'declined'
  && (found.status === 'under_assessment' || !('lines' in found.approval.wish));

function waitingWords(found) {
  if (!waitsForSecond(found)) return null;
  return `${titleOf(found.approval.first.login)}提出赔付 ${yuan(found.approval.wish.amount_fen)}，要另一个人同意`;
}

function entryItem(entry) {
  const item = el('li', '', `${whole(entry.at)} ${DONE_STEPS[entry.kind] || entry.kind}（${byWhom(entry.actor)}）`);
  if (entry.words) item.append(el('span', 'said', entry.words));
  return item;
}

function changeItem(change) {
  const item = el('li', '', `${whole(change.at)} ${CASE_STATES[change.status] || change.status}（${byWhom(change.actor)}）`);
  if (change.reason) item.append(el('span', 'said', change.reason));
  return item;
}

const CASE_STATES = {
  open: '登记', in_progress: '办理中', done: '办结', declined: '未予办理', withdrawn: '撤回', reported: '报案', papers_missing: '待补材料', under_survey: '查勘',
  under_assessment: '审核', approved: '通过', partially_approved: '部分通过', paying: '付款中', paid: '已付款', closed: '结案',
};

function byWhom(actor) {
  const [who, name] = actor.split(':');
  return { agent: titleOf(name), customer: '客户', system: '系统', insurer: '公司' }[who] || actor;
}

// Which steps are offered; whether they may be taken is decided by the server.

function stepsOf(kind, found) {
  const leader = me.role === 'leader';
  const colleagues = people.map((each) => [each.name, each.title]);
  if (kind === 'complaints' && OPEN_CASE.includes(found.status)) {
    const mine = found.handler === me.name;
    return [
      leader && { step: 'assign', title: '指定承办人', words: '被投诉的是谁（没有就不填）', name: 'accused', optional: true, choose: colleagues, choice: 'handler' },
      leader && { step: 'accuse', title: '被投诉的是坐席', choose: colleagues, choice: 'accused', label: '被投诉人' },
      leader && { step: 'accuse', title: '被投诉的不是坐席或不清楚', words: '被投诉的是谁（不清楚就写“不清楚”）', name: 'accused', told: { outside: 'yes' } },
      leader && found.extension_asked_by && { step: 'extend', title: '同意延期' },
      leader && found.extension_asked_by && { step: 'refuse-extension', title: '不同意延期', words: '原因', name: 'text' },
      (mine || leader) && { step: 'progress', title: '告知进展', words: '告诉客户的话', name: 'text' },
      mine && !found.extension_asked_by && found.status !== 'reviewing' && { step: 'ask-extension', title: '申请延期', words: '原因', name: 'text' },
      mine && { step: 'decide', title: '作出答复', words: '答复内容（客户会收到）', name: 'text' },
    ].filter(Boolean);
  }
  if (kind === 'complaints' && found.status === 'decided') return leader || found.handler === me.name ? [{ step: 'close', title: '结案' }] : [];
  if (kind === 'claims') return claimSteps(found, leader, colleagues);
  if (kind === 'requests' && ['open', 'in_progress'].includes(found.status)) {
    return [
      found.status === 'open' && { step: 'move', title: '开始办理', told: { to: 'in_progress' } },
      { step: 'move', title: '办结', words: '结果（客户会收到）', name: 'result', optional: found.kind !== 'privacy', told: { to: 'done' },
        second: found.kind === 'privacy' && { words: '办理凭据：怎么办的、在哪里可以查（删除和导出必填，客户会收到）', name: 'evidence' } },
      { step: 'move', title: '不能办理', words: '原因（客户会收到）', name: 'result', told: { to: 'declined' } },
    ].filter(Boolean);
  }
  return [];
}

function claimSteps(found, leader, colleagues) {
  const mine = leader || found.handler === me.name;
  const move = (to, title) => ({ step: 'move', title, told: { to } });
  return [
    leader && !['closed', 'withdrawn'].includes(found.status) && { step: 'assign', title: '指定承办人', choose: colleagues, choice: 'handler' },
    mine && waitsForSecond(found) && { step: 'approve', title: '同意这笔赔付', words: '写明您同意的金额（元）', name: 'amount' },
    ['reported', 'papers_missing', 'under_survey'].includes(found.status) && move('under_assessment', '进入审核'),
    mine && found.status === 'under_assessment' && {
      step: 'decide', title: '全额通过', words: '赔付金额（元）', name: 'amount', told: { outcome: 'approved' },
      second: found.papers.some((paper) => paper.required && !paper.received_at) && { words: '必需的材料还没收齐，为什么可以不等', name: 'papers-reason' },
    },
    mine && ['approved', 'partially_approved'].includes(found.status) && move('paying', '开始付款'),
    mine && found.status === 'paying' && move('paid', '登记已付款'),
  ].filter(Boolean);
}

function stepButton(kind, number, step) {
  const button = el('button', '', step.title);
  button.type = 'button';
  button.addEventListener('click', async () => {
    const said = await ask(step.title, step.words || null, step.choose ? { label: step.label || '承办人', options: step.choose } : null, { required: Boolean(step.words) && !step.optional, longest: 4000 });
    if (!said) return;
    const told = { ...(step.told || {}) };
    if (step.name && said.words) told[step.name] = said.words;
    if (step.choice) told[step.choice] = said.to;
    if (step.second) {
      const more = await ask(step.title, step.second.words, null, { longest: 1000 });
      if (!more) return;
      if (more.words) told[step.second.name] = more.words;
    }
    button.disabled = true;
    $('case-problem').textContent = '';
    try {
      const found = (await post(`cases/${kind}/${encodeURIComponent(number)}/steps`, { step: step.step, told })).case;
      drawCase(kind, found);
      drawCases();
    } catch (error) {
      button.disabled = false;
      $('case-problem').textContent = error.message || '出错了，请稍后再试。';
    }
  });
  return button;
}
