import vm from 'node:vm';

export type Limited<Result> = { readonly kind: 'done'; readonly result: Result } | { readonly kind: 'timeout' };

// V8 can only interrupt what runs in a script; this one calls back.
const context = vm.createContext({ task: null });
const script = new vm.Script('task()');

/** Runs synchronous work and stops it, wherever it is, when it takes too long: also inside a regular expression. */
export function runLimited<Result>(task: () => Result, timeoutMs: number): Limited<Result> {
  context['task'] = task;
  try {
    return { kind: 'done', result: script.runInContext(context, { timeout: timeoutMs }) as Result };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return { kind: 'timeout' };
    throw error;
  } finally {
    context['task'] = null;
  }
}
