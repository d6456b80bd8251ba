import { ZmqException } from 'nestjs-zeromq';

/** What is said about options that are not taken. */
export function optionRefusal(resolve: () => unknown): string {
  try {
    resolve();
  } catch (error) {
    if (error instanceof ZmqException && error.code === 'INVALID_OPTIONS') return error.message;
    throw error;
  }
  throw new Error('The options are taken.');
}

/** The names that a refusal of an unknown option lists. */
export function knownOptions(resolveUnknown: () => unknown): string[] {
  const [, names = ''] = optionRefusal(resolveUnknown).split('Known options: ');
  return names.replace(/\.$/, '').split(', ');
}
