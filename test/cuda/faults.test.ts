/** What goes wrong on a GPU arrives as an error of a type, says what and where, and ends neither the process nor what the caller holds. */
import { expect, test } from 'vitest'
import { root, runProgram } from '../run-process.js'
import { describeCuda } from './describe-cuda.js'

/** Defines a parameter of 4 MiB, adds it to itself twice, and prints what happened to each attempt. */
const program = `
import { native } from '${root}/dist/native.js'
import { openSession } from '${root}/dist/session.js'

const session = openSession({ device: 'cuda', threads: 1, instructionSet: '' })
const shape = [1024, 1024]
async function attempt(work) {
  try {
    await work()
    return 'ok'
  } catch (error) {
    return { code: error.code, where: error.where, message: error.message }
  }
}
const results = [await attempt(() => session.defineParameter('x', shape, 'f32'))]
if (results[0] === 'ok') {
  const graph = new (native().Graph)('f32')
  const x = graph.parameter('x', shape)
  const [sum] = graph.node('add', 'model.sum', [x.id, x.id], {})
  graph.output('y', graph.node('add', 'model.again', [sum.id, x.id], {})[0].id)
  const program = session.compile(graph, {})
  for (let i = 0; i < 2; i++) results.push(await attempt(() => session.run(program, { sizes: {}, inputs: {} }, { fetch: ['y'] })))
}
results.push(await attempt(() => session.readParameter('x')))
session.dispose()
console.log(JSON.stringify(results))
`

async function run(settings: string, graphs?: string): Promise<unknown[]> {
  const variables = { ATTUNE_CUDA_EMULATOR: settings, ...(graphs !== undefined && { ATTUNE_CUDA_GRAPHS: graphs }) }
  const { code, stdout, stderr } = await runProgram(program, variables)
  expect(code, stderr).toBe(0)
  return JSON.parse(stdout) as unknown[]
}

const failed = (message: RegExp) => ({ code: 'device-failed', message: expect.stringMatching(message) as string })

describeCuda(() => {
  test('all is well where nothing fails', async () => {
    expect(await run('')).toEqual(['ok', 'ok', 'ok', 'ok'])
  })

  test('a second run is launched as one CUDA graph, or kernel by kernel where ATTUNE_CUDA_GRAPHS is off', async () => {
    const settings = 'eager=1,fail-launch=3'
    for (const graphs of ['', 'on'])
      expect((await run(settings, graphs))[2]).toMatchObject(failed(/launch a recorded run/))
    expect((await run(settings, 'off'))[2]).toMatchObject(failed(/launch the kernel add_f32/))
    expect(await run('', 'off')).toEqual(['ok', 'ok', 'ok', 'ok'])
  })

  test('memory that cannot be had is named with what is left, and what is there stays', async () => {
    const [defined, first, second, read] = await run('memory=10M')
    expect(defined).toBe('ok')
    for (const result of [first, second]) {
      expect(result).toMatchObject({
        code: 'out-of-memory',
        where: 'activations',
        message: expect.stringMatching(
          /^Could not get 8 MiB for activations: the GPU .* has 6 MiB of 10 MiB left/,
        ) as string,
      })
    }
    expect(read).toBe('ok')
  })

  test('a parameter that does not fit is named', async () => {
    expect((await run('memory=2M'))[0]).toMatchObject({ code: 'out-of-memory', where: 'x' })
  })

  test('an error of a kernel comes with the next thing that waits, and the GPU stays lost', async () => {
    const [, first, second, read] = await run('fail-launch=2')
    expect(first).toMatchObject(
      failed(/^CUDA could not finish its work: .*CUDA_ERROR_LAUNCH_FAILED, 719.*load the model again/),
    )
    expect(second).toMatchObject(failed(/719/))
    expect(read).toMatchObject(failed(/719/))
  })

  test('other errors keep their names', async () => {
    expect((await run('fail-launch=1,fail-launch-code=700'))[1]).toMatchObject(
      failed(/CUDA_ERROR_ILLEGAL_ADDRESS, 700/),
    )
  })
})
