// The two questions that starting a server needs, asked with Redis' inline commands: a client library would bring
// reconnection and queueing, which are in the way here.
import { connect } from 'node:net';

const ANSWER_TIMEOUT_MS = 1000;

function ask(port: number, command: string, isComplete: (answer: string) => boolean): Promise<string | undefined> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    const finish = (result: string | undefined): void => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => finish(undefined));
    socket.once('error', () => finish(undefined));
    socket.once('close', () => finish(undefined));
    socket.once('connect', () => socket.write(`${command}\r\n`));
    socket.on('data', chunk => {
      answer += String(chunk);
      if (isComplete(answer)) finish(answer);
    });
  });
}

/** True when the server on this port of 127.0.0.1 has loaded its data and takes commands. */
export async function redisAnswers(port: number): Promise<boolean> {
  return (await ask(port, 'PING', answer => answer.endsWith('\r\n')))?.startsWith('+PONG') === true;
}

/** The folder the server on this port works in; undefined if nobody answers. */
export async function redisFolder(port: number): Promise<string | undefined> {
  // *2 $3 dir $n <folder>: five lines.
  const answer = await ask(port, 'CONFIG GET dir', text => text.split('\r\n').length >= 6 || text.startsWith('-'));
  return answer?.split('\r\n')[4];
}
