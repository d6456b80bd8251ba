/**
 * The data of Server-Sent Events, one after the other, as JSON. Ends with the response, throws on an event of the type
 * `error`, and aborts after `timeoutMs`.
 */
export async function* serverSentEvents(url: string, timeoutMs = 10_000): AsyncGenerator<unknown> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  if (response.status !== 200 || response.body === null) throw new Error(`${response.status} ${await response.text()}`);
  let text = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      if (/^event: error$/m.test(event)) throw new Error(`error event: ${event}`);
      const data = /^data: (.*)$/m.exec(event)?.[1];
      if (data !== undefined) yield JSON.parse(data);
    }
  }
}
