import { createHash } from 'node:crypto';

const BLOB = 'hello';

/** Commands to try against the gateway at `url`; each works as it stands once the weather has been replayed. */
export function formatExamples(url: string): string {
  const sha256 = createHash('sha256').update(BLOB).digest('hex');
  return `
Try in another terminal, Ctrl+C here ends it:

  curl ${url}/devices/seattle/stats
  curl -N ${url}/devices/seattle/watch
  curl ${url}/readings -H 'content-type: application/json' -d '{"deviceId":"seattle","metric":"temperature","value":21.5}'
  printf ${BLOB} | curl -X PUT --data-binary @- ${url}/blobs
  curl ${url}/blobs/${sha256}
  curl ${url}/health
`;
}
