import type { Attack, AttackGround } from '../attack.js';
import { greeting, jsonText } from '../raw-bytes.js';
import { crowd } from './keep-at-it.js';

const WAIT_MS = 200;
const ANSWER = 'downgraded';

/** A frame of ZMTP 1.0: length with flags, flags, body. */
function frameV1(body: string): Buffer {
  return Buffer.concat([Buffer.of(body.length + 1, 0), Buffer.from(body)]);
}

/** What a peer says first that should be shown the door. */
function greetings(request: string): readonly Buffer[] {
  const badEnd = greeting();
  badEnd[9] = 0;
  return [
    // ZMTP 1.0: no greeting, an anonymous identity, and a message.
    Buffer.concat([Buffer.of(1, 0), frameV1(request)]),
    // ZMTP 2.0: signature, revision 1, socket type DEALER, an anonymous identity, and a message.
    Buffer.concat([greeting().subarray(0, 10), Buffer.of(1, 5, 0, 0, 0, request.length), Buffer.from(request)]),
    badEnd,
    greeting({ mechanism: 'CURVE' }),
    greeting({ mechanism: 'null' }),
    Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
  ];
}

async function greet(ground: AttackGround, index: number, first: Buffer): Promise<void> {
  while (!ground.signal.aborted) {
    const peer = await ground.connect({ source: index });
    let seen = '';
    let counted = false;
    peer?.read(bytes => {
      seen = (seen + bytes.toString('latin1')).slice(-2_000);
      if (!counted && seen.includes(ANSWER)) {
        counted = true;
        ground.progress();
        ground.breach('a peer of ZMTP 1 or 2 was answered');
      }
    });
    await peer?.write(first);
    await ground.pause(WAIT_MS);
    peer?.close();
  }
}

export const badGreetings: Attack = {
  id: 'A12',
  title: 'ZMTP 1 and 2, malformed greetings and mechanisms nobody asked for',
  exhausts: 'what only ZMTP 3 bounds',
  async run(ground) {
    const firsts = greetings(jsonText({ id: '1', pattern: ground.patterns.echo, data: ANSWER }));
    await crowd(firsts.length * 4, index => greet(ground, index, firsts[index % firsts.length] as Buffer));
  },
};
