// Prints `passed failed skipped` from vitest's JSON report. A file that did not load counts as one failure.
import { readFileSync } from 'node:fs'

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const unloaded = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0)
const skipped = report.numPendingTests + report.numTodoTests
console.log(report.numPassedTests, report.numFailedTests + unloaded.length, skipped)
