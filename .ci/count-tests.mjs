// Prints `<passed> <failed>` for a report of vitest's json reporter and the exit status of its run.
import { readFileSync } from 'node:fs';

const [, , report, exitStatus] = process.argv;
const results = JSON.parse(readFileSync(report, 'utf8'));
const leftOut = results.numPendingTests + results.numTodoTests;
// A file that cannot be loaded reports no test of its own.
const unloadable = results.testResults.filter(file => file.status === 'failed' && file.assertionResults.length === 0);

for (const file of results.testResults) {
  for (const test of file.assertionResults) {
    if (test.status !== 'passed' && test.status !== 'failed') console.error(`Left out: ${test.fullName}`);
  }
}
for (const file of unloadable) console.error(`Not loaded: ${file.name}`);

let failed = results.numFailedTests + leftOut + unloadable.length;
// Errors outside of any test, such as an unhandled rejection, only show in the exit status.
if (failed === 0 && (exitStatus !== '0' || results.numTotalTests === 0)) failed = 1;
console.log(`${results.numPassedTests} ${failed}`);
