// The shop and the fake Wix as programs of the check. They end with it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import readline from 'node:readline';

const children = new Set();
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));

/** Starts a program and gives it, its first line, and its log (standard error) so far. */
async function start(path, args) {
    const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    children.add(child);
    const program = { child, log: '' };
    child.stderr.on('data', (bytes) => (program.log += bytes));
    child.once('exit', () => children.delete(child));
    const lines = readline.createInterface(child.stdout);
    const [line] = await Promise.race([once(lines, 'line'), once(child, 'exit').then(() => [''])]);
    if (!line) throw new Error(`${path} did not start: ${program.log}`);
    program.line = line;
    return program;
}

export async function startFake(path, work) {
    const program = await start(path, ['--ca-file', `${work}/ca-${process.pid}.pem`]);
    const { url, caFile } = JSON.parse(program.line);
    return { ...program, url, caFile };
}

export async function startShop(path, fake, store, port, more = []) {
    const program = await start(path, ['--api-url', fake.url, '--ca-file', fake.caFile, '--store', store, '--port',
        String(port), ...more]);
    program.url = program.line.match(/http:\/\/\S+/)[0];
    return program;
}

/** SIGTERM, and the exit code. */
export async function stop(program) {
    const ended = once(program.child, 'exit');
    program.child.kill('SIGTERM');
    const [code] = await ended;
    return code;
}
