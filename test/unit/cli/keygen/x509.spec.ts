import { describe, expect, it } from 'vitest';
import { loadX509 } from '../../../../lib/cli/keygen/x509.js';

describe('loadX509', () => {
  it('names the package that has to be installed', async () => {
    const missing = Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
    await expect(loadX509(() => Promise.reject(missing))).rejects.toThrow(
      'keygen tls-dev needs the package "@peculiar/x509": npm install --save-dev @peculiar/x509',
    );
  });

  it('does not hide what else goes wrong', async () => {
    await expect(loadX509(() => Promise.reject(new TypeError('broken')))).rejects.toThrow('broken');
  });
});
