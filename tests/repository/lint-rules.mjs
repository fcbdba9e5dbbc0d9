// The two lint rules of our own, as an oxlint plugin: what `no-restricted-globals` and `no-restricted-properties` cannot
// say. Plain JavaScript, because oxlint may run on a Node that does not strip types.

/** True when `identifier` is not declared anywhere in the file, so that it means the global of that name. */
function isGlobal(context, identifier) {
  for (let scope = context.sourceCode.getScope(identifier); scope; scope = scope.upper) {
    const variable = scope.set.get(identifier.name);
    if (variable) return variable.defs.length === 0;
  }
  return true;
}

const isNamed = (node, name) => node?.type === 'Identifier' && node.name === name;

/** `new Date()` and `Date()` read the machine's clock; `new Date(ms)` only converts, and stays allowed. */
const noAmbientDate = {
  create(context) {
    const report = node =>
      context.report({ node, message: 'This reads the system clock: take a Clock from @signpost/runtime.' });
    const isDate = node => isNamed(node.callee, 'Date') && isGlobal(context, node.callee);
    return {
      NewExpression: node => {
        if (isDate(node) && node.arguments.length === 0) report(node);
      },
      CallExpression: node => {
        if (isDate(node)) report(node);
      },
    };
  },
};

const TIMER_MODULES = new Set(['node:timers/promises', 'timers/promises']);

/**
 * A test waits for a condition, not for time to pass. Refused: the promise made of a bare timer
 * (`new Promise(done => setTimeout(done, ms))`, in any block shape) and everything from `node:timers/promises`.
 * A receiver that answers late (`setTimeout(() => res.end(), ms)`) is no sleep, and stays allowed.
 */
const noTestSleep = {
  create(context) {
    const message = 'A test does not sleep: wait for the condition, or move an injected clock.';
    return {
      ImportDeclaration: node => {
        if (TIMER_MODULES.has(node.source.value)) context.report({ node, message });
      },
      NewExpression: node => {
        const executor = isNamed(node.callee, 'Promise') ? node.arguments[0] : undefined;
        const resolve = executor?.params?.[0];
        if (resolve?.type !== 'Identifier') return;
        const statements = executor.body.type === 'BlockStatement' ? executor.body.body : [executor.body];
        if (statements.some(statement => isTimerFor(resolve.name, statement.expression ?? statement))) {
          context.report({ node, message });
        }
      },
    };
  },
};

/** Whether `call` is `setTimeout(resolve, …)` or `setTimeout(() => resolve(…), …)`. */
function isTimerFor(resolve, call) {
  if (call.type !== 'CallExpression' || !isNamed(call.callee, 'setTimeout')) return false;
  const callback = call.arguments[0];
  if (isNamed(callback, resolve)) return true;
  const body = callback?.body?.type === 'BlockStatement' ? callback.body.body[0] : callback?.body;
  const called = body?.expression ?? body;
  return called?.type === 'CallExpression' && isNamed(called.callee, resolve);
}

export default {
  meta: { name: 'signpost' },
  rules: { 'no-ambient-date': noAmbientDate, 'no-test-sleep': noTestSleep },
};
