// SPDX-License-Identifier: MIT
// What a person does with the pages, and what they see: browser_test.mjs URL CHROMIUM NODE_MODULES SCREENSHOTS PROFILE.
// Prints a line for each test. No page may say anything on the console, or ask another server.
import assert from 'node:assert/strict';
import {createRequire} from 'node:module';
import path from 'node:path';

const [url, chromium, modules, screenshots, profile] = process.argv.slice(2);
const puppeteer = createRequire(path.join(modules, 'x.js'))('puppeteer-core');

const browser = await puppeteer.launch({
  executablePath: chromium, headless: true, userDataDir: profile, protocolTimeout: 60_000,
  args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
});

/// A page that remembers what must not happen.
async function open(where, colors = 'light') {
  const page = await browser.newPage();
  page.setDefaultTimeout(30_000);
  await page.setViewport({width: 1440, height: 900});
  await page.emulateMediaFeatures([{name: 'prefers-color-scheme', value: colors}]);
  const complaints = [];
  page.on('console', (message) => {
    if (['error', 'warn', 'warning'].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()} ${request.failure()?.errorText}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) complaints.push(`elsewhere: ${request.url()}`);
  });
  await page.goto(url + where, {waitUntil: 'load'});
  return {page, complaints};
}

const keep = (page, name) => page.screenshot({path: path.join(screenshots, `${name}.png`)});
const textOf = (page, selector) => page.$eval(selector, (found) => found.textContent);
const waitForText = (page, selector, text) => page.waitForFunction(
  (where, what) => document.querySelector(where)?.textContent.includes(what), {}, selector, text);
const some = async (times) => {
  for (let i = 0; i < times; ++i) await Promise.all([1, 2, 3].map((item) => fetch(`${url}/items/${item}`)));
};

const tests = {
  async 'docs: a request is tried, and its answer is shown'() {
    const {page, complaints} = await open('/docs');
    await page.waitForSelector('.opblock-summary-path');
    await keep(page, 'docs');
    await page.click('#operations-items-read_item .opblock-summary-control');
    await page.waitForSelector('#operations-items-read_item .try-out__btn');
    await page.click('#operations-items-read_item .try-out__btn');
    await page.type('#operations-items-read_item tr[data-param-name="item_id"] input', '7');
    await page.click('#operations-items-read_item .execute');
    await waitForText(page, '#operations-items-read_item .live-responses-table', 'item 7 costs 350');
    await keep(page, 'docs_answer');
    assert.deepEqual(complaints, []);
  },

  async 'docs: it is dark where the person wants that'() {
    const {page, complaints} = await open('/docs', 'dark');
    await page.waitForSelector('.opblock-summary-path');
    await keep(page, 'docs_dark');
    assert.ok(await page.$eval('html', (html) => html.classList.contains('dark-mode')));
    assert.deepEqual(complaints, []);
  },

  async 'graph: a route is chosen, and its nodes are listed'() {
    const {page, complaints} = await open('/graph');
    await page.waitForSelector('.route[data-title="GET /items/{item_id}"]');
    await page.click('.route[data-title="GET /items/{item_id}"]');
    await waitForText(page, '#details', 'shop::read_item');
    const text = await textOf(page, '#details');
    for (const name of ['load_item', 'current_user', 'session', 'pool', 'cache', 'stock_of', 'not_too_many'])
      assert.ok(text.includes(name), `${name} in ${text}`);
    assert.ok((await page.evaluate(() => location.hash)).includes('item_id'));
    assert.deepEqual(complaints, []);
  },

  async 'graph: a node that is clicked on tells all about itself'() {
    const {page, complaints} = await open('/graph#' + encodeURIComponent('GET /items/{item_id}'));
    await waitForText(page, '#details', 'Nodes');
    // Where the drawing has it.
    const at = await page.evaluate(() => {
      const place = route.nodes.findIndex((node) => node.id === 'shop::session');
      const {x, y} = cy.getElementById(String(place)).renderedPosition();
      const canvas = document.getElementById('canvas').getBoundingClientRect();
      return {x: canvas.x + x, y: canvas.y + y};
    });
    await page.mouse.click(at.x, at.y);
    await waitForText(page, '#details h2', 'session');
    const text = await textOf(page, '#details');
    for (const fact of ['resource', 'at most 8 at once', 'request', 'Taken by', 'load_item', 'Exclusive', 'GET/items'])
      assert.ok(text.includes(fact), `${fact} in ${text}`);
    await keep(page, 'graph_node');
    assert.deepEqual(complaints, []);
  },

  async 'graph: statistics and the critical path appear while it is open'() {
    const {page, complaints} = await open('/graph#' + encodeURIComponent('GET /items/{item_id}'));
    await waitForText(page, '#state', 'live');
    await some(20);
    await waitForText(page, '#details', 'Critical path');
    await page.waitForFunction(() => cy.nodes('.critical').length >= 3 && cy.nodes().some((node) => node.data('label').includes('ms')));
    const critical = await page.evaluate(() => cy.nodes('.critical').map((node) => node.data('label').split('\n')[0]));
    assert.ok(critical.includes('load_item') && critical.includes('read_item'), critical.join());
    await keep(page, 'graph');
    await page.emulateMediaFeatures([{name: 'prefers-color-scheme', value: 'dark'}]);
    await page.waitForFunction(() => cy.nodes()[0].style('color') !== 'rgb(27,33,41)');
    await keep(page, 'graph_dark');
    await page.click('.details .node[data-node="shop::current_user"]');
    await waitForText(page, '#details', 'lane "crypto"');
    await waitForText(page, '#details', 'On the critical path of');
    assert.deepEqual(complaints, []);
  },

  async 'graph: what is searched for is what is left'() {
    const {page, complaints} = await open('/graph');
    await page.waitForSelector('.route');
    await page.type('#search', 'price_of');
    await page.waitForFunction(() => document.querySelectorAll('.route').length === 1);
    assert.equal(await textOf(page, '.route .path'), '/items/{item_id}');
    assert.deepEqual(complaints, []);
  },

  async 'graph: an override is called one'() {
    const {page, complaints} = await open('/graph#' + encodeURIComponent('GET /items/{item_id}'));
    await waitForText(page, '#details', 'an override of price_of');
    await page.click('.details .node[data-node^="an override of"]');
    await waitForText(page, '#details', 'Stands in for');
    assert.deepEqual(complaints, []);
  },

  async 'graph: it fits a small screen'() {
    const {page, complaints} = await open('/graph#' + encodeURIComponent('GET /items'));
    await page.setViewport({width: 480, height: 900});
    await page.reload();
    await waitForText(page, '#details', 'list_items');
    await keep(page, 'graph_small');
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    assert.deepEqual(complaints, []);
  },
};

let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  try {
    await test();
    console.log(`ok      ${name}`);
  } catch (error) {
    ++failed;
    const [, page] = await browser.pages();
    if (page) await keep(page, 'failed');
    console.log(`FAILED  ${name}\n${error.stack}`);
  }
  for (const page of (await browser.pages()).slice(1)) await page.close();
}
await browser.close();
process.exit(failed ? 1 : 0);
