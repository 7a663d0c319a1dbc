// SPDX-License-Identifier: MIT
// Draws the graph document (umbel/di/graph_document.hpp) and, once a second, what Statistics counted.
'use strict';

const here = document.body.dataset.here;
const hasStatistics = document.body.dataset.statistics === 'yes';
const pollEvery = 1000;  // Milliseconds.

const kinds = {
  coroutine: ['coroutine', 'awaited on the loop'],
  plain: ['plain function', 'on a worker'],
  on_loop: ['on the loop', 'a quick function'],
  resource: ['resource', 'set up and torn down on the loop'],
  sync_resource: ['sync resource', 'set up and torn down on a worker'],
};
const lifetimes = {
  value: ['value', 'there until its request ends', 'round-rectangle'],
  last_use: ['last use', 'torn down when nobody needs it any more', 'cut-rectangle'],
  handler: ['handler', 'torn down when the reply is made', 'hexagon'],
  request: ['request', 'torn down when the reply is sent', 'barrel'],
  loop: ['loop', 'one for each Context', 'octagon'],
  app: ['app', 'one for all requests', 'ellipse'],
};
const takes = {
  depends: ['Depends', 'reads it'],
  exclusive: ['Exclusive', 'has it alone'],
  guard: ['guard', 'must have passed'],
  lazy: ['Lazy', 'runs it when it is awaited'],
  try: ['Try', 'its failure is a value'],
  after: ['After', 'waits, and takes nothing'],
  original: ['Original', 'what an override took the place of'],
};

let graph = {nodes: [], routes: []};
let listed = new Map();  // Providers by id.
let counts = new Map();  // Statistics by title.
let route = null;        // The one that is shown.
let selected = null;     // A place among its nodes.
let cy = null;

// --- small things

const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
};
const byId = (id) => document.getElementById(id);
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
const colorOf = (kind) => kind.replace('_', '-');
// Namespaces are in the details, and so are a form's limits.
const short = (name) => name.replace(/([A-Za-z_]\w*|\{anonymous\}|\(anonymous namespace\))::/g, '')
  .replace(/FixedString<\d+>\{\{?("[^"]*")\}?\}/g, '$1').replace(/^read_form<(.*), FormLimits\{.*\}>$/, 'Form<$1>');
// A line is broken before a segment rather than in it.
const breakable = (path) => path.split(/(?=\/)/).flatMap((segment) => [segment, element('wbr')]);
const lifetimeOf = (node) => node.lifetime ?? 'value';

const duration = (ns) => {
  if (ns < 1e3) return `${ns} ns`;
  const [size, unit] = ns < 1e6 ? [ns / 1e3, 'µs'] : ns < 1e9 ? [ns / 1e6, 'ms'] : [ns / 1e9, 's'];
  return `${size.toPrecision(size < 1000 ? 3 : 4).replace(/\.0+$/, '')} ${unit}`;
};
const count = (number) => number.toLocaleString('en');
const times = (number) => `${count(number)} ${number === 1 ? 'request' : 'requests'}`;

// --- what is known of the route that is shown

const countsOfRoute = () => counts.get(route.plan);
const countsOf = (node) => {
  const all = counts.get(node.plan);
  return all?.nodes.find((one) => one.number === node.number && one.name === listed.get(node.id).name);
};
/// Places of the route's nodes, the first one first.
const criticalPath = () => {
  const all = countsOfRoute();
  if (!all) return [];
  return all.critical_path.map((i) => {
    const one = all.nodes[i];
    return route.nodes.findIndex((node) => node.plan === route.plan && node.number === one.number &&
                                           listed.get(node.id).name === one.name);
  }).filter((place) => place >= 0);
};
const usersOf = (place) => route.edges.filter((edge) => edge.from === place);
const needsOf = (place) => route.edges.filter((edge) => edge.to === place);
// A guard of a router or route is taken by nobody: the handler waits for it.
const edgesToDraw = () => {
  const last = route.nodes.findIndex((node) => node.role === 'handler');
  const alone = route.nodes.map((node, place) => place)
    .filter((place) => route.nodes[place].role === 'guard' && usersOf(place).length === 0);
  return [...route.edges, ...alone.map((from) => ({from, to: last, take: 'guard'}))];
};

// --- the list of routes

const matches = (one, words) => {
  const text = [one.title, one.handler, ...one.tags, ...one.nodes.map((node) => node.id)].join(' ').toLowerCase();
  return words.every((word) => text.includes(word));
};

const showRoutes = () => {
  const words = byId('search').value.toLowerCase().split(/\s+/).filter(Boolean);
  const groups = new Map();
  for (const one of graph.routes.filter((candidate) => matches(candidate, words))) {
    const name = one.tags[0] ?? 'routes';
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  const lists = [...groups].map(([name, routes]) => element('section', {},
    element('h2', {}, name),
    ...routes.map((one) => element('button', {class: 'route', 'data-title': one.title, 'aria-pressed': String(one === route),
                                              onclick: () => choose(one)},
      element('span', {class: `method ${one.method}`}, one.method), element('span', {class: 'path'}, ...breakable(one.path))))));
  byId('routes').replaceChildren(...(lists.length ? lists : [element('p', {}, 'Nothing fits.')]));
};

const choose = (one) => {
  route = one;
  selected = null;
  history.replaceState(null, '', '#' + encodeURIComponent(one.title));
  showRoutes();
  draw();
  showDetails();
};

// --- the drawing

const linesOf = (node) => {
  const about = listed.get(node.id);
  const facts = [];
  if (about.lane) facts.push(`lane ${about.lane}`);
  else if (node.hop) facts.push(`hop ${node.hop}`);
  if (about.capacity) facts.push(`at most ${about.capacity}`);
  if (node.users > 1) facts.push(`shared by ${node.users}`);
  if (about.replaces) facts.push('override');
  const found = countsOf(node);
  const numbers = !found ? [] : found.total === 0 ? ['not yet run'] : [`${duration(found.p50_ns)} · ${duration(found.p99_ns)}`];
  const live = found?.live ? `  ● ${count(found.live)}` : '';
  return [short(about.name) + live, ...(facts.length ? [facts.join(' · ')] : []), ...numbers];
};

const measure = document.createElement('canvas').getContext('2d');
const sizeOf = (node) => {
  measure.font = `12px ${color('sans')}`;
  // Room for the numbers, so that nothing moves when they come.
  const lines = [short(listed.get(node.id).name) + (hasStatistics ? '  ● 88' : ''), ...linesOf(node).slice(1, 2),
                 ...(hasStatistics ? ['88.8 ms · 88.8 ms'] : [])];
  const corner = {value: 22, last_use: 34, handler: 52, request: 30, loop: 44, app: 58}[lifetimeOf(node)];
  const factCount = linesOf(node).length - (countsOf(node) ? 1 : 0);
  return {width: Math.ceil(Math.max(...lines.map((line) => measure.measureText(line).width))) + corner,
          height: 16 * (factCount + (hasStatistics ? 1 : 0)) + (lifetimeOf(node) === 'app' ? 30 : 18)};
};

const styleSheet = () => [
  {selector: 'node', style: {
    label: 'data(label)', 'text-wrap': 'wrap', 'text-valign': 'center', 'font-family': color('sans'), 'font-size': 12, 'line-height': 1.3,
    color: color('node-ink'), width: 'data(width)', height: 'data(height)', shape: 'data(shape)', 'border-width': 1.5,
    'overlay-opacity': 0}},
  ...Object.keys(kinds).map((kind) => ({selector: `node[kind = "${kind}"]`, style: {
    'background-color': color(colorOf(kind)), 'border-color': color(colorOf(kind) + '-line')}})),
  {selector: 'node[role = "handler"]', style: {'border-width': 3}},
  {selector: 'node[role = "guard"]', style: {'border-width': 4, 'border-style': 'double', 'border-color': color('guard')}},
  {selector: 'edge', style: {
    width: 1.5, 'curve-style': 'bezier', 'target-arrow-shape': 'triangle', 'arrow-scale': 0.9, 'line-color': color('edge'),
    'target-arrow-color': color('edge'), 'overlay-opacity': 0, label: 'data(label)', 'font-family': color('sans'), 'font-size': 10,
    color: color('quiet'), 'text-background-color': color('paper'), 'text-background-opacity': 1, 'text-background-padding': 2}},
  {selector: 'edge[take = "exclusive"]', style: {width: 4}},
  {selector: 'edge[take = "lazy"]', style: {'line-style': 'dashed', 'target-arrow-shape': 'triangle-tee'}},
  {selector: 'edge[take = "try"]', style: {'line-style': 'dashed'}},
  {selector: 'edge[take = "after"]', style: {'line-style': 'dotted', 'target-arrow-shape': 'vee'}},
  {selector: 'edge[take = "original"]', style: {'line-style': 'dotted'}},
  {selector: 'edge[take = "guard"]', style: {'line-color': color('guard'), 'target-arrow-color': color('guard')}},
  {selector: 'node.critical', style: {'underlay-color': color('critical'), 'underlay-padding': 6, 'underlay-opacity': 0.45,
                                      'underlay-shape': 'round-rectangle'}},
  {selector: 'edge.critical', style: {'line-color': color('critical'), 'target-arrow-color': color('critical'), width: 3}},
  {selector: '.faded', style: {opacity: 0.25, 'underlay-opacity': 0}},
  {selector: 'node:selected', style: {'outline-width': 2, 'outline-color': color('selected'), 'outline-offset': 3}},
];

const draw = () => {
  const nodes = route.nodes.map((node, place) => ({data: {
    id: String(place), label: linesOf(node).join('\n'), kind: listed.get(node.id).kind, role: node.role,
    shape: lifetimes[lifetimeOf(node)][2], ...sizeOf(node)}}));
  const edges = edgesToDraw().map((edge, i) => ({data: {
    id: `e${i}`, source: String(edge.from), target: String(edge.to), take: edge.take,
    label: edge.take === 'depends' || edge.take === 'guard' ? '' : takes[edge.take][0]}}));
  cy?.destroy();
  cy = cytoscape({container: byId('canvas'), elements: [...nodes, ...edges], style: styleSheet(), layout: {name: 'preset'},
                  minZoom: 0.2, maxZoom: 2.5, boxSelectionEnabled: false});
  arrange();
  cy.on('tap', 'node', (event) => select(Number(event.target.id())));
  cy.on('tap', (event) => { if (event.target === cy) select(null); });
  markCriticalPath();
};

/// From left to right or from top to bottom: as it can be larger.
const arrange = () => {
  const lay = (rankDir) => {
    cy.layout({name: 'dagre', rankDir, nodeSep: 36, rankSep: rankDir === 'LR' ? 56 : 44, padding: 30, fit: true}).run();
    return cy.zoom();
  };
  if (lay('TB') > lay('LR')) lay('TB');
  cy.edges().forEach(leadAround);
  fit();
};

/// Bends an edge that would lie beneath nodes, as little as leaves it beneath the fewest.
const leadAround = (edge) => {
  const from = edge.source().position(), to = edge.target().position();
  const along = {x: to.x - from.x, y: to.y - from.y};
  const length = Math.hypot(along.x, along.y);
  if (length === 0) return;
  const normal = {x: -along.y / length, y: along.x / length};
  const boxes = cy.nodes().difference(edge.connectedNodes()).map((node) => {
    const off = {x: node.position('x') - from.x, y: node.position('y') - from.y};
    return {...node.position(), width: node.width() / 2 + 4, height: node.height() / 2 + 4,
            at: (off.x * along.x + off.y * along.y) / length ** 2, aside: off.x * normal.x + off.y * normal.y,
            half: (Math.abs(normal.x) * node.width() + Math.abs(normal.y) * node.height()) / 2 + 12};
  });
  const steps = Array.from({length: 30}, (_, i) => (i + 0.5) / 30);
  // How much of a curve with its control point at `at`, `far` aside, lies beneath nodes.
  const hidden = ({at, far}) => steps.filter((t) => {
    const on = 2 * t * (1 - t) * at + t * t, off = 2 * t * (1 - t) * far;
    const x = from.x + along.x * on + normal.x * off, y = from.y + along.y * on + normal.y * off;
    return boxes.some((box) => Math.abs(box.x - x) < box.width && Math.abs(box.y - y) < box.height);
  }).length;
  const bends = boxes.filter(({at}) => at > 0.1 && at < 0.9).flatMap(({at, aside, half}) => [aside - half, aside + half]
    .map((past) => ({at, far: past / (2 * at * (1 - at))})));
  const straight = {at: 0.5, far: 0};
  const best = [straight, ...bends.filter(({far}) => Math.abs(far) < 1.5 * length)]
    .map((bend) => ({...bend, cost: hidden(bend)}))
    .reduce((a, b) => (b.cost < a.cost || (b.cost === a.cost && Math.abs(b.far) < Math.abs(a.far)) ? b : a));
  if (best.far !== 0)
    edge.style({'curve-style': 'unbundled-bezier', 'edge-distances': 'node-position', 'control-point-weights': best.at,
                'control-point-distances': best.far});
};

// Small graphs need not fill the screen.
const fit = () => {
  cy.resize();
  cy.fit(undefined, 30);
  if (cy.zoom() > 1.15) {
    cy.zoom(1.15);
    cy.center();
  }
};

const markCriticalPath = () => {
  const path = criticalPath();
  cy.batch(() => {
    cy.elements().removeClass('critical');
    path.forEach((place, i) => {
      cy.getElementById(String(place)).addClass('critical');
      if (i > 0) cy.getElementById(String(path[i - 1])).edgesTo(cy.getElementById(String(place))).addClass('critical');
    });
  });
};

const select = (place) => {
  selected = place;
  cy.batch(() => {
    cy.elements().unselect().removeClass('faded');
    if (place !== null) {
      const node = cy.getElementById(String(place));
      node.select();
      cy.elements().not(node.union(node.predecessors()).union(node.successors())).addClass('faded');
    }
  });
  showDetails();
};

// --- details

const facts = (pairs) => element('dl', {}, ...pairs.filter(([, value]) => value !== null && value !== undefined && value !== '')
  .flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, ...(Array.isArray(value) ? value : [value]))]));
const numbers = (pairs) => element('div', {class: 'numbers'},
  ...pairs.map(([name, value]) => element('div', {}, element('b', {}, value), element('span', {}, name))));
const section = (title, ...children) => [element('h3', {}, title), ...children];

const nodeButton = (place, how) => {
  const about = listed.get(route.nodes[place].id);
  return element('li', {}, element('button', {class: 'node', 'data-node': about.name, onclick: () => select(place)},
    element('span', {class: `dot ${about.kind}`}), short(about.name), how));
};
const how = (text) => element('span', {class: 'how'}, text);
const list = (items) => element('ul', {}, ...items);

// What changes every second is in two places of its own: what one is about to click on must not go away.
const placeOf = (id) => element('div', {id});

const showNumbers = () => {
  const node = selected === null ? null : route.nodes[selected];
  const found = node ? countsOf(node) : countsOfRoute();
  const pairs = found && [['p50', duration(found.p50_ns)], ['p99', duration(found.p99_ns)], [node ? 'live' : 'in flight', count(found.live)],
                          ['total', count(found.total)], ['failed', count(found.failed)],
                          ...(node ? [['cancelled', count(found.cancelled)]] : [])];
  const more = node && found ? [element('p', {}, found.critical ? `On the critical path of ${times(found.critical)}.` :
                                                                  'Never on a critical path.')] : [];
  byId('numbers').replaceChildren(...section('Statistics', pairs ? numbers(pairs) : element('p', {}, 'Nothing yet.'), ...more));
};

const showCritical = () => {
  const box = byId('critical');
  const path = selected === null ? criticalPath() : [];
  const key = path.join();
  if (box.dataset.path !== key) {
    box.dataset.path = key;
    const items = path.map((place) => nodeButton(place, element('meter', {class: 'share', min: 0, max: 1, value: 0})));
    box.replaceChildren(...(path.length ? section('Critical path', list(items), element('p')) : []));
  }
  if (!path.length) return;
  const spent = path.map((place) => countsOf(route.nodes[place])?.critical_ns ?? 0);
  const sum = spent.reduce((one, other) => one + other, 0) || 1;
  box.querySelectorAll('meter').forEach((meter, i) => {
    meter.value = spent[i] / sum;
    meter.title = `${Math.round(100 * spent[i] / sum)} % of the time`;
  });
  const all = countsOfRoute();
  box.querySelector('p').textContent = `Of ${count(all.critical_count)} of ${times(all.total)}.`;
};

const noteOf = (node) => {
  if (node.role !== 'provider') return node.role;
  return [lifetimeOf(node) === 'value' ? '' : lifetimes[node.lifetime][0], node.users > 1 ? `${node.users} users` : '']
    .filter(Boolean).join(', ');
};

const routeDetails = () => [
  element('h2', {}, element('span', {class: `method ${route.method}`}, route.method + ' '), route.path),
  element('p', {}, element('code', {}, route.handler)),
  element('p', {}, ...route.tags.flatMap((name) => [element('span', {class: 'tag'}, name), ' '])),
  facts([['Order', route.policy], ['Hops to workers', String(route.hops)], ['Memory', `${count(route.bytes)} bytes`]]),
  placeOf('numbers'), placeOf('critical'),
  ...section('Nodes', list(route.nodes.map((node, place) => nodeButton(place, how(noteOf(node))))))];

const nodeDetails = () => {
  const node = route.nodes[selected];
  const about = listed.get(node.id);
  const others = about.routes.map((i) => graph.routes[i]).filter((one) => one !== route);
  const [lifetime, meaning] = lifetimes[lifetimeOf(node)];
  const related = (title, edges, end) => edges.length === 0 ? [] :
    section(title, list(edges.map((edge) => nodeButton(edge[end], how(takes[edge.take][0])))));
  return [
    element('button', {class: 'back', onclick: () => select(null)}, `← ${route.title}`),
    element('h2', {}, short(about.name)),
    about.name === short(about.name) ? null : element('p', {}, element('code', {}, about.name)),
    facts([
      ['Role', node.role], ['Kind', `${kinds[about.kind][0]}: ${kinds[about.kind][1]}`], ['Lifetime', `${lifetime}: ${meaning}`],
      ['Runs in', about.lane ? `lane "${about.lane}", hop ${node.hop}` : node.hop ? `the work queue, hop ${node.hop}` : null],
      ['Capacity', about.capacity ? `at most ${about.capacity} at once` : null], ['Stands in for', about.replaces],
      ['Also takes', node.takes.length ? node.takes.map((one) => element('div', {}, element('code', {}, one))) : null]]),
    placeOf('numbers'), placeOf('critical'),
    ...related('Takes', needsOf(selected), 'from'), ...related('Taken by', usersOf(selected), 'to'),
    ...(others.length ? section('Also in', list(others.map((one) => element('li', {}, element('button', {class: 'node', onclick: () => choose(one)},
      element('span', {class: `method ${one.method}`}, one.method), one.path))))) : [])];
};

const showStatistics = () => {
  if (!hasStatistics) return;
  showNumbers();
  showCritical();
};

const showDetails = () => {
  byId('details').replaceChildren(...(selected === null ? routeDetails() : nodeDetails()).filter((one) => one !== null));
  showStatistics();
};

// --- the legend

const shapes = {
  'round-rectangle': 'M3 0H27Q30 0 30 3V13Q30 16 27 16H3Q0 16 0 13V3Q0 0 3 0Z',
  'cut-rectangle': 'M4 0H26L30 4V12L26 16H4L0 12V4Z',
  hexagon: 'M7 0H23L30 8L23 16H7L0 8Z',
  barrel: 'M2 1Q15 -2 28 1Q31 8 28 15Q15 18 2 15Q-1 8 2 1Z',
  octagon: 'M8 0H22L30 5V11L22 16H8L0 11V5Z',
  ellipse: 'M0 8A15 8 0 1 0 30 8A15 8 0 1 0 0 8Z',
};

const drawing = (path, style) => {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const line = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  svg.setAttribute('viewBox', '0 0 30 16');
  svg.setAttribute('aria-hidden', 'true');
  line.setAttribute('d', path);
  Object.assign(line.style, {fill: 'none', stroke: 'var(--edge)', strokeWidth: '1.5px', ...style});
  svg.append(line);
  return svg;
};

const titled = (name, text) => element('span', {title: text}, name);

const showLegend = () => {
  const group = (title, items) => element('div', {}, element('h3', {}, title), element('ul', {},
    ...items.map(([picture, text]) => element('li', {}, picture, text))));
  const square = shapes['round-rectangle'];
  const line = 'M0 8H30';
  const styles = {exclusive: {strokeWidth: '4px'}, lazy: {strokeDasharray: '5 4'}, try: {strokeDasharray: '5 4'},
                  after: {strokeDasharray: '1.5 3'}, original: {strokeDasharray: '1.5 3'}, guard: {stroke: 'var(--guard)'}};
  const marks = [[drawing(square, {strokeWidth: '3px'}), 'handler'],
                 [drawing(square, {stroke: 'var(--guard)', strokeWidth: '3px'}), 'guard']];
  if (hasStatistics) marks.push([drawing(square, {stroke: 'var(--critical)', strokeWidth: '6px', opacity: '0.5'}), 'critical path']);
  byId('legend-body').replaceChildren(
    group('Colour: how it runs', Object.entries(kinds).map(([kind, [name, text]]) => [
      drawing(square, {fill: `var(--${colorOf(kind)})`, stroke: `var(--${colorOf(kind)}-line)`}), titled(name, text)])),
    group('Shape: how long it lives', Object.values(lifetimes).map(([name, text, shape]) => [drawing(shapes[shape], {}), titled(name, text)])),
    group('Line: how it is taken', Object.entries(takes).filter(([take]) => take !== 'guard').map(([take, [name, text]]) => [
      drawing(line, {stroke: 'var(--edge)', ...(styles[take] ?? {})}), titled(name, text)])),
    group('Border', marks),
    ...(hasStatistics ? [group('Numbers', [['● 2 alive', ''], ['p50 · p99', '']])] : []));
};

// --- beginning, and going on

const fetchJson = async (name) => {
  const answer = await fetch(`${here}/${name}`, {cache: 'no-store'});
  if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
  return answer.json();
};

const say = (text) => { byId('state').textContent = text; };

const poll = async () => {
  try {
    const data = await fetchJson('statistics');
    counts = new Map(data.routes.map((one) => [one.title, one]));
    say('live');
    if (cy) {
      cy.batch(() => route.nodes.forEach((node, place) => cy.getElementById(String(place)).data('label', linesOf(node).join('\n'))));
      markCriticalPath();
      showStatistics();
    }
  } catch (error) {
    say(`no statistics: ${error.message}`);
  }
  setTimeout(poll, pollEvery);
};

const begin = async () => {
  graph = await fetchJson('document');
  listed = new Map(graph.nodes.map((node) => [node.id, node]));
  showLegend();
  showRoutes();
  const wanted = decodeURIComponent(location.hash.slice(1));
  const first = graph.routes.find((one) => one.title === wanted) ?? graph.routes[0];
  if (first) choose(first);
  else byId('details').replaceChildren(element('p', {}, 'The App has no routes.'));
  if (hasStatistics) poll();
};

byId('search').addEventListener('input', showRoutes);
byId('fit').addEventListener('click', () => cy && arrange());
byId('legend').addEventListener('toggle', () => cy && fit());
addEventListener('resize', () => cy && fit());
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => cy?.style(styleSheet()));
addEventListener('hashchange', () => {
  const one = graph.routes.find((candidate) => candidate.title === decodeURIComponent(location.hash.slice(1)));
  if (one && one !== route) choose(one);
});
if (innerWidth < 900 || innerHeight < 600) byId('legend').open = false;
begin().catch((error) => say(error.message));
