// What vitest's JSON report says. `node count-tests.mjs REPORT` prints `passed failed skipped`; with `--failures` after it, each failed test and
// the first lines of why. A file that did not load counts as one failure.
import { readFileSync } from 'node:fs'

const LINES_OF_A_MESSAGE = 12

const [path, option] = process.argv.slice(2)
const report = JSON.parse(readFileSync(path, 'utf8'))
const unloaded = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0)

if (option === '--failures') {
  const say = (name, message) =>
    console.log(`FAILED ${name}\n  ${message.split('\n').slice(0, LINES_OF_A_MESSAGE).join('\n  ')}`)
  for (const file of unloaded) say(file.name, file.message)
  for (const file of report.testResults)
    for (const test of file.assertionResults)
      if (test.status === 'failed') say(`${file.name} > ${test.fullName}`, test.failureMessages.join('\n'))
} else {
  console.log(
    report.numPassedTests,
    report.numFailedTests + unloaded.length,
    report.numPendingTests + report.numTodoTests,
  )
}
