// The npm widget rasa-webchat in jsdom, talking to a running edge as a customer would.
//
// Usage: node webchat.js URL SCRIPT. SCRIPT is JSON: a list of {"say": words},
// {"press": title} and {"wait": words that must appear}. Prints what was shown, as JSON.
'use strict';

const fs = require('fs');
const path = require('path');
const { JSDOM, VirtualConsole } = require('jsdom');

const [url, script] = process.argv.slice(2);
const STEP_MS = 30000;
const errors = [];
const virtualConsole = new VirtualConsole();
virtualConsole.on('jsdomError', (error) => errors.push(String(error.message).slice(0, 200)));

const dom = new JSDOM('<!doctype html><html lang="zh"><body><div id="chat"></div></body></html>', {
  url,
  runScripts: 'outside-only',
  pretendToBeVisual: true,
  virtualConsole,
});
const { window } = dom;
window.scrollTo = () => {};
window.Element.prototype.scrollIntoView = () => {};
// A browser finds a form's fields by name; jsdom does not.
Object.defineProperty(window.HTMLFormElement.prototype, 'message', {
  get() { return this.querySelector('[name=message]'); },
});
window.matchMedia = () => ({ matches: false, addListener() {}, removeListener() {} });
window.eval(fs.readFileSync(path.join(__dirname, 'node_modules/rasa-webchat/lib/index.js'), 'utf8'));

const all = (selector) => [...window.document.querySelectorAll(selector)];
const shown = () => all('.rw-message').map((node) => node.textContent.trim());

async function until(what, find) {
  const end = Date.now() + STEP_MS;
  for (;;) {
    const found = find();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${what} never came; shown: ${JSON.stringify(shown())}`);
    await new Promise((go) => setTimeout(go, 50));
  }
}

async function say(words) {
  const input = await until('the input', () => window.document.querySelector('.rw-new-message'));
  const kind = input.tagName === 'TEXTAREA' ? window.HTMLTextAreaElement : window.HTMLInputElement;
  Object.getOwnPropertyDescriptor(kind.prototype, 'value').set.call(input, words);
  input.dispatchEvent(new window.Event('input', { bubbles: true }));
  input.dispatchEvent(new window.Event('change', { bubbles: true }));
  await until('the send button', () => {
    const button = window.document.querySelector('.rw-send');
    return button && !button.disabled;
  });
  window.document.querySelector('form.rw-sender')
    .dispatchEvent(new window.Event('submit', { bubbles: true, cancelable: true }));
}

async function main() {
  window.WebChat.default({
    socketUrl: url,
    initPayload: '/get_started',
    customData: { language: 'zh' },
    title: 'peer',
    params: { storage: 'session' },
  }, window.document.getElementById('chat'));
  (await until('the launcher', () => window.document.querySelector('.rw-launcher'))).click();
  for (const step of JSON.parse(script)) {
    if (step.say) await say(step.say);
    if (step.press) {
      const button = await until(step.press, () => all('.rw-reply')
        .find((node) => node.textContent.trim() === step.press));
      button.click();
    }
    if (step.wait) await until(step.wait, () => shown().some((text) => text.includes(step.wait)));
  }
}

main().then(
  () => ({ ok: true, shown: shown(), errors }),
  (error) => ({ ok: false, why: error.message, shown: shown(), errors }),
).then((result) => {
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(result.ok ? 0 : 1));
});
